"""Does the sandbox speak as AWS does, and does its page show what a person would see?"""

import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from izin.domain import whatsapp

from infra import phone

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PERSON, SENDER = "+6281234567890", "+6285811223344"
PORT = 0


class Sandbox:
    """The phones behind a server, and what they published."""

    def __init__(self) -> None:
        self.inbound: list[dict[str, Any]] = []
        self.receipts: list[dict[str, Any]] = []
        self.whatsapp: list[str] = []
        self.phones = phone.Phones(
            now=lambda: NOW,
            publish_inbound=lambda text: self.inbound.append(json.loads(text)),
            publish_receipt=lambda text: self.receipts.append(json.loads(text)),
            publish_whatsapp=self.whatsapp.append,
        )
        self.port = 0

    def call(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        status, text = answer.status, answer.read().decode()
        connection.close()
        return status, text

    def send(self, text: str = "Halo", sender: str = SENDER, channel: str = "sms") -> str:
        body = {"channel": channel, "from": sender, "to": PERSON, "text": text, "message_ref": "shopx#1"}
        status, answer = self.call("POST", "/send", json.dumps(body))
        assert status == 200
        return str(json.loads(answer)["message_id"])


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox()
    with phone.serving(made.phones, "127.0.0.1", PORT) as made.port:
        yield made


def test_a_message_on_whatsapp_is_acknowledged_and_answered_there(sandbox: Sandbox) -> None:
    message_id = sandbox.send("Halo", channel="whatsapp")
    sandbox.phones.close()
    reply = json.dumps({"from": PERSON, "to": SENDER, "text": "STOP"})
    assert sandbox.call("POST", "/reply", reply, **{"Content-Type": "application/json"})[0] == 200

    fate, said = (whatsapp.parse(text).happenings[0] for text in sandbox.whatsapp)
    assert isinstance(fate, whatsapp.Fate)
    assert (fate.receipt.carrier_ref, fate.receipt.message) == (message_id, "shopx#1")
    assert isinstance(said, whatsapp.Said)
    assert (said.text, said.follows, said.person.number) == ("STOP", message_id, PERSON)
    assert said.sender_address == SENDER
    assert (sandbox.inbound, sandbox.receipts) == ([], [])


def test_a_message_arrives_and_is_acknowledged(sandbox: Sandbox) -> None:
    message_id = sandbox.send("Halo")
    sandbox.phones.close()

    (bubble,) = json.loads(sandbox.call("GET", "/phones.json")[1])[PERSON]
    assert (bubble["from"], bubble["text"], bubble["direction"]) == (SENDER, "Halo", "in")
    (receipt,) = sandbox.receipts
    assert receipt["eventType"] == "TEXT_DELIVERED"
    assert (receipt["messageId"], receipt["context"]) == (message_id, {"message": "shopx#1"})
    assert receipt["eventTimestamp"] == 1795395600000


def test_a_reply_is_published_as_aws_would(sandbox: Sandbox) -> None:
    message_id = sandbox.send()
    status, answer = sandbox.call(
        "POST", "/reply", json.dumps({"from": PERSON, "to": SENDER, "text": "STOP"})
    )

    (event,) = sandbox.inbound
    assert status == 200
    assert event["inboundMessageId"] == json.loads(answer)["inboundMessageId"]
    assert (event["originationNumber"], event["destinationNumber"]) == (PERSON, SENDER)
    assert (event["messageBody"], event["previousPublishedMessageId"]) == ("STOP", message_id)


def test_a_duplicate_keeps_its_id(sandbox: Sandbox) -> None:
    reply = {"from": PERSON, "to": SENDER, "text": "YA", "inboundMessageId": "in-1"}
    for _ in range(2):
        sandbox.call("POST", "/reply", json.dumps(reply))
    assert [event["inboundMessageId"] for event in sandbox.inbound] == ["in-1", "in-1"]


def test_the_box_on_the_page_replies(sandbox: Sandbox) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _ = sandbox.call("POST", "/reply", "from=%2B62812&to=%2B62858&text=Stop.", **form)
    assert status == 303
    assert sandbox.inbound[0]["messageBody"] == "Stop."


def test_the_page_shows_text_as_text(sandbox: Sandbox) -> None:
    sandbox.send("<script>alert(1)</script>")
    status, page = sandbox.call("GET", "/")
    assert status == 200
    assert "&lt;script&gt;alert(1)" in page
    assert "Mon 23 Nov 2026, 08:00:00" in page


def test_a_name_takes_no_replies(sandbox: Sandbox) -> None:
    sandbox.send(sender="SHOPX")
    assert "takes no replies" in sandbox.call("GET", "/")[1]


@pytest.mark.parametrize("headers", [{"Origin": "http://elsewhere.example"}, {"Host": "elsewhere.example"}])
def test_other_sites_are_refused(sandbox: Sandbox, headers: dict[str, str]) -> None:
    assert sandbox.call("GET", "/", **headers)[0] == 403
    assert sandbox.call("POST", "/reply", "{}", **headers)[0] == 403


@pytest.mark.parametrize("body", ["", "{", "[]", '{"from": "+62812"}'])
def test_malformed_calls_are_refused(sandbox: Sandbox, body: str) -> None:
    assert sandbox.call("POST", "/reply", body)[0] == 400
