"""One day in the life of a gate: its workers, its carrier, the people, and the clock that all of them read.

Nothing here stands in for a part of the product. The handlers' own functions run, given a `Runtime` whose
clients reach an emulator and whose clock can be moved.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import consents
import dispatch
import gate
import imports
import inbound
import opt_outs
import receipts
import recipients
import registry as registrar
import release
import retention
import rights
import uploads
from izin.aws import files, http, identity, ledger, messages, queue, registry, state
from izin.aws.dynamo import Item, unpack
from izin.aws.messages import Stored
from izin.aws.runtime import Runtime
from izin.aws.state import State

from tests.handlers.calls import Killed, Watch, Watched
from tests.handlers.fake_sms import FakeSms, Sent

NIGHT = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
"""Half past eleven in the evening in Jakarta."""

MORNING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Eight o'clock in Jakarta, ten in Jayapura: windows are open in every Indonesian zone."""

DAY = MORNING + timedelta(minutes=10)
"""Windows are open, on every worker's clock."""

PROMOTION = "ShopX: diskon 20% s.d. 30 Nov. Balas STOP untuk berhenti"
CODE = "ShopX: kode masuk Anda 123456"
WORDING = "Saya setuju menerima promosi dari ShopX melalui SMS."

SENDER_ADDRESS = "+6285811223344"
VISIBILITY = 360
"""Seconds after which the dispatch queue hands out again what its worker failed on, as the stack has it."""


@dataclass
class Clock:
    """The time, as everybody here sees it."""

    at: datetime = NIGHT

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Shifted:
    """A clock that goes on by itself, from `at`."""

    def __init__(self, at: datetime) -> None:
        self._shift = at - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift


@dataclass(frozen=True, slots=True)
class Said:
    """What the API answered."""

    status: int
    body: dict[str, Any]
    text: str
    problem: bool

    @property
    def codes(self) -> list[tuple[str, str]]:
        """Field and code of every error in a problem, or the codes of a verdict's reasons."""
        if self.problem:
            return [(error["field"], error["code"]) for error in self.body["errors"]]
        return [("", reason["code"]) for reason in self.body["reasons"]]

    @property
    def reasons(self) -> set[str]:
        return {code for _, code in self.codes}


class Troubled(Exception):
    """The API answered 500. A caller may try again; no test of a plain request may see it."""


class DelayedSqs:
    """The queue's client, with delays that the test's clock measures instead of the wall's."""

    def __init__(self, sqs: Any, now: Callable[[], datetime]) -> None:
        self._sqs, self._now = sqs, now

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Item]) -> Item:  # noqa: N803
        entries = [
            {
                **entry,
                "DelaySeconds": 0,
                "MessageAttributes": {
                    "visible_at": {
                        "DataType": "String",
                        "StringValue": str(self._now().timestamp() + entry["DelaySeconds"]),
                    }
                },
            }
            for entry in Entries
        ]
        answer: Item = self._sqs.send_message_batch(QueueUrl=QueueUrl, Entries=entries)
        return answer

    def send_message(self, **request: Any) -> Item:
        answer: Item = self._sqs.send_message(**request)
        return answer


_ROUTES: dict[str, tuple[Any, Callable[[Runtime, http.Event], http.Answer]]] = {
    "POST /v1/check": (gate, gate.check),
    "POST /v1/messages": (gate, gate.submit),
    "POST /v1/messages/batch": (gate, gate.submit_batch),
    "GET /v1/messages/{id}": (gate, gate.look_up),
    "DELETE /v1/messages/{id}": (gate, gate.cancel),
    "POST /v1/consents": (consents, consents.capture_consent),
    "POST /v1/consents/batch": (imports, imports.import_consents),
    "POST /v1/evidence": (uploads, uploads.offer),
    "POST /v1/opt-outs": (opt_outs, opt_outs.opt_out),
    "POST /v1/opt-outs/batch": (opt_outs, opt_outs.opt_out_batch),
    "POST /v1/recipients/{recipient_id}/replies": (opt_outs, opt_outs.read_reply),
    "POST /v1/recipients/lookup": (recipients, recipients.look_up),
    "GET /v1/recipients/{recipient_id}": (recipients, recipients.show),
    "GET /v1/recipients/{recipient_id}/certificate": (recipients, recipients.show_certificate),
    "GET /v1/recipients/{recipient_id}/ledger": (recipients, recipients.show_ledger),
    "POST /v1/recipients/{recipient_id}/access": (rights, rights.ask_access),
    "GET /v1/recipients/{recipient_id}/access": (rights, rights.show),
    "POST /v1/recipients/{recipient_id}/erasure": (rights, rights.ask_erasure),
    "GET /v1/recipients/{recipient_id}/proof": (recipients, recipients.show_proof),
    "PUT /v1/brands/{id}": (registrar, registrar.put_brand),
    "GET /v1/brands/{id}": (registrar, registrar.get_brand),
    "PUT /v1/senders/{id}": (registrar, registrar.put_sender),
    "GET /v1/senders/{id}": (registrar, registrar.get_sender),
    "PUT /v1/templates/{id}": (registrar, registrar.put_template),
    "GET /v1/templates/{id}": (registrar, registrar.get_template),
    "PUT /v1/wordings/{id}": (registrar, registrar.put_wording),
    "GET /v1/wordings/{id}": (registrar, registrar.get_wording),
}

