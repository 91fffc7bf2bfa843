"""A carrier: AWS End User Messaging, SMS and Social, as its real clients meet it, over HTTP.

Every request is held against the service's own model, as far as that says anything: names, types, required
members, lengths, patterns and enumerations.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import botocore.session
from botocore.model import Shape
from botocore.validate import ParamValidator

SERVICE = "pinpoint-sms-voice-v2"
SOCIAL = "socialmessaging"
TARGET = "PinpointSMSVoiceV2.SendTextMessage"
WHATSAPP = "/v1/whatsapp/send"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the carrier does with a request: whether it takes the message, and what it answers."""

    taken: bool
    status: int = 200
    body: dict[str, Any] | None = None  # None: an acceptance with a new MessageId
    broken: str = ""  # "": a proper answer; "closed": none at all; "garbage": no JSON; "hangs": too late


ACCEPTS = Reply(taken=True)
CLOSES = Reply(taken=True, broken="closed")
HANGS = Reply(taken=True, broken="hangs")
GARBLES = Reply(taken=True, broken="garbage")


def refuses(code: str, status: int = 400, *, taken: bool = False, **fields: Any) -> Reply:
    """An error of the service's model."""
    return Reply(taken, status, {"__type": code, "Message": code, **fields})


OPTED_OUT = refuses("ConflictException", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT")
THROTTLES = refuses("ThrottlingException")
FAILS = refuses("InternalServerException", 500, taken=True)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that reached the carrier, at the time that its clock showed."""

    at: datetime
    reference: str
    to: str
    text: str
    type: str
    ttl: int
    ref: str
    taken: bool
    whatsapp: dict[str, Any] | None = None  # the message as Meta gets it


@dataclass
class FakeSms:
    """The carrier's side: what reached it, what was wrong with it, and what it will answer next."""

    port: int = 0
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    plan: deque[Reply] = field(default_factory=deque)
    sent: list[Sent] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lists: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    kept: list[tuple[str, str]] = field(default_factory=list)
    numbers: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    patience: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reset(self, now: Callable[[], datetime]) -> None:
        """A new day: nothing came yet, and everything will be accepted."""
        self.now = now
        self.plan, self.sent, self.faults = deque(), [], []
        self.lists, self.kept = defaultdict(dict), []

    def receive(self, target: str, body: dict[str, Any]) -> tuple[Reply, dict[str, Any]]:
        with self.lock:
            faults = [f"target {target}"] if target != TARGET else faults_of(body)
            if faults:
                self.faults += faults
                return refuses("ValidationException"), {"__type": "ValidationException"}
            reply = self.plan.popleft() if self.plan else ACCEPTS
            ref = f"carrier-{len(self.sent) + 1}"
            self.sent.append(
                Sent(
                    at=self.now(),
                    reference=body["Context"]["message"],
                    to=body["DestinationPhoneNumber"],
                    text=body["MessageBody"],
                    type=body["MessageType"],
                    ttl=body["TimeToLive"],
                    ref=ref,
                    taken=reply.taken,
                )
            )
            return reply, reply.body or {"MessageId": ref}

    def keep_list(self, operation: str, body: dict[str, Any]) -> tuple[Reply, dict[str, Any]]:
        """An operation on an opt-out list, two numbers to a page, or on what the account has."""
        with self.lock:
            self.faults += faults_of(body, operation=operation)
            if operation == "DescribePhoneNumbers":
                return ACCEPTS, {"PhoneNumbers": self.numbers}
            if self.plan:
                reply = self.plan.popleft()
                return reply, reply.body or {}
            kept = self.lists[body["OptOutListName"]]
            if operation == "DescribeOptedOutNumbers":
                start = int(body.get("NextToken", "0"))
                numbers = sorted(kept)
                page = [{"OptedOutNumber": n, **kept[n]} for n in numbers[start : start + 2]]
                following = {"NextToken": str(start + 2)} if start + 2 < len(numbers) else {}
                return ACCEPTS, {"OptedOutNumbers": page, **following}
            number = body["OptedOutNumber"]
            self.kept.append((operation, number))
            if operation == "PutOptedOutNumber":
                self.list(body["OptOutListName"], number, self.now(), by_person=False)
            elif kept.pop(number, None) is None:
                return ACCEPTS, refuses("ResourceNotFoundException").body or {}
            return ACCEPTS, {}

    def list(self, name: str, number: str, at: datetime, *, by_person: bool) -> None:
        """Somebody is on a list already, or put there."""
        entry = {"OptedOutTimestamp": at.timestamp(), "EndUserOptedOut": by_person}
        self.lists[name].setdefault(number, entry)

    def receive_whatsapp(self, body: dict[str, Any]) -> tuple[Reply, dict[str, Any]]:
        with self.lock:
            faults = faults_of(body, SOCIAL, "SendWhatsAppMessage")
            message: dict[str, Any] = {} if faults else json.loads(base64.b64decode(body["message"]))
            faults += whatsapp_faults(message)
            if faults:
                self.faults += faults
                return refuses("ValidationException"), {"__type": "ValidationException"}
            reply = self.plan.popleft() if self.plan else ACCEPTS
            ref = f"aws-{len(self.sent) + 1}"
            text = message["text"]["body"] if message["type"] == "text" else message["template"]["name"]
            reference = message["biz_opaque_callback_data"]
            to = message.get("to") or message["recipient"]
            sent = Sent(self.now(), reference, to, text, message["type"], 0, ref, reply.taken, message)
            self.sent.append(sent)
            return reply, reply.body or {"messageId": ref}


def whatsapp_faults(message: dict[str, Any]) -> list[str]:
    """What Meta's reference has against a message, as far as this product makes them."""
    to = "recipient" if "recipient" in message else "to"
    common = {"messaging_product", "recipient_type", to, "biz_opaque_callback_data", "type"}
    if message.keys() - {"text", "template"} != common or message["type"] not in message:
        return [f"whatsapp {sorted(message)}"]
    if not re.fullmatch(
        r"\+[1-9][0-9]+" if to == "to" else r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}", message[to]
    ):
        return [to]
    if message["type"] == "text":
        size = len(message["text"]["body"])
        return [] if 1 <= size <= 4096 else [f"a text of {size}"]
    template = message["template"]
    faults = [] if re.fullmatch("[a-z0-9_]{1,512}", template["name"]) else ["template name"]
    faults += [] if re.fullmatch("[a-z]{2,3}(_[A-Z]{2})?", template["language"]["code"]) else ["language"]
    parameters = [p for component in template["components"] for p in component["parameters"]]
    faults += [f"parameter {p['type']}" for p in parameters if p["type"] != "text" or not p["text"]]
    faults += [] if len(message["biz_opaque_callback_data"]) <= 512 else ["callback data"]
    return faults


