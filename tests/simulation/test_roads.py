"""By whichever road a person's acts come, in any order and repeated, the last that they gave holds.

The real handlers run on the double of the tables. Each act is dated when the person gave it, and arrives
much later: shuffled, some of it twice.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode

import consents
import imports
import inbound
import opt_outs
import page
import recipients
import reconcile
import whatsapp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from izin.aws import identity, pages, registry, state
from izin.aws.runtime import Runtime
from izin.domain.message import Channel, Purpose
from izin.domain.prompts import Prompt
from izin.domain.way_out import TOKEN_LENGTH

from tests.simulation.double import SCHEMAS, Database
from tests.simulation.stock import request, silence
from tests.simulation.world import PEPPERS

START = datetime(2026, 11, 1, 5, tzinfo=UTC)
LATE = 24  # hours after which all that was given arrives, and pages are pressed
NOW = START + timedelta(days=10)
PERSON, SMS, WHATSAPP = "+6281234567890", "+6285811223344", "+6285811223355"
NUMBER = {"from": PERSON.removeprefix("+"), "wa_id": PERSON.removeprefix("+")}
USER_ID = {"from_user_id": "ID.13491208655302741918", "user_id": "ID.13491208655302741918"}
WORDING = "Saya setuju menerima promosi dari ShopX melalui SMS dan WhatsApp."


class Provider:
    """The provider's list: who is on it, and since when."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.taken_off = 0

    def describe_opted_out_numbers(self, **_: Any) -> dict[str, Any]:
        return {"OptedOutNumbers": self.entries}

    def put_opted_out_number(self, **_: Any) -> dict[str, Any]:
        return {}

    def delete_opted_out_number(self, **_: Any) -> dict[str, Any]:
        self.taken_off += 1
        return {}


class Uploads:
    """Every file that a consent names lies there, with the content that its key names."""

    def head_object(self, *, Bucket: str, Key: str, ChecksumMode: str) -> dict[str, Any]:  # noqa: N803
        digest = bytes.fromhex(Key.rpartition("/")[2])
        return {"ChecksumSHA256": base64.b64encode(digest).decode()}


class Queue:
    """Tickets that nobody works off: no message is sent here."""

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}


@dataclass(frozen=True)
class Act:
    """Something that the person did at `hour`, by one of the roads below."""

    road: str
    hour: int

    @property
    def at(self) -> datetime:
        return START + timedelta(hours=self.hour)


def gate(double_opt_in: bool = False) -> Runtime:
    """A brand with a sender on each channel, towards which nobody said anything yet."""
    silence()
    rt = Runtime(
        dynamodb=Database(),
        sqs=Queue(),
        sms=Provider(),
        s3=Uploads(),
        **{f"{table}_table": table for table in SCHEMAS},  # type: ignore[arg-type]
        peppers=PEPPERS,
        now=lambda: NOW,
        sleep=lambda _: None,
        jitter=lambda: 0.0,
    )
    relaxed = [] if double_opt_in else ["ID.consent.double_opt_in"]
    brand = {"id": "shopx", "name": "ShopX", "contact": "x@x.example", "relax": relaxed}
    registry.put(rt, registry.brand_key("shopx"), brand)
    common = {
        "brand": "shopx",
        "carrier": "sandbox",
        "countries": ["ID"],
        "two_way": True,
        "language": "id",
        "rate": 5,
        "at_least_once": False,
        "suspended": False,
    }
    sms = {"id": "sms", "channel": "sms", "address": SMS, "opt_out_list": "l", "marketing_only": True}
    registry.put_sender(rt, {**common, **sms})
    registry.put_sender(rt, {**common, "id": "wa", "channel": "whatsapp", "address": WHATSAPP})
    link = pages.Page(
        pk=pages.page_key(TOKEN),
        brand="shopx",
        recipient_id=identity.recipient(rt, PERSON),
        country="ID",
        channel=Channel.SMS,
        language="id",
        prompt=Prompt(message="m", sender="sms"),
        expires_at=NOW,
    )
    pages.put(rt, link)
    return rt


# The roads.


def envelope(body: Any, at: datetime) -> str:
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"MessageId": f"sns-{stamp}", "Timestamp": stamp, "Message": json.dumps(body)})


