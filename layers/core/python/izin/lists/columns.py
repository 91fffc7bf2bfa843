"""What does a line of a list mean? Its cells as the body of one call, or all that is wrong with them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, timezone
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import phonenumbers

from izin.domain.phone import InvalidNumber
from izin.domain.times import to_text
from izin.lists import numbers
from izin.lists.rows import Row


class Kind(StrEnum):
    """What a list holds."""

    OPT_OUTS = "opt-outs"
    CONSENTS = "consents"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one cell of a line, and how to mend it. Never holds what the cell says."""

    field: str
    code: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it is meant: a `body`, or `faults`; neither where it is not of this kind of list."""

    line: int
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How lines of `kind` are read: which columns are `named` for a field, and what an empty cell stands for.

    `country` is where national numbers are from, `offset` that of times without one.
    """

    kind: Kind
    named: Mapping[str, str]
    defaults: Mapping[str, str]
    country: str | None = None
    plus_lost: bool = False
    offset: timedelta | None = None

    def line(self, row: Row) -> Line:
        """What `row` means."""
        if row.fault:
            return Line(row.line, faults=(Fault("line", row.fault, _UNREADABLE[row.fault]),))
        columns = find(self.kind, tuple(row.cells), tuple(self.named.items()))
        cells = {name: row.cells.get(column, "") for name, column in columns.items()}
        if not self._is_meant(cells, columns):
            return Line(row.line)
        # The same line is the same act, whenever it is imported: its id follows from the rest of it.
        body: dict[str, Any] = {"id": "import"} if self.kind is Kind.OPT_OUTS else {}
        faults: list[Fault] = []
        for name in (name for name in names(self.kind) if name not in _ABOUT_THE_LINE):
            text = cells.get(name) or self.defaults.get(name, "")
            try:
                value = self._value(name, text, cells)
            except InvalidNumber as error:
                faults.append(Fault(name, error.code, error.remedy))
            except _Wrong as error:
                faults.append(Fault(name, error.code, error.remedy))
            else:
                _put(body, name, value)
        return Line(row.line, None if faults else body, tuple(faults))

    def _is_meant(self, cells: Mapping[str, str], columns: Mapping[str, str]) -> bool:
        """Whether the line is of this kind: some lists hold those who opted out beside those who did not."""
        if cells.get("channel", "").lower() in _NO_NUMBER:
            return False
        if "opted_out" not in cells:  # an endpoint that does not say so has not opted out
            return self.kind is Kind.CONSENTS or columns.get("channel") != "ChannelType"
        return (cells["opted_out"].lower() in _YES) == (self.kind is Kind.OPT_OUTS)

    def _value(self, name: str, text: str, cells: Mapping[str, str]) -> Any:
        match name:
            case "address":
                if not text:
                    raise _Wrong("missing", "add the number")
                own = cells.get("country", "").upper()
                country = own if own in phonenumbers.SUPPORTED_REGIONS else self.country
                return numbers.e164(text, country, plus_lost=self.plus_lost)
            case "given_at":
                if not text:
                    raise _Wrong("missing", "add when the person opted out, or say --given-at for all lines")
                return self._instant(text, end_of_day=True)
            case "captured_at" | "confirmed_at":
                return self._instant(text, end_of_day=False) if text else None
            case "channel" | "scope" | "method" | "basis":
                return text.lower() or None
            case "purposes":
                return [part.strip().lower() for part in re.split(r"[,;|+]", text) if part.strip()]
            case "prechecked" | "condition_of_purchase" | "do_not_contact":
                return _boolean(text)
        return text or None

    def _instant(self, text: str, *, end_of_day: bool) -> str:
        """The time in `text`, RFC 3339. Of a day alone a no counts from its end, a yes from its beginning."""
        if re.fullmatch(r"[0-9]{10}([.][0-9]+)?|[0-9]{13}", text):
            return to_text(datetime.fromtimestamp(int(text[:10]), UTC))
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise _Wrong("time_not_rfc3339", "write the time as 2026-11-22T12:00:00+07:00") from None
        if re.fullmatch(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}", text) and end_of_day:
            found = datetime.combine(found.date(), time(23, 59, 59, 999000))
        if found.tzinfo is None:
            if self.offset is None:
                raise _Wrong(
                    "time_without_offset", "add the offset, as in +07:00, or say --offset for all lines"
                )
            found = found.replace(tzinfo=timezone(self.offset))
        return to_text(found)


class _Wrong(Exception):
    def __init__(self, code: str, remedy: str) -> None:
        super().__init__(code)
        self.code = code
        self.remedy = remedy


_UNREADABLE = {
    "csv_invalid": "close the quotation marks of the line",
    "surplus_cell": "it has more cells than columns: put cells that hold the delimiter into quotation marks",
    "json_invalid": "write one JSON object on the line",
}
_YES = frozenset({"all", "true", "yes", "y", "1"})  # `ALL` and `NONE` are Pinpoint's
_NO = frozenset({"false", "no", "n", "0"})
_NO_NUMBER = frozenset(
    [
        "email",
        "push",
        "apns",
        "apns_sandbox",
        "apns_voip",
        "apns_voip_sandbox",
        "gcm",
        "adm",
        "baidu",
        "in_app",
        "custom",
    ]
)
"""Channels whose addresses are no numbers, as Pinpoint calls them too."""

_ABOUT_THE_LINE = frozenset({"country", "opted_out"})


def _boolean(text: str) -> bool | None:
    if not text:
        return None
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    raise _Wrong("bool_type", "write true or false")


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        return
    outer, _, inner = name.partition(".")
    if inner:
        body.setdefault(outer, {})[inner] = value
    else:
        body[name] = value


def names(kind: Kind) -> tuple[str, ...]:
    """The fields that a line of `kind` may have."""
    return (*_aliases()["both"], *_aliases()[kind])


@cache
def _aliases() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(Path(__file__).with_name("columns.toml").read_text("utf-8"))


@lru_cache(256)
def find(kind: Kind, header: tuple[str, ...], named: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Which column holds which field: as `named` says, else by the names that other systems use."""
    known = {_plain(column): column for column in reversed(header)}
    found = dict(named)
    for name, aliases in {**_aliases()["both"], **_aliases()[kind]}.items():
        column = next((known[alias] for alias in aliases if alias in known), None)
        if column and name not in found and column not in found.values():
            found[name] = column
    return found


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
