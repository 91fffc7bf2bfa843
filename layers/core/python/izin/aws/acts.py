"""What a person does, written down: the two ways in which an act becomes part of the ledger.

An opt-out blocks first and is recorded second; everything else is recorded, and holds from then.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta
from math import ceil

from izin.aws import contents, ledger, messages, queue, state
from izin.aws.contents import Contents
from izin.aws.dynamo import Item
from izin.aws.queue import Ticket
from izin.aws.runtime import Runtime
from izin.aws.state import Draft, State
from izin.domain.consent import Standing
from izin.domain.message import Message


def opt_out(rt: Runtime, brand: str, recipient_id: str, draft: Draft) -> datetime:
    """Block, then write the event: the instant from which the person is left alone.

    A repeat of the same event answers as the first time and completes what the first left undone.
    """
    blocked = state.block(rt, brand, recipient_id, draft)
    return _record(rt, blocked, draft.event.id)


def _record(rt: Runtime, blocked: State, event_id: str) -> datetime:
    for unrecorded in blocked.unrecorded:
        if unrecorded.event.id == event_id:
            record(rt, blocked.brand, blocked.recipient_id, unrecorded)
    silent_from = ledger.silent_from(blocked, event_id)
    if silent_from is None:  # the block's own write put one or the other there
        raise RuntimeError(f"opt-out {event_id} left no trace in the state it was written to")
    return silent_from


def opt_out_everywhere(rt: Runtime, brand: str, recipient_id: str, draft: Draft) -> datetime:
    """Block towards every brand: those that know the person now, and those that ever will.

    `brand` is the one through which it was said; only there is it answered.
    """
    brands = state.block_company(rt, recipient_id, silent(draft))
    instants = [opt_out(rt, brand, recipient_id, draft)]
    instants += [opt_out(rt, other, recipient_id, silent(draft)) for other in sorted(brands - {brand})]
    return max(instants)


def silent(draft: Draft) -> Draft:
    """The same act, without an answer to it."""
    return Draft(draft.event, draft.commitments, draft.sealed)


def record(rt: Runtime, brand: str, recipient_id: str, draft: Draft) -> Standing:
    """Write an event, and send the message that answers it on its way; the standing that follows."""
    after = ledger.append(rt, brand, recipient_id, draft)
    if draft.reply:
        wait = (draft.event.silent_from or draft.event.recorded_at) - rt.now()
        seconds = max(0, ceil(wait.total_seconds()))
        queue.enqueue(rt, [Ticket(draft.reply["pk"], recipient_id, draft.reply["sender"], seconds)])
    return after


def reply(
    rt: Runtime,
    message: Message,
    event_id: str,
    recipient_id: str,
    key: bytes,
    to: str,
    text: str,
    address: str | None = None,
) -> Item:
    """The message that answers the act `event_id`: one per act, however often the act is delivered.

    `address` is the pseudonym that the act came through, where that may be led to another recipient later.
    """
    message_id = f"~{message.kind}~{address or recipient_id}~{event_id}"
    pk = messages.message_key(message.brand, message_id)
    sealed = contents.seal(key, pk, Contents(to, text))
    return messages.new(message, message_id, recipient_id, sealed, rt.now())


def answer(rt: Runtime, item: Item) -> None:
    """Send an answer that needs no event: put it if its act has none yet, and on its way."""
    scheduled = messages.due(item, rt.now(), rt.now())
    if messages.put(rt, scheduled) is None:
        queue.enqueue(rt, [Ticket(item["pk"], item["recipient_id"], item["sender"])])


ANSWERED_BY = timedelta(minutes=10)
"""After that nothing that confirms an opt-out is on its way any more: a provider's list may block it."""


def repair(rt: Runtime, pk: str, woke_at: str, listing: Container[str] = ()) -> None:
    """Complete what an opt-out left undone when its worker died.

    Of the brands in `listing` a provider keeps lists that whoever stopped is put on.
    """
    kind, _, rest = pk.partition("#")
    if kind == "COMPANY":
        _repair_company(rt, rest)
    else:
        brand, _, recipient_id = rest.partition("#")
        troubles = [
            trouble
            for draft in state.fetch(rt, brand, recipient_id).unrecorded
            if (trouble := _tried(rt, brand, recipient_id, draft))
        ]
        if troubles:
            raise troubles[0]
        if brand in listing:
            state.hand_on(rt, pk, woke_at, rt.now() + ANSWERED_BY)
            return
    state.sleep(rt, pk, woke_at)


def _tried(rt: Runtime, brand: str, recipient_id: str, draft: Draft) -> Exception | None:
    """Record one event; what went wrong is given back, so that it does not keep the others waiting."""
    try:
        record(rt, brand, recipient_id, draft)
    except Exception as error:  # noqa: BLE001 (raised once the others had their turn)
        return error
    return None


def _repair_company(rt: Runtime, recipient_id: str) -> None:
    drafts, brands = state.fetch_company(rt, recipient_id)
    for draft in drafts:
        for brand in sorted(brands):
            _reach(rt, brand, recipient_id, draft)


def _reach(rt: Runtime, brand: str, recipient_id: str, draft: Draft) -> None:
    """A company-wide opt-out towards one brand, unless that was longer ago than its state remembers."""
    if draft.event.recorded_at <= rt.now() - ledger.APPLIED_FOR:
        seen = state.fetch(rt, brand, recipient_id)
        if ledger.earlier(rt, seen, draft.event, rt.now()):
            return
    opt_out(rt, brand, recipient_id, draft)
