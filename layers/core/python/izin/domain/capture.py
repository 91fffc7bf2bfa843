"""Is this evidence of a consent? What is wrong with it, field by field, before it is recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias

from izin.domain import evidence
from izin.domain.consent import Basis, Method
from izin.domain.content import mentions
from izin.domain.message import Channel, Purpose
from izin.domain.pack import CaptureCheck, CaptureRule, ConsentRule, Needs, Rules


class Fault(StrEnum):
    """What is wrong with a capture. Public: answered by `POST /v1/consents`."""

    PRE_TICKED = "pre_ticked"
    WORDING_VAGUE = "wording_vague"
    WORDING_LACKS_TYPE = "wording_lacks_type"
    WORDING_LACKS_BRAND = "wording_lacks_brand"
    CONDITION_OF_PURCHASE = "condition_of_purchase"
    BASIS_NOT_ACCEPTED = "basis_not_accepted"
    MISSING = "missing"
    MALFORMED = "malformed"
    NOT_ASKED = "not_asked"
    NOT_UPLOADED = "not_uploaded"
    IN_THE_FUTURE = "in_the_future"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A consent as an app reports it. What it does not tell is None or empty.

    `wording` is what the person read, in `language` (BCP 47). `captured_at` is aware of its zone.
    `method` says what they did. `prechecked` says whether the box was ticked beforehand, None where
    there was no box or nobody knows; `condition_of_purchase` whether the person could not buy without
    it. `evidence` holds what packs ask for beyond these fields, by name (`ip`, `cpf`, `screenshot`). A
    permission on another `basis` than an express yes has no wording that the person read; `wording`
    says what it rests on. `pictured` is a wording that was registered with a picture of it.
    """

    channel: Channel
    purposes: tuple[Purpose, ...]
    captured_at: datetime | None = None
    wording: str = ""
    language: str = ""
    method: Method | None = None
    source: str = ""
    basis: Basis = Basis.EXPRESS
    prechecked: bool | None = None
    condition_of_purchase: bool | None = None
    evidence: Mapping[str, str] = field(default_factory=dict, repr=False)
    pictured: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps a capture from being evidence. `message` holds no personal data."""

    field: str
    code: Fault
    message: str
    rule: str
    sources: tuple[str, ...]

    @property
    def said(self) -> str:
        """The message with what it rests on."""
        return f"{self.message} [{self.rule}; {', '.join(self.sources)}]" if self.rule else self.message


def judge(
    capture: Capture, rules_by_purpose: Mapping[Purpose, Rules], brand_name: str, now: datetime
) -> tuple[Problem, ...]:
    """Everything that is wrong with `capture` at `now`; empty if it may be recorded.

    `rules_by_purpose` are the rules of the capture's channel, at least for its purposes (`KeyError`
    otherwise). A capture without any purpose is judged by all of them.
    Sources: UU PDP Art 20 to 24, GDPR Art 7, LGPD Art 8, as cited by each rule.
    """
    asked = [rules_by_purpose[purpose] for purpose in capture.purposes or rules_by_purpose]
    rules = sum(asked, Rules())
    asking = _asking(rules.consent, capture)
    problems = [problem for rule in rules.captures if (problem := _check(rule, capture, brand_name, now))]
    return (
        *_unaccepted(rules.consent, capture),
        *_missing(asking, capture),
        *_malformed(asking, capture),
        *_unasked(rules.captures, asking, capture),
        *problems,
    )


def files(given: Mapping[str, str]) -> dict[str, str]:
    """The SHA-256 of every file among the evidence `given`, by name. Each must be there."""
    return {name: found for name, value in given.items() if (found := evidence.file_of(name, value))}


def not_uploaded(name: str) -> Problem:
    """A file that is named but not there: a proof that is still to come is none."""
    message = "upload the file first: POST /v1/evidence with the same address says where to"
    return Problem(f"evidence.{name}", Fault.NOT_UPLOADED, message, "", ())


def review(
    wording: str, purposes: tuple[Purpose, ...], rules: Iterable[Rules], brand_name: str
) -> tuple[Problem, ...]:
    """Everything that is wrong with a wording for `purposes`, whoever is shown it; empty if it may be used.

    `rules` are those of each purpose in each country and on each channel that it is meant for.
    """
    shown = Capture(channel=Channel.SMS, purposes=purposes, wording=wording)
    checks = [rule for rule in sum(rules, Rules()).captures if rule.check in _OF_THE_WORDING]
    return tuple(problem for rule in checks if (problem := _check(rule, shown, brand_name, _ANY_TIME)))


def asked_for(rules: Iterable[ConsentRule], method: Method) -> frozenset[str]:
    """The evidence by name that a consent given by `method` carries, and no other may be kept."""
    return frozenset(
        name for rule in rules if not rule.methods or method in rule.methods for name in rule.evidence
    )


def wording_hash(wording: str) -> str:
    """What a certificate and a stranger compare a wording by: SHA-256 of its UTF-8, in hexadecimal."""
    return hashlib.sha256(wording.encode()).hexdigest()


_ANY_TIME = datetime.max.replace(tzinfo=UTC)


def _unaccepted(rules: Iterable[ConsentRule], capture: Capture) -> list[Problem]:
    return [
        Problem(
            "basis",
            Fault.BASIS_NOT_ACCEPTED,
            f"{capture.basis} is not enough; accepted: {', '.join(rule.accepts)}",
            rule.rule,
            rule.sources,
        )
        for rule in rules
        if rule.needs in (Needs.CONSENT, Needs.CONSENT_OR_BASIS) and capture.basis not in rule.accepts
    ]


Asking: TypeAlias = Mapping[str, list[ConsentRule]]
"""The rules that ask for each piece of evidence, by its name."""


def _asking(rules: Iterable[ConsentRule], capture: Capture) -> Asking:
    asking: dict[str, list[ConsentRule]] = {}
    for rule in rules:
        if rule.methods and capture.method not in rule.methods:
            continue
        for name in rule.evidence:
            asking.setdefault(name, []).append(rule)
    return asking


def _missing(asking: Asking, capture: Capture) -> Iterator[Problem]:
    for name, askers in asking.items():
        if not _is_given(capture, name):
            sources = tuple(dict.fromkeys(source for rule in askers for source in rule.sources))
            message = f"a consent needs {name.replace('_', ' ')}"
            yield Problem(_place(name), Fault.MISSING, message, askers[-1].rule, sources)


def _malformed(asking: Asking, capture: Capture) -> Iterator[Problem]:
    for name, value in capture.evidence.items():
        message = evidence.fault(name, value) if value.strip() and name in asking else None
        if message:
            asker = asking[name][0]
            yield Problem(_place(name), Fault.MALFORMED, message, asker.rule, asker.sources)


def _unasked(rules: Iterable[CaptureRule], asking: Asking, capture: Capture) -> Iterator[Problem]:
    """What is told of the person beyond what is asked: it is refused, and so never stored."""
    for rule in rules:
        if rule.check is CaptureCheck.MINIMAL:
            for name in sorted(capture.evidence.keys() - asking.keys()):
                message = "nothing asks for it where this person lives, so it is not kept: leave it out"
                yield Problem(f"evidence.{name}", Fault.NOT_ASKED, message, rule.rule, rule.sources)


_OWN_FIELDS = frozenset({"captured_at", "language", "method", "purposes", "source", "wording"})


def _place(name: str) -> str:
    return name if name in _OWN_FIELDS else f"evidence.{name}"


def _is_given(capture: Capture, name: str) -> bool:
    match name:
        case "captured_at":
            return capture.captured_at is not None
        case "method":
            return capture.method is not None
        case "purposes":
            return bool(capture.purposes)
        case "wording" | "language" | "source":
            told: str = getattr(capture, name)
            return bool(told.strip())
        case "screenshot" if capture.pictured:
            return True
        case _:
            return bool(capture.evidence.get(name, "").strip())


def _check(rule: CaptureRule, capture: Capture, brand_name: str, now: datetime) -> Problem | None:
    def problem(name: str, code: Fault, message: str) -> Problem:
        return Problem(name, code, message, rule.rule, rule.sources)

    if capture.basis is not Basis.EXPRESS and rule.check in _OF_THE_WORDING:
        return None
    wording = capture.wording
    match rule.check:
        case CaptureCheck.PAST:
            if capture.captured_at and capture.captured_at > now:
                return problem("captured_at", Fault.IN_THE_FUTURE, "the consent lies in the future")
        case CaptureCheck.UNTICKED:
            if capture.prechecked:
                return problem("prechecked", Fault.PRE_TICKED, "a box ticked beforehand is no consent")
            if capture.prechecked is None and capture.method is Method.CHECKBOX:
                return problem("prechecked", Fault.MISSING, "say whether the box was ticked beforehand")
        case CaptureCheck.VOLUNTARY:
            if capture.condition_of_purchase:
                message = "a consent without which nothing can be bought is not free"
                return problem("condition_of_purchase", Fault.CONDITION_OF_PURCHASE, message)
        case CaptureCheck.SPECIFIC:
            vague = _met(rule, wording)
            if vague:
                message = f"“{vague}” leaves open what the person agrees to; say what will be sent"
                return problem("wording", Fault.WORDING_VAGUE, message)
        case CaptureCheck.NAMES_EACH if len(capture.purposes) < 2:
            return None
        case CaptureCheck.NAMES_PURPOSE | CaptureCheck.NAMES_EACH:
            if wording.strip() and not _met(rule, wording):
                about, languages = " or ".join(rule.purposes), " or ".join(rule.words)
                message = f"the wording does not name {about} messages; name their type in {languages}"
                return problem("wording", Fault.WORDING_LACKS_TYPE, message)
        case CaptureCheck.NAMES_BRAND:
            if wording.strip() and not (brand_name.strip() and mentions(wording, (brand_name,))):
                return problem("wording", Fault.WORDING_LACKS_BRAND, "the wording does not name the brand")
    return None


_OF_THE_WORDING = (
    CaptureCheck.SPECIFIC,
    CaptureCheck.NAMES_PURPOSE,
    CaptureCheck.NAMES_EACH,
    CaptureCheck.NAMES_BRAND,
)


def _met(rule: CaptureRule, wording: str) -> str | None:
    """The first word of the rule's lists in the wording, of whichever language: captures mix them."""
    return next((m.word for words in rule.words.values() for m in mentions(wording, words)), None)
