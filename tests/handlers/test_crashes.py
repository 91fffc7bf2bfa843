"""A worker may die between any two calls, and any call may be throttled, refused or lost: nothing breaks.

For each flow every call it makes is counted, and for each of them everything in `calls.FAULTS` happens to
somebody of their own. What a queue would deliver again is delivered again, half of it twice; callers of the
API ask again when they were refused or heard nothing, and never when the worker died. Then the sweep runs
until all is quiet, the night passes, and every invariant is read off the tables and the carrier.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dispatch
import inbound
import pytest
import release
from botocore.exceptions import BotoCoreError, ClientError
from izin.aws import queue
from izin.aws.ledger import Contention
from izin.aws.messages import Status
from izin.aws.runtime import Runtime
from izin.aws.state import SHARDS
from izin.domain.events import EventType

from tests.handlers.calls import FAULTS, Call, Fault, Killed, Watch
from tests.handlers.conftest import MakeWorld
from tests.handlers.invariants import Left, left, violations
from tests.handlers.world import MORNING, NIGHT, Troubled, World

Act = Callable[[World, Runtime, str, int], None]
"""What the worker `Runtime` does about a person, in case number `int`."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A worker's task, what must have happened before it, and when."""

    act: Act
    before: Act | None = None
    asked_by_queue: bool = True  # so it is delivered again
    double_opt_in: bool = False
    waits_for_the_morning: bool = False


def _submit(purpose: str) -> Act:
    def act(world: World, rt: Runtime, person: str, case: int) -> None:
        fields = {"basis": {"transaction": "1"}} if purpose == "transactional" else {}
        body = world.message(person, f"{purpose}-{case}", purpose, **fields)
        status = world.call("POST /v1/messages", body, rt=rt).status
        assert status in (200, 202)

    return act


def _consented(world: World, _rt: Runtime, person: str, case: int) -> None:
    """Somebody who agreed, with a promotion that waits for the morning."""
    assert world.consent(person, id=f"before-{case}", sender=None).body["status"] == "granted"


def _holding(world: World, rt: Runtime, person: str, case: int) -> None:
    _consented(world, rt, person, case)
    _submit("marketing")(world, rt, person, case)


def _dispatch(world: World, rt: Runtime, person: str, case: int) -> None:
    dispatch.dispatch(rt, queue.Ticket(f"shopx#authentication-{case}", world.id_of(person), "shopx-id-1"))


def _stop(world: World, rt: Runtime, person: str, case: int) -> None:
    at = NIGHT + timedelta(minutes=1)
    inbound.receive(rt, world.reply(person, "STOP", f"stop-{case}", at))


def _asked(world: World, _rt: Runtime, person: str, case: int) -> None:
    assert world.consent(person, id=f"asked-{case}").body["status"] == "pending"


def _yes(world: World, rt: Runtime, person: str, case: int) -> None:
    inbound.receive(rt, world.reply(person, "YA", f"yes-{case}", NIGHT + timedelta(minutes=1)))


def _consent(world: World, rt: Runtime, person: str, case: int) -> None:
    captured_at = (NIGHT - timedelta(minutes=1)).isoformat()
    body = world.consent_body(person, id=f"consent-{case}", captured_at=captured_at)
    world.call("POST /v1/consents", body, rt=rt)


def _known_to_both(world: World, rt: Runtime, person: str, case: int) -> None:
    _holding(world, rt, person, case)
    body = world.consent_body(
        person,
        id=f"lama-{case}",
        brand="lama",
        sender=None,
        wording="Saya setuju menerima promosi dari Lama melalui SMS.",
    )
    assert world.call("POST /v1/consents", body, brand="lama").body["status"] == "granted"


def _everywhere(world: World, rt: Runtime, person: str, case: int) -> None:
    body = {
        "brand": "shopx",
        "address": person,
        "source": "agent",
        "id": f"everywhere-{case}",
        "company_wide": True,
    }
    world.call("POST /v1/opt-outs", body, rt=rt)


FLOWS = {
    "submit": Flow(_submit("authentication"), asked_by_queue=False),
    "dispatch": Flow(_dispatch, _submit("authentication")),
    "stop": Flow(_stop, _holding, waits_for_the_morning=True),
    "yes": Flow(_yes, _asked, double_opt_in=True),
    "consent": Flow(_consent, asked_by_queue=False, double_opt_in=True),
    "opt out everywhere": Flow(_everywhere, _known_to_both, asked_by_queue=False, waits_for_the_morning=True),
}


@dataclass
class Case:
    """One person, to whose worker one thing happened."""

    number: int
    person: str
    fault: Fault
    again: int
    done: bool = False  # the worker was told that it had succeeded

    def __str__(self) -> str:
        return f"{self.fault}, tried again {self.again} times: {self.person}"


def _endured(world: World, flow: Flow, rt: Runtime, case: Case) -> bool:
    """Whether the worker came to its end."""
    try:
        flow.act(world, rt, case.person, case.number)
    except (Killed, Troubled, ClientError, BotoCoreError, Contention, TimeoutError):
        return False
    return True


def _run(world: World, flow: Flow) -> list[Case]:
    """Every fault at every call, each for a person of their own."""
    cases: list[Case] = []
    numbers = itertools.count(1)
    for kind in FAULTS:
        for at in itertools.count(1):
            case = Case(next(numbers), world.person(), Fault(kind, at), _tries(flow, kind, at))
            if flow.before:
                flow.before(world, world.rt, case.person, case.number)
            case.done = _endured(world, flow, world.watched(case.fault.watch), case)
            ended = len(case.fault.seen) < at
            if case.fault.fired or (ended and kind == "killed"):
                cases.append(case)
            if ended:
                break
    return cases


