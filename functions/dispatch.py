"""May this message go now, and what became of it? One claim, one carrier call, one record of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from cryptography.exceptions import InvalidTag
from izin import answers
from izin.aws import acts, batch, carriers, claims, contents, messages, queue, registry, state
from izin.aws.carriers import Accepted, Outcome, Outgoing, Refused
from izin.aws.claims import Claim, Lost
from izin.aws.contents import Contents
from izin.aws.dynamo import back_off
from izin.aws.ledger import Contention
from izin.aws.messages import Status, Stored
from izin.aws.queue import Ticket
from izin.aws.runtime import Runtime, runtime
from izin.aws.state import Draft, State
from izin.domain import gate, phone, prompts, whatsapp
from izin.domain.consent import MARGIN, SKEW, Scope, Suppression
from izin.domain.events import Event, EventType
from izin.domain.gate import Decision, Verdict
from izin.domain.message import OFFERS
from izin.domain.pack import pack_of
from izin.domain.phone import Phone
from izin.domain.registry import Brand, Sender

logger = Logger()

_ATTEMPTS = 6
_TRY_LATER = 30  # seconds until what the carrier could not take is offered again, doubled each time
_LONGEST_WAIT = 3600  # seconds
_LONGEST_LIFE = 86_400.0  # seconds that a carrier may try, where nothing ends the message earlier


def handler(event: dict[str, Any], context: Any) -> Any:
    """Take a batch from the dispatch queue; what fails goes back to it alone."""
    rt = runtime()
    carriers.get_ready(rt)
    return batch.each(
        logger, event, context, lambda record: dispatch_or_later(rt, queue.ticket(record["body"]))
    )


def dispatch_or_later(rt: Runtime, ticket: Ticket) -> None:
    """Dispatch; a message whose person is too busy just now goes back to the queue for a second."""
    try:
        dispatch(rt, ticket)
    except Contention:
        _again(rt, ticket, 1)


def dispatch(rt: Runtime, ticket: Ticket) -> None:
    """Decide again with fresh state and the present time, claim, and only then call the carrier.

    Raises Contention when the claim lost every race.
    """
    for attempt in range(_ATTEMPTS):
        now = rt.now()
        try:
            seen = _gather(rt, ticket)
        except _Erased as gone:
            messages.end(rt, gone.stored, now, Status.CANCELLED)
            return
        if seen is None or seen.stored.status not in messages.WAITING:
            return
        early = seen.early(now)
        if early > 0:
            _again(rt, ticket, early)
            return
        made = seen.decide(now)
        if made.until and made.until <= now:  # it has opened, but not yet by every clock
            _again(rt, ticket, SKEW.total_seconds())
            return
        if made.verdict is not Verdict.ALLOW:
            _keep_back(rt, seen, made, now)
            return
        if not seen.state.joined:
            state.join(rt, ticket.brand, ticket.recipient_id)
            continue
        claim = claims.take(rt, seen.stored, seen.state, made, now)
        if claim is Lost.TAKEN:
            return
        if isinstance(claim, Claim):
            _hand_over(rt, ticket, seen, claim, made.valid_until)
            return
        back_off(rt, attempt)
    raise Contention(f"no turn in {_ATTEMPTS} attempts")


class _Erased(Exception):
    """The person's key is gone, and with it the number and the text: nobody can send this any more."""

    def __init__(self, stored: Stored) -> None:
        super().__init__()
        self.stored = stored


@dataclass(frozen=True, slots=True)
class _Seen:
    """Everything that was read in the one trip, and what it opens to."""

    stored: Stored
    state: State
    brand: Brand
    sender: Sender
    phone: Phone
    contents: Contents

    def early(self, now: datetime) -> float:
        """Seconds until the message is due; where a window decides that, on every worker's clock."""
        held = self.stored.status is Status.HELD
        due = self.stored.due or now
        return (due + (SKEW if held else timedelta(0)) - now).total_seconds()

    def decide(self, now: datetime) -> Decision:
        """Judge for all the time in which the carrier may get the message.

        That begins before `now` where this worker's clock is fast, and ends a margin after the
        permit: a window that closes in between is closed already.
        """
        made = self._judge(now - SKEW)
        if made.valid_until and made.valid_until <= now + MARGIN:
            return self._judge(made.valid_until)
        return made

    def _judge(self, at: datetime) -> Decision:
        return gate.decide(
            replace(self.stored.message, text=self.contents.text),
            self.phone,
            self.state.standing,
            self.state.sends,
            self.brand,
            self.sender,
            pack_of(self.phone.country),
            at,
            self.state.contact(self.sender.id),
        )


