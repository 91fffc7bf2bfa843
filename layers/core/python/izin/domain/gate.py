"""May this message go to this person now? One pure function, and the answer with every reason.

Windows and caps defer; everything else denies. `deny` outranks `defer`, and `until` is the first
instant at which every deferring rule lets the message go. What the gate cannot know keeps the
message back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from izin.domain import calendars, content, windows
from izin.domain.consent import Standing, Status, Suppression
from izin.domain.history import Send, remembered
from izin.domain.message import Channel, Kind, Message, Purpose
from izin.domain.pack import CapRule, Needs, Pack, Rules, ScopedRule, Week, WindowRule
from izin.domain.phone import Phone
from izin.domain.reasons import Code, Effect, Reason
from izin.domain.registry import Brand, Sender
from izin.domain.times import shown
from izin.domain.windows import Hours, Schedule


class Verdict(StrEnum):
    """What the gate says."""

    ALLOW = "allow"
    DEFER = "defer"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its reasons.

    `until`: when a deferred message may go. `valid_until`: when an `allow` stops holding because a
    window closes or the message expires. `counted`: the earlier sends that a cap may still ask for;
    `capped`: whether this message is to be counted with them.
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
) -> Decision:
    """Judge `message` as of `now` (aware). `sends` are the person's recent ones from this brand.

    An answer to something that the person just did (its `kind`) is free of consent, windows, caps
    and content rules, and lives only as long as it is an answer.
    """
    rules = pack.rules(message.channel, message.purpose)
    reasons = [*_number(message, phone), *_suspension(sender)]
    until: datetime | None = now
    closes: datetime | None = None
    if message.kind is Kind.SUBMISSION:
        schedules = [_schedule(rule, phone) for rule in _windows_of(rules, phone)]
        reasons += [*_denials(rules), *_registration(rules, phone, sender)]
        reasons += _permission(message, rules, standing, now)
        reasons += _content(message, rules, brand, sender)
        timing = [*_windows(rules, phone, now), *_caps(rules, sends, now)]
        until, closed = _common_instant(rules, schedules, phone, timing, now)
        reasons += [*timing, *closed]
        closes = windows.closes_at(schedules, phone.time_zones, now)
    else:
        reasons += _answering(message, standing)
    reasons += _expiry(message, until)
    return _conclude(message, reasons, until, closes, sends, rules, pack, now)


def _number(message: Message, phone: Phone) -> Iterator[Reason]:
    if message.channel is Channel.SMS and not phone.textable:
        detail = f"a text cannot or may not go to a {phone.line_type} number; ask for a mobile number"
        yield Reason(Code.NUMBER_CLASS, "GLOBAL.number_class", Effect.DENY, detail)


def _suspension(sender: Sender) -> Iterator[Reason]:
    if sender.suspended:
        detail = "the sender is suspended in the registry"
        yield Reason(Code.SENDER_SUSPENDED, "GLOBAL.sender.suspended", Effect.DENY, detail)


def _registration(rules: Rules, phone: Phone, sender: Sender) -> Iterator[Reason]:
    for rule in rules.senders:
        if rule.registered and phone.country not in sender.countries:
            detail = f"the sender is not registered in {phone.country}: add it to its countries once it is"
            yield _deny(rule, Code.SENDER_NOT_REGISTERED, detail)
        if rule.max_length and not sender.is_number and len(sender.address) > rule.max_length:
            detail = f"the sender's name has more than {rule.max_length} characters"
            yield _deny(rule, Code.SENDER_NOT_REGISTERED, detail)


def _denials(rules: Rules) -> Iterator[Reason]:
    for rule in rules.denials:
        yield _deny(rule, rule.code, rule.note or "such messages never go")


def _permission(message: Message, rules: Rules, standing: Standing, now: datetime) -> Iterator[Reason]:
    """What the person said, against what the rules need them to have said."""
    status = standing.status(message.channel, message.purpose, now)
    block = standing.blocking(message.channel, message.purpose, message.essential and bool(message.basis))
    if block:
        stopped = f"the person opted out at {shown(block.given_at)}"
        if block.kind is Suppression.DO_NOT_CONTACT:
            yield Reason(Code.DO_NOT_CONTACT, "GLOBAL.do_not_contact", Effect.DENY, stopped, _STOP)
        else:
            yield Reason(Code.OPTED_OUT, "GLOBAL.opt_out", Effect.DENY, stopped, _STOP)
    if message.purpose is Purpose.MARKETING and standing.is_unclear(message.channel):
        detail = "a reply may have been an opt-out; somebody has to read it"
        yield Reason(Code.REPLY_UNCLEAR, "GLOBAL.reply_unclear", Effect.DENY, detail, _UNCLEAR)
    for rule in rules.consent:
        lacking = _lacking(rule.needs, message, status)
        if lacking and not (block and lacking is Code.NO_CONSENT):
            yield _deny(rule, lacking, _LACKING[lacking])


def _lacking(needs: Needs, message: Message, status: Status) -> Code | None:
    """What a rule that `needs` something misses, if anything."""
    if needs is Needs.NONE or (needs is not Needs.BASIS and status is Status.GRANTED):
        return None
    if needs in (Needs.BASIS, Needs.CONSENT_OR_BASIS):
        return None if message.basis else Code.BASIS_MISSING
    return _CONSENT_LACKING[status]


_CONSENT_LACKING = {
    Status.NONE: Code.NO_CONSENT,
    Status.PENDING: Code.CONSENT_PENDING,
    Status.WITHDRAWN: Code.NO_CONSENT,
    Status.EXPIRED: Code.CONSENT_EXPIRED,
}
_LACKING = {
    Code.NO_CONSENT: "no consent for this channel and purpose is on record",
    Code.CONSENT_PENDING: "the person has not confirmed the double opt-in yet",
    Code.CONSENT_EXPIRED: "the consent has expired; ask again",
    Code.BASIS_MISSING: 'name the transaction: "basis": {"transaction": "…"}',
}


def _content(message: Message, rules: Rules, brand: Brand, sender: Sender) -> Sequence[Reason]:
    if message.text is None:
        return ()
    return content.findings(
        message.text,
        rules,
        brand_name=brand.name,
        language=message.language,
        approved_domains=brand.approved_domains,
        two_way=sender.two_way,
    )


def _windows_of(rules: Rules, phone: Phone) -> list[WindowRule]:
    """The window rules that apply to somebody who may be in the number's subdivisions."""
    return [
        rule
        for rule in rules.windows
        if not rule.subdivisions or not phone.subdivisions or set(rule.subdivisions) & set(phone.subdivisions)
    ]