ALL = registry.SCOPES


@dataclass
class World:
    """Everything that a test moves. `secrets` are the numbers and texts that no log may show."""

    rt: Runtime
    sms: FakeSms
    clock: Clock
    plain_sqs: Any
    secrets: set[str] = field(default_factory=set)
    waiting: list[tuple[float, int, str]] = field(default_factory=list)
    order: Iterator[int] = field(default_factory=itertools.count)
    failures: Counter[str] = field(default_factory=Counter)
    people: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # The people.

    def person(self) -> str:
        """The number of somebody new, in Indonesia."""
        return self.secret(f"+62812{34500000 + next(self.people)}")

    def secret(self, text: str) -> str:
        self.secrets.add(text)
        return text

    def id_of(self, person: str) -> str:
        return identity.recipient(self.rt, person)

    # The API.

    def call(
        self,
        route: str,
        body: Any = None,
        *,
        path: dict[str, str] | None = None,
        brand: str = "shopx",
        scopes: Iterable[str] = ALL,
        query: dict[str, str] | None = None,
        rt: Runtime | None = None,
        accept: str = "application/json",
    ) -> Said:
        """One call of the API, past API Gateway. A `body` that is text is sent as it is."""
        module, act = _ROUTES[route]
        event = {
            "routeKey": route,
            "body": body if isinstance(body, str) or body is None else json.dumps(body),
            "pathParameters": path or {},
            "queryStringParameters": query or {},
            "headers": {"accept": accept},
            "requestContext": {
                "authorizer": {"lambda": {"key": "test", "brand": brand, "scopes": " ".join(scopes)}}
            },
        }
        answer = http.respond(module.logger, lambda: act(rt or self.rt, event))
        json.dumps(answer)  # as the runtime does with it
        kind = answer["headers"]["content-type"]
        body = {} if kind.startswith("text/html") else json.loads(answer["body"])
        said = Said(answer["statusCode"], body, answer["body"], kind == "application/problem+json")
        if said.status == 500:
            raise Troubled(said.text)
        return said

    def register(self, brand: str = "shopx", sender: str = "shopx-id-1", **fields: Any) -> None:
        """A brand with a two-way Indonesian sender."""
        name = fields.pop("name", "ShopX")
        single = fields.pop("double_opt_in", True) is False
        brand_fields = {"relax": ["ID.consent.double_opt_in"]} if single else {}
        self.call(
            "PUT /v1/brands/{id}",
            {"name": name, "contact": "help@shopx.example", **brand_fields},
            path={"id": brand},
            brand="*",
        )
        body = {
            "brand": brand,
            "channel": "sms",
            "carrier": "aws-sms",
            "configuration_set": "izin",
            "address": SENDER_ADDRESS,
            "two_way": True,
            "language": "id",
            "countries": ["ID", "BR"],
            **fields,
        }
        said = self.call("PUT /v1/senders/{id}", body, path={"id": sender}, brand="*")
        assert said.status == 200, said.text

    def message(self, person: str, message_id: str, purpose: str = "marketing", **fields: Any) -> Item:
        """The body of a submission."""
        text = fields.pop("text", PROMOTION if purpose == "marketing" else CODE)
        body = {
            "id": message_id,
            "brand": "shopx",
            "sender": "shopx-id-1",
            "to": person,
            "channel": "sms",
            "purpose": purpose,
            "text": self.secret(text) if text else None,
            **fields,
        }
        return {name: value for name, value in body.items() if value is not None}

    def submit(self, person: str, message_id: str, purpose: str = "marketing", **fields: Any) -> Said:
        return self.call("POST /v1/messages", self.message(person, message_id, purpose, **fields))

    def consent_body(self, person: str, **fields: Any) -> Item:
        body = {
            "brand": "shopx",
            "address": person,
            "channel": "sms",
            "purposes": ["marketing"],
            "sender": "shopx-id-1",
            "language": "id",
            "captured_at": (self.rt.now() - timedelta(minutes=1)).isoformat(),
            "wording": WORDING,
            "method": "checkbox",
            "prechecked": False,
            "source": "https://shopx.example/daftar",
            **fields,
        }
        if "evidence" not in body:
            body["evidence"] = {"screenshot": self.uploaded(person, body["brand"])}
        return {name: value for name, value in body.items() if value is not None}

    def uploaded(self, person: str, brand: str = "shopx", content: bytes = b"a picture") -> str:
        """A file about a person that lies where uploads lie: what a consent calls it."""
        sha256 = hashlib.sha256(content).hexdigest()
        key = files.person_key(brand, self.id_of(person), sha256)
        bucket = self.rt.evidence_bucket
        self.rt.s3.put_object(Bucket=bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256")
        return f"sha256:{sha256}"

    def consent(self, person: str, **fields: Any) -> Said:
        return self.call("POST /v1/consents", self.consent_body(person, **fields))

    def agrees(self, person: str, **fields: Any) -> None:
        """A person who said yes twice."""
        assert self.consent(person, **fields).body["status"] == "pending"
        self.clock.sleep(5)
        self.say(person, "YA")
        assert self.standing(person) == "granted"

    def opt_out(self, person: str, **fields: Any) -> Said:
        return self.call(
            "POST /v1/opt-outs", {"brand": "shopx", "address": person, "source": "agent", **fields}
        )

    def look_up(self, message_id: str, brand: str = "shopx") -> Item:
        return self.call("GET /v1/messages/{id}", path={"id": message_id}, brand=brand).body

    def status(self, message_id: str) -> str:
        return str(self.look_up(message_id)["status"])

    def show(self, person: str, brand: str = "shopx") -> Item:
        path = {"recipient_id": self.id_of(person)}
        return self.call("GET /v1/recipients/{recipient_id}", path=path, brand=brand).body

    def standing(self, person: str, purpose: str = "marketing", brand: str = "shopx") -> str:
        """The consent for `purpose` by SMS as it stands."""
        for consent in self.show(person, brand)["consents"]:
            if (consent["channel"], consent["purpose"]) == ("sms", purpose):
                return str(consent["status"])
        return "none"

    def ledger(self, person: str, brand: str = "shopx") -> list[Item]:
        return list(ledger.events(self.rt, brand, self.id_of(person)))

    # What comes from the carrier.

    def reply(
        self,
        person: str,
        text: str,
        reply_id: str | None = None,
        at: datetime | None = None,
        **fields: Any,
    ) -> str:
        """A reply as it lies in the inbound queue."""
        reply_id = reply_id or f"reply-{next(self.order)}"
        said = {
            "originationNumber": person,
            "destinationNumber": SENDER_ADDRESS,
            "messageKeyword": "KEYWORD_123456789012",
            "messageBody": self.secret(text) if len(text) > 8 else text,
            "inboundMessageId": reply_id,
            **fields,
        }
        return self.notification(said, at)

    def notification(self, message: Any, at: datetime | None = None) -> str:
        """The notification with `message` that SNS puts into a queue."""
        return json.dumps(
            {
                "Type": "Notification",
                "MessageId": f"sns-{next(self.order)}",
                "TopicArn": "arn:aws:sns:ap-southeast-3:000000000000:inbound",
                "Timestamp": (at or self.rt.now()).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "Message": message if isinstance(message, str) else json.dumps(message),
            }
        )

    def say(self, person: str, text: str, reply_id: str | None = None, at: datetime | None = None) -> None:
        """The person replies, and the reply arrives."""
        inbound.receive(self.rt, self.reply(person, text, reply_id, at))

    def receipt(self, event: str, message_id: str | None, ref: str, deliveries: int = 1) -> None:
        """The carrier says what became of a message; without `message_id` by its own reference only."""
        body = {
            "eventType": event,
            "eventVersion": "1.0",
            "eventTimestamp": int(self.rt.now().timestamp() * 1000),
            "isFinal": True,
            "messageId": ref,
            **({"context": {"message": f"shopx#{message_id}"}} if message_id else {}),
        }
        receipts.receive(self.rt, self.notification(body), deliveries)

    # The workers.

    def watched(self, watch: Watch, rt: Runtime | None = None) -> Runtime:
        """A worker whose every call is made by `watch`."""
        rt, numbers = rt or self.rt, itertools.count(1)
        return replace(
            rt,
            dynamodb=Watched(rt.dynamodb, "dynamodb", numbers, watch),
            sqs=Watched(rt.sqs, "sqs", numbers, watch),
            sms=Watched(rt.sms, "sms", numbers, watch),
            s3=Watched(rt.s3, "s3", numbers, watch),
            kms=Watched(rt.kms, "kms", numbers, watch),
            cache={},
        )

    def pull(self) -> list[str]:
        """Take everything out of the dispatch queue; what is visible by now, in order."""
        while True:
            found = self.plain_sqs.receive_message(
                QueueUrl=self.rt.dispatch_queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            ).get("Messages", [])
            if not found:
                break
            for message in found:
                at = float(message["MessageAttributes"]["visible_at"]["StringValue"])
                heapq.heappush(self.waiting, (at, next(self.order), message["Body"]))
            self.plain_sqs.delete_message_batch(
                QueueUrl=self.rt.dispatch_queue_url,
                Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(found)],
            )
        visible = []
        while self.waiting and self.waiting[0][0] <= self.rt.now().timestamp():
            visible.append(heapq.heappop(self.waiting)[2])
        return visible

    def drain(self, rt: Runtime | None = None) -> None:
        """Let dispatch work until nothing in its queue is visible."""
        while bodies := self.pull():
            for body in bodies:
                self.dispatch(body, rt)

    def dispatch(self, body: str, rt: Runtime | None = None) -> None:
        """One ticket. What fails is visible again when the queue's time-out is over."""
        try:
            dispatch.dispatch(rt or self.rt, queue.ticket(body))
        except (Exception, Killed) as error:  # noqa: BLE001 (as the queue does)
            self.failures[type(error).__name__] += 1
            again = self.rt.now().timestamp() + VISIBILITY
            heapq.heappush(self.waiting, (again, next(self.order), body))

    def live(self, seconds: float, sweep_every: float = 120) -> None:
        """Let time pass: delays end, and the sweep comes by (less often than on AWS: it asks every shard)."""
        end = self.clock.at + timedelta(seconds=seconds)
        sweep = self.clock.at + timedelta(seconds=sweep_every)
        while True:
            self.drain()
            upcoming = [sweep]
            if self.waiting:
                upcoming.append(datetime.fromtimestamp(self.waiting[0][0], UTC))
            following = min(upcoming)
            if following > end:
                break
            self.clock.at = max(self.clock.at, following)
            if self.clock.at >= sweep:
                self.sweep()
                sweep += timedelta(seconds=sweep_every)
        self.clock.at = max(self.clock.at, end)
        self.drain()

    def sweep(self) -> dict[str, int]:
        """Release makes its round."""
        return release.release(self.rt)

    def keep_house(self, rt: Runtime | None = None) -> dict[str, int]:
        """Retention makes its round."""
        return retention.sweep(rt or self.rt)

    # What is left behind.

    def items(self, table: str) -> list[Item]:
        found: list[Item] = []
        request: Item = {"TableName": table, "ConsistentRead": True}
        while True:
            answer = self.plain_dynamodb.scan(**request)
            found += [unpack(item) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return found
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    @property
    def plain_dynamodb(self) -> Any:
        return self.rt.dynamodb

    def messages(self) -> list[Stored]:
        return [messages.read(item) for item in self.items(self.rt.messages_table)]

    def states(self) -> list[State]:
        found = []
        for item in self.items(self.rt.state_table):
            kind, _, rest = item["pk"].partition("#")
            if kind == "STATE":
                brand, _, recipient_id = rest.partition("#")
                found.append(state.read(brand, recipient_id, item))
        return found

    def dead_letters(self) -> list[tuple[str, str]]:
        """Reason and body of everything on the dead-letter queue."""
        found: list[tuple[str, str]] = []
        while True:
            batch = self.plain_sqs.receive_message(
                QueueUrl=self.rt.dead_letter_queue_url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                VisibilityTimeout=600,
            ).get("Messages", [])
            if not batch:
                return found
            found += [(m["MessageAttributes"]["reason"]["StringValue"], m["Body"]) for m in batch]

    def confirmations(self, person: str) -> list[Sent]:
        return [sent for sent in self.sms.sent if sent.to == person and "#~confirmation~" in sent.reference]

    def sent(self, message_id: str) -> list[Sent]:
        return [sent for sent in self.sms.sent if sent.reference == f"shopx#{message_id}"]