def faults_of(body: dict[str, Any], service: str = SERVICE, operation: str = "SendTextMessage") -> list[str]:
    """What the service's model has against a request."""
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(operation).input_shape
    report: str = ParamValidator().validate(body, shape).generate_report()
    return report.splitlines() or [
        f"{name}: {fault}"
        for name, value in body.items()
        for fault in _scalar_faults(shape.members[name], value)
    ]


def _scalar_faults(shape: Shape, value: Any) -> Iterator[str]:
    limits, size = shape.metadata, value if isinstance(value, int) else len(value)
    if not limits.get("min", 0) <= size <= limits.get("max", size):
        yield f"{size} is not within {limits}"
    if isinstance(value, str) and "pattern" in limits:
        pattern = re.sub(r"\\p\{L\}", "A-Za-z", limits["pattern"])
        if not re.search(pattern, value):
            yield f"does not match {pattern}"
    if isinstance(value, str) and limits.get("enum") and value not in limits["enum"]:
        yield "is not in the enumeration"


@contextmanager
def serving(sms: FakeSms) -> Iterator[FakeSms]:
    """The carrier on a port of its own while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == WHATSAPP:
                reply, body = sms.receive_whatsapp(asked)
            else:
                target = self.headers.get("X-Amz-Target", "")
                operation = target.removeprefix("PinpointSMSVoiceV2.")
                receives = (
                    partial(sms.keep_list, operation)
                    if operation != "SendTextMessage"
                    else partial(sms.receive, target)
                )
                reply, body = receives(asked)
            if reply.broken == "closed":
                self.close_connection = True
                return
            if reply.broken == "hangs":
                sms.patience.wait(10)
            payload = b"<html>" if reply.broken == "garbage" else json.dumps(body).encode()
            try:
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)
            except OSError:  # the client went away: it was told nothing
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """A test's output is not the place for it."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        sms.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield sms
        finally:
            sms.patience.set()
            server.shutdown()
            thread.join()
