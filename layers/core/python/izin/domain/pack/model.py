"""A pack as a value: its rules, its words and its settings, refused when unsound."""

from __future__ import annotations

import string
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, Self, TypeAlias, TypeVar

from pydantic import Field, StrictBool, model_validator

from izin.domain.consent import Basis
from izin.domain.message import Channel, Purpose
from izin.domain.pack.base import Cited, Duration, Model, ScopedRule, Severity, Vocabulary, Words, span
from izin.domain.pack.contents import ContentRule, Instruction
from izin.domain.pack.rules import CapRule, CaptureRule, ConsentRule, DenialRule, SenderRule, WindowRule
from izin.domain.pack.templates import TemplateRule

GLOBAL = "global"

Rule: TypeAlias = (
    DenialRule | WindowRule | CapRule | ConsentRule | CaptureRule | ContentRule | TemplateRule | SenderRule
)


@dataclass(frozen=True, slots=True)
class Rules:
    """Every rule for messages of one purpose on one channel. All apply at once."""

    denials: tuple[DenialRule, ...] = ()
    windows: tuple[WindowRule, ...] = ()
    caps: tuple[CapRule, ...] = ()
    consent: tuple[ConsentRule, ...] = ()
    captures: tuple[CaptureRule, ...] = ()
    contents: tuple[ContentRule, ...] = ()
    templates: tuple[TemplateRule, ...] = ()
    senders: tuple[SenderRule, ...] = ()

    def __add__(self, other: Rules) -> Rules:
        """Both at once. What two packs share is counted once."""
        return Rules(
            denials=_union(self.denials, other.denials),
            windows=_union(self.windows, other.windows),
            caps=_union(self.caps, other.caps),
            consent=_union(self.consent, other.consent),
            captures=_union(self.captures, other.captures),
            contents=_union(self.contents, other.contents),
            templates=_union(self.templates, other.templates),
            senders=_union(self.senders, other.senders),
        )

    def only(self, wanted: Callable[[ScopedRule], bool]) -> Rules:
        """Those of the rules that are `wanted`."""
        return Rules(**{name: tuple(filter(wanted, kind)) for name, kind in self.kinds().items()})

    def kinds(self) -> dict[str, Any]:
        """The rules by the name of their kind."""
        return {kind.name: getattr(self, kind.name) for kind in fields(self)}

    def without(self, relaxed: Collection[str]) -> Rules:
        """These rules without those called `relaxed`, as far as they may be."""
        if not relaxed:
            return self
        return self.only(lambda rule: rule.rule not in relaxed or not rule.relaxable)

    def asking(self) -> tuple[ConsentRule | CaptureRule, ...]:
        """The rules about a consent and its capture."""
        return (*self.consent, *self.captures)

    def all(self) -> Iterator[ScopedRule]:
        """Every rule, of whichever kind."""
        for kind in self.kinds().values():
            yield from kind


R = TypeVar("R", bound=ScopedRule)


def _union(first: tuple[R, ...], second: tuple[R, ...]) -> tuple[R, ...]:
    return tuple({rule.rule: rule for rule in (*first, *second)}.values())


class RuleSet(Model):
    """The rules of a file, or of its `shared` part, by kind."""

    denials: tuple[DenialRule, ...] = ()
    windows: tuple[WindowRule, ...] = ()
    caps: tuple[CapRule, ...] = ()
    consent: tuple[ConsentRule, ...] = ()
    captures: tuple[CaptureRule, ...] = ()
    contents: tuple[Annotated[ContentRule, Field(discriminator="check")], ...] = ()
    templates: tuple[Annotated[TemplateRule, Field(discriminator="check")], ...] = ()
    senders: tuple[SenderRule, ...] = ()

    # What rules come to is remembered by them: a set of rules is itself and no other.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __add__(self, other: RuleSet) -> RuleSet:
        """Both at once."""
        return RuleSet.model_construct(**{kind: getattr(self, kind) + getattr(other, kind) for kind in KINDS})

    def of(self, channel: Channel, purpose: Purpose) -> Rules:
        """Those of these rules that `purpose` on `channel` is subject to."""

        def these(rules: tuple[R, ...]) -> tuple[R, ...]:
            return tuple(r for r in rules if channel in r.channels and purpose in r.purposes)

        return Rules(
            denials=these(self.denials),
            windows=these(self.windows),
            caps=these(self.caps),
            consent=these(self.consent),
            captures=these(self.captures),
            contents=tuple(r for r in self.contents if channel in r.channels and purpose in r.purposes),
            templates=tuple(r for r in self.templates if channel in r.channels and purpose in r.purposes),
            senders=these(self.senders),
        )

    def rules(self, channel: Channel, purpose: Purpose, candidates: tuple[str, ...] = ()) -> Rules:
        """What `purpose` on `channel` is subject to.

        `candidates` are the subdivisions that the person may be in; where none is known, every rule holds.
        """
        return self.of(channel, purpose).only(lambda rule: rule.applies(candidates))

    def all(self) -> Iterator[ScopedRule]:
        """Every rule, of whichever kind."""
        for kind in KINDS:
            yield from getattr(self, kind)

    def by_kind(self) -> dict[str, Sequence[Rule]]:
        """The rules under the name of their kind, in the order in which a pack is described."""
        return {
            "Never": self.denials,
            "Windows, in the local time of every zone that the person may be in": self.windows,
            "Caps": self.caps,
            "Consent": self.consent,
            "Capture of a consent": self.captures,
            "Content": self.contents,
            "Templates": self.templates,
            "Senders": self.senders,
        }


