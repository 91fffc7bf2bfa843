"""What a person may ask of their data: to see it, to have it erased; and what may be kept for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from izin.aws.dynamo import get, pack
from izin.domain import chain
from izin.domain.pack import pack_of

from tests.handlers.calls import Call, Killed
from tests.handlers.conftest import MakeWorld
from tests.handlers.world import DAY, World

GERMAN = "+4915112345678"


def ask(here: World, person: str, right: str, request_id: str = "r-1", **fields: Any) -> Any:
    body = {"id": request_id, "brand": "shopx", "source": "letter", **fields}
    path = {"recipient_id": here.id_of(person)}
    return here.call(f"POST /v1/recipients/{{recipient_id}}/{right}", body, path=path)


@pytest.mark.parametrize("right", ["access", "erasure"])
def test_a_request_holds_nobodys_number(here: World, right: str) -> None:
    here.agrees(person := here.person())
    before = here.ledger(person)
    for source in (f"call from {person}", f"call from {person[:3]} {person[3:6]}-{person[6:]}", person[1:]):
        assert ask(here, person, right, source=source).codes == [("source", "holds_number")]
    assert ask(here, person, right, f"r-{person[1:]}").codes == [("id", "holds_number")]
    assert here.ledger(person) == before
    own = ("20261124143000", "1763971200123", "5f0e8400-e29b-41d4-a716-446655440000")
    assert {ask(here, person, right, one, source="letter of 2026-11-24").status for one in own} == {202}


def see(here: World, person: str, **how: Any) -> Any:
    path = {"recipient_id": here.id_of(person)}
    return here.call("GET /v1/recipients/{recipient_id}/access", path=path, **how)


def key_item(here: World, person: str) -> Any:
    return get(here.rt, here.rt.keys_table, {"pk": here.id_of(person)})


def everything(here: World) -> str:
    """All that the tables hold, as it lies there."""
    rt = here.rt
    tables = (rt.state_table, rt.messages_table, rt.ledger_table, rt.keys_table, rt.registry_table)
    return repr([here.items(table) for table in tables])


def verifies(here: World, person: str, *, later: timedelta = timedelta(0)) -> chain.Fault | None:
    events = [{k: v for k, v in e.items() if k not in ("pk", "sealed")} for e in here.ledger(person)]
    head = here.show(person)["ledger"]["head"]
    return chain.verify(events, head, here.rt.now() + later)


@pytest.fixture
def customer(here: World) -> str:
    """Somebody who agreed and got a promotion and a code, one more promotion being held."""
    person = here.person()
    here.agrees(person)
    here.clock.at = DAY
    here.submit(person, "promotion-1")
    here.submit(person, "code-1", "authentication")
    here.live(60)
    assert here.submit(person, "promotion-2").body["verdict"] == "defer"
    return person


def test_a_person_sees_everything_that_is_kept(here: World, customer: str) -> None:
    said = ask(here, customer, "access")
    assert (said.status, said.body["status"]) == (202, "open")
    assert said.body["due_at"].startswith("2026-12-23")

    kept = see(here, customer).body
    assert kept["addresses"] == [customer]
    assert {m["id"]: m["personal"]["to"] for m in kept["messages"]}.keys() >= {
        "promotion-1",
        "promotion-2",
        "code-1",
    }
    assert all(m["personal"]["text"] for m in kept["messages"])
    (brand,) = kept["brands"]
    assert [event["type"] for event in brand["events"]] == [
        "consent_pending",
        "consent_granted",
        "access_requested",
    ]
    assert brand["events"][0]["personal"]["screenshot"].startswith("sha256:")
    assert brand["events"][1]["personal"]["text"] == "YA"

    page = see(here, customer, accept="text/html,*/*")
    assert customer in page.text
    assert "kode masuk Anda 123456" in page.text
    assert "<script" not in page.text


def test_a_request_is_open_until_the_data_was_handed_over(here: World, customer: str) -> None:
    ask(here, customer, "access")
    assert (here.keep_house()["soon"], here.keep_house()["late"]) == (0, 0)
    here.clock.at += timedelta(days=28)
    assert here.keep_house()["soon"] == 1
    here.clock.at += timedelta(days=3)
    assert here.keep_house()["late"] == 1

    said = ask(here, customer, "access", handed_over_at=here.rt.now().isoformat())
    assert (said.status, said.body["status"]) == (200, "answered")
    assert here.keep_house()["late"] == 0
    assert [event["type"] for event in here.ledger(customer)][-2:] == ["access_requested", "access_given"]


def test_nobody_hands_over_what_was_never_asked_for(here: World, customer: str) -> None:
    said = ask(here, customer, "access", "never", handed_over_at=here.rt.now().isoformat())
    assert (said.status, said.codes) == (404, [("id", "unknown_request")])


def test_an_id_stands_for_one_kind_of_request(here: World, customer: str) -> None:
    ask(here, customer, "access", "r-9")
    said = ask(here, customer, "erasure", "r-9")
    assert (said.status, said.codes) == (409, [("id", "id_reused")])
    assert here.submit(customer, "still-1", "authentication").body["verdict"] == "allow"


def test_a_key_without_the_scope_sees_nothing(here: World, customer: str) -> None:
    said = see(here, customer, scopes=["read"])
    assert (said.status, said.codes) == (403, [("Authorization", "scope_missing")])


def test_a_brand_sees_only_its_own(here: World, customer: str) -> None:
    assert see(here, customer, brand="other").status == 404


def test_erasure_silences_at_once_and_erases_when_nothing_is_on_its_way(here: World, customer: str) -> None:
    said = ask(here, customer, "erasure")
    assert said.status == 202
    assert said.body["due_at"].startswith("2026-12-07")
    assert "do_not_contact" in here.submit(customer, "promotion-3").reasons
    assert here.keep_house()["erased"] == 0

    here.clock.at += timedelta(minutes=21)
    assert customer in see(here, customer).text
    here.uploaded(customer, "other")
    assert here.keep_house()["erased"] == 1
    assert here.rt.s3.list_object_versions(Bucket=here.rt.evidence_bucket).get("Versions", []) == []
    assert key_item(here, customer) is None
    assert here.status("promotion-2") == "cancelled"
    kept = see(here, customer).body
    assert (kept["erased"], kept["addresses"]) == (True, [])
    assert customer.removeprefix("+") not in everything(here)
    assert "diskon" not in everything(here)
    assert verifies(here, customer) is None
    assert here.ledger(customer)[-1]["type"] == "erased"
    assert here.keep_house()["erased"] == 0


def test_what_was_erased_stays_suppressed_until_the_person_comes_back(here: World, customer: str) -> None:
    ask(here, customer, "erasure")
    here.clock.at += timedelta(minutes=21)
    here.keep_house()
    assert here.consent(customer, id="again").codes == [("address", "do_not_contact")]
    upload = {"brand": "shopx", "address": customer, "sha256": "a" * 64, "size": 9, "type": "image/png"}
    assert here.call("POST /v1/evidence", upload).codes == [("address", "do_not_contact")]
    assert key_item(here, customer) is None
    assert "do_not_contact" in here.submit(customer, "promotion-4").reasons

    here.clock.at += timedelta(hours=1)
    here.say(customer, "START")
    here.clock.sleep(5)
    assert here.consent(customer, id="back").status == 200
    here.clock.at += timedelta(days=1)
    assert here.submit(customer, "promotion-5").body["verdict"] == "allow"


def test_a_message_that_was_on_its_way_ends_as_cancelled(here: World, customer: str) -> None:
    """A worker meets the message after its person's key was deleted."""
    here.submit(customer, "code-2", "authentication")
    here.rt.dynamodb.delete_item(TableName=here.rt.keys_table, Key=pack({"pk": here.id_of(customer)}))
    here.drain()
    assert here.status("code-2") == "cancelled"
    assert not here.sent("code-2")


