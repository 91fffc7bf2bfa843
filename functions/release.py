"""What falls due in the next two minutes, and what did somebody leave undone?

Woken every minute. It moves messages to the dispatch queue, paced per sender; asks after carrier
calls that nobody settled; and completes opt-outs whose worker died after blocking. Two of it at
once do the same work twice and no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from math import ceil
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from izin.aws import acts, aliases, messages, queue, registry
from izin.aws.dynamo import Item, get
from izin.aws.messages import RECHECK, Status
from izin.aws.queue import Ticket
from izin.aws.runtime import Runtime, runtime
from izin.aws.state import SHARDS
from izin.domain.message import OFFERS
from izin.domain.registry import Sender
from izin.domain.times import from_text

logger = Logger()
metrics = Metrics()

LOOK_AHEAD = timedelta(minutes=2)
_PER_SHARD = 2000  # earliest first; the rest is found by the next round


@metrics.log_metrics
def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Do one round; how many messages were released, asked after, and opt-outs repaired."""
    done = release(runtime())
    for name, count in done.items():
        metrics.add_metric(name=name.capitalize(), unit=MetricUnit.Count, value=count)
    return done


def release(rt: Runtime) -> dict[str, int]:
    """One round over every shard. Safe to run at any time, and at the same time as another."""
    now = rt.now()
    done = {"released": 0, "recovered": 0, "repaired": 0, "nothing": 0, "troubled": 0}
    # What is wrong comes first: a large opening must not keep an interrupted STOP waiting.
    if woken := list(_woken(rt, rt.state_table, now)):
        listing = {sender.brand for sender in registry.listed(rt) if sender.marketing_only}
        for item in woken:
            done[_try("repaired", partial(_repair, listing), rt, item, now)] += 1
    due, unsettled = [], []
    for item in _woken(rt, rt.messages_table, now + LOOK_AHEAD):
        if item["status"] != Status.SENDING:
            due.append(item)
        elif from_text(item["wake_at"]) <= now:
            unsettled.append(item)
    for item in unsettled:
        done[_try("recovered", _recover, rt, item, now)] += 1
    done["released"] = _release(rt, due, now)
    return done


def _try(
    name: str, act: Callable[[Runtime, Item, datetime], bool], rt: Runtime, item: Item, now: datetime
) -> str:
    """Do one thing so that whatever is wrong with it does not keep the others waiting."""
    try:
        return name if act(rt, item, now) else "nothing"
    except Exception as error:  # noqa: BLE001 (the next round tries again; the metric shows it)
        logger.error("left for the next round", extra={"exception": type(error).__name__})
        return "troubled"


def _woken(rt: Runtime, table: str, until: datetime) -> Iterator[Item]:
    for shard in range(SHARDS):
        yield from islice(messages.waking(rt, table, shard, until), _PER_SHARD)


def _release(rt: Runtime, due: list[Item], now: datetime) -> int:
    """Hand tickets to the queue, each sender's one after the other at its own rate.

    What finds no place in the next two minutes is moved to the instant of its turn, where a later
    round finds it: no two rounds plan the same time, and no backlog hides another sender's.
    """
    due.sort(key=lambda item: item["wake_at"])
    free: dict[str, float] = {}
    items: dict[str, Item] = {}
    chosen: list[Ticket] = []
    for item in due:
        # A held message wakes at its turn; one that was due already wakes because it came to nothing.
        planned = item["wake_at"] if item["status"] == Status.HELD else item["due"]
        turn = max((from_text(planned) - now).total_seconds(), free.get(item["sender"], 0.0))
        free[item["sender"]] = turn + 1 / _rate(rt, item["sender"])
        if turn > LOOK_AHEAD.total_seconds():
            messages.queued(rt, item, now + timedelta(seconds=turn))
            continue
        items[item["pk"]] = item
        chosen.append(Ticket(item["pk"], item["recipient_id"], item["sender"], ceil(turn)))
    released = 0
    for ticket in queue.enqueue(rt, chosen):
        released += messages.queued(rt, items[ticket.pk], now + timedelta(seconds=ticket.delay) + RECHECK)
    return released


def _rate(rt: Runtime, sender_id: str) -> int:
    sender = _sender(rt, sender_id)
    return sender.rate if sender else 1


def _sender(rt: Runtime, sender_id: str) -> Sender | None:
    pk = registry.sender_key(sender_id)
    return registry.sender(registry.read(rt, [pk], []).get(pk))


def _recover(rt: Runtime, item: Item, now: datetime) -> bool:
    """A carrier call that nobody settled although its permit and margin are long over."""
    found = get(rt, rt.messages_table, {"pk": item["pk"]})
    if found is None:
        return False
    stored = messages.read(found)
    if stored.status is not Status.SENDING or stored.claim is None or stored.wake_at is None:
        return False
    if now < stored.wake_at:  # the index was behind: this is a later claim
        return False
    sender = _sender(rt, stored.message.sender)
    message, last = stored.message, stored.attempts >= OFFERS
    again = not last and sender is not None and sender.may_repeat(message.purpose, message.essential)
    recovered = messages.recover(rt, stored.pk, stored.claim, now, again=again)
    if recovered and again:
        queue.enqueue(rt, [Ticket(stored.pk, stored.recipient_id, stored.message.sender)])
    if recovered:
        logger.warning("fate unknown", extra={"recipient_id": stored.recipient_id, "again": again})
    return recovered


def _repair(listing: set[str], rt: Runtime, item: Item, _now: datetime) -> bool:
    """An opt-out that blocked, and may have been left without its event, or one that is to be carried."""
    if item["pk"].startswith(aliases.PREFIX):
        aliases.repair(rt, item["pk"])
    else:
        acts.repair(rt, item["pk"], item["wake_at"], listing)
    return True