def _gather(rt: Runtime, ticket: Ticket) -> _Seen | None:
    state_pk = state.state_key(ticket.brand, ticket.recipient_id)
    brand_pk, sender_pk = registry.brand_key(ticket.brand), registry.sender_key(ticket.sender)
    found = registry.read(
        rt,
        [brand_pk, sender_pk],
        [
            (rt.messages_table, ticket.pk),
            (rt.state_table, state_pk),
            (rt.keys_table, ticket.recipient_id),
        ],
    )
    brand, sender = registry.brand(found.get(brand_pk)), registry.sender(found.get(sender_pk))
    item, key = found.get(ticket.pk), found.get(ticket.recipient_id)
    # A ticket may name somebody by another address than the one whose message it is.
    if item is None or brand is None or sender is None or item["recipient_id"] != ticket.recipient_id:
        logger.warning("nothing to dispatch", extra={"recipient_id": ticket.recipient_id})
        return None
    stored = messages.read(item)
    try:
        # Without a key, or under one that the person was given since, it does not open.
        opened = contents.unseal(key["key"] if key else b"", stored.pk, stored.sealed)
    except (InvalidTag, ValueError):
        raise _Erased(stored) from None
    now_state = state.read(ticket.brand, ticket.recipient_id, found.get(state_pk))
    return _Seen(stored, now_state, brand, sender, _phone(opened.to), opened)


def _phone(to: str) -> Phone:
    return phone.somewhere_in(whatsapp.country_of(to)) if whatsapp.is_user_id(to) else phone.parse(to)


def _keep_back(rt: Runtime, seen: _Seen, made: Decision, now: datetime) -> None:
    said = json.dumps(answers.decision(made, seen.stored.recipient_id, seen.phone))
    if made.until:
        messages.hold_again(rt, seen.stored, now, made.until, said)
        status = Status.HELD
    else:
        status = Status.EXPIRED if made.expired else Status.DENIED
        messages.end(rt, seen.stored, now, status, said)
    _count(status)


def _hand_over(rt: Runtime, ticket: Ticket, seen: _Seen, claim: Claim, valid_until: datetime | None) -> None:
    now = rt.now()
    if now >= claim.permit_until:
        if claims.give_back(rt, seen.stored, claim, now, now):
            _again(rt, ticket, 0)
        return
    longest = (valid_until - now).total_seconds() if valid_until else _LONGEST_LIFE
    outcome = carriers.send(
        rt,
        seen.sender,
        Outgoing(
            reference=seen.stored.pk,
            purpose=seen.stored.message.purpose,
            ttl=carriers.time_to_live(longest),
            to=seen.phone.e164 or seen.contents.to,
            text=seen.contents.text,
            template=seen.contents.template,
        ),
    )
    after = rt.now()
    late = after > claim.permit_until
    if late:
        with single_metric(name="LateCarrierCall", unit=MetricUnit.Count, value=1):
            pass
        logger.warning("carrier call returned past its permit", extra={"recipient_id": ticket.recipient_id})
    _settle(rt, ticket, seen, claim, outcome, after, "late" if late else None)


def _settle(
    rt: Runtime, ticket: Ticket, seen: _Seen, claim: Claim, outcome: Outcome, now: datetime, note: str | None
) -> None:
    stored, number = seen.stored, claim.number
    last = stored.attempts + 1 >= OFFERS
    match outcome:
        case Accepted(carrier_ref):
            status = Status.SENT
            messages.settle(rt, stored, number, now, status, carrier_ref=carrier_ref, note=note)
        case Refused(later=True) if not last:
            status = Status.DUE
            wait = min(_TRY_LATER * 2**stored.attempts, _LONGEST_WAIT)
            if claims.give_back(rt, stored, claim, now, now + timedelta(seconds=wait)):
                _again(rt, ticket, wait)
        case Refused(code, opted_out=opted_out):
            status = Status.FAILED
            if opted_out:
                _believe_carrier(rt, seen, claim, now)
            messages.settle(rt, stored, number, now, status, note=code)
        case _:
            again = not last and seen.sender.may_repeat(stored.message.purpose, stored.message.essential)
            status = Status.DUE if again else Status.UNKNOWN
            if messages.recover(rt, stored.pk, number, now, again=again) and again:
                _again(rt, ticket, _TRY_LATER)
    _count(status)


def _believe_carrier(rt: Runtime, seen: _Seen, claim: Claim, now: datetime) -> None:
    """The person told the carrier to stop, not us: it counts as if they had told us now."""
    message = seen.stored.message
    event = Event(
        id=f"carrier-{seen.stored.id}-{claim.number}",
        type=EventType.OPT_OUT,
        given_at=now,
        recorded_at=now,
        address=seen.stored.recipient_id,
        channel=message.channel,
        source="carrier",
        by_person=True,
        scope=Scope.ALL,
        kind=Suppression.OPT_OUT,
        details=prompts.details(seen.phone.country, prompt=seen.stored.prompt),
    )
    acts.opt_out(rt, message.brand, seen.stored.recipient_id, Draft(event, {}, None))


def _again(rt: Runtime, ticket: Ticket, seconds: float) -> None:
    queue.enqueue(rt, [replace(ticket, delay=ceil(seconds))])


def _count(status: Status) -> None:
    with single_metric(name="Dispatched", unit=MetricUnit.Count, value=1) as metric:
        metric.add_dimension(name="status", value=str(status))
