"""What does a jurisdiction or a platform ask? Rule packs as values, read from TOML and refused when unsound.

A pack is one file in `izin/packs`, named by its id; for a single country the id is the ISO 3166 code.
Every value in it names its rule, its severity and the rows of the rule facts that it was built from.
`global.toml` is the pack of every country that has none; its `shared` rules and its word lists belong
to every pack. Rules are never traded against each other: all that apply must hold, so the strictest
decides and each is cited. File format in TOML: times are local times, durations ISO 8601.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Annotated, Generic, Literal, Self, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictBool,
    ValidationError,
    model_validator,
)

from izin.domain.message import Channel, Kind, Purpose
from izin.domain.reasons import Code

GLOBAL = "global"


class PackError(ValueError):
    """A pack that cannot be trusted: `file:line: place: what is wrong`, one line per fault."""


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


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Words: TypeAlias = tuple[Annotated[str, Field(min_length=1)], ...]
Vocabulary: TypeAlias = Annotated[Mapping[str, Words], Field(min_length=1)]
Count: TypeAlias = Annotated[int, Field(gt=0, strict=True)]
LocalTime: TypeAlias = Annotated[time, Field(strict=True)]  # else 8 would be eight seconds past midnight
Categories: TypeAlias = tuple[Literal["public", "optional", "government"], ...]


def _iso_8601(value: object) -> object:
    if isinstance(value, (str, timedelta)):
        return value
    raise ValueError("a duration is written in ISO 8601, as PT10M or P30D")


Duration: TypeAlias = Annotated[timedelta, BeforeValidator(_iso_8601), Field(gt=timedelta(0))]
RuleId: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z]+(\.[a-z][A-Za-z0-9_-]*)+$")]
SourceId: TypeAlias = Annotated[str, Field(pattern=r"^(policy|[SL]-[A-Z]+-\d{2})$")]


class Cited(_Model):
    """A value that says where it comes from.

    `sources` are row ids of the rule facts. The source `policy` stands for a choice of this product
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
    """A rule for messages of some purposes on some channels."""

    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)] = (Channel.SMS, Channel.WHATSAPP)

    def lists(self) -> Iterable[str]:
        """The word lists that the rule works with, one line each."""
        return ()


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_A_DAY = f"({'|'.join(_DAYS)})"

Hours: TypeAlias = tuple[tuple[time, time], ...]
"""The openings of one weekday, in order: `[opens, closes)`; closing at 00:00 is the midnight that ends it."""

Week: TypeAlias = tuple[Hours, Hours, Hours, Hours, Hours, Hours, Hours]
"""Monday first, as `date.weekday()` counts."""


class Opening(_Model):
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


_ALWAYS = (Opening(days="mon-sun", opens=time(0), closes=time(0)),)


class WindowRule(ScopedRule):
    """When messages may go, in the local time of every zone that the person may be in.

    `closed` names categories of holidays (national and of the number's subdivisions) on which they
    may not go at all. A rule with `subdivisions` holds only where the number may belong to one.
    """

    openings: Annotated[tuple[Opening, ...], Field(min_length=1)] = _ALWAYS
    closed: Categories = ()
    subdivisions: tuple[str, ...] = ()

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
        return f"may go {openings}{closed}{_where(self.subdivisions)}"


class CapRule(ScopedRule):
    """At most `limit` messages to one person in any `period`, all its purposes and channels together.

    On a holiday of the categories `holidays` the limit is `holiday_limit` instead.
    """

    limit: Count
    period: Duration
    holidays: Categories = ()
    holiday_limit: Annotated[int, Field(ge=0, strict=True)] | None = None
    subdivisions: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _holidays_come_with_a_limit(self) -> Self:
        if bool(self.holidays) != (self.holiday_limit is not None):
            raise ValueError("holidays and holiday_limit need each other")
        return self

    def says(self) -> str:
        holiday = f", {self.holiday_limit} on {' or '.join(self.holidays)} holidays" if self.holidays else ""
        return f"at most {self.limit} in any {_span(self.period)}{holiday}{_where(self.subdivisions)}"


class Needs(StrEnum):
    """What must be on record before a message may go."""

    CONSENT = "consent"
    CONSENT_OR_BASIS = "consent_or_basis"
    BASIS = "basis"
    NONE = "none"


