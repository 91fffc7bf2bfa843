"""The kinds of rules about time, permission and senders. Each `says()` what it asks, in English."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import time
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from re import Pattern
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, StrictBool, model_validator

from izin.domain.consent import Basis, Method
from izin.domain.pack.base import Categories, Count, Duration, LocalTime, Model, ScopedRule, Words, span
from izin.domain.reasons import Code

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_A_DAY = f"({'|'.join(_DAYS)})"

Hours: TypeAlias = tuple[tuple[time, time], ...]
"""The openings of one weekday, in order: `[opens, closes)`; closing at 00:00 is the midnight that ends it."""

Week: TypeAlias = tuple[Hours, Hours, Hours, Hours, Hours, Hours, Hours]
"""Monday first, as `date.weekday()` counts."""


class Opening(Model):
    """The same hours on one weekday (`sat`) or a run of them (`mon-fri`)."""

    days: Annotated[str, Field(pattern=rf"^{_A_DAY}(-{_A_DAY})?$")]
    opens: LocalTime
    closes: LocalTime

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if not self.weekdays:
            raise ValueError(f"{self.days} runs backwards")
        if _end(self.closes) <= _minutes(self.opens):
            raise ValueError(f"opens at {self.opens} and closes at {self.closes}")
        return self

    @property
    def weekdays(self) -> range:
        """Monday is 0."""
        first, _, last = self.days.partition("-")
        return range(_DAYS.index(first), _DAYS.index(last or first) + 1)


def _minutes(at: time) -> float:
    return at.hour * 60 + at.minute + at.second / 60


def _end(closes: time) -> float:
    return _minutes(closes) or 24 * 60


_AT_ANY_HOUR = (Opening(days="mon-sun", opens=time(0), closes=time(0)),)


ALWAYS: Week = (((time(0), time(0)),),) * 7


class WindowRule(ScopedRule):
    """When messages may go, in the local time of every zone that the person may be in.

    On holidays of the categories `closed` they may not go at all: the country's and those of the
    subdivisions that the person may be in. Where the number tells none, those of `holidays_of` count.
    """

    openings: Annotated[tuple[Opening, ...], Field(min_length=1)] = _AT_ANY_HOUR
    closed: Categories = ()
    holidays_of: tuple[str, ...] = ()  # "*" for every subdivision

    @model_validator(mode="after")
    def _openings_do_not_overlap(self) -> Self:
        for day, hours in zip(_DAYS, self.hours, strict=True):
            for (_, closes), (opens, _) in pairwise(hours):
                if _minutes(opens) < _end(closes):
                    raise ValueError(f"the windows of {day} overlap at {opens}")
        return self

    @cached_property
    def hours(self) -> Week:
        """The openings of each weekday."""
        mon, tue, wed, thu, fri, sat, sun = (
            tuple(sorted((o.opens, o.closes) for o in self.openings if day in o.weekdays)) for day in range(7)
        )
        return mon, tue, wed, thu, fri, sat, sun

    def says(self) -> str:
        openings = ", ".join(
            f"{o.days} " + ("at any hour" if o.opens == o.closes else f"{o.opens:%H:%M} to {o.closes:%H:%M}")
            for o in self.openings
        )
        closed = f", never on {' or '.join(self.closed)} holidays" if self.closed else ""
        return f"may go {openings}{closed}{_of(self.holidays_of)}"


class CapRule(ScopedRule):
    """At most `limit` messages to one person in any `period`, all its purposes and channels together.

    On a holiday of the categories `holidays` (of `holidays_of`, as for windows) the limit is
    `holiday_limit` instead.
    """

    limit: Count
    period: Duration
    holidays: Categories = ()
    holiday_limit: Annotated[int, Field(ge=0, strict=True)] | None = None
    holidays_of: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _holidays_come_with_a_limit(self) -> Self:
        if bool(self.holidays) != (self.holiday_limit is not None):
            raise ValueError("holidays and holiday_limit need each other")
        if self.holiday_limit is not None and self.holiday_limit > self.limit:
            raise ValueError("a holiday's limit is not above the ordinary one")
        return self

    def says(self) -> str:
        holiday = f", {self.holiday_limit} on {' or '.join(self.holidays)} holidays" if self.holidays else ""
        return f"at most {self.limit} in any {span(self.period)}{holiday}{_of(self.holidays_of)}"


class Needs(StrEnum):
    """What must be on record before a message may go."""

    CONSENT = "consent"
    CONSENT_OR_BASIS = "consent_or_basis"
    BASIS = "basis"
    NONE = "none"


class ConsentRule(ScopedRule):
    """What permission a message needs, and what `evidence` a consent to it carries, where there is one.

    A consent on another basis than `accepts` is none. A rule with `methods` asks for its evidence
    only where the person said yes in one of these ways.
    """

    needs: Needs = Needs.NONE
    double_opt_in: StrictBool = False
    accepts: tuple[Basis, ...] = (Basis.EXPRESS,)
    evidence: Words = ()
    methods: tuple[Method, ...] = ()

    def says(self) -> str:
        needs = {
            Needs.CONSENT: "need the person's consent",
            Needs.CONSENT_OR_BASIS: "need the person's consent or a transaction that they belong to",
            Needs.BASIS: "need a transaction that they belong to",
            Needs.NONE: "" if self.double_opt_in or self.evidence else "need no consent",
        }[self.needs]
        if self.needs is not Needs.NONE and self.accepts != (Basis.EXPRESS,):
            needs += f" ({' or '.join(self.accepts)})"
        double = "a consent counts once the person has confirmed it by a reply" if self.double_opt_in else ""
        methods = f" by {' or '.join(self.methods)}" if self.methods else ""
        evidence = f"a consent{methods} carries {', '.join(self.evidence)}" if self.evidence else ""
        return "; ".join(part for part in (needs, double, evidence) if part)


class CaptureCheck(StrEnum):
    """What is asked of the moment at which a consent is captured."""

    PAST = "past"
    UNTICKED = "unticked"
    VOLUNTARY = "voluntary"
    SPECIFIC = "specific"
    NAMES_PURPOSE = "names_purpose"
    NAMES_EACH = "names_each"
    NAMES_BRAND = "names_brand"
    MINIMAL = "minimal"


class CaptureRule(ScopedRule):
    """A demand on the capture of a consent.

    `words`, per language: for `specific` the vague phrases that void a wording, for `names_purpose` and
    `names_each` those of which one must be in it; the latter counts where it is for several purposes.
    """

    check: CaptureCheck
    words: Mapping[str, Words] = {}

    @model_validator(mode="after")
    def _words_where_needed(self) -> Self:
        by_words = (CaptureCheck.SPECIFIC, CaptureCheck.NAMES_PURPOSE, CaptureCheck.NAMES_EACH)
        if bool(self.words) != (self.check in by_words):
            raise ValueError(f"words belong to the checks {', '.join(by_words)}, and to no other")
        return self

    def says(self) -> str:
        return {
            CaptureCheck.PAST: "a consent is not captured in the future",
            CaptureCheck.UNTICKED: "the person ticks the box; a box ticked beforehand is no consent",
            CaptureCheck.VOLUNTARY: "a consent is not a condition of a purchase",
            CaptureCheck.SPECIFIC: "the wording of a consent avoids vague phrases",
            CaptureCheck.NAMES_PURPOSE: "the wording of a consent says that it is for these messages",
            CaptureCheck.NAMES_EACH: "a wording for several purposes names each, these messages too",
            CaptureCheck.MINIMAL: "evidence that nothing asks for is not taken",
            CaptureCheck.NAMES_BRAND: "the wording of a consent names the brand",
        }[self.check]

    def lists(self) -> Iterable[str]:
        return (f"{language}: {', '.join(words)}" for language, words in self.words.items())


class SenderRule(ScopedRule):
    """What a sender must be: registered with the operators, and by the name that they allow.

    `name` is a pattern of the whole name and `max_length` its length; both are about names, not
    numbers. `registrations` are entries that the registry must hold for the sender.
    """

    registered: StrictBool = False
    max_length: Count | None = None
    name: Pattern[str] | None = None
    registrations: Words = ()

    def says(self) -> str:
        registered = "the sender is registered with the operators" if self.registered else ""
        entries = f"the sender has {', '.join(self.registrations)} on record" if self.registrations else ""
        length = f"its name has at most {self.max_length} characters" if self.max_length else ""
        name = f"its name has the form {self.name.pattern}" if self.name else ""
        return ", ".join(part for part in (registered, entries, length, name) if part)


class DenialRule(ScopedRule):
    """Such messages never go, whatever else holds; `code` is the reason that is given."""

    code: Literal[Code.NO_PACK, Code.CHANNEL_BLOCKED]

    @property
    def relaxable(self) -> bool:
        """Never: what nobody knows to be permitted does not go."""
        return False

    def says(self) -> str:
        return f"never go ({self.code})"


def _of(subdivisions: tuple[str, ...]) -> str:
    if not subdivisions:
        return ""
    return f"; holidays of {'every subdivision' if '*' in subdivisions else ', '.join(subdivisions)} count"
