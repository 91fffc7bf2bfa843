"""Whose data must go, what may be kept no longer, and whose request is about to be late?

Woken every hour. It carries out erasures, takes number and texts from the records of those who left
where their pack asks for it, and lets old proof go when its time is over. Two of it at once do the
same work twice and no harm; whatever one leaves undone the next one finds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from izin.aws import acts, aliases, codec, dossier, files, http, identity, ledger, messages, rights, state
from izin.aws.dynamo import Item
from izin.aws.messages import Status
from izin.aws.rights import Request
from izin.aws.runtime import Runtime, runtime
from izin.aws.state import SHARDS, Draft, State
from izin.domain import chain
from izin.domain.events import Event, EventType
from izin.domain.message import Channel
from izin.domain.rights import SETTLED, Right, plan, suppression
from izin.domain.times import from_text, to_text

logger = Logger()
metrics = Metrics()

_PER_SHARD = 1000  # the rest is found by the next round
_SOON = timedelta(days=3)
_AGAIN = timedelta(hours=1)


@metrics.log_metrics
def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Do one round; how many were erased, anonymised and pruned, and how many requests are late or nearly."""
    done = sweep(runtime())
    for name, count in done.items():
        metrics.add_metric(name=f"Rights{name.capitalize()}", unit=MetricUnit.Count, value=count)
    return done


def sweep(rt: Runtime) -> dict[str, int]:
    """One round over every open request and everybody whose records somebody must look at."""
    now = rt.now()
    done = Counter(dict.fromkeys(("erased", "anonymised", "pruned", "soon", "late", "troubled"), 0))
    for request in rights.waiting(rt):
        if request.right is Right.ERASURE and request.wake_at <= now:
            _try(done, partial(_erase, rt, request, now))
        elif request.due_at <= now + _SOON:
            done["late" if request.due_at <= now else "soon"] += 1
    for item in _to_look_at(rt, now):
        _try(done, partial(_keep_house, rt, item, now))
    return dict(done)


def _try(done: Counter[str], act: Callable[[], str | None]) -> None:
    """Do one thing so that whatever is wrong with it does not keep the others waiting."""
    try:
        what = act()
    except Exception as error:  # noqa: BLE001 (the next round tries again; the metric shows it)
        logger.error("left for the next round", extra=http.described(error))
        what = "troubled"
    if what:
        done[what] += 1


def _to_look_at(rt: Runtime, until: datetime) -> Iterator[Item]:
    for shard in range(SHARDS):
        yield from islice(state.to_retain(rt, shard, until), _PER_SHARD)


def _erase(rt: Runtime, request: Request, now: datetime) -> str | None:
    """Everything personal of one person, with every brand; what was said stays, under the pseudonyms."""
    recipient_id = aliases.primary(rt, request.recipient_id)
    asked = suppression(recipient_id, request.id, request.source, request.requested_at, now)
    silent_from = acts.opt_out_everywhere(rt, request.brand, recipient_id, Draft(asked, {}, None))
    if now < silent_from + SETTLED:  # a worker died before anything was blocked
        return None
    for one in (*sorted(state.aliases(rt, recipient_id)), recipient_id):
        for item in messages.of(rt, one):
            stored = messages.read(item)
            if stored.status in messages.WAITING:
                messages.end(rt, stored, now, Status.CANCELLED)
        act = _act(EventType.ERASED, f"erased-{request.id}", one, now, {"request": request.id})
        for brand in sorted(state.fetch_company(rt, one)[1]):
            acts.record(rt, brand, one, Draft(act, {}, None))
        _delete(rt, one)
    rights.close(rt, request, now)
    logger.info("erased", extra={"recipient_id": recipient_id})
    return "erased"


def _delete(rt: Runtime, recipient_id: str) -> None:
    """The files, and last of all the key that opens everything else."""
    files.erase(rt, recipient_id)
    identity.forget(rt, recipient_id)


def _keep_house(rt: Runtime, item: Item, now: datetime) -> str | None:
    """What one person's records with one brand have come to."""
    _, brand, recipient_id = item["pk"].split("#")
    seen = state.fetch(rt, brand, recipient_id)
    if seen.retain_at is None or seen.retain_at > now:
        return None
    pack = dossier.pack_by(ledger.events(rt, brand, recipient_id))
    made, done = plan(seen.standing, pack, now), None
    if made.keep_until:
        pruned = _prune(rt, seen, made.keep_until, now)
        if pruned is None:
            return None
        done = "pruned" if pruned else None
    if made.anonymise:
        if not _is_quiet(rt, recipient_id, now):
            state.retained(rt, seen, now + _AGAIN)
            return done
        done = _anonymise(rt, seen, now) or done
    state.retained(rt, seen, made.look_again)
    return done


def _prune(rt: Runtime, seen: State, keep_until: datetime, now: datetime) -> int | None:
    """Close the chain so far with a checkpoint, and let what came before it go when its time is over.

    How many events were marked for that; None where something was said meanwhile.
    """
    *_, last = ledger.events(rt, seen.brand, seen.recipient_id)
    if last["type"] != EventType.CHECKPOINT:
        details = {
            "standing": chain.canonical(codec.standing_item(seen.recorded)).decode(),
            chain.KEPT_UNTIL: to_text(keep_until),
        }
        act = _act(EventType.CHECKPOINT, f"checkpoint-{seen.seq}", seen.recipient_id, now, details)
        if not ledger.append_to(rt, seen, Draft(act, {}, None)):
            return None
        return ledger.keep_until(rt, seen.brand, seen.recipient_id, seen.seq + 1, keep_until)
    until = from_text(last["details"][chain.KEPT_UNTIL])
    return ledger.keep_until(rt, seen.brand, seen.recipient_id, last["seq"], until)


def _anonymise(rt: Runtime, seen: State, now: datetime) -> str | None:
    """Take number, texts and personal evidence away, unless the person still agrees to some brand."""
    _, brands = state.fetch_company(rt, seen.recipient_id)
    states = [state.fetch(rt, brand, seen.recipient_id) for brand in sorted(brands)]
    if any(known.standing.ended_at(now) is None for known in states):
        return None  # that brand's own day will come
    act = _act(EventType.ANONYMISED, f"anonymised-{to_text(now)}", seen.recipient_id, now, {})
    for known in states:  # under what was just read: whoever agrees meanwhile keeps their number
        if not ledger.append_to(rt, known, Draft(act, {}, None)):
            return None
    _delete(rt, seen.recipient_id)
    return "anonymised"


def _is_quiet(rt: Runtime, recipient_id: str, now: datetime) -> bool:
    """Whether nothing waits to be sent to the person, whose number would be gone with it."""
    busy = (*messages.WAITING, Status.SENDING)
    return not any(Status(item["status"]) in busy for item in messages.of(rt, recipient_id))


def _act(type_: EventType, event_id: str, recipient_id: str, now: datetime, details: dict[str, str]) -> Event:
    return Event(
        id=event_id,
        type=type_,
        given_at=now,
        recorded_at=now,
        address=recipient_id,
        channel=Channel.SMS,
        source="retention",
        details=details,
    )