class ConsentRule(ScopedRule):
    """What permission a message needs, and what `evidence` a consent to it carries, where there is one."""

    needs: Needs = Needs.NONE
    double_opt_in: StrictBool = False
    evidence: Words = ()

    def says(self) -> str:
        needs = {
            Needs.CONSENT: "need the person's consent",
            Needs.CONSENT_OR_BASIS: "need the person's consent or a transaction that they belong to",
            Needs.BASIS: "need a transaction that they belong to",
            Needs.NONE: "" if self.double_opt_in or self.evidence else "need no consent",
        }[self.needs]
        double = "a consent counts once the person has confirmed it by a reply" if self.double_opt_in else ""
        evidence = f"a consent carries {', '.join(self.evidence)}" if self.evidence else ""
        return "; ".join(part for part in (needs, double, evidence) if part)


class CaptureCheck(StrEnum):
    """What is asked of the moment at which a consent is captured."""

    PAST = "past"
    UNTICKED = "unticked"
    VOLUNTARY = "voluntary"
    SPECIFIC = "specific"
    NAMES_PURPOSE = "names_purpose"
    NAMES_BRAND = "names_brand"


class CaptureRule(ScopedRule):
    """A demand on the capture of a consent.

    `words`, per language: for `specific` the vague phrases that void a wording, for `names_purpose`
    those of which one must be in it.
    """

    check: CaptureCheck
    words: Mapping[str, Words] = {}

    @model_validator(mode="after")
    def _words_where_needed(self) -> Self:
        if bool(self.words) != (self.check in (CaptureCheck.SPECIFIC, CaptureCheck.NAMES_PURPOSE)):
            raise ValueError("words belong to the checks specific and names_purpose, and to no other")
        return self

    def says(self) -> str:
        return {
            CaptureCheck.PAST: "a consent is not captured in the future",
            CaptureCheck.UNTICKED: "the person ticks the box; a box ticked beforehand is no consent",
            CaptureCheck.VOLUNTARY: "a consent is not a condition of a purchase",
            CaptureCheck.SPECIFIC: "the wording of a consent avoids vague phrases",
            CaptureCheck.NAMES_PURPOSE: "the wording of a consent says that it is for these messages",
            CaptureCheck.NAMES_BRAND: "the wording of a consent names the brand",
        }[self.check]

    def lists(self) -> Iterable[str]:
        return (f"{language}: {', '.join(words)}" for language, words in self.words.items())


class Instruction(_Model):
    """How a text in one language tells the person to leave.

    One of `asks` before one of `words` ("Balas STOP"); one of `labels` before a link or a number, in
    the same sentence ("untuk berhenti kunjungi example.com/s"); or a word right before one ("STOP:
    example.com/s"). `towards` stands before a short code to send the word to ("ke 95123").
    """

    asks: Annotated[Words, Field(min_length=1)]
    words: Annotated[Words, Field(min_length=1)]
    labels: Words = ()
    towards: Words = ()


class OptOutContent(ScopedRule):
    """The text says how to leave, in `language`. Other `instructions` only help to say what is wrong."""

    check: Literal["opt_out"]
    language: str
    instructions: Mapping[str, Instruction]

    @model_validator(mode="after")
    def _language_is_known(self) -> Self:
        if self.language not in self.instructions:
            raise ValueError(f"no instructions for {self.language}")
        return self

    def says(self) -> str:
        return f"the text says in {self.language} how to leave"

    def lists(self) -> Iterable[str]:
        asked = self.instructions[self.language]
        yield f"{self.language}: {' / '.join(asked.asks)} + {' / '.join(asked.words)}"
        if asked.labels:
            yield f"{self.language}: {' / '.join(asked.labels)} + a link or a number"


class OneWayContent(ScopedRule):
    """Where replies cannot arrive, the opt-out instruction leads to a link, a short code or a number."""

    check: Literal["one_way"]

    def says(self) -> str:
        return "where the sender receives no replies, the way out is a link, a short code or a number"


class BrandContent(ScopedRule):
    """The text names the brand."""

    check: Literal["brand"]

    def says(self) -> str:
        return "the text names the brand"


class LengthContent(ScopedRule):
    """The text has at most `limit` characters (Unicode code points)."""

    check: Literal["length"]
    limit: Count

    def says(self) -> str:
        return f"at most {self.limit} characters"


class PromotionContent(ScopedRule):
    """The text holds nothing promotional: none of `words`, per language, in its sentences or its links."""

    check: Literal["no_promotion"]
    words: Vocabulary

    def says(self) -> str:
        return "the text holds nothing promotional"

    def lists(self) -> Iterable[str]:
        return (f"{language}: {', '.join(words)}" for language, words in self.words.items())


class LanguageContent(ScopedRule):
    """The message is written in `language`."""

    check: Literal["language"]
    language: str

    def says(self) -> str:
        return f"written in {self.language}"