def text(words: str) -> Callable[[Runtime, Act], None]:
    def arrive(rt: Runtime, act: Act) -> None:
        body = {
            "originationNumber": PERSON,
            "destinationNumber": SMS,
            "messageBody": words,
            "inboundMessageId": f"{act.road}-{act.hour}",
        }
        inbound.receive(rt, envelope(body, act.at))

    return arrive


def event(field: str, who: dict[str, str], **fields: Any) -> Callable[[Runtime, Act], None]:
    """What happens on WhatsApp: a message or a preference, of somebody who is told by number, id or both."""

    def arrive(rt: Runtime, act: Act) -> None:
        happened = {
            "id": f"wamid.{act.road}-{act.hour}",
            **who,
            "timestamp": str(int(act.at.timestamp())),
            **fields,
        }
        metadata = {"display_phone_number": WHATSAPP.removeprefix("+")}
        change = {"field": field, "value": {"metadata": metadata, field: [happened]}}
        body = {"whatsAppWebhookEntry": json.dumps({"id": "1", "changes": [change]})}
        whatsapp.receive(rt, envelope(body, act.at), 1)

    return arrive


def chat(words: str, who: dict[str, str] = NUMBER) -> Callable[[Runtime, Act], None]:
    return event("messages", who, type="text", text={"body": words})


def preference(value: str, who: dict[str, str] = NUMBER) -> Callable[[Runtime, Act], None]:
    return event("user_preferences", who, category="marketing_messages", value=value)


def told(**fields: Any) -> Callable[[Runtime, Act], None]:
    """What an app, an agent or the clerk who opens letters hands in."""

    def arrive(rt: Runtime, act: Act) -> None:
        body = {"brand": "shopx", "address": PERSON, "source": "agent", "given_at": act.at.isoformat()}
        answer = opt_outs.opt_out(rt, request({**body, **fields}))
        assert answer["statusCode"] == 200

    return arrive


def imported(channel: str) -> Callable[[Runtime, Act], None]:
    def arrive(rt: Runtime, act: Act) -> None:
        body = {
            "brand": "shopx",
            "address": PERSON,
            "channel": channel,
            "purposes": ["marketing"],
            "captured_at": act.at.isoformat(),
            "wording": WORDING,
            "language": "id",
            "method": "checkbox",
            "prechecked": False,
            "source": "the list of the old system",
            "evidence": {"screenshot": "sha256:" + "a" * 64},
        }
        answer = imports.import_consents(rt, request({"consents": [body]}))
        (result,) = json.loads(answer["body"])["results"]
        assert result["body"]["proved"], result

    return arrive


def listed(rt: Runtime, act: Act) -> None:
    """The provider put the person on its list; the list is read again from its beginning."""
    entry = {"OptedOutNumber": PERSON, "OptedOutTimestamp": act.at, "EndUserOptedOut": True}
    rt.sms.entries = [entry]
    rt.dynamodb.items["state"].pop(("CURSOR#l", ""), None)
    done = reconcile.reconcile(rt, NOW + timedelta(minutes=3))
    assert done["troubled"] == 0


TOKEN = "0123456789abcdefghijkl"[:TOKEN_LENGTH]


def pressed(button: str) -> Callable[[Runtime, Act], bool]:
    """The page that a text led to: a button is pressed when the person sees it, and that is now."""

    def arrive(rt: Runtime, act: Act) -> bool:
        now = replace(rt, now=lambda: act.at)
        shown = page.answer(now, {**request(None, token=TOKEN), "routeKey": "GET /p/{token}"})["body"]
        if f'name="act" value="{button}"' not in shown:
            return False
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', shown))
        form = {
            **request(None, token=TOKEN),
            "routeKey": "POST /p/{token}",
            "headers": {"content-type": "application/x-www-form-urlencoded"},
            "body": urlencode({**hidden, "act": button}),
        }
        assert page.answer(now, form)["statusCode"] == 303
        return True

    return arrive


