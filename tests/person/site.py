"""A brand with a page for each of its people: the real handler, over the double of DynamoDB.

`serving` puts it on a port, for a browser.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import page
from izin.aws import acts, identity, ledger, pages, registry, state
from izin.aws.pages import Page
from izin.aws.runtime import Runtime
from izin.domain.consent import Scope, Standing, Suppression
from izin.domain.events import Event, EventType
from izin.domain.message import Channel, Purpose
from izin.domain.prompts import Prompt

from tests.simulation.double import SCHEMAS, Database

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
_numbers = itertools.count(1)


@dataclass
class Clock:
    """The time of the site."""

    at: datetime = START

    def now(self) -> datetime:
        # Two acts of a person are never at the same instant.
        self.at += timedelta(milliseconds=1)
        return self.at


@dataclass
class Site:
    """One brand, its sender, and the tables behind them."""

    brand: str = "ShopX"
    country: str = "ID"
    language: str | None = "id"
    double_opt_in: bool = False
    relax: tuple[str, ...] = ()
    two_way: bool = True
    database: Database = field(default_factory=Database)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.rt = Runtime(
            dynamodb=self.database,
            sqs=None,
            peppers=(b"a pepper of the tests",),
            now=self.clock.now,
            sleep=lambda _: None,
            jitter=lambda: 0.0,
            **{f"{table}_table": table for table in SCHEMAS},
        )
        brand = {
            "id": "shopx",
            "name": self.brand,
            "contact": "help@shopx.example",
            "double_opt_in": self.double_opt_in,
            "relax": list(self.relax),
        }
        sender = {
            "id": "shopx-1",
            "brand": "shopx",
            "channel": "sms",
            "carrier": "sandbox",
            "address": "+6285811223344",
            "countries": ["ID"],
            "two_way": self.two_way,
            "rate": 10,
            "at_least_once": False,
            "suspended": False,
        }
        registry.put(self.rt, registry.brand_key("shopx"), brand)
        registry.put(self.rt, registry.sender_key("shopx-1"), sender)

    def person(self, *, agreed: bool = True, channel: Channel = Channel.SMS) -> Visitor:
        """Somebody who got a message with a link, and who had agreed to promotions."""
        number = next(_numbers)
        recipient_id, message = f"{number:043}", f"promotion-{number}"
        key = identity.key_of(self.rt, recipient_id, None)
        pk = f"shopx#{message}"
        token = pages.token(self.rt, pk)
        about = Page(
            pk=pages.page_key(token),
            brand="shopx",
            recipient_id=recipient_id,
            country=self.country,
            channel=channel,
            language=self.language,
            prompt=Prompt(message, "shopx-1", None, "november"),
            expires_at=self.clock.at + pages.KEEP,
        )
        pages.put(self.rt, about)
        visitor = Visitor(self, token, recipient_id, key)
        if agreed:
            visitor.records(EventType.CONSENT_GRANTED, purposes=(Purpose.MARKETING,))
        return visitor

    def call(
        self,
        method: str,
        token: str,
        body: str = "",
        query: str = "",
        headers: Mapping[str, str] | None = None,
        rt: Runtime | None = None,
    ) -> Answer:
        """One request, as API Gateway hands it on."""
        event = {
            "routeKey": f"{method} /p/{{token}}",
            "rawQueryString": query,
            "pathParameters": {"token": token},
            "headers": {"content-type": "application/x-www-form-urlencoded", **(headers or {})},
            "requestContext": {"http": {"method": method, "sourceIp": "203.0.113.7"}},
            "body": body,
            "isBase64Encoded": False,
        }
        said = page.answer(rt or self.rt, event)
        json.dumps(said)  # as the runtime does with it
        return Answer(said["statusCode"], said["headers"], said["body"])

    def written(self) -> int:
        """How many writes the tables have seen."""
        return self.database.writes


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Visitor:
    """A person with their link."""

    site: Site
    token: str
    recipient_id: str
    key: bytes = field(repr=False)

    def get(self, query: str = "", **headers: str) -> Answer:
        return self.site.call("GET", self.token, query=query, headers=headers)

    def post(self, **fields: Any) -> Answer:
        return self.site.call("POST", self.token, urlencode(fields, doseq=True))

    def presses(self, act: str, **fields: Any) -> str:
        """Presses a button of the page as it stands; the page that the browser ends at."""
        answer = self.post(act=act, seq=self.state().seq, **fields)
        assert answer.status == 303, answer
        where, _, query = answer.headers["location"].partition("?")
        assert where == self.token
        return self.get(query).body

    def stops(self) -> str:
        return self.presses("opt_out")

    def records(self, type_: EventType, **fields: Any) -> None:
        """An act that did not come through the page."""
        now, number = self.site.clock.now(), next(_numbers)
        channel = fields.pop("channel", Channel.SMS)
        event = Event(f"test-{number}", type_, now, now, self.recipient_id, channel, "test", **fields)
        draft = ledger.draft(self.key, self.recipient_id, event, {})
        record: Callable[..., Any] = acts.opt_out if type_ is EventType.OPT_OUT else acts.record
        record(self.site.rt, "shopx", self.recipient_id, draft)

    def is_blocked(self, kind: Suppression = Suppression.OPT_OUT) -> None:
        self.records(EventType.OPT_OUT, scope=Scope.ALL, kind=kind)

    def state(self) -> state.State:
        return state.fetch(self.site.rt, "shopx", self.recipient_id)

    @property
    def standing(self) -> Standing:
        return self.state().standing

    def events(self) -> list[dict[str, Any]]:
        return list(ledger.events(self.site.rt, "shopx", self.recipient_id))

    def sealed(self, event: Mapping[str, Any]) -> dict[str, str]:
        """The personal evidence of an event."""
        context = ledger.evidence_context(self.recipient_id, event["id"])
        return identity.unseal(self.key, context, event["sealed"])


@contextlib.contextmanager
def serving(site: Site) -> Iterator[str]:
    """The address at which a browser finds the site's pages: its origin, without a path."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                answer = site.call(self.command, path.removeprefix("/p/"), body, query, headers)
            content = answer.body.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_POST = _answer  # noqa: N815 (the base class's names)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def watched(site: Site, calls: list[str]) -> Runtime:
    """The site's runtime, whose every call of a table is noted in `calls`."""

    class Noted:
        def __getattr__(self, name: str) -> Any:
            calls.append(name)
            return getattr(site.database, name)

    return replace(site.rt, dynamodb=Noted(), cache={})
