"""What do people opt out because of? Rates by what they followed, as values and as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

DIMENSIONS = ("sender", "template", "campaign", "country")
UNKNOWN = "(none)"


@dataclass(frozen=True, slots=True)
class Rate:
    """How many opted out after how many messages. `share` is None where no message was sent."""

    by: str
    value: str
    sent: int
    opted_out: int

    @property
    def share(self) -> float | None:
        """Opt-outs per message."""
        return self.opted_out / self.sent if self.sent else None


def rates(counted: Iterable[Mapping[str, Any]]) -> list[Rate]:
    """The rows of the query `opt-out-rates`, summed by each dimension; the most opt-outs first."""
    sums: dict[tuple[str, str], list[int]] = {}
    for row in counted:
        for by in DIMENSIONS:
            found = sums.setdefault((by, row[by] or UNKNOWN), [0, 0])
            found[0] += int(row["sent"])
            found[1] += int(row["opted_out"])
    made = [Rate(by, value, sent, opted_out) for (by, value), (sent, opted_out) in sums.items()]
    return sorted(made, key=lambda rate: (DIMENSIONS.index(rate.by), -rate.opted_out, rate.value))


def reasons(counted: Iterable[Mapping[str, Any]]) -> list[Rate]:
    """The rows of the query `opt-out-reasons` as shares of all opt-outs."""
    sums: dict[str, int] = {}
    for row in counted:
        sums[row["reason"]] = sums.get(row["reason"], 0) + int(row["opted_out"])
    whole = sum(sums.values())
    found = [Rate("reason", reason, whole, count) for reason, count in sums.items()]
    return sorted(found, key=lambda rate: (-rate.opted_out, rate.value))


_LABEL, _BAR, _ROW, _SHOWN = 150, 260, 16, 12


def picture(found: Sequence[Rate]) -> str:
    """A bar for each rate, by dimension: its length is the share within the dimension's longest."""
    groups = {by: [rate for rate in found if rate.by == by][:_SHOWN] for by in (*DIMENSIONS, "reason")}
    groups = {by: group for by, group in groups.items() if group}
    height = sum(len(group) * _ROW + 30 for group in groups.values()) + 10
    width = _LABEL + _BAR + 150
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="10" role="img" aria-label="Opt-out rates">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    top = 18
    for by, group in groups.items():
        title = "reasons, of all opt-outs" if by == "reason" else f"opt-outs by {by}, of messages sent"
        out.append(f'<text x="4" y="{top}" font-weight="bold">{title}</text>')
        longest = max((rate.share or 0 for rate in group), default=0) or 1
        for place, rate in enumerate(group):
            out += _bar(rate, top + 6 + place * _ROW, longest)
        top += len(group) * _ROW + 30
    return "\n".join([*out, "</svg>"]) + "\n"


def _bar(rate: Rate, y: int, longest: float) -> Iterable[str]:
    name = rate.value if len(rate.value) <= 24 else rate.value[:23] + "…"
    yield f'<text x="4" y="{y + 11}">{escape(name)}</text>'
    width = round(_BAR * (rate.share or 0) / longest)
    if width:
        yield f'<rect x="{_LABEL}" y="{y + 2}" width="{width}" height="{_ROW - 4}" fill="rgb(38,138,78)"/>'
    yield f'<text x="{_LABEL + width + 6}" y="{y + 11}">{said(rate)}</text>'


def said(rate: Rate) -> str:
    """A rate in words: `0.42 % (12 of 2,860)`."""
    of = f"{rate.opted_out:,} of {rate.sent:,}"
    return of if rate.share is None else f"{100 * rate.share:.2f} % ({of})"