def _tries(flow: Flow, kind: str, at: int) -> int:
    """How often it is tried again: by a queue, sometimes twice; by a caller, unless the worker died."""
    if flow.asked_by_queue:
        return 1 + at % 2
    return 0 if kind == "killed" else 1


@pytest.mark.parametrize("name", FLOWS)
def test_a_worker_may_die_anywhere(make_world: MakeWorld, name: str) -> None:
    world, flow = make_world(), FLOWS[name]
    world.register(double_opt_in=flow.double_opt_in)
    world.register("lama", "lama-1", address="+6285811110001", name="Lama", double_opt_in=False)
    cases = _run(world, flow)
    assert len(cases) >= 10
    world.clock.sleep(2)
    for attempt in (1, 2):
        for case in cases:
            if attempt <= case.again:
                case.done = _endured(world, flow, world.rt, case) or case.done
    world.live(8 * 60)

    now = left(world)
    found = violations(world, quiet=True, now=now)
    found += [f"{case}: {fault}" for case in cases for fault in _at_night(world, now, name, case)]

    if flow.waits_for_the_morning:
        world.clock.at = MORNING
        world.live(5 * 60)
        world.clock.sleep(20)
        now = left(world)
        found += violations(world, quiet=True, now=now)
        found += [f"{case}: {fault}" for case in cases for fault in _in_the_morning(world, now, case)]
    assert found == []
    assert all(case.done for case in cases if case.again and name != "dispatch")


def _at_night(world: World, now: Left, name: str, case: Case) -> list[str]:
    """What of this case is not as its flow promises, once all is quiet."""
    who = world.id_of(case.person)
    events = [str(event.type) for event in now.events("shopx", who)]
    sent = [call for call in world.sms.sent if call.to == case.person]
    if name == "stop":
        good = events.count("opt_out") == len(world.confirmations(case.person)) == 1
    elif name == "yes":
        good = events.count("consent_granted") == 1
    elif name == "consent" and case.done:
        good = events == ["consent_pending"] and len(sent) == 1
    elif name == "opt out everywhere" and (case.done or "opt_out" in events):
        good = all(
            [event.type for event in now.events(brand, who)].count(EventType.OPT_OUT) == 1
            for brand in ("shopx", "lama")
        )
    elif name == "submit" and case.done:
        good = len(sent) == 1
    elif name == "dispatch":
        status = now.stored[f"shopx#authentication-{case.number}"].status
        good = len(sent) == 1 if status is Status.SENT else status is Status.UNKNOWN
    else:
        good = True
    return [] if good else [f"{events}, {len(sent)} sent"]


def _in_the_morning(world: World, now: Left, case: Case) -> list[str]:
    """What becomes of the promotion that waited."""
    found = now.stored.get(f"shopx#marketing-{case.number}")
    if found is None:
        return [] if not case.done else ["no message"]
    acts = [event.type for event in now.events("shopx", world.id_of(case.person))]
    wanted = Status.DENIED if EventType.OPT_OUT in acts else Status.SENT
    return [] if found.status is wanted else [f"its promotion is {found.status}, not {wanted}"]


def _dies_after(name: str) -> Watch:
    """A worker that makes its first call of this name, and no other after it."""

    def watch(call: Call, go: Callable[[Any], Any]) -> Any:
        answer = go(call.request)
        if call.name == name:
            raise Killed(str(call))
        return answer

    return watch


def _unfinished(world: World, case: int) -> None:
    """Somebody's promotion to release, somebody's code in doubt, somebody's STOP without its event."""
    held, doubtful, halted = (world.person() for _ in range(3))
    _holding(world, world.rt, held, case)
    _submit("authentication")(world, world.rt, doubtful, case + 1)
    with pytest.raises(Killed):
        _dispatch(world, world.watched(_dies_after("send_text_message")), doubtful, case + 1)
    _holding(world, world.rt, halted, case + 2)
    with pytest.raises(Killed):
        _stop(world, world.watched(_dies_after("update_item")), halted, case + 2)


@pytest.mark.parametrize("kind", FAULTS)
def test_release_may_die_anywhere(make_world: MakeWorld, kind: str) -> None:
    """Each of its rounds is cut short one call later than the one before, until one comes to its end."""
    world = make_world()
    world.register(double_opt_in=False)
    for case in range(1, 10, 3):
        _unfinished(world, case)
    world.pull()
    world.waiting.clear()
    world.clock.at = MORNING
    for at in itertools.count(1):
        fault = Fault(kind, at)
        with suppress(Killed, ClientError, BotoCoreError):
            release.release(world.watched(fault.watch))
        if len(fault.seen) < at:
            break
    assert at > 2 * SHARDS
    world.live(10 * 60)

    now = left(world)
    assert violations(world, quiet=True, now=now) == []
    ends = {pk.partition("#")[2]: message.status for pk, message in now.stored.items()}
    for case in range(1, 10, 3):
        wanted = {"marketing": Status.SENT, "authentication": Status.UNKNOWN}
        assert ends[f"marketing-{case}"] is wanted["marketing"]
        assert ends[f"authentication-{case + 1}"] is wanted["authentication"]
        assert ends[f"marketing-{case + 2}"] is Status.DENIED
    assert sum(len(seen.unrecorded) for seen in now.states.values()) == 0


def test_an_answer_of_the_api_that_was_lost_is_the_same_again(here: World) -> None:
    body = here.message(here.person(), "code", "authentication")
    with pytest.raises(Troubled):
        here.call("POST /v1/messages", body, rt=here.watched(Fault("answer_lost", 3).watch))
    first, second = (here.call("POST /v1/messages", body) for _ in range(2))
    assert (first.status, first.text) == (202, second.text)
    here.live(420)
    assert len(here.sent("code")) == 1
