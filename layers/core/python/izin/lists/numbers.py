"""Which number did the spreadsheet mean? Read only where there is one answer."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from izin.domain import phone
from izin.domain.phone import InvalidNumber

_DECORATION = re.compile(r"[\s\u00a0\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff()./\-\u2010-\u2015']")
_SCIENTIFIC = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+")
_WHOLE = re.compile(r"([0-9]{6,15})[.,]0")


def e164(text: str, country: str | None, *, plus_lost: bool) -> str:
    """The number in E.164. Raises InvalidNumber, which never repeats it.

    Without a plus sign a number is national in `country`, or, with `plus_lost`, begins with a calling
    code. Where both readings of a number without a plus are valid, neither is taken.
    """
    bare = text.strip()
    if _SCIENTIFIC.fullmatch(bare):
        raise InvalidNumber(
            "number_scientific", "the spreadsheet rounded it away: format the column as text and export again"
        )
    whole = _WHOLE.fullmatch(bare)
    digits = _DECORATION.sub("", whole.group(1) if whole else bare).removeprefix("tel:")
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if digits.startswith("+"):
        return phone.parse(digits).e164
    if not digits.isascii() or not digits.isdigit():
        return phone.parse(digits).e164  # which says what is wrong with it
    national = _national(digits, country) if country else None
    international = _international(digits, country, plus_lost=plus_lost)
    if national and international and national != international:
        raise InvalidNumber(
            "number_ambiguous", "it is a number with and without its calling code: write it with a plus sign"
        )
    found = national or international
    if found is None:
        if country or plus_lost:
            raise InvalidNumber(
                "number_invalid", "check the digits, or write it with a plus sign and calling code"
            )
        raise InvalidNumber(
            "number_without_plus",
            "write it with a plus sign; or say --country ID for national numbers, --plus-lost for others",
        )
    return phone.parse(found).e164


def _international(digits: str, country: str | None, *, plus_lost: bool) -> str | None:
    """`digits` as they are behind a plus, where that is meant: any calling code, or that of `country`."""
    own = str(phonenumbers.country_code_for_region(country)) if country else None
    if digits.startswith("0") or not (plus_lost or (own and digits.startswith(own))):
        return None
    return _valid(f"+{digits}", None)


def _national(digits: str, country: str) -> str | None:
    calling_code = str(phonenumbers.country_code_for_region(country))
    found = _valid(digits, country)
    # The library also strips a calling code; that reading is the international one.
    return None if found == f"+{digits}" and digits.startswith(calling_code) else found


def _valid(text: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
