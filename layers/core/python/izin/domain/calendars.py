"""Which days are public holidays, in a country and in the parts of it a person may be in?

The data is `packs/calendars/<CC>.toml`, built by `tools/build_calendars.py` from the `holidays`
library and our own corrections.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "packs" / "calendars"

PUBLIC = ("public",)

_Days = Mapping[str, frozenset[date]]  # category -> dates


@dataclass(frozen=True, slots=True)
class Calendar:
    """The holidays of one country in `years`. Of any other year it knows nothing.

    Categories are `public` (closed by law), `optional` (by custom or decree: pontos facultativos),
    `government` (cuti bersama) and, in the United States, `telemarketing`. `subdivisions` are those
    that add days to the country's, by ISO 3166-2 code without the country.
    """

    country: str
    years: range
    national: _Days
    subdivisions: Mapping[str, _Days]

    def closed(self, subdivisions: Iterable[str] = (), categories: Iterable[str] = PUBLIC) -> frozenset[date]:
        """The holidays of the country and of every one of `subdivisions`, in any of `categories`.

        The person may be in any of the subdivisions, so a day closed in one is closed. One that adds
        no day of its own has the country's alone. Where a number tells none, pass
        `calendar.subdivisions` to be strict.
        """
        parts = [self.national, *(self.subdivisions.get(code, {}) for code in subdivisions)]
        return frozenset().union(*(part.get(category, ()) for part in parts for category in categories))


@cache
def load(country: str) -> Calendar | None:
    """The calendar of `country` (ISO 3166-1 alpha-2), or None where there is none."""
    # Known files, rather than any name that a caller may think of as part of a path.
    if country not in countries():
        return None
    data = tomllib.loads((_FOLDER / f"{country}.toml").read_text(encoding="utf-8"))
    first, last = data["years"]
    return Calendar(
        country=country,
        years=range(first, last + 1),
        national=_days(data["country"]),
        subdivisions={code: _days(categories) for code, categories in data.get("subdivisions", {}).items()},
    )


@cache
def countries() -> frozenset[str]:
    """The countries that have a calendar."""
    return frozenset(path.stem for path in _FOLDER.glob("*.toml"))


def _days(categories: Mapping[str, Mapping[str, str]]) -> _Days:
    return {
        category: frozenset(date.fromisoformat(day) for dates in holidays.values() for day in dates.split())
        for category, holidays in categories.items()
    }