KINDS = tuple(RuleSet.model_fields)


class Keywords(Cited):
    """The words of one language that a reply may consist of, as people write them; compared when folded.

    `phrases` mean an opt-out wherever they stand. How sentences are made is told by `Sentences`.
    """

    opt_out: Annotated[Words, Field(min_length=1)]
    phrases: Words = ()
    help: Words
    opt_in: Words = ()
    confirm: Words


class StopButtons(Cited):
    """The labels, per language, of the platform's own button that stops promotions."""

    labels: Vocabulary


PLACEHOLDERS = frozenset({"brand", "contact", "sender"})


class Texts(Cited):
    """What is answered in one language: templates with `{brand}`, `{contact}` and `{sender}`."""

    confirmation: str
    help: str
    opt_in_request: str | None = None

    @model_validator(mode="after")
    def _placeholders_are_known(self) -> Self:
        for template in (self.confirmation, self.help, self.opt_in_request or "{brand}"):
            names = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
            if "brand" not in names or not names <= PLACEHOLDERS:
                raise ValueError(f"a text needs {{brand}} and may hold only {sorted(PLACEHOLDERS)}")
        return self


T = TypeVar("T")


class Setting(Cited, Generic[T]):
    """One value of a pack."""

    value: T


class Confirmation(Cited):
    """Whether an opt-out is answered, and how long after it an answer may still leave."""

    required: StrictBool
    deadline: Duration


class Retention(Cited):
    """How long the proof of a consent is kept at least, counted from `since`."""

    keep: Duration
    since: Literal["capture", "last_use"]


class ConsentExpiry(Cited):
    """A permission on one of `bases` lasts `after`, counted from its capture."""

    bases: Annotated[tuple[Basis, ...], Field(min_length=1)]
    after: Duration

    def says(self) -> str:
        return f"a consent ({' or '.join(self.bases)}) lasts {span(self.after)}"


class Metric(StrEnum):
    """What the health of a sender is measured by."""

    OPT_OUT_RATE = "opt_out_rate"
    COMPLAINT_RATE = "complaint_rate"
    COMPLAINTS = "complaints"
    VIOLATION_RATE = "violation_rate"
    DAILY_MESSAGES = "daily_messages"


class HealthThreshold(Cited):
    """Above `limit` (a share for rates, else a number) of `metric` in `period`, a sender rests.

    `age` limits it to senders that have been in use for less than that.
    """

    metric: Metric
    limit: Annotated[float, Field(gt=0)]
    period: Duration
    age: Duration | None = None

    def says(self) -> str:
        young = f" in a sender's first {span(self.age)}" if self.age else ""
        metric = self.metric.replace("_", " ")
        value = f"{self.limit:.1%}" if self.metric.endswith("rate") else f"{self.limit:,.0f}"
        return f"{metric}: at most {value} in {span(self.period)}{young}"


class MessageExpiry(Cited):
    """When a message is useless, counted from its submission, where the caller does not say."""

    marketing: Duration
    transactional: Duration
    authentication: Duration
    announcement: Duration

    def of(self, purpose: Purpose) -> timedelta:
        """The lifetime of a message of `purpose`."""
        lifetime: timedelta = getattr(self, purpose.value)
        return lifetime


