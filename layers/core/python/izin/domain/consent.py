"""What has a person said to a brand, and what does it mean now?

A `Standing` is a merge of acts by the time at which the person *gave* them, never by the order in
which they arrived: for each slot the act given last wins. Late, repeated and reordered events
therefore end in the same standing, and nothing that was given earlier undoes what was given later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from izin.domain.message import Channel, Purpose


class Status(StrEnum):
    """The state of one consent, per (brand, channel, purpose)."""

    NONE = "none"
    PENDING = "pending"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Method(StrEnum):
    """How the person said yes."""

    CHECKBOX = "checkbox"
    FORM = "form"
    APP_VERIFICATION = "app_verification"
    REPLY = "reply"
    SIGNATURE = "signature"
    PAPER = "paper"


class Basis(StrEnum):
    """What a permission rests on. Each pack says which it accepts, and how long each lasts."""

    EXPRESS = "express"
    EXISTING_CUSTOMER = "existing_customer"  # soft opt-in, inferred consent: own similar products
    PURCHASE = "purchase"
    INQUIRY = "inquiry"
    ONE_TIME = "one_time"  # given for one transaction
    REGISTER_CHECK = "register_check"  # the number was not on the do-not-call register


class Scope(StrEnum):
    """How much an opt-out covers. Authentication that the person just asked for always stays."""

    MARKETING = "marketing"
    ALL = "all"  # everything but authentication and essential messages with a basis
    REVOKE_ALL = "revoke_all"  # everything but authentication


class Suppression(StrEnum):
    """Why a block exists, and so what may end it.

    An opt-out ends with any consent given later. Do-not-contact ends only with an act that the
    person made from the handset itself (START, or the answer to a confirmation request).
    """

    OPT_OUT = "opt_out"
    DO_NOT_CONTACT = "do_not_contact"


def covers(scope: Scope, purpose: Purpose, essential: bool) -> bool:
    """Whether an opt-out of `scope` stops a message of `purpose`."""
    match purpose:
        case Purpose.AUTHENTICATION:
            return False
        case Purpose.MARKETING:
            return True
        case Purpose.TRANSACTIONAL if essential:
            return scope is Scope.REVOKE_ALL
        case _:
            return scope is not Scope.MARKETING


_COVERED = frozenset(
    (scope, purpose, essential)
    for scope in Scope
    for purpose in Purpose
    for essential in (False, True)
    if covers(scope, purpose, essential)
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A yes, or the first half of a double opt-in, for one channel and purpose.

    A yes that answers a request has `asked_at` and counts from there: a STOP after the request
    ends the request, whether the yes was given before that STOP or after it.
    """

    given_at: datetime
    event: str
    by_person_at: datetime | None = None  # from when an act made on the handset counts
    expires_at: datetime | None = None
    asked_at: datetime | None = None

    @property
    def since(self) -> datetime:
        """From when the yes counts against a no."""
        return self.asked_at or self.given_at

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """Of two in a slot the greater wins: at one instant the event's id decides, never the arrival."""
        return self.since, self.given_at, self.event


@dataclass(frozen=True, slots=True)
class Block:
    """A no. `silent_from` is the instant from which the person was promised silence.

    `by_person`: said by the handset, and so answered there. A preference is a no to some `purposes`
    on one `channel`; any other holds for all that its scope covers, on every channel.
    """

    given_at: datetime
    event: str
    scope: Scope
    kind: Suppression
    silent_from: datetime
    by_person: bool = False
    channel: Channel | None = None
    purposes: tuple[Purpose, ...] = ()

    @property
    def slot(self) -> str:
        """The slot in which the block given last wins."""
        if self.channel:
            return f"preference:{self.channel}:{','.join(self.purposes)}"
        return f"{self.kind}:{self.scope}{':by_person' if self.by_person else ''}"

    @property
    def order(self) -> tuple[datetime, str]:
        """Of two in a slot the greater wins: at one instant the event's id decides, never the arrival."""
        return self.given_at, self.event

    def stops(self, channel: Channel, purpose: Purpose, essential: bool) -> bool:
        """Whether it is about such a message."""
        if self.channel and (channel is not self.channel or purpose not in self.purposes):
            return False
        return (self.scope, purpose, essential) in _COVERED

    def includes(self, other: Block) -> bool:
        """Whether whoever said this has said all of `other`."""
        if _WIDTH[self.scope] < _WIDTH[other.scope]:
            return False
        if self.channel is None:
            return True
        return self.channel is other.channel and set(other.purposes) <= set(self.purposes)