class AsciiContent(ScopedRule):
    """The text holds ASCII characters only."""

    check: Literal["ascii"]

    def says(self) -> str:
        return "only ASCII characters"


class LinkContent(ScopedRule):
    """Links lead only to domains that the operators approved for the sender."""

    check: Literal["approved_links"]

    def says(self) -> str:
        return "links lead only to domains approved for the sender"


class PhoneNumberContent(ScopedRule):
    """No phone numbers in the text; those without a country code are read as of `region` (ISO 3166)."""

    check: Literal["no_phone_numbers"]
    region: str

    def says(self) -> str:
        return "no phone numbers in the text"


ContentRule: TypeAlias = (
    OptOutContent
    | OneWayContent
    | BrandContent
    | LengthContent
    | PromotionContent
    | LanguageContent
    | AsciiContent
    | LinkContent
    | PhoneNumberContent
)


class SenderRule(ScopedRule):
    """The sender is registered with the operators; its name has at most `max_length` characters."""

    registered: StrictBool = False
    max_length: Count | None = None

    def says(self) -> str:
        registered = "the sender is registered with the operators" if self.registered else ""
        length = f"its name has at most {self.max_length} characters" if self.max_length else ""
        return ", ".join(part for part in (registered, length) if part)


class DenialRule(ScopedRule):
    """Such messages never go, whatever else holds; `code` is the reason that is given."""

    code: Literal[Code.NO_PACK, Code.CHANNEL_BLOCKED]

    def says(self) -> str:
        return f"never go ({self.code})"


Rule: TypeAlias = DenialRule | WindowRule | CapRule | ConsentRule | CaptureRule | ContentRule | SenderRule
"""Each `says()` what it asks, in English."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Every rule for messages of one purpose on one channel. All apply at once."""

    denials: tuple[DenialRule, ...] = ()
    windows: tuple[WindowRule, ...] = ()
    caps: tuple[CapRule, ...] = ()
    consent: tuple[ConsentRule, ...] = ()
    captures: tuple[CaptureRule, ...] = ()
    contents: tuple[ContentRule, ...] = ()
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
            senders=_union(self.senders, other.senders),
        )


R = TypeVar("R", bound=ScopedRule)


def _union(first: tuple[R, ...], second: tuple[R, ...]) -> tuple[R, ...]:
    return tuple({rule.rule: rule for rule in (*first, *second)}.values())


class RuleSet(_Model):
    """The rules of a file, or of its `shared` part, by kind."""

    denials: tuple[DenialRule, ...] = ()
    windows: tuple[WindowRule, ...] = ()
    caps: tuple[CapRule, ...] = ()
    consent: tuple[ConsentRule, ...] = ()
    captures: tuple[CaptureRule, ...] = ()
    contents: tuple[Annotated[ContentRule, Field(discriminator="check")], ...] = ()
    senders: tuple[SenderRule, ...] = ()

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
            senders=these(self.senders),
        )

    def by_kind(self) -> dict[str, Sequence[Rule]]:
        """The rules under the name of their kind, in the order in which a pack is described."""
        return {
            "Never": self.denials,
            "Windows, in the local time of every zone that the person may be in": self.windows,
            "Caps": self.caps,
            "Consent": self.consent,
            "Capture of a consent": self.captures,
            "Content": self.contents,
            "Senders": self.senders,
        }