class Pack(RuleSet):
    """One pack, or several merged (`merged`). Settings that a file leaves out are those of `global.toml`.

    `countries` are those that it judges, by ISO 3166. A pack of one country `joins` the packs of the
    regions that the country belongs to: theirs hold too, but for the rules that it `replaces`, which
    must be relaxable.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z]{2,16}$")]
    version: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    title: str
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    joins: Words = ()
    replaces: Words = ()
    languages: Annotated[Words, Field(min_length=1)]  # the first is the pack's own
    keywords: Mapping[str, Keywords] = {}
    texts: Mapping[str, Texts] = {}
    revoke_all: Setting[StrictBool]  # STOP also ends essential transactional messages
    opt_out_deadline: Setting[Duration]  # an opt-out holds at once; this is the latest that is lawful
    confirmation: Confirmation
    retention: Retention
    message_expiry: MessageExpiry
    double_opt_in_expiry: Setting[Duration]  # of a request that nobody confirmed
    consent_expiry: tuple[ConsentExpiry, ...] = ()  # none: a consent does not expire
    resolicit_block: Setting[Duration] | None = None  # after an opt-out, no request to come back
    health: tuple[HealthThreshold, ...] = ()
    access_deadline: Setting[Duration] | None = None  # of a request for one's data
    erasure_deadline: Setting[Duration] | None = None
    anonymise_after: Setting[Duration] | None = None  # an opt-out: what only marketing needed goes
    stop_buttons: StopButtons | None = None  # only of a platform
    back_off: Setting[Duration] | None = None  # only of a platform: after it spared a person
    shared: RuleSet = RuleSet()  # only in global.toml: what belongs to every pack
    instructions: Mapping[str, Instruction] = {}  # only in global.toml, per language
    shorteners: Words = ()  # only in global.toml: domains

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        seen: set[str] = set()
        for rule in self.values():
            if rule.rule in seen:
                raise ValueError(f"two values are called {rule.rule}")
            owners = (self.id, *self.joins, GLOBAL)
            if rule.rule.split(".")[0] not in [owner.upper() for owner in owners]:
                raise ValueError(f"{rule.rule} does not begin with {self.id.upper()}")
            seen.add(rule.rule)
        if self.countries and not self.joins:
            for purpose in Purpose:
                ruled = self.of(Channel.SMS, purpose)
                if not ruled.windows or not ruled.consent:
                    raise ValueError(f"{purpose} has no window or no consent rule; say so even if it is free")
        return self

    def values(self) -> Iterable[Cited]:
        """Everything in the pack that is cited."""
        for rules in (self, self.shared):
            for kind in rules.by_kind().values():
                yield from kind
        yield from self.consent_expiry
        yield from self.health
        yield from self.keywords.values()
        yield from self.texts.values()
        yield from self.settings().values()

    def settings(self) -> dict[str, Cited]:
        """The settings by name; those that the pack does not have are left out."""
        settings = {name: getattr(self, name) for name in SETTINGS}
        return {name: setting for name, setting in settings.items() if setting}

    def lifetime(self, basis: Basis) -> timedelta | None:
        """How long a permission on `basis` lasts: the shortest that is asked for; None for ever."""
        return min((expiry.after for expiry in self.consent_expiry if basis in expiry.bases), default=None)

    def joined(self, region: Pack) -> Pack:
        """This pack with what a region that it belongs to asks as well; of two settings the strictest."""
        rules = {
            kind: getattr(self, kind)
            + tuple(rule for rule in getattr(region, kind) if rule.rule not in self.replaces)
            for kind in KINDS
        }
        settings = {name: _strictest(name, getattr(self, name), getattr(region, name)) for name in SETTINGS}
        others = {
            "version": max(self.version, region.version),
            "consent_expiry": self.consent_expiry + region.consent_expiry,
            "health": self.health + region.health,
            "languages": tuple(dict.fromkeys((*self.languages, *region.languages))),
            "keywords": {**region.keywords, **self.keywords},
            "texts": {**self.texts, **region.texts, **self.texts},
        }
        return self.model_copy(update={**rules, **settings, **others})

    def rules(self, channel: Channel, purpose: Purpose, candidates: tuple[str, ...] = ()) -> Rules:
        """What `purpose` on `channel` is subject to, the rules shared by every pack included."""
        return self.shared.rules(channel, purpose, candidates) + super().rules(channel, purpose, candidates)


SETTINGS = (
    "revoke_all",
    "opt_out_deadline",
    "confirmation",
    "retention",
    "message_expiry",
    "double_opt_in_expiry",
    "resolicit_block",
    "access_deadline",
    "erasure_deadline",
    "anonymise_after",
    "stop_buttons",
    "back_off",
)


def _strictest(name: str, own: Any, other: Any) -> Any:
    """Of two settings called `name` the one that asks for more; of equals the more binding, then the own."""
    if own is None or other is None:
        return own or other
    binding = list(Severity).index
    own, other = sorted((own, other), key=lambda setting: binding(setting.severity))
    match own:
        case Confirmation():
            return min(own, other, key=lambda setting: setting.deadline)
        case Retention():
            return max(own, other, key=lambda setting: setting.keep)
        case MessageExpiry():
            return own
        case _:
            pick = max if name in ("revoke_all", "resolicit_block") else min
            return pick(own, other, key=lambda setting: setting.value)