@dataclass(frozen=True, slots=True)
class Spoken:
    """The language (BCP 47) of the words that the person last agreed to."""

    language: str
    given_at: datetime
    event: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that one person has said to one brand. Slots of grants are (channel, purpose)."""

    granted: Mapping[tuple[Channel, Purpose], Grant] = field(default_factory=dict)
    pending: Mapping[tuple[Channel, Purpose], Grant] = field(default_factory=dict)
    blocks: Mapping[str, Block] = field(default_factory=dict)
    opted_in: Mapping[Channel, Grant] = field(default_factory=dict)  # START and its like
    resumed: Mapping[tuple[Channel, Purpose], Grant] = field(default_factory=dict)  # START for some purposes
    unclear: Grant | None = None  # a reply that may have been an opt-out
    read: Grant | None = None  # the last of such replies that somebody read, and found to be none
    spoken: Spoken | None = None
    addresses: frozenset[str] = frozenset()

    def blocking(self, channel: Channel, purpose: Purpose, essential: bool = False) -> Block | None:
        """The block that stops such a message on `channel` now, if there is one."""
        if not self.blocks:
            return None
        granted = self.granted.get((channel, purpose))
        active = [
            block
            for block in self.blocks.values()
            if block.stops(channel, purpose, essential) and not self._ended(block, channel, purpose, granted)
        ]
        if len(active) < 2:
            return active[0] if active else None
        # A do-not-contact outranks an opt-out; among equals the latest names the reason.
        return max(active, key=lambda b: (b.kind is Suppression.DO_NOT_CONTACT, b.given_at))

    def repeats(self, block: Block, channel: Channel) -> bool:
        """Whether the person said all of `block` already, before it or after, with no yes between."""
        return any(
            other.event != block.event
            and other.by_person
            and other.includes(block)
            and not self._yes_between(
                min(other.given_at, block.given_at), max(other.given_at, block.given_at), channel
            )
            for other in self.blocks.values()
        )

    def _yes_between(self, after: datetime, before: datetime, channel: Channel) -> bool:
        slot = (channel, Purpose.MARKETING)
        yeses = [self.opted_in.get(channel), self.resumed.get(slot), self.granted.get(slot)]
        return any(yes is not None and after < yes.since < before for yes in yeses)

    def superseded(self, given_at: datetime, channel: Channel) -> bool:
        """Whether the person said yes on `channel` after an opt-out given at `given_at`."""
        return self._yes_between(given_at, _FOREVER, channel)

    def last_opt_out(self) -> datetime | None:
        """When the person last opted out of everything, whether or not they came back since.

        A no to one purpose on one channel is a preference, and no wish to be left alone.
        """
        noes = (block.given_at for block in self.blocks.values() if block.channel is None)
        return max(noes, default=None)

    def banned_until(self, ban: timedelta) -> datetime | None:
        """Until when nobody asks the person back, who is left alone for `ban` after an opt-out."""
        last = self.last_opt_out()
        return last + ban if last else None

    def _ended(self, block: Block, channel: Channel, purpose: Purpose, grant: Grant | None) -> bool:
        """Whether the person said yes after `block`: by `grant`, or by START on `channel` for `purpose`."""
        for yes in (grant, self.opted_in.get(channel), self.resumed.get((channel, purpose))):
            if yes is None:
                continue
            if block.kind is not _DO_NOT_CONTACT:
                if yes.since > block.given_at:
                    return True
            elif yes.by_person_at and yes.by_person_at > block.given_at:
                return True
        return False

    def status(self, channel: Channel, purpose: Purpose, now: datetime) -> Status:
        """The consent for (channel, purpose) as it stands at `now`.

        Validity is judged here, at reading time, against `expires_at`; never by whether a stored
        item has already been deleted.
        """
        slot = (channel, purpose)
        newest, stands = None, False
        for grants, status in ((self.granted, _GRANTED), (self.pending, _PENDING)):
            grant = grants.get(slot)
            if grant is None:
                continue
            stood = self._stands(grant, channel, purpose)
            if stood and _valid(grant, now):
                return status
            if newest is None or grant.order > newest.order:
                newest, stands = grant, stood
        if newest is None:
            return Status.NONE
        return Status.EXPIRED if stands else Status.WITHDRAWN

    def _stands(self, grant: Grant, channel: Channel, purpose: Purpose) -> bool:
        for block in self.blocks.values():
            if block.stops(channel, purpose, False) and not self._ended(block, channel, purpose, grant):
                return False
        return True

    def is_unclear(self, channel: Channel) -> bool:
        """Whether a reply still awaits a person's judgement: nothing clear was said after it."""
        if self.unclear is None or (self.read and self.read.given_at >= self.unclear.given_at):
            return False
        clear = [
            *(g.since for (c, p), g in self.granted.items() if c is channel and p is Purpose.MARKETING),
            *(g.since for (c, p), g in self.resumed.items() if c is channel and p is Purpose.MARKETING),
            *(g.since for c, g in self.opted_in.items() if c is channel),
        ]
        return self.unclear.given_at >= max(clear, default=_NEVER)

    def ended_at(self, now: datetime) -> datetime | None:
        """When the last of the person's consents ended; None while one holds or awaits its answer.

        Somebody who never agreed to anything is done with at their last no. A consent to codes is
        ended by no opt-out: it counts by its expiry alone.
        """
        ends = [block.given_at for block in self.blocks.values()]
        for (channel, purpose), grant in (*self.granted.items(), *self.pending.items()):
            if self.status(channel, purpose, now) in (Status.GRANTED, Status.PENDING):
                return None
            if grant.expires_at and grant.expires_at <= now:
                ends.append(grant.expires_at)
        return max(ends, default=None)

    def next_expiry(self, now: datetime) -> datetime | None:
        """When the next of the consents and requests that still run expires."""
        grants = (*self.granted.values(), *self.pending.values())
        return min((g.expires_at for g in grants if g.expires_at and g.expires_at > now), default=None)

    def open_requests(self, channel: Channel, at: datetime) -> dict[Purpose, Grant]:
        """The confirmation requests that a yes given at `at` answers, by purpose.

        One that was answered already, by a yes or by a STOP, is no longer open.
        """
        return {
            purpose: asked
            for (where, purpose), asked in sorted(self.pending.items())
            if where is channel
            and asked.given_at <= at
            and _valid(asked, at)
            and self._stands(asked, channel, purpose)
            and not self._answered(asked, channel, purpose)
        }

    def _answered(self, asked: Grant, channel: Channel, purpose: Purpose) -> bool:
        yes = self.granted.get((channel, purpose))
        return yes is not None and yes.since >= asked.given_at


