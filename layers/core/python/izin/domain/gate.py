"""May this message go to this person now? One pure function, and the answer with every reason.

Windows and caps defer; everything else denies. `deny` outranks `defer`, and `until` is the first
instant at which every deferring rule lets the message go. What the gate cannot know keeps the
message back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from izin.domain.consent import Block, Standing, Suppression
from izin.domain.contact import NO_CONTACT, Contact
from izin.domain.history import Send, remembered
from izin.domain.judge import Judge, Timing, permission
from izin.domain.message import Channel, Kind, Message, Purpose
from izin.domain.pack import Pack, Rules, RuleSet, span
from izin.domain.phone import TEXTABLE, LineType, Phone
from izin.domain.reasons import Code, Effect, Reason
from izin.domain.registry import Brand, Sender
from izin.domain.times import shown


class Verdict(StrEnum):
    """What the gate says."""

    ALLOW = "allow"
    DEFER = "defer"
    DENY = "deny"


class Decision(NamedTuple):
    """A verdict with its reasons.

    `until`: when a deferred message may go. `valid_until`: when an `allow` stops holding because a
    window closes or the message expires. `counted`: the earlier sends that a cap may still ask for;
    `capped`: whether this message is to be counted with them. `relaxed`: what the brand's registry
    entry took out of the reasons.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    until: datetime | None
    valid_until: datetime | None
    decided_at: datetime
    counted: tuple[Send, ...]
    capped: bool
    pack: str
    pack_version: str
    relaxed: tuple[Reason, ...] = ()

    @property
    def expired(self) -> bool:
        """Whether time alone has ended the message."""
        return bool(self.reasons) and all(r.code is Code.WOULD_EXPIRE for r in self._denials())

    def _denials(self) -> list[Reason]:
        return [reason for reason in self.reasons if reason.effect is Effect.DENY]


def decide(
    message: Message,
    phone: Phone,
    standing: Standing,
    sends: Sequence[Send],
    brand: Brand,
    sender: Sender,
    pack: Pack,
    now: datetime,
    contact: Contact = NO_CONTACT,
) -> Decision:
    """Judge `message` as of `now` (aware). `sends` are the person's recent ones from this brand.

    An answer to something that the person just did (its `kind`) is free of consent, windows, caps
    and content rules, and lives only as long as it is an answer.
    """
    rules = _compiled(
        pack,
        message.channel,
        message.purpose,
        phone.line_type,
        phone.country,
        phone.subdivisions,
        phone.time_zones,
        brand.tighten,
        brand.relax,
    )
    reasons = rules.number
    if sender.suspended:
        reasons += _SUSPENDED
    relaxed: tuple[Reason, ...] = ()
    if message.kind is _SUBMISSION:
        denials, timing, relaxed = _submitted(rules, message, standing, sends, brand, sender, now, contact)
        reasons += denials
    else:
        reasons += tuple(_answering(message, standing, pack, now))
        timing = Timing((), now, None)
    waits, until, closes = timing
    expires = message.expires_at
    late = () if expires is None or until is None or until < expires else (_would_expire(until, expires),)
    verdict = _DENY if reasons or late or until is None else _DEFER if waits else _ALLOW
    return Decision(
        verdict,
        reasons + waits + late,
        until if verdict is _DEFER else None,
        _first(closes, expires) if verdict is _ALLOW else None,
        now,
        remembered(sends, now, rules.remember) if sends else (),
        rules.judge.capped,
        pack.id,
        pack.version,
        relaxed,
    )


def _submitted(
    rules: _Compiled,
    message: Message,
    standing: Standing,
    sends: Sequence[Send],
    brand: Brand,
    sender: Sender,
    now: datetime,
    contact: Contact,
) -> tuple[tuple[Reason, ...], Timing, tuple[Reason, ...]]:
    """What an app's message is denied for; what windows and caps say; and what was relaxed of both."""
    channel, purpose, judge = message.channel, message.purpose, rules.judge
    reasons: tuple[Reason, ...] = ()
    block = standing.blocking(channel, purpose, message.essential and bool(message.basis))
    if block:
        reasons = (_stopped(block),)
    if standing.unclear and purpose is Purpose.MARKETING and standing.is_unclear(channel):
        reasons += _UNCLEAR
    status = standing.status(channel, purpose, now)
    reasons += judge.asks(message, status, block is not None, sends, brand, sender)
    timing = judge.timing(sends, now)
    if contact.rests_until and (rests := contact.resting(message, now)):
        timing = _after_rest(timing, rests, judge.timing(sends, contact.rests_until))
    if judge.free_forms:
        reasons += tuple(contact.too_late(message, judge.free_forms, timing.until or now))
        closes = _first(timing.closes, contact.closes_at(message, judge.free_forms))
        timing = Timing(timing.reasons, timing.until, closes)
    if rules.relaxed is None:
        return reasons, timing, ()
    relaxed = rules.relaxed.asks(message, status, block is not None, sends, brand, sender)
    return reasons, timing, relaxed + rules.relaxed.timing(sends, now).reasons


def _after_rest(timing: Timing, rests: Reason, later: Timing) -> Timing:
    """`timing`, where the platform spares the person until windows and caps say `later`."""
    if timing.until is None:
        return Timing((*timing.reasons, rests), None, None)
    never = (reason for reason in later.reasons if reason.effect is Effect.DENY)
    return Timing((*timing.reasons, rests, *never), later.until, None)


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else one or other


