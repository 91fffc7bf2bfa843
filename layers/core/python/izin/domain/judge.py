"""What do all the rules of one place say to a message? Compiled once, then looked up and compared.

A `Judge` knows the rules for one channel and purpose, in one set of zones and subdivisions, under one
brand's own rules. What does not depend on the message is worked out when the judge is made, what depends
on a few facts once for each of their values, and the windows once for each week.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from izin.domain import calendars, content, templates
from izin.domain.caps import Cap
from izin.domain.consent import Status
from izin.domain.history import Send
from izin.domain.message import Message
from izin.domain.pack import ALWAYS, CapRule, Needs, Rules, ScopedRule, SenderRule, Week, WindowRule
from izin.domain.pack.templates import FreeFormTemplate
from izin.domain.reasons import Code, Effect, Reason
from izin.domain.registry import Brand, Sender
from izin.domain.windows import Hours, Opening, Schedule, Stretch, Timeline


class Timing(NamedTuple):
    """What windows and caps say at an instant.

    Why a message has to wait, when it may go (None: never), and when what is permitted now ends.
    """

    reasons: tuple[Reason, ...]
    until: datetime | None
    closes: datetime | None


class Judge:
    """`rules` of one channel and purpose, for whoever may be in these subdivisions and zones of `country`."""

    def __init__(
        self, rules: Rules, country: str, subdivisions: tuple[str, ...], zones: tuple[str, ...]
    ) -> None:
        self._rules = rules
        self._country = country
        self._zones = ", ".join(zones)
        self._timeline = timeline(rules.windows, country, subdivisions, zones)
        self._caps = tuple(Cap(rule, _workdays(rule, country, subdivisions, zones)) for rule in rules.caps)
        # Whoever was sent fewer has reached no cap, where every day is the same to each.
        self._even = all(cap.is_even for cap in self._caps)
        self._fewest = min((cap.fewest for cap in self._caps), default=None)
        self._denied = tuple(_denials(rules))
        self._lacking = {
            (status, based, blocked): tuple(_lacking(rules, status, based, blocked))
            for status in Status
            for based in (False, True)
            for blocked in (False, True)
        }
        self._minds_the_first = any(getattr(rule, "first", False) for rule in rules.contents)
        # A campaign asks for the same sender and the same text again and again.
        self._of_sender = lru_cache(maxsize=64)(self._senders)
        self._of_text = lru_cache(maxsize=64)(self._contents)
        self._of_stretch = lru_cache(maxsize=2048)(self._windows)
        self.capped = bool(rules.caps)
        self.free_forms = [rule for rule in rules.templates if isinstance(rule, FreeFormTemplate)]

    def asks(
        self,
        message: Message,
        status: Status,
        blocked: bool,
        sends: Sequence[Send],
        brand: Brand,
        sender: Sender,
    ) -> tuple[Reason, ...]:
        """What stands in the way at whatever hour. `blocked`: the person opted out, and that is said."""
        reasons = self._denied
        if self._rules.senders:
            reasons += self._of_sender(sender.countries, sender.address, sender.registrations)
        reasons += self._lacking[status, bool(message.basis), blocked]
        if message.template:
            reasons += templates.findings(message.template, self._rules.templates)
        if message.text is not None:
            first = self._minds_the_first
            if first and sends:
                kind = (message.purpose, message.channel)
                first = kind not in [(send.purpose, send.channel) for send in sends]
            reasons += self._of_text(
                message.text,
                brand.name,
                message.language,
                brand.approved_domains,
                sender.two_way,
                first,
                message.variables,
            )
        return reasons

    def _senders(
        self, countries: frozenset[str], address: str, registrations: frozenset[str]
    ) -> tuple[Reason, ...]:
        return tuple(
            _deny(rule, Code.SENDER_NOT_REGISTERED, fault)
            for rule in self._rules.senders
            for fault in _faults(rule, self._country, countries, address, registrations)
        )

    def _contents(
        self,
        text: str,
        brand_name: str,
        language: str | None,
        approved_domains: frozenset[str],
        two_way: bool,
        first: bool,
        variables: int | None,
    ) -> tuple[Reason, ...]:
        return content.findings(
            text,
            self._rules,
            brand_name=brand_name,
            language=language,
            approved_domains=approved_domains,
            two_way=two_way,
            first=first,
            variables=variables,
        )

    def timing(self, sends: Sequence[Send], now: datetime) -> Timing:
        """What windows and caps say at `now`."""
        stretch = self._timeline.at(now)
        hours = self._of_stretch(stretch) if stretch.opens else Timing((), now, stretch.closes)
        if self._fewest is None or len(sends) < self._fewest:
            return hours
        frees = [cap.frees_at(sends, now) for cap in self._caps]
        if self._even and frees == [now] * len(frees):
            return hours
        return self._with_caps(hours, frees, sends, now)

    def _windows(self, stretch: Stretch) -> Timing:
        """What the windows alone say while they are closed."""
        reasons = tuple(self._closed(*shut) for shut in stretch.shut)
        if not isinstance(stretch.opens, Code):
            return Timing(reasons, stretch.opens, None)
        if not any(reason.code in _NEVER for reason in reasons):  # each opens, but never at once
            reasons += (self._never(stretch.opens),)
        return Timing(reasons, None, None)

    def _with_caps(
        self, hours: Timing, frees: Sequence[Opening], sends: Sequence[Send], now: datetime
    ) -> Timing:
        """What windows and caps say where one of them is closed. `frees`: when each cap permits one more."""
        reasons, until, closes = hours
        for cap, at in zip(self._caps, frees, strict=True):
            if isinstance(at, Code):
                reasons, until = (*reasons, _deny(cap.rule, at, _NEVER[at])), None
            elif at is not now:
                reasons = (*reasons, cap.full(at))
        if until is not None:
            permitted = self._all_permit(frees, sends, now)
            if isinstance(permitted, Code):
                return Timing((*reasons, self._never(permitted)), None, None)
            until = permitted
        if not reasons:  # a holiday may yet close what is free
            ends = [closes, *(cap.closes_at(sends, now) for cap in self._caps)]
            closes = min((at for at in ends if at), default=None)
        return Timing(reasons, until, closes)

    def _never(self, because: Code) -> Reason:
        return _deny((*self._rules.windows, *self._rules.caps)[0], because, _NEVER[because])

    def _closed(self, place: int, because: Code, opens: Opening) -> Reason:
        rule = self._rules.windows[place]
        if isinstance(opens, Code):
            return _deny(rule, opens, _NEVER[opens])
        says = f"{rule.says()}; opens at {{}} in every zone of {self._zones}"
        return Reason(because, rule.rule, Effect.DEFER, says, rule.sources, opens, (opens,))

    def _all_permit(self, frees: Sequence[Opening], sends: Sequence[Send], now: datetime) -> Opening:
        """The first instant from `now` on at which every window and cap permits; or why there is none.

        `frees`: when each cap does.
        """
        instant = now
        while True:
            # Each pass takes the latest of what is asked. A later instant may be a holiday to a cap.
            start = instant
            for at in frees:
                if isinstance(at, Code):
                    return at
                start = max(start, at)
            opens = self._timeline.at(start).opens or start
            if self._even or isinstance(opens, Code) or opens == instant:
                return opens
            instant = opens
            frees = [cap.frees_at(sends, instant) for cap in self._caps]


_NEVER = {
    Code.NO_CALENDAR: "the holidays of that year are not known; update the calendars",
    Code.NO_COMMON_WINDOW: "no instant is permitted in every zone that the person may be in",
}


def timeline(
    rules: Sequence[WindowRule], country: str, subdivisions: tuple[str, ...], zones: tuple[str, ...]
) -> Timeline:
    """When all of the window rules let messages go there."""
    return Timeline(
        [_schedule(r.hours, r.closed, country, _parts(r, subdivisions)) for r in rules],
        zones,
    )


def _workdays(
    cap: CapRule, country: str, subdivisions: tuple[str, ...], zones: tuple[str, ...]
) -> Timeline | None:
    """Open on every day that is no holiday to the cap; None where all days are the same to it."""
    if cap.holiday_limit is None:
        return None
    return Timeline([_schedule(ALWAYS, cap.holidays, country, _parts(cap, subdivisions))], zones)


def _parts(rule: WindowRule | CapRule, subdivisions: tuple[str, ...]) -> tuple[str, ...]:
    """The subdivisions whose holidays count: where the person may be and the rule holds."""
    if subdivisions:
        return tuple(s for s in subdivisions if not rule.subdivisions or s in rule.subdivisions)
    return rule.subdivisions or rule.holidays_of


def _schedule(week: Week, closed: tuple[str, ...], country: str, parts: tuple[str, ...]) -> Schedule:
    hours = {day: tuple(Hours(o, c) for o, c in openings) for day, openings in enumerate(week)}
    if not closed:
        return Schedule(hours)
    calendar = calendars.load(country)
    if calendar is None:  # nobody knows its holidays, so no day is known to be none
        return Schedule(hours, frozenset(), range(0))
    everywhere = tuple(calendar.subdivisions) if "*" in parts else parts
    return Schedule(hours, calendar.closed(everywhere, closed), calendar.years)


def _faults(
    rule: SenderRule, country: str, countries: frozenset[str], address: str, registrations: frozenset[str]
) -> Iterator[str]:
    """What a sender lacks of what the rule asks for."""
    if rule.registered and country not in countries:
        yield f"the sender is not registered in {country}: add it to its countries once it is"
    named = not address.removeprefix("+").isdigit()  # a number and a short code are no names
    if named and rule.max_length and len(address) > rule.max_length:
        yield f"the sender's name has more than {rule.max_length} characters"
    if named and rule.name and not rule.name.fullmatch(address):
        yield f"the sender's name must have the form {rule.name.pattern}"
    missing = [entry for entry in rule.registrations if entry not in registrations]
    if missing:
        yield f"the registry holds no {' and no '.join(missing)} of the sender"


def permission(rules: Rules, status: Status, based: bool, blocked: bool) -> tuple[Reason, ...]:
    """What stands in the way of every message: that such never go, or what the person has yet to say."""
    return (*_denials(rules), *_lacking(rules, status, based, blocked))


def _denials(rules: Rules) -> Iterator[Reason]:
    return (_deny(rule, rule.code, rule.note or "such messages never go") for rule in rules.denials)


def _lacking(rules: Rules, status: Status, based: bool, blocked: bool) -> Iterator[Reason]:
    """What the rules need the person to have said, where it is not there."""
    for rule in rules.consent:
        code = _missed(rule.needs, status, based)
        if code and not (code is Code.NO_CONSENT and blocked):
            yield _deny(rule, code, _MISSED[code])


def _missed(needs: Needs, status: Status, based: bool) -> Code | None:
    """What a rule that `needs` something misses, if anything."""
    if needs is Needs.NONE or (needs is not Needs.BASIS and status is Status.GRANTED):
        return None
    if needs in (Needs.BASIS, Needs.CONSENT_OR_BASIS):
        return None if based else Code.BASIS_MISSING
    return _CONSENT_MISSED[status]


_CONSENT_MISSED = {
    Status.NONE: Code.NO_CONSENT,
    Status.PENDING: Code.CONSENT_PENDING,
    Status.WITHDRAWN: Code.NO_CONSENT,
    Status.EXPIRED: Code.CONSENT_EXPIRED,
}
_MISSED = {
    Code.NO_CONSENT: "no consent for this channel and purpose is on record",
    Code.CONSENT_PENDING: "the person has not confirmed the double opt-in yet",
    Code.CONSENT_EXPIRED: "the consent has expired; ask again",
    Code.BASIS_MISSING: 'name the transaction: "basis": {"transaction": "…"}',
}


def _deny(rule: ScopedRule, code: Code, detail: str) -> Reason:
    return Reason(code, rule.rule, Effect.DENY, detail, rule.sources)
