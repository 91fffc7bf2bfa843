"""What every value of a pack has: where it comes from, how binding it is, and whom it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from izin.domain.message import Channel, Purpose


class Severity(StrEnum):
    """How binding a rule is, strictest first."""

    LAW = "law"
    CARRIER = "carrier"
    PLATFORM = "platform"
    GUIDE = "guide"
    ADVICE = "advice"
    POLICY = "policy"

    @property
    def relaxable(self) -> bool:
        """Whether configuration may switch the rule off, which leaves an audit entry."""
        return self in (Severity.ADVICE, Severity.POLICY)


class Model(BaseModel):
    """A part of a pack: never changed once read, and without anything that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Words: TypeAlias = tuple[Annotated[str, Field(min_length=1)], ...]
Vocabulary: TypeAlias = Annotated[Mapping[str, Words], Field(min_length=1)]
Count: TypeAlias = Annotated[int, Field(gt=0, strict=True)]
LocalTime: TypeAlias = Annotated[time, Field(strict=True)]  # else 8 would be eight seconds past midnight
Categories: TypeAlias = tuple[Literal["public", "optional", "government", "telemarketing"], ...]


def _iso_8601(value: object) -> object:
    if isinstance(value, (str, timedelta)):
        return value
    raise ValueError("a duration is written in ISO 8601, as PT10M or P30D")


Duration: TypeAlias = Annotated[timedelta, BeforeValidator(_iso_8601), Field(gt=timedelta(0))]
RuleId: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z]+(\.[a-z][A-Za-z0-9_-]*)+$")]
SourceId: TypeAlias = Annotated[str, Field(pattern=r"^(policy|[SL]-[A-Z]+-\d{2}|L-US-[A-Z]{2})$")]


class Cited(Model):
    """A value that says where it comes from.

    `sources` are ids of `sources.toml`. The source `policy` stands for a choice of this product
    that no row asks for; it needs severity `policy` and a `note` with the reason.
    """

    rule: RuleId
    severity: Severity
    sources: Annotated[tuple[SourceId, ...], Field(min_length=1)]
    note: str = ""

    @model_validator(mode="after")
    def _own_choices_are_owned(self) -> Self:
        if "policy" in self.sources and not (self.severity is Severity.POLICY and self.note):
            raise ValueError("the source `policy` needs severity `policy` and a note with the reason")
        return self


class ScopedRule(Cited):
    """A rule for messages of some purposes on some channels.

    One with `subdivisions` holds only where the person may be in one of them.
    """

    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)] = (Channel.SMS, Channel.WHATSAPP)
    subdivisions: tuple[str, ...] = ()

    def applies(self, candidates: Iterable[str]) -> bool:
        """Whether it holds for somebody who may be in any of `candidates`; where none is known, it does."""
        known = set(candidates)
        return not self.subdivisions or not known or not known.isdisjoint(self.subdivisions)

    @property
    def relaxable(self) -> bool:
        """Whether a brand may do without it."""
        return self.severity.relaxable

    def lists(self) -> Iterable[str]:
        """The word lists that the rule works with, one line each."""
        return ()


def span(duration: timedelta) -> str:
    """A duration as people say it, in its largest whole unit."""
    seconds = int(duration.total_seconds())
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds % unit == 0:
            count = seconds // unit
            return f"{count} {name}{'' if count == 1 else 's'}"
    raise ValueError(f"{duration} has fractions of a second")
