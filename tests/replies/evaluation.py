"""How well are replies understood? `python -m tests.replies.evaluation` writes it into `docs/replies.md`.

Four sets were written by people who never saw the matcher, and nothing is tuned to them; they are read
here and nowhere else: `held_out.tsv`, which came first; `inbox.tsv`, what a brand gets in a usual week;
`varied.tsv`, in which every reply is another person's;
`rare.tsv`, in which no two replies are made alike and most of those that are no opt-out look like one.
`tuning.tsv`, by blind authors too, is what the words were chosen with. `made.tsv` holds examples by those
who chose the words: they stay understood, and measure nothing. How a reply is labelled: `docs/replies.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from izin.domain.keywords import Reply

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs" / "replies.md"
UNSEEN = {name: FOLDER / f"{name.replace(' ', '_')}.tsv" for name in ("held out", "inbox", "varied", "rare")}
SETS = {**UNSEEN, "tuning": FOLDER / "tuning.tsv"}
MADE = FOLDER / "made.tsv"
BEGIN, END = "<!-- figures: python -m tests.replies.evaluation -->", "<!-- end of figures -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled reply. `to` is the country that it was written in."""

    text: str
    to: str
    intent: str
    scope: str
    language: str


@dataclass(frozen=True, slots=True)
class Figures:
    """How some rows were read."""

    rows: int
    opt_outs: int
    found: int
    """Opt-outs that were read as such."""
    scoped: int
    """Of those, the ones whose scope is right."""
    rested: int
    """Opt-outs that were read as such or as unclear: after each, marketing rests."""
    false: int
    """Rows that are no opt-out and were read as one."""
    hesitant: int
    """Of those, the ones that may be an opt-out: they are labelled unclear."""
    unclear: int
    """Rows of any kind that were left for a person to decide."""

    @property
    def recall(self) -> float:
        return self.found / self.opt_outs

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false)

    @property
    def false_alarms(self) -> float:
        return self.false / (self.rows - self.opt_outs)


def rows(path: Path) -> Iterator[Row]:
    """The labelled replies of a set; `\\n` in them stands for a new line."""
    for line in path.read_text("utf-8").split("\n")[1:]:
        if line:
            text, to, intent, scope, language, _note = line.split("\t")
            yield Row(text.replace("\\n", "\n"), to, intent, scope, language)


@cache
def _read(text: str, to: str) -> Reply:
    """A reply as the product reads it, once for all the tables that it is counted in."""
    from izin.domain.keywords import read

    return read(text, to)


def reading(row: Row) -> str:
    """The intent that the product reads in a reply."""
    return _read(row.text, row.to).intent.value


def figures(labelled: Iterable[Row]) -> Figures:
    """How `labelled` rows are read by the product."""
    read_as = [(row, _read(row.text, row.to)) for row in labelled]
    opt_outs = [(row, reply) for row, reply in read_as if row.intent == "opt_out"]
    found = [(row, reply) for row, reply in opt_outs if reply.intent == "opt_out"]
    return Figures(
        rows=len(read_as),
        opt_outs=len(opt_outs),
        found=len(found),
        scoped=sum(row.scope == reply.scope for row, reply in found),
        rested=sum(reply.intent in ("opt_out", "unclear") for _, reply in opt_outs),
        hesitant=sum(row.intent == "unclear" and reply.intent == "opt_out" for row, reply in read_as),
        false=sum(row.intent != "opt_out" == reply.intent for row, reply in read_as),
        unclear=sum(reply.intent == "unclear" for _, reply in read_as),
    )


def whole() -> list[Row]:
    """Every row of all sets once; where several have the same reply, the unseen one."""
    found: dict[tuple[str, str], Row] = {}
    for path in SETS.values():
        for row in rows(path):
            found.setdefault((row.text, row.to), row)
    return list(found.values())


def unseen() -> list[Row]:
    """Every row that nothing was tuned to."""
    return [row for path in UNSEEN.values() for row in rows(path)]


def table() -> str:
    """The figures of the whole, of each set, and by language, as Markdown."""
    tuning = list(rows(SETS["tuning"]))
    lines = [
        "| set | language | replies | opt-outs | recall | at rest | precision | false alarms | unclear "
        "| scope |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        _line("every one", "all", figures(whole())),
        *(_line(name, "all", figures(rows(path))) for name, path in SETS.items()),
    ]
    for name, labelled in (("unseen", unseen()), ("tuning", tuning)):
        for language in sorted({row.language for row in labelled}):
            lines.append(_line(name, language, figures(row for row in labelled if row.language == language)))
    return "\n".join(lines)


def _line(name: str, language: str, found: Figures) -> str:
    cells = (
        name,
        language,
        found.rows,
        found.opt_outs,
        f"{found.recall:.1%}",
        f"{found.rested / found.opt_outs:.1%}",
        f"{found.precision:.1%}",
        f"{found.false_alarms:.1%} ({found.false}, {found.hesitant} unclear)",
        f"{found.unclear / found.rows:.1%}",
        f"{found.scoped / found.found:.1%}",
    )
    return f"| {' | '.join(map(str, cells))} |"


def page() -> str:
    """`docs/replies.md` with the figures of today."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    sys.path.insert(0, str(FOLDER.parents[1] / "layers/core/python"))
    PAGE.write_text(page(), encoding="utf-8")
    print(table())
