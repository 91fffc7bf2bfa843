"""Does WhatsApp work in the whole stack, with every permission asked for?"""

import json
import time
from collections.abc import Callable

from infra import phone
from infra.local import Stack

PERSON, SENDER = "+6281290054341", "+6285811223355"


def until(seen: Callable[[], bool], seconds: float = 30) -> None:
    give_up = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < give_up
        time.sleep(0.2)


def say(stack: Stack, text: str, person: str = PERSON, **known: str) -> None:
    said = {
        **({"from": person.removeprefix("+")} if person else {}),
        "id": f"wamid.{text.split()[0]}",
        "timestamp": str(int(stack.now().timestamp())),
        "type": "text",
        "text": {"body": text},
        **known,
    }
    stack.phones.publish_whatsapp(phone.whatsapp_event(SENDER, messages=[said]))


def test_a_stop_on_whatsapp_is_recorded_confirmed_and_acknowledged(stack: Stack) -> None:
    say(stack, "STOP")
    until(lambda: bool(stack.phones.all().get(PERSON)))
    (bubble,) = stack.phones.all()[PERSON]
    assert (bubble.channel, bubble.sender) == ("whatsapp", SENDER)
    _, found = stack.call("POST", "/v1/recipients/lookup", {"address": PERSON})
    _, ledger = stack.call("GET", f"/v1/recipients/{found['recipient_id']}/ledger")
    assert [event["type"] for event in ledger["events"]] == ["opt_out"]
    table = stack.emulator.table(stack.outputs["MessagesTable"])
    until(
        lambda: (
            [item["status"] for item in table.scan()["Items"] if item["sender"] == "shopx-wa"]
            == ["delivered"]
        )
    )


def test_an_unclear_reply_waits_until_somebody_says_that_it_was_none(stack: Stack) -> None:
    person = "+6281290054342"
    _, found = stack.call("POST", "/v1/recipients/lookup", {"address": person})
    path = f"/v1/recipients/{found['recipient_id']}"
    say(stack, "tidak tertarik", person)
    until(lambda: stack.call("GET", path)[0] == 200)
    (reply,) = stack.call("GET", f"{path}/ledger")[1]["events"]
    assert reply["type"] == "reply_unclear"
    body = {"brand": "shopx", "reply": reply["id"], "source": "agent"}
    status, said = stack.call("POST", f"{path}/replies", body)
    assert (status, said["waits"]) == (200, False)
    _, ledger = stack.call("GET", f"{path}/ledger")
    assert ([event["type"] for event in ledger["events"]][1:], ledger["verifies"]) == (["reply_read"], True)


def test_a_stop_of_somebody_without_a_number_holds_for_them_once_it_is_told(stack: Stack) -> None:
    person, user_id = "+6281290054343", "ID.13491208655302741918"
    names = []
    for address in (user_id, person):
        status, found = stack.call("POST", "/v1/recipients/lookup", {"address": address})
        assert status == 200
        names.append(f"/v1/recipients/{found['recipient_id']}")
    say(stack, "BERHENTI", "", from_user_id=user_id)
    until(lambda: stack.call("GET", names[0])[0] == 200)
    until(lambda: bool(stack.phones.all().get(user_id)))  # the confirmation
    say(stack, "Halo", person, from_user_id=user_id)
    until(lambda: stack.call("GET", f"{names[1]}/ledger")[0] == 200)
    (event,) = stack.call("GET", f"{names[1]}/ledger")[1]["events"]
    assert (event["type"], event["source"]) == ("opt_out", "linked")
    _, found = stack.call("POST", "/v1/recipients/lookup", {"address": user_id})
    assert names[1].endswith(found["recipient_id"])


def test_the_lists_of_the_provider_are_looked_after(stack: Stack) -> None:
    """Nobody has a list here: the round reads who has one, and the people who wait, and ends."""
    answer = stack.emulator.client("lambda").invoke(
        FunctionName=stack.outputs["ReconcileFunction"], Payload=b"{}"
    )
    assert json.loads(answer["Payload"].read()) == {"listed": 0, "recorded": 0, "taken": 0, "troubled": 0}
