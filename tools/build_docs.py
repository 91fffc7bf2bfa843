"""Build the pages that follow from the packs: `docs/rules/<pack>.md` and `.svg`, `docs/coverage.md`
and `docs/retention.md`.

    python tools/build_docs.py

`tests/unit/test_docs.py` fails when a checked-in page is not current.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import time, timedelta
from pathlib import Path

from izin.aws.messages import KEEP
from izin.domain.message import Channel, Purpose
from izin.domain.pack import (
    Pack,
    Source,
    WindowRule,
    citation,
    describe,
    heads,
    load,
    sources,
    span,
    statement,
)
from izin.domain.pack.model import Retention, Setting
from izin.domain.rights import EARLY

ROOT = Path(__file__).parent.parent
RULES = ROOT / "docs" / "rules"
COVERAGE = ROOT / "docs" / "coverage.md"
RETENTION = ROOT / "docs" / "retention.md"
ROWS = ROOT / "tests" / "unit" / "rows.toml"

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HALVES = [time(half // 2, 30 * (half % 2)) for half in range(48)]


def main() -> None:
    """Write every page."""
    RULES.mkdir(parents=True, exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


def pages() -> dict[Path, str]:
    """Every page by its path."""
    found = {COVERAGE: coverage(), RETENTION: retention()}
    for pack_id in heads():
        found[RULES / f"{pack_id}.md"] = page(load(pack_id))
        found[RULES / f"{pack_id}.svg"] = picture(load(pack_id))
    return found


def page(pack: Pack) -> str:
    """A pack for people to read."""
    lines = [
        f"# {pack.title}",
        "",
        f"Pack `{pack.id}`, version {pack.version}: `packs/{pack.id}.toml`. Made by `tools/build_docs.py`.",
        *([f"Judges numbers of {', '.join(pack.countries)}."] if pack.countries else []),
        *([f"Joins {', '.join(pack.joins)}, whose rules are among these."] if pack.joins else []),
        "",
        f"![The week, per purpose]({pack.id}.svg)",
        "",
        "The picture shows SMS in local time, without holidays; the paler, the fewer subdivisions are open.",
    ]
    for title, rules in pack.by_kind().items():
        if rules:
            lines += ["", f"## {title}", "", "| rule | asks | severity | rests on |", "|---|---|---|---|"]
        for rule in rules:
            rests = "; ".join(f"{row}: {citation(row)}" for row in rule.sources)
            note = f" {rule.note}" if rule.note else ""
            asks = f"{statement(rule)}.{note}"
            lines.append(f"| `{rule.rule}` | {_cell(asks)} | {rule.severity} | {_cell(rests)} |")
    settings = describe(pack).partition("\nSettings\n")[2]
    lines += ["", "## Settings, replies and texts", "", "```text", settings.rstrip(), "```"]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


CELL, LEFT, TOP, ROW = 8, 44, 18, 9


def picture(pack: Pack) -> str:
    """The week as a heat strip per purpose: how many subdivisions are open in each half hour."""
    height = TOP + len(Purpose) * (7 * ROW + 26)
    width = LEFT + 48 * CELL + 10
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="9" role="img" aria-label="Hours of {pack.title}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    top = TOP
    for purpose in Purpose:
        out.append(f'<text x="2" y="{top}" font-weight="bold">{purpose}</text>')
        out += [f'<text x="{LEFT + h * 2 * CELL}" y="{top}">{h}</text>' for h in range(0, 25, 3)]
        for day, share in enumerate(shares(pack, purpose)):
            y = top + 4 + day * ROW
            out.append(f'<text x="2" y="{y + 8}">{DAYS[day]}</text>')
            out += list(_runs(share, y))
        top += 7 * ROW + 26
    return "\n".join([*out, "</svg>"]) + "\n"


def _runs(share: Sequence[float], y: int) -> Iterable[str]:
    """One rectangle for each run of half hours of the same heat."""
    start = 0
    for half in range(1, 49):
        if half == 48 or share[half] != share[start]:
            red, green, blue = (round(238 - depth * share[start]) for depth in (200, 100, 160))
            x, width = LEFT + start * CELL, (half - start) * CELL
            fill = f"rgb({red},{green},{blue})"
            yield f'<rect x="{x}" y="{y}" width="{width}" height="{ROW - 1}" fill="{fill}"/>'
            start = half


def shares(pack: Pack, purpose: Purpose) -> list[list[float]]:
    """For each weekday and half hour, the share of subdivisions in which a text may begin to go."""
    rules = pack.rules(Channel.SMS, purpose)
    if rules.denials:
        return [[0.0] * 48 for _ in DAYS]
    named = sorted({part for rule in rules.windows for part in rule.subdivisions})
    places = [[rule for rule in rules.windows if rule.applies([place])] for place in (*named, "elsewhere")]
    return [
        [sum(all(_open(rule, day, at) for rule in place) for place in places) / len(places) for at in HALVES]
        for day in range(7)
    ]


def _open(rule: WindowRule, day: int, at: time) -> bool:
    return any(opens <= at and (at < closes or closes == time(0)) for opens, closes in rule.hours[day])


def coverage() -> str:
    """Every row, what implements it and what proves that."""
    values, cases = defaultdict(list), _cases()
    for pack_id in heads():
        for value in load(pack_id).values():
            for row in value.sources:
                if value.rule not in values[row]:
                    values[row].append(value.rule)
    lines = [
        "# Coverage",
        "",
        "Every row of `packs/sources.toml`: what it asks, what implements it (values of the packs, or code),",
        "and the test that proves it. `planned` names the area that will take it or the rest of it;",
        "`information` asks nothing of the gate. Made by `tools/build_docs.py`.",
        "",
        "| row | asks | source | implemented by | proved by |",
        "|---|---|---|---|---|",
    ]
    for row, source in sources().items():
        by, proof = _implemented(source, values[row], cases.get(row, 0))
        lines.append(f"| {row} | {source.says} | {source.cite} | {by} | {proof} |")
    return "\n".join(lines) + "\n"


def _implemented(source: Source, rules: Sequence[str], cases: int) -> tuple[str, str]:
    by = [f"`{rule}`" for rule in rules] + ([f"`{source.code}`"] if source.code else [])
    proof = [f"`tests/unit/test_rows.py` ({cases})"] if cases else []
    proof += [f"`{source.test}`"] if source.test else []
    if source.planned:
        return ", ".join([*by, f"planned: {source.planned}"]), ", ".join(proof)
    if source.information:
        return ", ".join(by) or "information", ", ".join(proof) or source.information
    return ", ".join(by), ", ".join(proof)


def retention() -> str:
    """How long what is kept, by pack."""
    rows = []
    for pack in map(load, heads()):
        settings = (pack.retention, pack.anonymise_after, pack.access_deadline, pack.erasure_deadline)
        rows.append(f"| `{pack.id}` | " + " | ".join(_period(setting) for setting in settings) + " |")
    text = Path(__file__).with_name("retention.template.md").read_text("utf-8")
    return text.format(rows="\n".join(rows), messages=span(KEEP), applied=span(EARLY))


def _period(setting: Retention | Setting[timedelta] | None) -> str:
    if setting is None:
        return "as long as the proof"
    length = setting.keep if isinstance(setting, Retention) else setting.value
    return f"{span(length)} (`{setting.rule}`, {setting.severity}: {', '.join(setting.sources)})"


def _cases() -> dict[str, int]:
    """How many cases of `rows.toml` prove each row."""
    counted: dict[str, int] = defaultdict(int)
    for kind in tomllib.loads(ROWS.read_text("utf-8")).values():
        for case in kind:
            for row in case["rows"]:
                counted[row] += 1
    return counted


if __name__ == "__main__":
    main()