def test_every_brand_hears_of_an_erasure(here: World, customer: str) -> None:
    here.register("other", "other-1", name="Other", address="+6285811223355")
    here.call("POST /v1/opt-outs", {"brand": "other", "address": customer, "source": "app"}, brand="other")
    ask(here, customer, "erasure")
    here.clock.at += timedelta(minutes=21)
    here.keep_house()
    assert "erased" in [event["type"] for event in here.ledger(customer, "other")]
    assert "do_not_contact:all" in here.show(customer, "other")["standing"]["blocks"]


def test_an_erasure_that_dies_anywhere_is_completed_by_the_next_round(make_world: MakeWorld) -> None:
    calls = 1
    while _dies_at(here := _to_be_erased(make_world), calls):
        person = here.secret("+6281234500001")
        here.keep_house()
        assert key_item(here, person) is None, f"killed at call {calls}"
        assert [e["type"] for e in here.ledger(person)].count("erased") == 1
        assert verifies(here, person) is None
        assert here.keep_house()["erased"] == 0
        calls += 1
    assert calls > 20


def _to_be_erased(make_world: MakeWorld) -> World:
    here = make_world()
    person = here.person()
    assert person == "+6281234500001"
    here.consent(person)
    here.clock.at = DAY
    ask(here, person, "erasure")
    here.clock.at += timedelta(minutes=21)
    return here


def _dies_at(here: World, call_number: int) -> bool:
    """Whether a round of retention came to a call of that number, and died right after it."""

    def watch(call: Call, go: Any) -> Any:
        try:
            return go(call.request)
        finally:
            if call.number == call_number:
                raise Killed(str(call))

    try:
        here.keep_house(here.watched(watch))
    except Killed:
        return True
    return False


