"""What do the runs say of themselves? Each run writes its own section of `docs/safety.md`, and no other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def write(path: Path, section: str, lines: Iterable[str]) -> None:
    """Replace what stands between the two marks of `section`. Raises ValueError where there are none."""
    opens, closes = f"<!-- {section} -->\n", f"<!-- end of {section} -->"
    before, mark, rest = path.read_text().partition(opens)
    _, end, after = rest.partition(closes)
    if not (mark and end):
        raise ValueError(f"{path} has no section {section}")
    told = "\n".join(lines)
    path.write_text(f"{before}{opens}{told}\n{closes}{after}")


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> list[str]:
    """A Markdown table."""
    return [_row(head), _row(["---"] * len(head)), *map(_row, rows)]


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"
