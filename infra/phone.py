"""What does the person with the phone see, and what do they answer?

One small server plays the sandbox carrier and the phones behind it. Dispatch hands it a message (`POST
/send`); it shows the message on the phone of that number and publishes the delivery receipt that AWS would.
What is typed into the phone's box enters through the real inbound topics, as the JSON that AWS publishes for
texts and for WhatsApp.
Programs use `GET /phones.json` and `POST /reply`.
"""

import html
import json
import logging
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

RECEIPT_AFTER_SECONDS = 0.3
MAX_BODY = 64 * 1024
WIB = timezone(timedelta(hours=7), "Jakarta")
PAGE = Path(__file__).with_name("phone.html").read_text()


@dataclass(frozen=True)
class Bubble:
    """One message on a phone: `in` when it arrived, `out` when the person wrote it."""

    at: str
    sender: str
    text: str
    direction: str
    message_id: str
    channel: str = "sms"

    def public(self) -> dict[str, str]:
        return {"from" if name == "sender" else name: value for name, value in asdict(self).items()}


@dataclass
class Phones:
    """Every phone that got or wrote a message since the start."""

    now: Callable[[], datetime]
    publish_inbound: Callable[[str], None]
    publish_receipt: Callable[[str], None]
    publish_whatsapp: Callable[[str], None]
    _phones: dict[str, list[Bubble]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _receipts: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=32))

    def all(self) -> dict[str, list[Bubble]]:
        with self._lock:
            return {number: list(bubbles) for number, bubbles in self._phones.items()}

    def deliver(self, message: dict[str, Any]) -> str:
        """Takes a message as a carrier does and answers the carrier's id; the receipt follows."""
        message_id = str(uuid.uuid4())
        sent_at, channel = self.now(), message["channel"]
        arrived = Bubble(_rfc3339(sent_at), message["from"], message["text"], "in", message_id, channel)
        self._show(message["to"], arrived)
        self._receipts.submit(self._acknowledge, message, message_id, sent_at)
        return message_id

    def reply(self, person: str, to: str, text: str, inbound_message_id: str | None = None) -> str:
        """The person's answer, in the shape in which AWS passes it on. The same id again is a duplicate."""
        inbound_message_id = inbound_message_id or str(uuid.uuid4())
        arrived = [b for b in self.all().get(person, []) if b.direction == "in" and b.sender == to]
        answered = [b.message_id for b in arrived]
        channel = arrived[-1].channel if arrived else "sms"
        self._show(person, Bubble(_rfc3339(self.now()), to, text, "out", inbound_message_id, channel))
        if channel == "whatsapp":
            said = {
                **_named(person, "from", "from_user_id"),
                "id": inbound_message_id,
                "timestamp": str(int(self.now().timestamp())),
                "type": "text",
                "text": {"body": text},
                **({"context": {"id": answered[-1]}} if answered else {}),
            }
            self.publish_whatsapp(whatsapp_event(to, messages=[said]))
            return inbound_message_id
        event = {
            "originationNumber": person,
            "destinationNumber": to,
            "messageKeyword": "KEYWORD_000000000000",
            "messageBody": text,
            "inboundMessageId": inbound_message_id,
        }
        if answered:
            event["previousPublishedMessageId"] = answered[-1]
        self.publish_inbound(json.dumps(event))
        return inbound_message_id

    def close(self) -> None:
        """Returns when every receipt under way has been published."""
        self._receipts.shutdown()

    def _show(self, number: str, bubble: Bubble) -> None:
        with self._lock:
            self._phones.setdefault(number, []).append(bubble)

    def _acknowledge(self, message: dict[str, Any], message_id: str, sent_at: datetime) -> None:
        time.sleep(RECEIPT_AFTER_SECONDS)
        try:
            if message["channel"] == "whatsapp":
                status = {
                    "id": message_id,
                    "status": "delivered",
                    "timestamp": str(int(self.now().timestamp())),
                    **_named(message["to"], "recipient_id", "recipient_user_id"),
                    "biz_opaque_callback_data": message["message_ref"],
                }
                self.publish_whatsapp(whatsapp_event(message["from"], statuses=[status]))
            else:
                self.publish_receipt(json.dumps(self._receipt(message, message_id, sent_at)))
        except Exception:
            logging.exception("The receipt of message %s was lost", message_id)

    def _receipt(self, message: dict[str, Any], message_id: str, sent_at: datetime) -> dict[str, Any]:
        return {
            "eventType": "TEXT_DELIVERED",
            "eventVersion": "1.0",
            "eventTimestamp": _milliseconds(self.now()),
            "isFinal": True,
            "originationPhoneNumber": message["from"],
            "destinationPhoneNumber": message["to"],
            "messageId": message_id,
            "messageRequestTimestamp": _milliseconds(sent_at),
            "messageStatus": "DELIVERED",
            "messageStatusDescription": "Message has been accepted by phone",
            "context": {"message": message["message_ref"]},
            "totalMessageParts": 1,
        }


def _named(person: str, number: str, user_id: str) -> dict[str, str]:
    """Whom a WhatsApp event is about: a number without its plus sign, or the id of somebody without one."""
    return {number: person.removeprefix("+")} if person.startswith("+") else {user_id: person}