# Looking a member up costs more than comparing it, and every decision does.
_GRANTED, _PENDING = Status.GRANTED, Status.PENDING
_DO_NOT_CONTACT = Suppression.DO_NOT_CONTACT

_NEVER = datetime.min.replace(tzinfo=UTC)
_FOREVER = datetime.max.replace(tzinfo=UTC)
_WIDTH = {Scope.MARKETING: 0, Scope.ALL: 1, Scope.REVOKE_ALL: 2}


def _valid(grant: Grant, at: datetime) -> bool:
    return grant.expires_at is None or at < grant.expires_at


@dataclass(frozen=True, slots=True)
class Permits:
    """How long carrier calls already under way may still reach the person, per scope."""

    marketing: datetime | None = None
    other: datetime | None = None

    def with_permit(self, purpose: Purpose, until: datetime) -> Permits:
        """These permits with one more. A permit's deadline only grows."""
        if purpose is Purpose.AUTHENTICATION:  # no opt-out covers it, so none waits for it
            return self
        if purpose is Purpose.MARKETING:
            return replace(self, marketing=max(self.marketing or until, until))
        return replace(self, other=max(self.other or until, until))

    def covered(self, scope: Scope) -> list[datetime]:
        """The deadlines of the open permits that an opt-out of `scope` covers."""
        deadlines = [self.marketing] if scope is Scope.MARKETING else [self.marketing, self.other]
        return [deadline for deadline in deadlines if deadline]


PERMIT = timedelta(seconds=5)
"""How long a claim may wait before its carrier call begins."""

MARGIN = timedelta(seconds=5)
"""How long after a permit its carrier call may still reach the carrier.

Covers the clock difference of two workers, a stall, and the carrier client's time-outs.
"""

SKEW = timedelta(seconds=0.5)
"""How far two workers' clocks may differ."""


def silent_from(blocked_at: datetime, permits: Permits, scope: Scope) -> datetime:
    """The instant from which nothing that the opt-out covers reaches a carrier.

    `permits` are those that the opt-out's own write found. A claim that committed before that
    write may still call until its deadline; one after it sees the block. Source: design of the
    safety core, `docs/decisions.md`.
    """
    return max([blocked_at, *(deadline + MARGIN for deadline in permits.covered(scope))])
