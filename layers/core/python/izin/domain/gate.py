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

from izin.domain import calendars, content, templates, windows
from izin.domain.consent import Block, Standing, Status, Suppression
from izin.domain.contact import NO_CONTACT, Contact
from izin.domain.history import Send, remembered
from izin.domain.message import Channel, Kind, Message, Purpose
from izin.domain.pack import ALWAYS, CapRule, Needs, Pack, Rules, ScopedRule, Week, WindowRule, span
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
    rules = brand.rules(pack, message.channel, message.purpose, phone.subdivisions)
    relaxed: list[Reason] = []
    if brand.relax:
        waived = rules.only(lambda rule: rule.rule in brand.relax and rule.relaxable)
        rules = rules.without(brand.relax)
        if message.kind is Kind.SUBMISSION:
            relaxed = _asked(message, waived, phone, standing, sends, brand, sender, now)
    reasons = [*_number(message, phone), *_suspension(sender)]
    until: datetime | None = now
    closes: datetime | None = None
    if message.kind is Kind.SUBMISSION:
        reasons += _blocked(message, standing)
        reasons += _asked(message, rules, phone, standing, sends, brand, sender, now)
        resting = contact.resting(message, now)
        until, closed = _common_instant(
            rules, phone, sends, reasons, resting.until or now if resting else now
        )
        reasons += [*([resting] if resting else []), *closed]
        reasons += contact.too_late(message, rules, until or now)
        closing = (_closes_at(rules, phone, sends, now), contact.closes_at(message, rules))
        closes = min((at for at in closing if at), default=None)
    else:
        reasons += _answering(message, standing, pack, now)
    reasons += _expiry(message, until)
    return _conclude(message, reasons, relaxed, until, closes, sends, rules, brand, pack, now)


def _asked(
    message: Message,
    rules: Rules,
    phone: Phone,
    standing: Standing,
    sends: Sequence[Send],
    brand: Brand,
    sender: Sender,
    now: datetime,
) -> list[Reason]:
    """What stands in the way by `rules` alone."""
    return [
        *_denials(rules),
        *_registration(rules, phone, sender),
        *_permission(message, rules, standing, now),
        *_content(message, rules, brand, sender, sends),
        *_windows(rules, phone, now),
        *_caps(rules, phone, sends, now),
    ]


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
        if rule.name and not sender.is_number and not rule.name.fullmatch(sender.address):
            detail = f"the sender's name must have the form {rule.name.pattern}"
            yield _deny(rule, Code.SENDER_NOT_REGISTERED, detail)
        missing = [entry for entry in rule.registrations if entry not in sender.registrations]
        if missing:
            detail = f"the registry holds no {' and no '.join(missing)} of the sender"
            yield _deny(rule, Code.SENDER_NOT_REGISTERED, detail)


def _denials(rules: Rules) -> Iterator[Reason]:
    for rule in rules.denials:
        yield _deny(rule, rule.code, rule.note or "such messages never go")


def _blocked(message: Message, standing: Standing) -> Iterator[Reason]:
    """What the person said against it."""
    block = _block(message, standing)
    if block:
        stopped = f"the person opted out at {shown(block.given_at)}"
        if block.kind is Suppression.DO_NOT_CONTACT:
            yield Reason(Code.DO_NOT_CONTACT, "GLOBAL.do_not_contact", Effect.DENY, stopped, _STOP)
        else:
            yield Reason(Code.OPTED_OUT, "GLOBAL.opt_out", Effect.DENY, stopped, _STOP)
    if message.purpose is Purpose.MARKETING and standing.is_unclear(message.channel):
        detail = "a reply may have been an opt-out; somebody has to read it"
        yield Reason(Code.REPLY_UNCLEAR, "GLOBAL.reply_unclear", Effect.DENY, detail, _UNCLEAR)


def _block(message: Message, standing: Standing) -> Block | None:
    return standing.blocking(message.channel, message.purpose, message.essential and bool(message.basis))


def _permission(message: Message, rules: Rules, standing: Standing, now: datetime) -> Iterator[Reason]:
    """What the rules need the person to have said, where it is not there."""
    status = standing.status(message.channel, message.purpose, now)
    for rule in rules.consent:
        lacking = _lacking(rule.needs, message, status)
        if lacking and not (lacking is Code.NO_CONSENT and _block(message, standing)):
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


def _content(
    message: Message, rules: Rules, brand: Brand, sender: Sender, sends: Sequence[Send]
) -> Sequence[Reason]:
    shape = templates.findings(message.template, rules.templates) if message.template else ()
    if message.text is None:
        return shape
    return shape + content.findings(
        message.text,
        rules,
        brand_name=brand.name,
        language=message.language,
        approved_domains=brand.approved_domains,
        two_way=sender.two_way,
        first=not any(s.purpose is message.purpose and s.channel is message.channel for s in sends),
        variables=message.variables,
    )


def schedules(rules: Rules, phone: Phone) -> list[Schedule]:
    """When each of the window rules lets messages go to `phone`."""
    return [_schedule(rule, phone) for rule in rules.windows]


def _schedule(rule: WindowRule, phone: Phone) -> Schedule:
    return _schedule_for(rule.rule, rule.hours, rule.closed, phone.country, _parts(rule, phone))


def _holidays(cap: CapRule, phone: Phone) -> Schedule:
    """Open on every day that is no holiday to the cap."""
    return _schedule_for(cap.rule, ALWAYS, cap.holidays, phone.country, _parts(cap, phone))