def _schedule(rule: WindowRule, phone: Phone) -> Schedule:
    return _schedule_for(rule.rule, rule.hours, rule.closed, phone.country, phone.subdivisions)


@lru_cache(maxsize=512)
def _schedule_for(
    _rule: str, week: Week, closed: tuple[str, ...], country: str, subdivisions: tuple[str, ...]
) -> Schedule:
    hours = {day: tuple(Hours(o, c) for o, c in openings) for day, openings in enumerate(week)}
    if not closed:
        return Schedule(hours)
    calendar = calendars.load(country)
    if calendar is None:  # nobody knows its holidays, so no day is known to be none
        return Schedule(hours, frozenset(), range(0))
    return Schedule(hours, calendar.closed(subdivisions, closed), calendar.years)


def _windows(rules: Rules, phone: Phone, now: datetime) -> Iterator[Reason]:
    """Each window rule that is closed at `now`, with the instant at which it opens by itself."""
    for rule in _windows_of(rules, phone):
        schedule = [_schedule(rule, phone)]
        code = windows.closed_because(schedule, phone.time_zones, now)
        if code is None:
            continue
        opens = windows.next_open(schedule, phone.time_zones, now)
        if isinstance(opens, Code):
            yield _deny(rule, opens, _CLOSED[opens])
        else:
            zones = ", ".join(phone.time_zones)
            detail = f"{rule.says()}; opens at {shown(opens)} in every zone of {zones}"
            yield Reason(code, rule.rule, Effect.DEFER, detail, rule.sources, opens)


_CLOSED = {
    Code.NO_CALENDAR: "the holidays of that year are not known; update the calendars",
    Code.NO_COMMON_WINDOW: "no instant is permitted in every zone that the person may be in",
}


