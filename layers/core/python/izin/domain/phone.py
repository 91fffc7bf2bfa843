"""What does a phone number tell the gate: its country, its kind, and where the person may be?

Validity, country and kind come from phonenumbers; zones and states from our own table,
`packs/zones.toml`, because those of phonenumbers are not safe (`tools/build_zones.py` says why).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

NOWHERE = "001"
"""The country of numbers that belong to none (+800, +882 …). They have no zones, so no window opens."""

_TABLE = Path(__file__).parent.parent / "packs" / "zones.toml"


class LineType(StrEnum):
    """The kind of line. `unknown` is a number that may be fixed or mobile (North America, Mexico)."""

    MOBILE = "mobile"
    FIXED_LINE = "fixed_line"
    UNKNOWN = "unknown"
    VOIP = "voip"
    TOLL_FREE = "toll_free"
    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    PERSONAL = "personal"
    PAGER = "pager"
    UAN = "uan"
    VOICEMAIL = "voicemail"
    OTHER = "other"


_LINE_TYPES = {
    PhoneNumberType.MOBILE: LineType.MOBILE,
    PhoneNumberType.FIXED_LINE: LineType.FIXED_LINE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: LineType.UNKNOWN,
    PhoneNumberType.VOIP: LineType.VOIP,
    PhoneNumberType.TOLL_FREE: LineType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE: LineType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST: LineType.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER: LineType.PERSONAL,
    PhoneNumberType.PAGER: LineType.PAGER,
    PhoneNumberType.UAN: LineType.UAN,
    PhoneNumberType.VOICEMAIL: LineType.VOICEMAIL,
}


TEXTABLE = frozenset({LineType.MOBILE, LineType.UNKNOWN})


@dataclass(frozen=True, slots=True, repr=False)
class Phone:
    """A valid number, or where somebody without one may be. Its `repr` is masked; `e164` itself is
    personal data, never logged, and empty where there is none.

    `country` is ISO 3166-1 alpha-2, or `001`. `time_zones` are all zones the person may be in,
    sorted; a window must be open in each. `subdivisions` are the candidate states or provinces
    (BR, US, CA), sorted; empty where the number tells none.
    """

    e164: str
    country: str
    line_type: LineType
    time_zones: tuple[str, ...]
    subdivisions: tuple[str, ...] = ()

    @property
    def textable(self) -> bool:
        """Whether a text can and may go there: only to what is, or may be, a mobile.

        Sources: the national numbering plans. Every plan that tells fixed lines and
        internet lines from mobiles is believed. WhatsApp may still live on a fixed line.
        """
        return self.line_type in TEXTABLE

    def told_in(self, text: str) -> bool:
        """Whether `text` holds this number, with or without its country calling code, however spaced."""
        if len(text) < _SHORTEST:
            return False
        digits = _SEPARATORS.sub("", _western(text))
        return any(form in digits for form in _forms(self.e164))

    def declared(self, time_zone: str | None = None, subdivision: str | None = None) -> Phone:
        """The number of a person who has said, verifiably, where they are: that alone counts."""
        return replace(
            self,
            time_zones=(time_zone,) if time_zone else self.time_zones,
            subdivisions=(subdivision,) if subdivision else self.subdivisions,
        )

    def __repr__(self) -> str:
        if not self.e164:
            return f"Phone(no number, {self.country})"
        calling_code = _calling_code(self.e164)
        hidden = "*" * (len(self.e164) - 1 - len(calling_code) - 2)
        return (
            f"Phone(+{calling_code}{hidden}{self.e164[-2:]}, {self.country}, {self.line_type}, "
            f"{'/'.join(self.time_zones)}, {'/'.join(self.subdivisions)})"
        )


class InvalidNumber(ValueError):
    """The text is no phone number. `code` is stable, `remedy` English; neither holds the number."""

    def __init__(self, code: str, remedy: str) -> None:
        super().__init__(f"{code}: {remedy}")
        self.code = code
        self.remedy = remedy


_E164 = re.compile(r"\+[1-9][0-9]{4,14}")
_NOT_AS_PHONENUMBERS_SAYS = {
    "1": (re.compile("[0-9]{3}976"), LineType.PREMIUM_RATE),  # exchange 976 of every area code
    "91": (re.compile("160"), LineType.UAN),  # 1600 series of banks and government
}
"""Ranges that phonenumbers calls mobile, by calling code. Sources: the national numbering plans."""

_LEGACY_MEXICAN_MOBILE = re.compile(r"\+521([0-9]{10})")
_LEGACY_BRAZILIAN_MOBILE = re.compile(r"\+55([1-9][0-9])([6-9][0-9]{7})\Z")
_NANP = re.compile(r"[2-9][0-9]{2}[2-9][0-9]{6}")


@lru_cache(maxsize=4096)  # most is written to people who were written to before, or reply
def parse(text: str) -> Phone:
    """The number that `text` is, in E.164: `+`, country calling code, national number, digits only.

    Raises InvalidNumber with the code `number_not_e164`, `number_impossible` (no number has this
    calling code or length) or `number_invalid` (the country has no such range).
    """
    if not _E164.fullmatch(text):
        raise InvalidNumber(
            "number_not_e164",
            "write the number in E.164: a plus sign, the country calling code and the number, digits only, "
            "without spaces and without the national prefix 0",
        )
    # Mexico dropped this 1 in 2019 and Brazil added a 9 by 2016, but WhatsApp still writes the numbers of
    # accounts from before as they were. An opt-out must find its person.
    text = _LEGACY_MEXICAN_MOBILE.sub(r"+52\1", text)
    text = _LEGACY_BRAZILIAN_MOBILE.sub(r"+55\g<1>9\2", text)
    calling_code = _calling_code(text)
    if not calling_code:
        raise InvalidNumber("number_impossible", "check the country calling code: no country has it")
    national = text[1 + len(calling_code) :]
    number = _number(calling_code, national)
    country = phonenumbers.region_code_for_number(number)
    kind = phonenumbers.number_type(number)
    if country is None and calling_code == "1":
        country, kind = _new_area_code(national), PhoneNumberType.FIXED_LINE_OR_MOBILE
    if country is None or kind == PhoneNumberType.UNKNOWN:
        if not phonenumbers.is_possible_number(number):
            raise InvalidNumber(
                "number_impossible", "check for missing or surplus digits: no such length exists"
            )
        raise InvalidNumber("number_invalid", "check the digits: the country has no such number range")
    table = _table()
    return Phone(
        e164=text,
        country=country,
        line_type=_line_type(calling_code, national, kind),
        time_zones=_longest(table.prefixes.get(country), national) or table.countries.get(country, ()),
        subdivisions=_longest(table.subdivisions.get(country), national),
    )


def somewhere_in(country: str) -> Phone:
    """Somebody whose number nobody told, only their country: they may be in any of its zones."""
    return Phone("", country, LineType.UNKNOWN, _table().countries.get(country, ()))


def country_of(text: str | None) -> str | None:
    """The country of the number that `text` is; None where it is none."""
    try:
        return parse(text).country if text else None
    except InvalidNumber:
        return None


_SHORTEST = 7
"""Fewer digits than these name nobody: ids and dates have them by chance."""

_SEPARATORS = re.compile(r"[\W_]+")
_AFTER_A_PLUS = re.compile(r"[+＋][\W\d_]+")
_ALONE = re.compile(  # neither a piece of a hash nor the end of a UUID
    r"(?<![0-9a-fA-F])(?<![0-9a-fA-F]{4}-[0-9a-fA-F]{4}-)(?:00)?([1-9][0-9]{9,14})(?![0-9a-fA-F])"
)


def is_told_in(text: str) -> bool:
    """Whether `text` holds anybody's number in full: after a plus, however spaced, or as a run of digits."""
    text = _western(text)
    digits = [_SEPARATORS.sub("", one) for one in _AFTER_A_PLUS.findall(text)]
    spaced = (one[:length] for one in digits for length in range(_SHORTEST, min(len(one), 15) + 1))
    return any(country_of(f"+{one}") for one in (*spaced, *_ALONE.findall(text)))