def _parts(rule: WindowRule | CapRule, phone: Phone) -> tuple[str, ...]:
    """The subdivisions whose holidays count: where the person may be and the rule holds."""
    if phone.subdivisions:
        return tuple(s for s in phone.subdivisions if not rule.subdivisions or s in rule.subdivisions)
    return rule.subdivisions or rule.holidays_of


@lru_cache(maxsize=512)
def _schedule_for(
    _rule: str, week: Week, closed: tuple[str, ...], country: str, parts: tuple[str, ...]
) -> Schedule:
    hours = {day: tuple(Hours(o, c) for o, c in openings) for day, openings in enumerate(week)}
    if not closed:
        return Schedule(hours)
    calendar = calendars.load(country)
    if calendar is None:  # nobody knows its holidays, so no day is known to be none
        return Schedule(hours, frozenset(), range(0))
    everywhere = tuple(calendar.subdivisions) if "*" in parts else parts
    return Schedule(hours, calendar.closed(everywhere, closed), calendar.years)


def _windows(rules: Rules, phone: Phone, now: datetime) -> Iterator[Reason]:
    """Each window rule that is closed at `now`, with the instant at which it opens by itself."""
    for rule in rules.windows:
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


def _caps(rules: Rules, phone: Phone, sends: Sequence[Send], now: datetime) -> Iterator[Reason]:
    """Each cap that is full at `now`, with the instant at which it permits one more."""
    for cap in rules.caps:
        frees = _frees_at(cap, phone, sends, now)
        if isinstance(frees, Code):
            yield _deny(cap, frees, _CLOSED[frees])
        elif frees > now:
            detail = f"{cap.says()}; as many were sent; the next may go at {shown(frees)}"
            yield Reason(Code.CAP_REACHED, cap.rule, Effect.DEFER, detail, cap.sources, frees)


def _frees_at(cap: CapRule, phone: Phone, sends: Sequence[Send], at: datetime) -> datetime | Code:
    """The first instant from `at` on at which the cap permits one more.

    A day of a year whose holidays are not known is held to be one.
    """
    frees = _frees_below(cap.limit, cap, sends, at)
    if cap.holiday_limit is None:
        return frees
    workday = windows.next_open([_holidays(cap, phone)], phone.time_zones, frees)
    if not cap.holiday_limit:
        return workday
    on_any_day = _frees_below(cap.holiday_limit, cap, sends, at)
    return on_any_day if isinstance(workday, Code) else min(workday, on_any_day)


def _frees_below(limit: int, cap: CapRule, sends: Sequence[Send], at: datetime) -> datetime:
    """The first instant from `at` on at which fewer than `limit` sends lie within the cap's period."""
    counted = sorted(s.at for s in sends if s.purpose in cap.purposes and s.channel in cap.channels)
    return at if len(counted) < limit else max(at, counted[-limit] + cap.period)


def _common_instant(
    rules: Rules, phone: Phone, sends: Sequence[Send], found: Sequence[Reason], now: datetime
) -> tuple[datetime | None, list[Reason]]:
    """The first instant at which every window and cap permits; or why there is none."""
    if any(reason.code in _CLOSED for reason in found):
        return None, []
    open_at = schedules(rules, phone)
    instant = now
    while True:
        # Each pass takes the latest of what is asked. A later instant may be a holiday to a cap.
        freed = [_frees_at(cap, phone, sends, instant) for cap in rules.caps]
        start = max((at for at in freed if isinstance(at, datetime)), default=instant)
        closed = next((at for at in freed if isinstance(at, Code)), None)
        opens = closed or windows.next_open(open_at, phone.time_zones, start)
        if isinstance(opens, Code):
            return None, [_deny((*rules.windows, *rules.caps)[0], opens, _CLOSED[opens])]
        if opens == instant:
            return instant, []
        instant = opens


def _closes_at(rules: Rules, phone: Phone, sends: Sequence[Send], now: datetime) -> datetime | None:
    """The first instant from `now` on at which a window closes, or a cap for a holiday."""
    closing = [windows.closes_at(schedules(rules, phone), phone.time_zones, now)]
    for cap in rules.caps:
        if cap.holiday_limit is not None and (
            not cap.holiday_limit or _frees_below(cap.holiday_limit, cap, sends, now) > now
        ):
            closing.append(windows.closes_at([_holidays(cap, phone)], phone.time_zones, now))
    return min((at for at in closing if at), default=None)


def _answering(message: Message, standing: Standing, pack: Pack, now: datetime) -> Iterator[Reason]:
    """An answer stands as long as what it answers: a later STOP or START has overtaken it."""
    if message.answers is None:
        return
    if message.kind is Kind.OPT_IN_REQUEST and pack.resolicit_block:
        ban, stopped = pack.resolicit_block, standing.last_opt_out()
        if stopped and now < stopped + ban.value:
            detail = f"the person opted out at {shown(stopped)}; nobody asks again for {span(ban.value)}"
            yield Reason(Code.OPTED_OUT, ban.rule, Effect.DENY, detail, ban.sources)
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
    relaxed: list[Reason],
    until: datetime | None,
    closes: datetime | None,
    sends: Sequence[Send],
    rules: Rules,
    brand: Brand,
    pack: Pack,
    now: datetime,
) -> Decision:
    effects = {reason.effect for reason in reasons}
    verdict = Verdict.DENY if Effect.DENY in effects else Verdict.DEFER if effects else Verdict.ALLOW
    ends = [instant for instant in (closes, message.expires_at) if instant]
    caps = (*pack.caps, *pack.shared.caps, *brand.tighten.caps)
    longest = max((cap.period for cap in caps), default=_REMEMBER)
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
        relaxed=tuple(relaxed),
    )