def test_number_and_texts_go_a_month_after_an_opt_out_in_the_european_union(here: World) -> None:
    here.clock.at = DAY
    here.opt_out(GERMAN, reason="too many")
    assert GERMAN in see(here, GERMAN).text
    here.keep_house()
    here.clock.at += timedelta(days=28)
    assert here.keep_house()["anonymised"] == 0
    here.clock.at += timedelta(days=1, minutes=1)
    assert here.keep_house()["anonymised"] == 1
    assert key_item(here, GERMAN) is None
    assert GERMAN.removeprefix("+") not in everything(here)
    assert "too many" not in everything(here)
    assert "opted_out" in here.submit(GERMAN, "promotion-9").reasons
    assert verifies(here, GERMAN) is None


def test_where_no_law_asks_for_it_nobody_is_anonymised(here: World) -> None:
    person = here.person()
    here.clock.at = DAY
    here.opt_out(person)
    here.clock.at += timedelta(days=60)
    assert here.keep_house()["anonymised"] == 0
    assert key_item(here, person) is not None


def test_nobody_is_anonymised_while_a_message_waits_for_them(here: World) -> None:
    here.clock.at = DAY
    here.register(countries=["ID", "DE"])
    here.opt_out(GERMAN)
    here.clock.at += timedelta(days=29, minutes=5)
    body = here.message(
        GERMAN, "code-9", "authentication", not_before=(here.rt.now() + timedelta(minutes=30)).isoformat()
    )
    assert here.call("POST /v1/messages", body).status == 202
    assert here.keep_house()["anonymised"] == 0
    here.clock.at += timedelta(minutes=31)
    here.sweep()
    here.live(120)
    here.clock.at += timedelta(hours=1)
    assert here.keep_house()["anonymised"] == 1


def test_when_the_last_consent_ends_the_proof_gets_a_day_on_which_it_may_go(
    here: World, customer: str
) -> None:
    assert here.keep_house()["pruned"] == 0
    here.say(customer, "STOP")
    ended = here.rt.now()
    assert here.keep_house()["pruned"] == 1
    events = here.ledger(customer)
    assert [event["type"] for event in events][-2:] == ["opt_out", "checkpoint"]
    keep = pack_of("ID").retention.keep
    goes_at = int((ended + keep).timestamp())
    assert [(event["type"], event.get("ttl")) for event in events] == [
        ("consent_pending", goes_at),
        ("consent_granted", goes_at),
        ("opt_out", None),
        ("checkpoint", None),
    ]
    assert here.keep_house()["pruned"] == 0
    assert verifies(here, customer) is None


def test_a_pruned_ledger_verifies_from_its_checkpoint_and_never_earlier(make_world: MakeWorld) -> None:
    here = make_world()  # what is deleted here is missed by whoever looks at all invariants
    person = here.person()
    here.agrees(person)
    here.say(person, "STOP")
    here.keep_house()
    here.say(person, "START")
    second = here.ledger(person)[1]
    here.rt.dynamodb.delete_item(
        TableName=here.rt.ledger_table, Key=pack({"pk": second["pk"], "seq": second["seq"]})
    )
    fault = verifies(here, person)
    assert fault is not None
    assert fault.problem == "event 2 is missing: found 3"
    assert verifies(here, person, later=pack_of("ID").retention.keep + timedelta(seconds=1)) is None


def test_a_checkpoint_holds_the_standing_that_the_pruned_events_explain(here: World, customer: str) -> None:
    here.say(customer, "STOP")
    here.keep_house()
    checkpoint = here.ledger(customer)[-1]
    state = get(here.rt, here.rt.state_table, {"pk": f"STATE#shopx#{here.id_of(customer)}"})
    assert state is not None
    assert checkpoint["details"]["standing"] == chain.canonical(state["standing"]).decode()


def test_the_day_is_set_by_a_conditional_update_of_nothing_else(here: World, customer: str) -> None:
    here.say(customer, "STOP")
    before = {e["seq"]: e["hash"] for e in here.ledger(customer)}
    here.keep_house()
    after = here.ledger(customer)
    assert {e["seq"]: e["hash"] for e in after if e["seq"] in before} == before
    assert all(chain.link({k: v for k, v in e.items() if k != "pk"}) == e["hash"] for e in after)


def test_a_block_of_long_ago_is_not_written_again(here: World) -> None:
    """The sweep that carries a company-wide no to every brand meets older ones, forgotten by the states."""
    person = here.person()
    here.opt_out(person, company_wide=True, id="first")
    here.clock.at += timedelta(days=20)
    here.opt_out(person, company_wide=True, id="second")
    here.clock.at += timedelta(minutes=5)
    here.sweep()
    assert [event["type"] for event in here.ledger(person)].count("opt_out") == 2
