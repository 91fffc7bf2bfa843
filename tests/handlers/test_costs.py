"""What a message costs: its calls are counted, and the units that DynamoDB says they used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dispatch
import inbound
import pytest
from izin.aws import queue
from izin.aws.dynamo import pack, unpack
from izin.aws.runtime import Runtime

from tests.handlers.calls import Call
from tests.handlers.world import DAY, World

KB = 1024


@dataclass
class Meter:
    """Every call of a worker, with the units that it used, by index where one is meant."""

    calls: list[str] = field(default_factory=list)
    table: float = 0
    indexes: float = 0

    def watch(self, call: Call, go: Callable[[Any], Any]) -> Any:
        self.calls.append(call.name)
        if call.service != "dynamodb":
            return go(call.request)
        answer = go({**call.request, "ReturnConsumedCapacity": "INDEXES"})
        if (
            call.name == "batch_get_item"
        ):  # the emulator does not say; every key is a strong read of up to 4 KB
            self.table += sum(len(keys["Keys"]) for keys in call.request["RequestItems"].values())
            assert all(
                size(unpack(item)) <= 4 * KB for items in answer["Responses"].values() for item in items
            )
            return answer
        used = answer["ConsumedCapacity"]
        for entry in used if isinstance(used, list) else [used]:
            of_indexes = sum(i["CapacityUnits"] for i in entry.get("GlobalSecondaryIndexes", {}).values())
            self.table += entry["CapacityUnits"] - of_indexes
            self.indexes += of_indexes
        return answer


def metered(world: World, act: Callable[[Runtime], Any]) -> Meter:
    """What `act` costs, the registry being at hand."""
    meter = Meter()
    rt = world.watched(meter.watch)
    rt.cache.update(world.rt.cache)
    act(rt)
    return meter


def size(item: dict[str, Any]) -> int:
    """An item's size as DynamoDB counts it (Developer Guide, "DynamoDB item sizes and formats")."""
    return sum(len(name) + _size(value) for name, value in pack(item).items())


def _size(value: dict[str, Any]) -> int:
    ((kind, plain),) = value.items()
    match kind:
        case "S":
            return len(plain.encode())
        case "N":
            return (len(plain.lstrip("-").replace(".", "")) + 1) // 2 + 1
        case "B":
            return len(plain)
        case "M":
            return 3 + sum(len(name) + _size(inner) + 1 for name, inner in plain.items())
        case "L":
            return 3 + sum(_size(inner) + 1 for inner in plain)
        case "SS":
            return sum(len(text.encode()) for text in plain)
        case _:
            return 1


def item_of(world: World, table: str, beginning: str) -> dict[str, Any]:
    (found,) = [item for item in world.items(table) if item["pk"].startswith(beginning)]
    return found


@pytest.fixture
def known(here: World) -> str:
    """A person who agreed, and of whom everything is known already."""
    person = here.person()
    here.agrees(person)
    here.drain()
    here.clock.at = DAY
    here.submit(person, "warm", "authentication")
    here.drain()
    return person


CASES = {"code": "authentication", "promotion": "marketing"}


def submitted(world: World, person: str, message_id: str) -> Meter:
    body = world.message(person, message_id, CASES[message_id])
    return metered(world, lambda rt: world.call("POST /v1/messages", body, rt=rt))


def dispatched(world: World) -> Meter:
    (ticket,) = world.pull()
    return metered(world, lambda rt: dispatch.dispatch(rt, queue.ticket(ticket)))


@pytest.mark.parametrize("message_id", CASES)
def test_a_submission_is_one_read_trip_and_one_put(here: World, known: str, message_id: str) -> None:
    meter = submitted(here, known, message_id)
    assert meter.calls == ["batch_get_item", "put_item", "send_message_batch"]
    # A strong read of the state, of the person's key and of a company-wide block that is or is not there;
    # a put of at most 1 KB, and of its entries in the indexes of what is due and of what the person was sent.
    assert meter.table <= 3 + 1
    assert meter.indexes == 2
    here.drain()


def test_a_link_to_the_page_costs_one_put_more(here: World, known: str) -> None:
    brand = {"name": "ShopX", "contact": "help@shopx.example", "page_url": "https://s.shopx.example/p/"}
    here.call("PUT /v1/brands/{id}", brand, path={"id": "shopx"}, brand="*")
    body = here.message(known, "linked", "authentication", append_opt_out=True)
    here.call("POST /v1/check", body)  # the brand is at hand
    meter = metered(here, lambda rt: here.call("POST /v1/messages", body, rt=rt))
    assert meter.calls == ["batch_get_item", "put_item", "put_item", "send_message_batch"]
    assert meter.table <= 3 + 1 + 1
    here.drain()


@pytest.mark.parametrize("message_id", CASES)
def test_a_dispatch_is_one_read_trip_and_one_transaction(here: World, known: str, message_id: str) -> None:
    submitted(here, known, message_id)
    meter = dispatched(here)
    assert meter.calls == [
        "batch_get_item",
        "transact_write_items",
        "send_text_message",
        "update_item",  # what became of it: see docs/decisions.md
    ]
    # Reads of message, state and key; two writes of 1 KB in a transaction count twice; one for the outcome.
    assert meter.table <= 3 + 4 + 1
    assert here.status(message_id) == "sent"


@pytest.mark.parametrize("message_id", CASES)
def test_state_and_message_stay_within_one_kilobyte(here: World, known: str, message_id: str) -> None:
    submitted(here, known, message_id)
    sizes = [size(item_of(here, here.rt.messages_table, f"shopx#{message_id}"))]
    here.drain()
    sizes.append(size(item_of(here, here.rt.messages_table, f"shopx#{message_id}")))
    sizes.append(size(item_of(here, here.rt.state_table, "STATE#")))
    assert max(sizes) <= KB, sizes


def test_fifty_codes_do_not_grow_the_state(here: World, known: str) -> None:
    before = size(item_of(here, here.rt.state_table, "STATE#"))
    for number in range(10):
        here.submit(known, f"code-{number}", "authentication")
        here.drain()
    assert size(item_of(here, here.rt.state_table, "STATE#")) == before


def test_what_more_costs(here: World, known: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Printed: what a further kilobyte, the index and an event of the ledger add."""
    rows: list[tuple[str, Meter]] = []
    for message_id in CASES:
        rows.append((f"submit a {message_id}", submitted(here, known, message_id)))
        rows.append((f"dispatch a {message_id}", dispatched(here)))
    long = here.message(known, "long", "authentication", text="ShopX: kode masuk Anda 123456. " + "x" * KB)
    rows.append(
        ("submit, 1 KB of text more", metered(here, lambda rt: here.call("POST /v1/messages", long, rt=rt)))
    )
    rows.append(("dispatch, 1 KB of text more", dispatched(here)))
    held = here.message(known, "held")
    rows.append(("submit and hold", metered(here, lambda rt: here.call("POST /v1/messages", held, rt=rt))))
    stop = here.reply(known, "STOP")
    rows.append(("STOP: block, event, confirmation", metered(here, lambda rt: inbound.receive(rt, stop))))
    here.live(60)

    with capsys.disabled():
        print(f"\n{'':34}{'calls':>6}{'table units':>13}{'index units':>13}")
        for name, meter in rows:
            print(f"{name:34}{len(meter.calls):6}{meter.table:13.1f}{meter.indexes:13.1f}")
    by_name = dict(rows)
    assert by_name["submit, 1 KB of text more"].table <= by_name["submit a code"].table + 2
    assert by_name["STOP: block, event, confirmation"].calls.count("update_item") == 1