ROADS: dict[str, Callable[[Runtime, Act], object]] = {
    "text_stop": text("STOP"),
    "text_stop_promo": text("STOP promo"),
    "text_start": text("START"),
    "chat_stop": chat("Berhenti"),
    "chat_start": chat("START"),
    "chat_other": chat("Halo, apa kabar?"),
    "button": event("messages", NUMBER, type="button", button={"payload": "Stop promotions"}),
    "preference_stop": preference("stop"),
    "preference_resume": preference("resume"),
    "id_stop": chat("Berhenti", USER_ID),
    "id_start": chat("START", USER_ID),
    "id_button": event("messages", USER_ID, type="button", button={"payload": "Stop promotions"}),
    "id_preference_stop": preference("stop", USER_ID),
    "id_preference_resume": preference("resume", USER_ID),
    "linked_stop": chat("Berhenti", NUMBER | USER_ID),
    "linked_other": chat("Halo, apa kabar?", NUMBER | USER_ID),
    "page_stop": pressed("opt_out"),
    "page_back": pressed("resubscribe"),
    "agent": told(),
    "never_again": told(do_not_contact=True),
    "sms_import": imported("sms"),
    "whatsapp_import": imported("whatsapp"),
    "provider": listed,
}

NO = {
    *("text_stop", "text_stop_promo", "chat_stop", "button", "preference_stop", "agent", "provider"),
    *("id_stop", "id_button", "id_preference_stop", "linked_stop", "page_stop"),
}
HANDSET = {"text_start", "chat_start", "preference_resume", "id_start", "id_preference_resume"}
YES = {
    "sms": {"text_start", "sms_import", "page_back"},
    "whatsapp": HANDSET - {"text_start"} | {"whatsapp_import"},
}


def will(acts: list[Act], channel: str) -> str:
    """What the person wants on `channel`, told in one sentence: the last that they gave, a no before a yes.

    A do-not-contact ends only with what they did on the handset. Nothing is wanted that was never agreed to.
    """

    def last(roads: set[str]) -> int:
        return max((act.hour for act in acts if act.road in roads), default=-1)

    agreed = {road for road in YES[channel] if road.endswith(("import", "back"))}
    if last(agreed) < 0:
        return "none"
    wanted = last(YES[channel]) > last(NO) and last(YES[channel] & HANDSET) > last({"never_again"})
    wanted = wanted or (last(YES[channel]) > last(NO) and last({"never_again"}) < 0)
    return "granted" if wanted else "withdrawn"


def found(rt: Runtime) -> dict[str, str]:
    path = {"recipient_id": identity.recipient(rt, PERSON), "brand": "shopx"}
    answer = recipients.show(rt, request(None, **path))
    consents = json.loads(answer["body"]).get("consents", [])
    return {c["channel"]: c["status"] for c in consents if c["purpose"] == "marketing"}


_acts = st.lists(st.builds(Act, st.sampled_from(sorted(ROADS)), st.integers(0, 12)), min_size=1, max_size=9)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_acts, st.randoms(use_true_random=False))
def test_the_last_given_will_holds_by_whichever_road_it_came(acts: list[Act], chance: Random) -> None:
    # A list has one entry for a number: of several the provider shows the last.
    shown = max((act.hour for act in acts if act.road == "provider"), default=0)
    acts = [act for act in acts if act.road != "provider" or act.hour == shown]
    acts.append(Act("linked_other", 6))  # at some time it is told whose the id is
    arriving = [*acts, *(act for act in acts if chance.random() < 0.4)]
    chance.shuffle(arriving)
    rt, given = gate(), []
    for hour, act in enumerate(arriving, LATE):
        done = replace(act, hour=hour) if act.road.startswith("page") else act
        if ROADS[act.road](rt, done) is not False:
            given.append(done)
    statuses = found(rt)
    for channel in YES:
        assert statuses.get(channel, "none") == will(given, channel), (channel, given)