# Looking a member up costs more than comparing it.
_SUBMISSION, _DENIES, _LATE = Kind.SUBMISSION, Effect.DENY, Code.WOULD_EXPIRE
_ALLOW, _DEFER, _DENY = Verdict


class _Compiled(NamedTuple):
    """What is said of a kind of number; the rules of its place, without what the brand relaxes; that alone.

    And how long caps remember.
    """

    number: tuple[Reason, ...]
    judge: Judge
    relaxed: Judge | None
    remember: timedelta


@lru_cache(maxsize=4096)
def _compiled(
    pack: Pack,
    channel: Channel,
    purpose: Purpose,
    line_type: LineType,
    country: str,
    subdivisions: tuple[str, ...],
    time_zones: tuple[str, ...],
    tighten: RuleSet,
    relax: frozenset[str],
) -> _Compiled:
    rules = pack.rules(channel, purpose, subdivisions) + tighten.rules(channel, purpose, subdivisions)
    waived = rules.only(lambda rule: rule.rule in relax and rule.relaxable)
    caps = (*pack.caps, *pack.shared.caps, *tighten.caps)
    return _Compiled(
        tuple(_not_textable(channel, line_type)),
        Judge(rules.without(relax), country, subdivisions, time_zones),
        Judge(waived, country, subdivisions, time_zones) if relax else None,
        max((cap.period for cap in caps), default=_REMEMBER),
    )


_REMEMBER = timedelta(days=1)


def _not_textable(channel: Channel, line_type: LineType) -> Iterator[Reason]:
    if channel is Channel.SMS and line_type not in TEXTABLE:  # WhatsApp may live on a fixed line
        says = f"a text cannot or may not go to a {line_type} number; ask for a mobile number"
        yield Reason(Code.NUMBER_CLASS, "GLOBAL.number_class", Effect.DENY, says)


_SUSPENDED = (
    Reason(
        Code.SENDER_SUSPENDED,
        "GLOBAL.sender.suspended",
        Effect.DENY,
        "the sender is suspended in the registry",
    ),
)
_UNCLEAR = (
    Reason(
        Code.REPLY_UNCLEAR,
        "GLOBAL.reply_unclear",
        Effect.DENY,
        "a reply may have been an opt-out; somebody has to read it",
        ("L-US-04",),
    ),
)
_STOP = ("S-GEN-02", "S-GEN-05")


def _stopped(block: Block) -> Reason:
    """What the person said against it."""
    code, rule = _SUPPRESSED[block.kind]
    return Reason(code, rule, _DENIES, "the person opted out at {}", _STOP, None, (block.given_at,))


_SUPPRESSED = {
    Suppression.OPT_OUT: (Code.OPTED_OUT, "GLOBAL.opt_out"),
    Suppression.DO_NOT_CONTACT: (Code.DO_NOT_CONTACT, "GLOBAL.do_not_contact"),
}


def _would_expire(until: datetime, expires_at: datetime) -> Reason:
    says = "it could go at {}, but expires at {}"
    return Reason(_LATE, "GLOBAL.message_expiry", _DENIES, says, (), None, (until, expires_at))


def _answering(message: Message, standing: Standing, pack: Pack, now: datetime) -> Iterator[Reason]:
    """An answer stands as long as what it answers: a later STOP or START has overtaken it."""
    answers = message.answers
    if answers is None:
        return
    if message.kind is Kind.OPT_IN_REQUEST and pack.resolicit_block:
        ban = pack.resolicit_block
        until = standing.banned_until(ban.value)
        if until and now < until:
            detail = f"the person opted out; for {span(ban.value)}, until {shown(until)}, nobody asks again"
            yield Reason(Code.OPTED_OUT, ban.rule, Effect.DENY, detail, ban.sources)
    if message.kind is Kind.CONFIRMATION:
        if standing.superseded(answers, message.channel):
            detail = "the person came back before it left"
            yield Reason(Code.WOULD_EXPIRE, "GLOBAL.confirmation", Effect.DENY, detail)
        return
    block = standing.blocking(message.channel, message.purpose)
    # Help is asked for by the person. A request is our asking: whoever opted out comes back unasked.
    asks = message.kind is Kind.OPT_IN_REQUEST
    if block and (asks or block.kind is Suppression.DO_NOT_CONTACT or block.given_at >= answers):
        code = Code.DO_NOT_CONTACT if block.kind is Suppression.DO_NOT_CONTACT else Code.OPTED_OUT
        yield Reason(code, "GLOBAL.opt_out", Effect.DENY, "the person opted out since", _STOP)


def prefer(message: Message, rules: Rules, standing: Standing, pack: Pack, now: datetime) -> Decision:
    """May a message go by a channel that the gate does not send by? What the person said decides alone."""
    reasons = objections(message, rules, standing, now)
    verdict = _DENY if reasons else _ALLOW
    return Decision(verdict, reasons, None, None, now, (), False, pack.id, pack.version)


def objections(message: Message, rules: Rules, standing: Standing, now: datetime) -> tuple[Reason, ...]:
    """What the person said, or has yet to say, against `message` by `rules`."""
    channel, purpose = message.channel, message.purpose
    block = standing.blocking(channel, purpose, message.essential and bool(message.basis))
    said: tuple[Reason, ...] = (_stopped(block),) if block else ()
    if purpose is Purpose.MARKETING and standing.is_unclear(channel):
        said += _UNCLEAR
    status = standing.status(channel, purpose, now)
    return said + permission(rules, status, bool(message.basis), block is not None)
