"""What becomes of a call? Clients whose every call goes through the world, and may break there."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from tests.simulation.double import cancelled, client_error
from tests.simulation.expressions import Item
from tests.simulation.faults import Fault
from tests.simulation.seen import SECOND, Call, Killed

if TYPE_CHECKING:
    from tests.simulation.world import World

DYNAMODB = ("get_item", "batch_get_item", "put_item", "update_item", "transact_write_items", "query")
SQS = ("send_message", "send_message_batch")


class Wire:
    """A client whose every call goes through the world."""

    def __init__(self, world: World, behind: Any, operations: tuple[str, ...]) -> None:
        for operation in operations:
            setattr(self, operation, _call(world, operation, getattr(behind, operation)))


def _call(world: World, operation: str, effect: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **request: exchange(world, operation, effect, request)


def exchange(world: World, operation: str, effect: Callable[..., Any], request: dict[str, Any]) -> Any:
    """One call of a service, with at most one fault."""
    fault = world.faults.of_call(operation)
    world.pause(world.latency())
    if fault is not None:
        return _broken(world, operation, effect, request, fault)
    return _effect(world, operation, effect, request, None)


def _effect(
    world: World, operation: str, effect: Callable[..., Any], request: dict[str, Any], fault: Fault | None
) -> Any:
    try:
        answer = effect(**request)
    except ClientError as error:
        world.note(operation, request, error, fault)
        raise
    world.note(operation, request, answer, fault)
    return answer


def _broken(
    world: World, operation: str, effect: Callable[..., Any], request: dict[str, Any], fault: Fault
) -> Any:
    do = partial(_effect, world, operation, effect, request, fault)
    if operation == "transact_write_items":  # as botocore does: asked again, it is the same request
        request = {**request, "ClientRequestToken": world.new_token()}
        do = partial(_effect, world, operation, effect, request, fault)
    match fault:
        case Fault.KILLED_BEFORE:
            world.note(operation, request, None, fault)
            raise Killed
        case Fault.KILLED_AFTER:
            _whatever_it_says(do)
            raise Killed
        case Fault.ANSWER_LOST:
            _whatever_it_says(do)
            world.pause(3 * SECOND + world.latency())
            return do()
        case Fault.NO_ANSWER | Fault.UNREACHED:
            if fault is Fault.NO_ANSWER:
                _whatever_it_says(do)
            else:
                world.note(operation, request, None, fault)
            world.pause(9 * SECOND)
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        case Fault.THROTTLED | Fault.THROTTLED_AFTER:
            if fault is Fault.THROTTLED_AFTER:
                _whatever_it_says(do)
                world.pause(3 * SECOND)
            else:
                world.note(operation, request, None, fault)
            world.pause(world.latency())
            raise client_error("ThrottlingException", "slow down", operation)
        case Fault.CONFLICT:
            world.note(operation, request, None, fault)
            raise _conflict(operation, request, world.rng)
        case Fault.SLOW:
            world.pause(int(world.rng.random() * 2.9 * SECOND))
            return do()
        case Fault.FROZEN:
            answer = do()
            shortest, longest = world.rng.choice(((0, 9), (3, 6), (4, 6), (5, 12), (9, 40)))
            world.pause(int((shortest + world.rng.random() * (longest - shortest)) * SECOND))
            return answer
        case Fault.TORN:
            return _torn(world, effect, request)
        case Fault.PARTIAL if operation == "batch_get_item":
            return _partial_read(world, effect, request)
        case Fault.PARTIAL:
            entries = [entry for entry in request["Entries"] if world.rng.random() < 0.5]
            world.note(operation, request, None, fault)
            return effect(QueueUrl=request["QueueUrl"], Entries=entries)
    raise NotImplementedError(fault)


def _torn(world: World, effect: Callable[..., Any], request: dict[str, Any]) -> Any:
    """A batch is no snapshot: each of its tables is read at an instant of its own."""
    tables = list(request["RequestItems"].items())
    world.rng.shuffle(tables)
    responses: dict[str, list[Item]] = {}
    for table, keys in tables:
        responses |= effect(RequestItems={table: keys})["Responses"]
        world.note("batch_get_item", {"RequestItems": {table: keys}}, None, Fault.TORN)
        world.pause(world.latency() + int(world.rng.random() * SECOND / 2))
    return {"Responses": responses, "UnprocessedKeys": {}}


def _partial_read(world: World, effect: Callable[..., Any], request: dict[str, Any]) -> Any:
    left, read = {}, {}
    for table, keys in request["RequestItems"].items():
        (left if world.rng.random() < 0.5 else read)[table] = keys
    world.note("batch_get_item", {"RequestItems": read}, None, Fault.PARTIAL)
    answer = effect(RequestItems=read)
    return {"Responses": answer["Responses"], "UnprocessedKeys": left}


def _whatever_it_says(do: Callable[[], Any]) -> None:
    """An effect whose answer, good or bad, nobody gets to see."""
    try:
        do()
    except ClientError:
        return


def _conflict(operation: str, request: Mapping[str, Any], rng: random.Random) -> ClientError:
    message = "Transaction is ongoing for the item"
    if operation != "transact_write_items":
        return client_error("TransactionConflictException", message, operation)
    writes = len(request["TransactItems"])
    hit = rng.randrange(writes)
    reasons = [{"Code": "None"} for _ in range(writes)]
    reasons[hit] = {"Code": "TransactionConflict", "Message": message}
    return cancelled(reasons)


_CARRIER_ERRORS: dict[Fault | None, tuple[str, int, str | None]] = {
    Fault.CARRIER_THROTTLED: ("ThrottlingException", 400, None),
    Fault.CARRIER_REFUSED: ("ValidationException", 400, "DESTINATION_COUNTRY_BLOCKED"),
    Fault.CARRIER_OPTED_OUT: ("ConflictException", 400, "DESTINATION_PHONE_NUMBER_OPTED_OUT"),
    Fault.CARRIER_BROKE: ("InternalServerException", 500, None),
}


def _carrier_error(code: str, status: int, reason: str | None) -> ClientError:
    fields = {"Reason": reason} if reason else {}
    return client_error(code, "no", "SendTextMessage", status, **fields)


class Carrier:
    """AWS End User Messaging SMS, as far as dispatch knows it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send_text_message(self, **request: Any) -> dict[str, Any]:
        """One text, one attempt."""
        fault = self._world.faults.of_carrier()
        often = self._world.hostility.stalls
        if fault is None and often and self._world.rng.random() < often:
            fault = self._world.faults.now(Fault.STALL)
        reference = request["Context"]["message"]
        carrier_ref = self._hand_over(
            request["DestinationPhoneNumber"], request["MessageBody"], reference, fault
        )
        return {"MessageId": carrier_ref}

    def _hand_over(self, to: str, text: str, reference: str, fault: Fault | None) -> str:
        """The carrier's side of a call; its reference. Raises what botocore would."""
        world = self._world
        if fault is Fault.KILLED_BEFORE:
            world.note("carrier", reference, None, fault)
            raise Killed
        if fault is Fault.STALL:
            world.pause(int(world.rng.random() * world.hostility.stall * SECOND))
        if fault in (Fault.CARRIER_UNREACHABLE, Fault.CARRIER_LOST):
            world.note("carrier", reference, None, fault)
            world.pause(SECOND)
            if fault is Fault.CARRIER_UNREACHABLE:
                raise ConnectTimeoutError(endpoint_url="https://sms-voice")
            world.pause(2 * SECOND)
            raise ReadTimeoutError(endpoint_url="https://sms-voice")
        slow = world.hostility.carrier if fault else min(world.hostility.carrier, world.slowness / SECOND)
        world.pause(int(world.rng.random() * slow * SECOND))
        taken = fault not in (Fault.CARRIER_THROTTLED, Fault.CARRIER_REFUSED, Fault.CARRIER_OPTED_OUT)
        run = world.running
        world.calls.append(Call(world.instant(), to, text, reference, taken, run, world.later))
        world.note("carrier", reference, "taken" if taken else "refused", fault)
        carrier_ref = f"ref-{len(world.calls)}"
        if taken:
            world.on_taken(reference, carrier_ref)
        if fault is Fault.KILLED_AFTER:
            raise Killed
        if fault in _CARRIER_ERRORS:
            raise _carrier_error(*_CARRIER_ERRORS[fault])
        if fault is Fault.CARRIER_SILENT:
            world.pause(int(world.rng.random() * 2 * SECOND))
            raise ReadTimeoutError(endpoint_url="https://sms-voice")
        world.pause(world.latency() if fault is None else 1000)
        return carrier_ref