def whatsapp_event(sender: str, **events: Any) -> str:
    """A notification about `sender` as AWS passes it on: Meta's entry is text within the header."""
    metadata = {"display_phone_number": sender.removeprefix("+"), "phone_number_id": "0"}
    value = {"messaging_product": "whatsapp", "metadata": metadata, **events}
    entry = {"id": "0", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"whatsAppWebhookEntry": json.dumps(entry), "messageId": str(uuid.uuid4())})


@contextmanager
def serving(phones: Phones, host: str, port: int) -> Iterator[int]:
    """Serves the phones while the block runs; gives the port, which the system chooses if it is 0."""
    server = ThreadingHTTPServer((host, port), type("Handler", (_Handler,), {"phones": phones}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        phones.close()


class _Handler(BaseHTTPRequestHandler):
    phones: Phones

    def do_GET(self) -> None:
        if not self._is_local():
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", "This page answers on this machine only.")
        elif self.path == "/":
            self._answer(HTTPStatus.OK, "text/html", page(self.phones.all(), self.phones.now()))
        elif self.path == "/phones.json":
            phones = {number: [b.public() for b in bubbles] for number, bubbles in self.phones.all().items()}
            self._json(HTTPStatus.OK, phones)
        else:
            self._json(HTTPStatus.NOT_FOUND, {"error": "Here are /, /phones.json, /send and /reply."})

    def do_POST(self) -> None:
        if not self._is_local():
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", "This page answers on this machine only.")
            return
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), MAX_BODY)).decode()
        try:
            if self.headers.get_content_type() == "application/x-www-form-urlencoded":
                self._form(dict(urllib.parse.parse_qsl(body)))
            else:
                self._call(json.loads(body))
        except (KeyError, TypeError, ValueError) as error:
            self._json(HTTPStatus.BAD_REQUEST, {"error": f"Missing or malformed: {error}"})

    def _form(self, form: dict[str, str]) -> None:
        if form.get("text", "").strip():
            self.phones.reply(form["from"].strip(), form["to"].strip(), form["text"].strip())
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _call(self, body: dict[str, Any]) -> None:
        if self.path == "/send":
            self._json(HTTPStatus.OK, {"message_id": self.phones.deliver(body)})
        elif self.path == "/reply":
            sent = self.phones.reply(body["from"], body["to"], body["text"], body.get("inboundMessageId"))
            self._json(HTTPStatus.OK, {"inboundMessageId": sent})
        else:
            self._json(HTTPStatus.NOT_FOUND, {"error": "Here are /send and /reply."})

    def _is_local(self) -> bool:
        """Whether a page of another site is not the one that asks."""
        here = {f"{name}:{self.connection.getsockname()[1]}" for name in ("127.0.0.1", "localhost")}
        origin = self.headers.get("Origin")
        return self.headers.get("Host") in here and origin in {None, *(f"http://{name}" for name in here)}

    def _json(self, status: HTTPStatus, body: Any) -> None:
        self._answer(status, "application/json", json.dumps(body, ensure_ascii=False))

    def _answer(self, status: HTTPStatus, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the phones hold numbers and texts."""


def page(phones: dict[str, list[Bubble]], now: datetime) -> str:
    """The phones as they are now. Times are shown as in Jakarta."""
    shown = "".join(_phone(number, bubbles) for number, bubbles in phones.items())
    if not shown:
        shown = '<p class="quiet">No message yet. The first one brings its phone with it.</p>'
    clock = f"{now.astimezone(WIB):%a %d %b %Y, %H:%M:%S}"
    return PAGE.replace("{{clock}}", clock).replace("{{phones}}", shown)


def _phone(number: str, bubbles: list[Bubble]) -> str:
    senders = list(dict.fromkeys(b.sender for b in reversed(bubbles) if b.sender.strip("+").isdigit()))
    name = html.escape(number)
    return f"""
<section class="phone" id="phone-{name.removeprefix("+")}" aria-label="Phone {name}">
  <h2>{name}</h2>
  <ol aria-live="polite">{"".join(_bubble(b) for b in bubbles)}</ol>
  {_reply_box(name, senders) if senders else '<p class="quiet">This sender takes no replies.</p>'}
</section>"""


def _bubble(bubble: Bubble) -> str:
    who = html.escape(bubble.sender if bubble.direction == "in" else f"to {bubble.sender}")
    who += " · WhatsApp" if bubble.channel == "whatsapp" else ""
    at = datetime.fromisoformat(bubble.at).astimezone(WIB)
    return (
        f'<li class="{bubble.direction}"><p dir="auto">{html.escape(bubble.text)}</p>'
        f'<small>{who} · <time datetime="{bubble.at}">{at:%a %H:%M}</time></small></li>'
    )


def _reply_box(person: str, senders: list[str]) -> str:
    options = "".join(f"<option>{html.escape(sender)}</option>" for sender in senders)
    hidden = " hidden" if len(senders) == 1 else ""
    return f"""<form method="post" action="/reply">
    <input type="hidden" name="from" value="{person}">
    <select name="to" aria-label="Reply to"{hidden}>{options}</select>
    <input name="text" aria-label="Reply from {person}" placeholder="Reply, such as STOP" required
      autocomplete="off">
    <button>Send</button>
  </form>"""  # noqa: S608 - HTML, not SQL


def _rfc3339(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
