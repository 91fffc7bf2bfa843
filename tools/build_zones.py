"""Build `packs/zones.toml`: where may the person behind a number be?

    PYTHONTZPATH="" python tools/build_zones.py

Reads phonenumbers (area codes of North America, their states), the country list of tzdata
(`zone.tab`) and the hand-written facts below, which win. The result is the same wherever it runs
with the pinned versions; `tests/unit/test_phone.py` fails when the checked-in file is not current.

Why not `phonenumbers.timezone` alone: it gives one place per exchange, so that an Indonesian mobile
is "in Jakarta", an overlay loses the split of its older twin, and Libya is "in Bucharest". Why
`zone.tab` for all other countries: a mobile tells the country, not the place, and the union of a
country's zones can only make a window narrower.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.tzdata import TIMEZONE_DATA

OUTPUT = Path(__file__).parent.parent / "layers/core/python/izin/packs/zones.toml"

YEARS = 6
"""How many years, from 2026 on, two zones must agree to count as one."""

Zones = tuple[str, ...]
Rows = dict[str, Zones]  # national prefix -> zones, or -> subdivisions

ET, CT, MT, PT = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
TORONTO, WINNIPEG, HALIFAX = "America/Toronto", "America/Winnipeg", "America/Halifax"
BC = ("America/Edmonton", "America/Fort_Nelson", "America/Vancouver")
ID_ZONES = ("Asia/Jakarta", "Asia/Jayapura", "Asia/Makassar")

COUNTRIES: dict[str, Zones] = {
    # A US number whose area code is unknown is taken to be in the contiguous states (`tz_mode` contiguous
    # of section 8): with Guam, most windows have nothing in common. Guam has an area code of its own.
    "US": (ET, CT, MT, PT),
    "CA": (HALIFAX, "America/Edmonton", "America/Regina", "America/St_Johns", TORONTO,
           "America/Vancouver", WINNIPEG),
    "BR": ("America/Manaus", "America/Noronha", "America/Rio_Branco", "America/Sao_Paulo"),
    "ID": ID_ZONES,
    # Mobiles (04) tell no state. The islands (Lord Howe, Christmas, Cocos) and Eucla lie within or
    # hold too few people to close the mainland's window for.
    "AU": ("Australia/Adelaide", "Australia/Brisbane", "Australia/Darwin", "Australia/Hobart",
           "Australia/Perth", "Australia/Sydney"),
    # Every other Mexican zone is between Tijuana and Cancun at every instant.
    "MX": ("America/Cancun", "America/Hermosillo", "America/Mazatlan", "America/Mexico_City",
           "America/Tijuana"),
    "PT": ("Atlantic/Azores", "Atlantic/Madeira", "Europe/Lisbon"),
    # Numbered like their neighbours, and not in zone.tab.
    "XK": ("Europe/Belgrade",),
    "AC": ("Atlantic/St_Helena",),
    "TA": ("Atlantic/St_Helena",),
}  # fmt: skip

TERRITORIES = {"AS": "684", "GU": "671", "MP": "670", "PR": "787 939", "VI": "340"}
"""Countries of their own in ISO 3166-1 that are parts of the United States, with their area codes."""

NANP: dict[str, dict[Zones, str]] = {
    "US": {
        (ET, CT): "219 574  270 364  606  812 930  423 729  850 448  906",
        (CT, MT): "308  605  620 785  701",
        ("America/Boise", PT): "208 986  458 541  775",
        (MT, "America/Phoenix"): "928",  # the Navajo Nation changes its clocks, the rest of Arizona does not
        ("America/Adak", "America/Anchorage"): "907",
        (ET,): "689",  # Orlando; phonenumbers says Chicago
    },
    "CA": {
        BC: "236 250 257 672 778",
        ("America/Regina",): "306 474 639",
        (HALIFAX, TORONTO): "367 418 581",  # the Magdalen Islands keep Atlantic time
        (HALIFAX, "America/St_Johns"): "709 879",  # Labrador keeps Atlantic time
        (TORONTO, WINNIPEG): "807",
        ("America/Edmonton", "America/Iqaluit", TORONTO, "America/Whitehorse", WINNIPEG): "867",
    },
}
"""Area codes in two or more zones, with all their overlays, and those that phonenumbers has wrong."""

BR_ZONES: dict[Zones, str] = {
    ("America/Sao_Paulo",): "11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 41 42 43 44 45 46"
                            " 47 48 49 51 53 54 55 61 62 64",
    ("America/Bahia",): "71 73 74 75 77",
    ("America/Maceio",): "79 82",
    ("America/Noronha", "America/Recife"): "81",  # Fernando de Noronha shares the code of Recife
    ("America/Recife",): "87",
    ("America/Fortaleza",): "83 84 85 86 88 89 98 99",
    ("America/Araguaina",): "63",
    ("America/Belem",): "91 94 96",
    ("America/Santarem",): "93",
    ("America/Cuiaba",): "65 66",
    ("America/Campo_Grande",): "67",
    ("America/Porto_Velho",): "69",
    ("America/Manaus",): "92",
    ("America/Boa_Vista",): "95",
    ("America/Rio_Branco",): "68",
    ("America/Eirunepe", "America/Manaus"): "97",
}  # fmt: skip

BR_STATES: dict[Zones, str] = {
    ("SP",): "11 12 13 14 15 16 17 18 19", ("RJ",): "21 22 24", ("ES",): "27 28",
    ("MG",): "31 32 33 34 35 37 38", ("PR",): "41 43 44 45 46", ("SC",): "47 48 49", ("RS",): "51 53 54 55",
    ("PR", "SC"): "42",  # Porto Uniao (SC) shares the code of Uniao da Vitoria (PR)
    ("DF", "GO"): "61",  # the towns of Goias around Brasilia share its code: 45 of them in phonenumbers
    ("GO",): "62 64", ("TO",): "63", ("MT",): "65 66", ("MS",): "67", ("AC",): "68", ("RO",): "69",
    ("BA",): "71 73 74 75 77", ("SE",): "79", ("PE",): "81 87", ("AL",): "82", ("PB",): "83", ("RN",): "84",
    ("CE",): "85 88", ("PI",): "86 89", ("PA",): "91 93 94", ("AM",): "92 97", ("RR",): "95", ("AP",): "96",
    ("MA",): "98 99",
}  # fmt: skip

ID_FIXED: dict[Zones, str] = {
    # Java, Sumatra, and of Kalimantan the west and the centre.
    ("Asia/Jakarta",): "2 31 32 33 34 35 6 7 513 519 522 525 528 531 532 534 536 537 538 539 56",
    # Bali, Nusa Tenggara, Sulawesi, and of Kalimantan the south, east and north.
    ("Asia/Makassar",): "36 37 38 4 511 512 517 518 527 54 55",
    ("Asia/Jakarta", "Asia/Makassar"): "526",  # Tamiang Layang (centre) and Tanjung (south)
    ("Asia/Jayapura",): "9",  # the Moluccas and Papua
}
"""Fixed lines only. A mobile (8…) tells the operator, so it has no row and gets all three zones."""

STATE_NAMES = {
    "Alabama": "AL", "Arizona": "AZ", "Arkansas": "AR", "California": "CA", "Colorado": "CO",
    "Connecticut": "CT", "Delaware": "DE", "Florida": "FL", "Georgia": "GA", "Hawaii": "HI", "Idaho": "ID",
    "Illinois": "IL", "Indiana": "IN", "Iowa": "IA", "Kansas": "KS", "Kentucky": "KY", "Louisiana": "LA",
    "Maine": "ME", "Maryland": "MD", "Massachusetts": "MA", "Michigan": "MI", "Minnesota": "MN",
    "Mississippi": "MS", "Missouri": "MO", "Montana": "MT", "Nebraska": "NE", "Nevada": "NV",
    "New Hampshire": "NH", "New Jersey": "NJ", "New Mexico": "NM", "New York": "NY", "North Carolina": "NC",
    "North Dakota": "ND", "Ohio": "OH", "Oklahoma": "OK", "Oregon": "OR", "Pennsylvania": "PA",
    "Rhode Island": "RI", "South Carolina": "SC", "South Dakota": "SD", "Tennessee": "TN", "Texas": "TX",
    "Utah": "UT", "Vermont": "VT", "Virginia": "VA", "Washington State": "WA", "Washington D.C.": "DC",
    "West Virginia": "WV", "Wisconsin": "WI", "Wyoming": "WY", "Alaska": "AK",
    "Alberta": "AB", "British Columbia": "BC", "British Colombia": "BC", "Manitoba": "MB",
    "New Brunswick": "NB", "Newfoundland and Labrador": "NL", "Ontario": "ON", "Quebec": "QC",
    "Saskatchewan": "SK",
}  # fmt: skip

STATES: dict[str, Zones] = {
    "729": ("TN",),  # overlay of 423, not yet in phonenumbers
    "782": ("NS", "PE"),
    "902": ("NS", "PE"),
    "867": ("NT", "NU", "YT"),
}

HEADER = """\
# Where may the person behind a number be? Zones per country and national prefix, and states per prefix.
# Generated by tools/build_zones.py: correct that file, not this one.
# Sources: national numbering plans (hand-written rows); phonenumbers {phonenumbers} (area codes of North
# America and their states); tzdata {tzdata}, zone.tab (every other country: all its zones, one of each
# group that keeps the same clock from 2026 to 2031).
#
# [countries]            country = the zones that its numbers may be in
# [prefixes.<CC>]        zones = national prefixes; where a number begins with one, it wins over [countries]
# [subdivisions.<CC>]    candidate states or provinces = national prefixes
"""


def main() -> None:
    """Write the file."""
    OUTPUT.write_text(render(), encoding="utf-8")


def render() -> str:
    """The whole file as text."""
    us, ca = _area_codes("US"), _area_codes("CA")
    by_prefix = {
        "prefixes.US": us,
        "prefixes.CA": ca,
        "prefixes.BR": _rows(BR_ZONES),
        "prefixes.ID": _rows(ID_FIXED),
        "subdivisions.US": {code: _states(code) for code in us},
        **{
            f"subdivisions.{part}": dict.fromkeys(codes.split(), (part,))
            for part, codes in TERRITORIES.items()
        },
        "subdivisions.CA": {code: _states(code) for code in ca},
        "subdivisions.BR": _rows(BR_STATES),
    }
    header = HEADER.format(phonenumbers=version("phonenumbers"), tzdata=version("tzdata"))
    countries = {country: " ".join(sorted(zones)) for country, zones in _countries().items()}
    sections = {"countries": countries} | {name: _inverted(rows) for name, rows in by_prefix.items()}
    return header + "".join(_section(name, rows) for name, rows in sections.items())


def _rows(groups: Mapping[Zones, str]) -> Rows:
    return {
        prefix: tuple(sorted(values)) for values, prefixes in groups.items() for prefix in prefixes.split()
    }


def _section(name: str, rows: Mapping[str, str]) -> str:
    lines = [f"\n[{name}]"]
    for key, text in sorted(rows.items()):
        quoted = f'"{text}"' if len(key) + len(text) <= 100 else f'"""\n{textwrap.fill(text, 100)}\n"""'
        lines.append(f'"{key}" = {quoted}')
    return "\n".join(lines) + "\n"


def _inverted(rows: Rows) -> dict[str, str]:
    """`rows` with one line per value, so that two hundred area codes in one zone are one line."""
    groups: dict[str, list[str]] = defaultdict(list)
    for key in sorted(rows):
        groups[" ".join(sorted(rows[key]))].append(key)
    return {values: " ".join(keys) for values, keys in groups.items()}


def _countries() -> Rows:
    listed: dict[str, list[str]] = defaultdict(list)
    for line in (files("tzdata") / "zoneinfo/zone.tab").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            listed[country].append(zone)
    supported: Iterable[str] = phonenumbers.SUPPORTED_REGIONS
    return {
        country: COUNTRIES[country] if country in COUNTRIES else _distinct(listed[country])
        for country in supported
    }


def _distinct(zones: list[str]) -> Zones:
    """One zone of each group that keeps the same clock: the first, which zone.tab has as the largest."""
    if len(zones) == 1:
        return tuple(zones)
    return tuple({_clock(zone): zone for zone in reversed(zones)}.values())


@cache
def _clock(zone: str) -> tuple[timedelta | None, ...]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    info = ZoneInfo(zone)
    days = (start + timedelta(days=day) for day in range(YEARS * 366))
    offsets = [day.astimezone(info).utcoffset() for day in days]
    clock = offsets[:1]
    for day in range(1, len(offsets)):
        if offsets[day] != offsets[day - 1]:  # the hour of a change counts too
            hours = (start + timedelta(days=day - 1, hours=h) for h in range(24))
            clock += [hour.astimezone(info).utcoffset() for hour in hours]
        clock.append(offsets[day])
    return tuple(clock)


def _area_codes(country: str) -> Rows:
    """Geographic area codes: all zones that phonenumbers has under them, corrected by `NANP`."""
    found: dict[str, set[str]] = defaultdict(set)
    for prefix, zones in TIMEZONE_DATA.items():
        if prefix.startswith("1") and len(prefix) >= 4 and _country_of(prefix[1:4]) == country:
            found[prefix[1:4]].update(zones)
    return {code: tuple(zones) for code, zones in found.items()} | _rows(NANP[country])


@cache
def _country_of(area_code: str) -> str | None:
    # Some area codes are open for a few exchanges only, so several are tried.
    for exchange in ("234", "345", "456", "567", "678", "789"):
        number = phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{area_code}{exchange}5678"))
        country: str | None = phonenumbers.region_code_for_number(number)
        if country:
            return country
    return None


def _states(area_code: str) -> Zones:
    """The state of an area code: as named, or as most of its exchanges are."""
    if area_code in STATES:
        return STATES[area_code]
    name = GEOCODE_DATA.get(f"1{area_code}", {}).get("en", "")
    if name in STATE_NAMES:
        return (STATE_NAMES[name],)
    votes = Counter(
        match[1]
        for prefix, names in GEOCODE_DATA.items()
        if prefix.startswith(f"1{area_code}") and (match := re.search(r", ([A-Z]{2})$", names.get("en", "")))
    )
    if not votes:
        raise ValueError(f"no state is known for area code {area_code}: add it to STATES")
    return (votes.most_common(1)[0][0],)


if __name__ == "__main__":
    main()