class Keywords(Cited):
    """The words of one language that a reply may consist of, as people write them; compared when folded.

    `phrases` mean an opt-out wherever they stand, `marketing` after an opt-out word narrows it,
    `ambiguous` alone is for a person to judge, `negations` turn what follows, `polite` changes nothing.
    """

    opt_out: Annotated[Words, Field(min_length=1)]
    phrases: Words = ()
    help: Words
    opt_in: Words = ()
    confirm: Words
    marketing: Words = ()
    ambiguous: Words = ()
    negations: Words = ()
    polite: Words = ()


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
    """One pack. Settings that a file leaves out are those of `global.toml`."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z]{2,16}$")]
    version: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    title: str
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    languages: Annotated[Words, Field(min_length=1)]  # the first is the pack's own
    keywords: Mapping[str, Keywords] = {}
    texts: Mapping[str, Texts] = {}
    revoke_all: Setting[StrictBool]  # STOP also ends essential transactional messages
    confirmation: Confirmation
    retention: Retention
    message_expiry: MessageExpiry
    double_opt_in_expiry: Setting[Duration]  # of a request that nobody confirmed
    consent_expiry: Setting[Duration] | None = None  # None: a consent does not expire
    resolicit_block: Setting[Duration] | None = None  # after an opt-out, no request to come back
    shared: RuleSet = RuleSet()  # only in global.toml: what belongs to every pack
    _rules: dict[tuple[Channel, Purpose], Rules] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        seen: set[str] = set()
        for rule in self.values():
            if rule.rule in seen:
                raise ValueError(f"two values are called {rule.rule}")
            if not rule.rule.startswith((f"{self.id.upper()}.", "GLOBAL.")):
                raise ValueError(f"{rule.rule} does not begin with {self.id.upper()}")
            seen.add(rule.rule)
        if self.country:
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
        yield from self.keywords.values()
        yield from self.texts.values()
        yield from self.settings().values()

    def settings(self) -> dict[str, Cited]:
        """The settings by name; those that the pack does not have are left out."""
        settings = {name: getattr(self, name) for name in _SETTINGS}
        return {name: setting for name, setting in settings.items() if setting}

    def rules(self, channel: Channel, purpose: Purpose) -> Rules:
        """What `purpose` on `channel` is subject to, the rules shared by every pack included."""
        key = (channel, purpose)
        if key not in self._rules:
            shared = self.shared if self.id == GLOBAL else load(GLOBAL).shared
            self._rules[key] = shared.of(channel, purpose) + self.of(channel, purpose)
        return self._rules[key]


_SETTINGS = (
    "revoke_all",
    "confirmation",
    "retention",
    "message_expiry",
    "double_opt_in_expiry",
    "consent_expiry",
    "resolicit_block",
)


@cache
def load(pack_id: str) -> Pack:
    """The pack of that id. Raises `PackError` if there is none or it is unsound."""
    if not re.fullmatch(r"[A-Za-z]{2,16}", pack_id) or not _file(pack_id).is_file():
        raise PackError(f"{pack_id}: no such pack")
    defaults = {} if pack_id == GLOBAL else load(GLOBAL).settings()
    return parse(_file(pack_id).read_text("utf-8"), f"{pack_id}.toml", defaults)


def pack_for(country: str | None) -> Pack | None:
    """The pack of a country (ISO 3166), or None: then `load(GLOBAL)` says what may still go."""
    if not country or not re.fullmatch(r"[A-Z]{2}", country) or not _file(country).is_file():
        return None
    return load(country)


def pack_of(country: str) -> Pack:
    """The pack that judges a number of `country`: its own, or the one of every country without."""
    return pack_for(country) or load(GLOBAL)


def parse(source: str, name: str, defaults: Mapping[str, Cited]) -> Pack:
    """The pack in the TOML text `source` of the file `name`.

    `defaults` are the settings that stand in for those that the file leaves out. Raises `PackError`,
    which names the file and, where it can be found, the line.
    """
    try:
        document = tomllib.loads(source)
        pack = Pack.model_validate({**defaults, **document})
    except tomllib.TOMLDecodeError as error:
        raise PackError(f"{name}: {error}") from error
    except ValidationError as error:
        faults = [
            f"{name}:{_line(source, e['loc'])}: {'.'.join(map(str, e['loc'])) or 'pack'}: {e['msg']}"
            for e in error.errors(include_url=False)
        ]
        raise PackError("\n".join(faults)) from error
    if name != f"{pack.id}.toml":
        raise PackError(f"{name}: holds the pack {pack.id}")
    return pack


def _file(pack_id: str) -> Traversable:
    return resources.files("izin") / "packs" / f"{pack_id}.toml"


def _line(source: str, place: Sequence[int | str]) -> int:
    """The line of the TOML text that `place`, as pydantic gives it, most likely means; 1 if unknown."""
    lines = source.splitlines()
    at = 0
    path = ""
    for part in place:
        if isinstance(part, int):
            headers = [n for n, line in enumerate(lines) if line.strip() == f"[[{path}]]"]
            at = headers[part] if part < len(headers) else at
            continue
        table = f"{path}.{part}" if path else part
        key = re.compile(rf"\s*(\[+{re.escape(table)}[\].]|{re.escape(part)}\s*[.=])")
        found = [n for n in range(at, _end_of_table(lines, at, path)) if key.match(lines[n])]
        if found:  # else a key that is missing, or the name of a variant, which is no key
            at, path = found[0], table
    return at + 1


def _end_of_table(lines: Sequence[str], start: int, path: str) -> int:
    """The line at which another table than `path` and those under it begins."""
    if not path:
        return len(lines)
    others = (n for n in range(start + 1, len(lines)) if re.match(rf"\[+(?!{re.escape(path)}\.)", lines[n]))
    return next(others, len(lines))


def texts(pack: Pack, language: str | None, kind: Kind) -> str:
    """The template that answers as `kind` in `language`, else in the pack's own language, else in English.

    `pt` finds `pt-BR` and the other way round. Placeholders are `{brand}`, `{contact}`, `{sender}`.
    Raises `ValueError` for a submission, whose text is the app's.
    """
    if kind is Kind.SUBMISSION:
        raise ValueError("the text of a submission is the app's own")
    known = {**load(GLOBAL).texts, **pack.texts}
    for wanted in (language, pack.languages[0], "en-US"):
        for name in _closest(wanted, known):
            text: str | None = getattr(known[name], kind.value)
            if text:
                return text
    raise PackError(f"{pack.id}: no text for {kind}")


def _closest(wanted: str | None, known: Iterable[str]) -> list[str]:
    """The languages that serve for `wanted`: itself, then those that share its primary subtag."""
    if wanted is None:
        return []
    same = [name for name in known if same_language(name, wanted)]
    return sorted(same, key=lambda name: name.casefold() != wanted.casefold())


def same_language(one: str, other: str) -> bool:
    """Whether two BCP 47 tags share their primary subtag (`pt`, `pt-BR`)."""
    return one.casefold().split("-")[0] == other.casefold().split("-")[0]


def describe(pack: Pack) -> str:
    """What the pack means, in plain English, every statement with its rule, severity and sources."""
    lines = [
        f"{pack.id}: {pack.title}, version {pack.version}",
        f"Languages: {', '.join(pack.languages)}",
    ]
    for title, rules in _described(pack):
        lines += ["", title]
        for rule in rules:
            scope = f"{', '.join(rule.purposes)} ({', '.join(rule.channels)})"
            lines += [f"  {scope}: {rule.says()}.", *(f"    {words}" for words in rule.lists()), *_cite(rule)]
    lines += ["", "Settings"]
    for name, setting in pack.settings().items():
        lines += [f"  {name.replace('_', ' ')}: {_setting(setting)}.", *_cite(setting)]
    words = {**load(GLOBAL).keywords, **pack.keywords}
    lines += ["", "Replies"]
    for language in (GLOBAL, *pack.languages):
        if language in words:
            lines += [f"  {language}:", *_keywords(words[language]), *_cite(words[language])]
    lines += ["", "Texts"]
    for language, answers in pack.texts.items():
        lines += [f"  {language}:", *_templates(answers), *_cite(answers)]
    return "\n".join(lines) + "\n"


def _described(pack: Pack) -> Iterable[tuple[str, Sequence[Rule]]]:
    shared = pack.shared if pack.id == GLOBAL else load(GLOBAL).shared
    for title, rules in pack.by_kind().items():
        if rules:
            yield title, rules
    for title, rules in shared.by_kind().items():
        if rules:
            yield f"Everywhere: {title[0].lower()}{title[1:]}", rules


def _cite(value: Cited) -> list[str]:
    relax = ", may be relaxed" if value.severity.relaxable else ""
    cited = [f"    [{value.rule}; {value.severity}{relax}; {', '.join(value.sources)}]"]
    return [*cited, f"    {value.note}"] if value.note else cited


def _setting(setting: Cited) -> str:
    match setting:
        case Confirmation():
            when = "an opt-out is answered once" if setting.required else "an opt-out need not be answered"
            return f"{when}, within {_span(setting.deadline)} or not at all"
        case Retention():
            since = "its capture" if setting.since == "capture" else "its last use"
            return f"the proof of a consent is kept for at least {_span(setting.keep)} after {since}"
        case MessageExpiry():
            return ", ".join(f"{purpose} after {_span(setting.of(purpose))}" for purpose in Purpose)
        case Setting(value=timedelta() as duration):
            return _span(duration)
        case Setting(value=bool() as on):
            return "yes" if on else "no"
        case _:
            raise TypeError(f"{type(setting)} has no description")


def _keywords(words: Keywords) -> list[str]:
    lists = words.model_dump(exclude=set(Cited.model_fields))
    return [f"    {name.replace('_', ' ')}: {', '.join(listed)}" for name, listed in lists.items() if listed]


def _templates(answers: Texts) -> list[str]:
    templates = answers.model_dump(exclude=set(Cited.model_fields))
    return [f"    {name.replace('_', ' ')}: {text}" for name, text in templates.items() if text]


def _where(subdivisions: tuple[str, ...]) -> str:
    return f" (in {', '.join(subdivisions)})" if subdivisions else ""


def _span(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds % unit == 0:
            count = seconds // unit
            return f"{count} {name}{'' if count == 1 else 's'}"
    raise ValueError(f"{duration} has fractions of a second")
