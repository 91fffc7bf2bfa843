"""Is this evidence of a consent? What is wrong with it, field by field, before it is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

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
    IN_THE_FUTURE = "in_the_future"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A consent as an app reports it.

    `wording` is what the person read, in `language` (BCP 47). `captured_at` is aware of its zone.
    `prechecked` says whether the box was ticked beforehand, None where there was no box or nobody
    knows; `condition_of_purchase` whether the person could not buy without it. `evidence` holds what
    packs ask for beyond these fields, by name (`ip`, `cpf`, `screenshot`). A permission on another
    `basis` than an express yes has no wording that the person read; `wording` says what it rests on.
    """

    channel: Channel
    purposes: tuple[Purpose, ...]
    captured_at: datetime
    wording: str
    language: str
    method: Method
    source: str
    basis: Basis = Basis.EXPRESS
    prechecked: bool | None = None
    condition_of_purchase: bool | None = None
    evidence: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps a capture from being evidence. `message` holds no personal data."""

    field: str
    code: Fault
    message: str
    rule: str
    sources: tuple[str, ...]


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
    problems = [problem for rule in rules.captures if (problem := _check(rule, capture, brand_name, now))]
    return (*_unaccepted(rules.consent, capture), *_missing(rules.consent, capture), *problems)


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


def _missing(rules: Iterable[ConsentRule], capture: Capture) -> list[Problem]:
    asking: dict[str, list[ConsentRule]] = {}
    for rule in rules:
        if rule.methods and capture.method not in rule.methods:
            continue
        for name in rule.evidence:
            asking.setdefault(name, []).append(rule)
    return [
        Problem(
            name,
            Fault.MISSING,
            f"a consent needs {name.replace('_', ' ')}",
            askers[0].rule,
            tuple(dict.fromkeys(source for rule in askers for source in rule.sources)),
        )
        for name, askers in asking.items()
        if not _is_given(capture, name)
    ]


def _is_given(capture: Capture, name: str) -> bool:
    match name:
        case "captured_at" | "method":
            return True
        case "purposes":
            return bool(capture.purposes)
        case "wording":
            return bool(capture.wording.strip())
        case "source":
            return bool(capture.source.strip())
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
            if capture.captured_at > now:
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
        case CaptureCheck.NAMES_PURPOSE:
            if wording.strip() and not _met(rule, wording):
                about, languages = " or ".join(rule.purposes), " or ".join(rule.words)
                message = f"the wording does not name {about} messages; name their type in {languages}"
                return problem("wording", Fault.WORDING_LACKS_TYPE, message)
        case CaptureCheck.NAMES_BRAND:
            if wording.strip() and not (brand_name.strip() and mentions(wording, (brand_name,))):
                return problem("wording", Fault.WORDING_LACKS_BRAND, "the wording does not name the brand")
    return None


_OF_THE_WORDING = (CaptureCheck.SPECIFIC, CaptureCheck.NAMES_PURPOSE, CaptureCheck.NAMES_BRAND)


def _met(rule: CaptureRule, wording: str) -> str | None:
    """The first word of the rule's lists in the wording, of whichever language: captures mix them."""
    return next((m.word for words in rule.words.values() for m in mentions(wording, words)), None)