@lru_cache(maxsize=4096)
def _forms(e164: str) -> tuple[str, ...]:
    """The digits that give a number away: the national ones, where they are enough, without a Brazilian 9."""
    national = e164[1 + len(_calling_code(e164)) :]
    short = national if len(national) >= _SHORTEST else e164[1:]
    brazilian = re.fullmatch(r"\+55([1-9][0-9])9([6-9][0-9]{7})", e164)
    return (short, brazilian[1] + brazilian[2]) if brazilian else (short,)


def _western(text: str) -> str:
    """`text` with the digits of every script as 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text)


def _calling_code(e164: str) -> str:
    """The country calling code that `e164` begins with, or an empty string."""
    for length in (1, 2, 3):
        if int(e164[1 : 1 + length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return e164[1 : 1 + length]
    return ""


def _number(calling_code: str, national: str) -> PhoneNumber:
    # phonenumbers.parse() would do the same in twice the time, and forgive what is not E.164.
    zeros = min(len(national) - len(national.lstrip("0")), len(national) - 1)
    return PhoneNumber(
        country_code=int(calling_code),
        national_number=int(national),
        italian_leading_zero=zeros > 0 or None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def _new_area_code(national: str) -> str | None:
    """The country of an area code that our table knows and phonenumbers does not yet."""
    if _NANP.fullmatch(national):
        return next((c for c in ("US", "CA") if national[:3] in _table().prefixes[c]), None)
    return None


def _line_type(calling_code: str, national: str, kind: int) -> LineType:
    pattern, line_type = _NOT_AS_PHONENUMBERS_SAYS.get(calling_code, (None, LineType.OTHER))
    return line_type if pattern and pattern.match(national) else _LINE_TYPES.get(kind, LineType.OTHER)


def _longest(rows: _Rows | None, national: str) -> tuple[str, ...]:
    """What `rows` say of the longest prefix that `national` begins with."""
    if rows:
        for length in (3, 2, 1):
            if found := rows.get(national[:length]):
                return found
    return ()


_Rows = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Table:
    """`zones.toml` as dictionaries: of countries, and per country of national prefixes."""

    countries: _Rows
    prefixes: Mapping[str, _Rows]
    subdivisions: Mapping[str, _Rows]


@cache
def _table() -> _Table:
    data = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return _Table(
        countries={country: tuple(zones.split()) for country, zones in data["countries"].items()},
        prefixes={country: _by_prefix(groups) for country, groups in data["prefixes"].items()},
        subdivisions={country: _by_prefix(groups) for country, groups in data["subdivisions"].items()},
    )


def _by_prefix(groups: Mapping[str, str]) -> _Rows:
    return {
        prefix: tuple(values.split()) for values, prefixes in groups.items() for prefix in prefixes.split()
    }