ASKED, PATIENCE = 6, 72  # the hour of the request, and how long a yes to it counts
ANSWERS = {**{road: ROADS[road] for road in ("text_stop", "chat_stop", "agent")}, "text_ya": text("YA")}
_answers = st.lists(
    st.builds(Act, st.sampled_from(sorted(ANSWERS)), st.integers(0, ASKED + PATIENCE + 6)), max_size=6
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_answers, st.randoms(use_true_random=False))
def test_a_yes_counts_from_its_request_whatever_comes_in_between(acts: list[Act], chance: Random) -> None:
    """YA agrees to what was asked, in time; a no after the question ends it, before the YA or after it."""
    rt = gate(double_opt_in=True)
    ask = {
        "brand": "shopx",
        "sender": "sms",
        "address": PERSON,
        "channel": "sms",
        "purposes": ["marketing"],
        "captured_at": Act("", ASKED).at.isoformat(),
        "wording": WORDING,
        "language": "id",
        "method": "checkbox",
        "prechecked": False,
        "source": "https://shopx.example/join",
        "evidence": {"screenshot": "sha256:" + "a" * 64},
    }
    asking = replace(rt, now=lambda: Act("", ASKED).at)
    answer = consents.capture_consent(asking, request(ask))
    assert answer["statusCode"] == 200, answer["body"]
    arriving = [*acts, *(act for act in acts if chance.random() < 0.4)]
    chance.shuffle(arriving)
    for act in arriving:
        ANSWERS[act.road](rt, act)
    ended = any(act.road != "text_ya" and act.hour >= ASKED for act in acts)
    agreed = any(act.road == "text_ya" and ASKED <= act.hour < ASKED + PATIENCE for act in acts)
    expected = "withdrawn" if ended else "granted" if agreed else "expired"
    assert found(rt)["sms"] == expected, arriving


def test_every_road_is_of_one_kind() -> None:
    known = NO | YES["sms"] | YES["whatsapp"] | {"never_again", "chat_other", "linked_other"}
    assert known == set(ROADS)


# Numbers change.

MOVES = ("+6281234567890", "+6281234567891", "+6281234567892")
IDS = ("ID.1", "ID.2", "ID.3")


def stops(place: int, *, by_number: bool) -> str:
    """A STOP from the handset when it had this number, told with the number or without."""
    at = START + timedelta(hours=2 + place)
    who = {"from_user_id": IDS[place], **({"from": MOVES[place][1:]} if by_number else {})}
    said = {"id": f"wamid.stop-{place}", "type": "text", "text": {"body": "STOP"}, **who}
    return whatsapp_message(said, at)


def changes(place: int, *, told: bool) -> str:
    """The notice that a number changed to the next one, told with the numbers or without."""
    at = START + timedelta(hours=2 + place, minutes=30)
    numbers = {"wa_id": MOVES[place + 1][1:]} if told else {}
    notice = {"previous_user_id": IDS[place], "user_id": IDS[place + 1], **numbers}
    kind = "user_changed_number" if told else "user_changed_user_id"
    who = {"from": MOVES[place][1:]} if told else {}
    said = {"id": f"wamid.move-{place}", "type": "system", "system": {"type": kind, **notice}, **who}
    return whatsapp_message(said, at)


def whatsapp_message(said: dict[str, Any], at: datetime) -> str:
    metadata = {"display_phone_number": WHATSAPP.removeprefix("+")}
    stamped = {"timestamp": str(int(at.timestamp())), **said}
    change = {"field": "messages", "value": {"metadata": metadata, "messages": [stamped]}}
    return envelope({"whatsAppWebhookEntry": json.dumps({"id": "1", "changes": [change]})}, at)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.integers(0, 2), min_size=1), st.lists(st.booleans(), min_size=5, max_size=5), st.randoms())
def test_a_no_holds_at_every_later_number_however_the_notices_come(
    places: set[int], ways: list[bool], chance: Random
) -> None:
    rt, last = gate(), len(MOVES) - 1
    halo = {"id": "wamid.halo", "type": "text", "text": {"body": "Halo"}}
    told = whatsapp_message({**halo, "from": MOVES[last][1:], "from_user_id": IDS[last]}, NOW)
    arriving = [stops(place, by_number=ways[place]) for place in sorted(places)]
    arriving += [changes(0, told=ways[3]), changes(1, told=ways[4]), told]
    arriving += [body for body in arriving if chance.random() < 0.3]
    chance.shuffle(arriving)
    for body in arriving:
        whatsapp.receive(rt, body, 1)
    standing = state.standing(rt, "shopx", identity.recipient(rt, MOVES[last]))
    assert standing.blocking(Channel.SMS, Purpose.MARKETING), arriving