def _caps(rules: Rules, sends: Sequence[Send], now: datetime) -> Iterator[Reason]:
    """Each cap that is full at `now`, with the instant at which enough sends have left its period."""
    for cap in rules.caps:
        frees = _frees_at(cap, sends, now)
        if frees > now:
            detail = f"{cap.says()}; {cap.limit} were sent; the next may go at {shown(frees)}"
            yield Reason(Code.CAP_REACHED, cap.rule, Effect.DEFER, detail, cap.sources, frees)


def _frees_at(cap: CapRule, sends: Sequence[Send], now: datetime) -> datetime:
    """The first instant from `now` on at which fewer than `limit` sends lie within `period`."""
    counted = sorted(s.at for s in sends if s.purpose in cap.purposes and s.channel in cap.channels)
    if len(counted) < cap.limit:
        return now
    return max(now, counted[-cap.limit] + cap.period)


def _common_instant(
    rules: Rules, schedules: Sequence[Schedule], phone: Phone, timing: Sequence[Reason], now: datetime
) -> tuple[datetime | None, list[Reason]]:
    """The first instant at which every window and cap permits; or why there is none."""
    if any(reason.effect is Effect.DENY for reason in timing):
        return None, []
    # Windows move with time, caps only open: after the last cap, the first common opening.
    start = max((r.until for r in timing if r.code is Code.CAP_REACHED and r.until), default=now)
    opens = windows.next_open(schedules, phone.time_zones, start)
    if isinstance(opens, datetime):
        return opens, []
    return None, [_deny(rules.windows[0], opens, _CLOSED[opens])]


def _answering(message: Message, standing: Standing) -> Iterator[Reason]:
    """An answer stands as long as what it answers: a later STOP or START has overtaken it."""
    if message.answers is None:
        return
    if message.kind is Kind.CONFIRMATION:
        if standing.superseded(message.answers, message.channel):
            detail = "the person came back before it left"
            yield Reason(Code.WOULD_EXPIRE, "GLOBAL.confirmation", Effect.DENY, detail)
        return
    block = standing.blocking(message.channel, message.purpose)
    # Help is asked for by the person. A request is our asking: whoever opted out comes back unasked.
    asks = message.kind is Kind.OPT_IN_REQUEST
    if block and (asks or block.kind is Suppression.DO_NOT_CONTACT or block.given_at >= message.answers):
        code = Code.DO_NOT_CONTACT if block.kind is Suppression.DO_NOT_CONTACT else Code.OPTED_OUT
        yield Reason(code, "GLOBAL.opt_out", Effect.DENY, "the person opted out since", _STOP)


def _expiry(message: Message, until: datetime | None) -> Iterator[Reason]:
    if message.expires_at and until and until >= message.expires_at:
        detail = f"it could go at {shown(until)}, but expires at {shown(message.expires_at)}"
        yield Reason(Code.WOULD_EXPIRE, "GLOBAL.message_expiry", Effect.DENY, detail)


def _deny(rule: ScopedRule, code: Code, detail: str) -> Reason:
    return Reason(code, rule.rule, Effect.DENY, detail, rule.sources)


_STOP = ("S-GEN-02", "S-GEN-05")
_UNCLEAR = ("L-US-04",)
_REMEMBER = timedelta(days=1)


def _conclude(
    message: Message,
    reasons: list[Reason],
    until: datetime | None,
    closes: datetime | None,
    sends: Sequence[Send],
    rules: Rules,
    pack: Pack,
    now: datetime,
) -> Decision:
    effects = {reason.effect for reason in reasons}
    verdict = Verdict.DENY if Effect.DENY in effects else Verdict.DEFER if effects else Verdict.ALLOW
    ends = [instant for instant in (closes, message.expires_at) if instant]
    longest = max((cap.period for cap in pack.caps), default=_REMEMBER)
    return Decision(
        verdict=verdict,
        reasons=tuple(reasons),
        until=until if verdict is Verdict.DEFER else None,
        valid_until=min(ends, default=None) if verdict is Verdict.ALLOW else None,
        decided_at=now,
        counted=remembered(tuple(sends), now, longest),
        capped=bool(rules.caps),
        pack=pack.id,
        pack_version=pack.version,
    )
