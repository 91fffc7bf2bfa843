"""What does another system's claim of a consent prove? Nothing that it has no evidence for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from izin.domain import capture
from izin.domain.capture import Capture, Fault, Problem
from izin.domain.consent import Basis, Method
from izin.domain.message import Channel, Purpose
from izin.domain.pack import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A consent as another system holds it; None is what it did not keep.

    `confirmed_at` is when the person said yes a second time, where they were asked to.
    """

    channel: Channel
    purposes: tuple[Purpose, ...]
    source: str
    captured_at: datetime | None
    confirmed_at: datetime | None
    wording: str | None
    language: str | None
    method: Method | None
    basis: Basis = Basis.EXPRESS
    prechecked: bool | None = None
    condition_of_purchase: bool | None = None
    evidence: Mapping[str, str] = field(default_factory=dict, repr=False)


def judge(
    claim: Claim, rules: Mapping[Purpose, Rules], brand_name: str, now: datetime, *, double: bool
) -> tuple[Problem, ...]:
    """Everything that keeps `claim` from being evidence; empty if it is a consent.

    It is judged as a capture of today is. `double`: the person's pack or the brand asks for a second
    yes. An import asks nobody, so that yes must have been given where the claim comes from.
    """
    missing = tuple(_missing(claim))
    unconfirmed = tuple(_unconfirmed(claim, now)) if double and claim.basis is Basis.EXPRESS else ()
    if claim.captured_at is None or claim.method is None or missing:
        return (*missing, *unconfirmed)
    captured = Capture(
        channel=claim.channel,
        purposes=claim.purposes,
        captured_at=claim.captured_at,
        wording=claim.wording or "",
        language=claim.language or "",
        method=claim.method,
        source=claim.source,
        basis=claim.basis,
        prechecked=claim.prechecked,
        condition_of_purchase=claim.condition_of_purchase,
        evidence=claim.evidence,
    )
    return (*capture.judge(captured, rules, brand_name, now), *unconfirmed)


def _missing(claim: Claim) -> Iterator[Problem]:
    for name, value, remedy in (
        ("captured_at", claim.captured_at, "add when the person agreed"),
        ("wording", (claim.wording or "").strip(), "add what the person was shown"),
        ("language", claim.language, "add the language of the wording"),
        ("method", claim.method, f"add how the person agreed: {', '.join(Method)}"),
    ):
        if not value:
            yield Problem(name, Fault.MISSING, f"a consent needs it as evidence: {remedy}", "", ())


def _unconfirmed(claim: Claim, now: datetime) -> Iterator[Problem]:
    if claim.confirmed_at is None:
        message = "a second yes is asked here: add when it was given, or ask anew by POST /v1/consents"
        yield Problem("confirmed_at", Fault.MISSING, message, "", ())
    elif claim.confirmed_at > now:
        yield Problem("confirmed_at", Fault.IN_THE_FUTURE, "the second yes lies in the future", "", ())
