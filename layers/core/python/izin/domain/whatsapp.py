"""What does WhatsApp say? The events that AWS End User Messaging Social relays from Meta, read strictly.

A notification is wrapped three times: SNS holds AWS's header as a string, the header holds Meta's entry
as a string. An entry holds several events. What may be absent is absent, and nothing is guessed.
Fields and codes: Meta's webhook reference; L-WA-08, L-WA-09.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeAlias

from izin.domain import prompts
from izin.domain.consent import Scope, Suppression
from izin.domain.events import Event, EventType
from izin.domain.folding import fold
from izin.domain.inbound import Malformed, characters, read_object, reference
from izin.domain.message import Channel, Purpose
from izin.domain.pack import load
from izin.domain.prompts import Prompt
from izin.domain.receipts import Outcome, Receipt

STOPPED_PROMOTIONS = 131050
"""The person has told the platform that they want no marketing of this business."""

RESTING = 131049
"""The platform spares the person: they got enough marketing, of all businesses together."""

_SECOND = timedelta(milliseconds=999)


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an event is about: a number, an id that Meta gave them towards this business, or both."""

    number: str | None = field(default=None, repr=False)
    user_id: str | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        return bool(self.number or self.user_id)


@dataclass(frozen=True, slots=True)
class Said:
    """A message from a person. `text` is empty where there is none to read, as in a picture or a place.

    `pressed` is the label of a button, where the person pressed one of ours.
    """

    id: str
    person: Person
    sender_address: str
    at: datetime
    text: str = field(repr=False)
    pressed: str | None = None
    follows: str | None = None


@dataclass(frozen=True, slots=True)
class Preference:
    """The person told the platform to stop, or to resume, the marketing of this business."""

    person: Person
    sender_address: str
    at: datetime
    resumes: bool


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a message of ours; `code` is Meta's error, where there was one."""

    receipt: Receipt
    code: int | None
    person: Person = Person()


@dataclass(frozen=True, slots=True)
class Moved:
    """The person has another number, and with it another id; which of the two are told differs."""

    before: Person
    after: Person


Happening: TypeAlias = Said | Preference | Fate | Moved


def country_of(user_id: str) -> str:
    """The country that Meta writes before such an id: ISO 3166-1 alpha-2, or `001` where it does not."""
    country, dot, _ = user_id.partition(".")
    return country if dot and _COUNTRY.fullmatch(country) else "001"


def is_user_id(text: str) -> bool:
    """Whether `text` has the form of such an id."""
    return _USER_ID.fullmatch(text) is not None


_COUNTRY = re.compile("[A-Z]{2}")
_USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_LONGEST_USER_ID = 160  # two letters, ".ENT." and up to 128 more


@dataclass(frozen=True, slots=True)
class Notification:
    """The events of one notification that could be read, and why the others could not."""

    happenings: tuple[Happening, ...]
    faults: tuple[str, ...]


def parse(payload: str) -> Notification:
    """The events in the string in SNS `Message`. Raises Malformed where nothing can be read."""
    header = read_object(payload)
    entry = header.get("whatsAppWebhookEntry")
    if not isinstance(entry, str):
        raise Malformed("missing_whatsAppWebhookEntry")
    sent_as = reference(header.get("messageId"))
    happenings: list[Happening] = []
    faults: list[str] = []
    for change in _list(read_object(entry), "changes"):
        for kind, item, value in _items(change):
            try:
                happening = _read(kind, item, value, sent_as)
            except Malformed as error:
                faults.append(error.reason)
            else:
                happenings += [happening] if happening else []
    return Notification(tuple(happenings), tuple(faults))


def _items(change: Any) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Each event in a change with its kind, and what stands beside it. A change of another field has none."""
    value = change.get("value") if isinstance(change, dict) else None
    if not isinstance(value, dict):
        yield "value", None, {}
        return
    for kind in ("messages", "user_preferences", "statuses"):
        listed = value.get(kind, [])
        yield from ((kind, item, value) for item in (listed if isinstance(listed, list) else [None]))


def _read(kind: str, item: Any, value: dict[str, Any], sent_as: str | None) -> Happening | None:
    if not isinstance(item, dict):
        raise Malformed(f"invalid_{kind}")
    match kind:
        case "messages":
            return _message(item, value)
        case "user_preferences":
            return _preference(item, value)
        case _:
            return _fate(item, sent_as)


def _message(message: dict[str, Any], value: dict[str, Any]) -> Said | Moved | None:
    message_id, kind = message.get("id"), message.get("type")
    if not isinstance(message_id, str) or not message_id:
        raise Malformed("missing_id")
    if reference(message_id) is None:
        raise Malformed("long_id")
    if kind == "system":
        return _notice(message)
    if kind == "unsupported":  # what the platform cannot pass on: nothing is known of what was written
        return None
    text, pressed = _words(message, kind)
    context = message.get("context")
    return Said(
        id=message_id,
        person=_person(message, _contacts(value), "from", "from_user_id"),
        sender_address=_sender_address(value),
        at=_instant(message.get("timestamp")),
        text=text,
        pressed=pressed,
        follows=reference(context.get("id")) if isinstance(context, dict) else None,
    )


_MOVES = ("user_changed_number", "customer_changed_number", "user_changed_user_id")


def _notice(message: dict[str, Any]) -> Moved | None:
    """What the platform tells of a person: that they changed their number, and its id with it."""
    notice = message.get("system")
    if not isinstance(notice, dict) or notice.get("type") not in _MOVES:
        return None
    before = Person(
        _number(message.get("from")),
        _user_id(notice.get("previous_user_id")) or _user_id(message.get("from_user_id")),
    )
    after = Person(
        _number(notice.get("wa_id")) or _number(notice.get("new_wa_id")), _user_id(notice.get("user_id"))
    )
    if before.user_id == after.user_id:  # it is the new one in both places, or in neither
        before = Person(before.number)
    if not before:
        raise Malformed("missing_previous_user_id")
    if not after:
        raise Malformed("missing_user_id")
    return Moved(before, after)


def _words(message: Mapping[str, Any], kind: Any) -> tuple[str, str | None]:
    """The text that the person wrote or chose, and the label of the button that they pressed."""
    body = message.get(kind) if isinstance(kind, str) else None
    if not isinstance(body, dict):
        return "", None
    match kind:
        case "text":
            text = body.get("body")
            if not isinstance(text, str):
                raise Malformed("missing_text")
            return characters(text), None
        case "button":
            # The payload of the platform's own stop button is its label; of ours it is what we chose.
            label = _first_text(body, ("payload", "text"))
            if label is None:
                raise Malformed("missing_button")
            return label, label
        case "interactive":
            chosen = body.get(str(body.get("type")))
            title = _first_text(chosen, ("title",)) if isinstance(chosen, dict) else None
            return (title, title) if title else ("", None)
        case _:
            return _first_text(body, ("caption",)) or "", None


def _first_text(body: Mapping[str, Any], names: Iterable[str]) -> str | None:
    found = (body.get(name) for name in names)
    return next((characters(text) for text in found if isinstance(text, str) and text.strip()), None)


def _preference(preference: dict[str, Any], value: dict[str, Any]) -> Preference | None:
    if preference.get("category") != "marketing_messages":
        return None
    wish = preference.get("value")
    if wish not in ("stop", "resume"):
        raise Malformed("unknown_preference")
    person = _person(preference, _contacts(value), "wa_id", "user_id")
    at = _instant(preference.get("timestamp"))
    return Preference(person, _sender_address(value), at, resumes=wish == "resume")


_OUTCOMES = {
    "accepted": Outcome.SENT,
    "sent": Outcome.SENT,
    "delivered": Outcome.DELIVERED,
    "read": Outcome.READ,
    "failed": Outcome.FAILED,
}
_NO_FATES = ("deleted", "warning")


def _fate(status: dict[str, Any], sent_as: str | None) -> Fate | None:
    name, ref = status.get("status"), reference(status.get("id"))
    if name in _NO_FATES:
        return None
    if ref is None:
        raise Malformed("missing_id")
    if name not in _OUTCOMES:
        raise Malformed("unknown_status")
    code = _code(status.get("errors")) if name == "failed" else None
    event = str(code) if code else f"whatsapp_{name}"
    ours = reference(status.get("biz_opaque_callback_data"), longest=512)
    receipt = Receipt(ref, _OUTCOMES[name], event, _instant(status.get("timestamp")), ours, sent_as)
    person = Person(_number(status.get("recipient_id")), _user_id(status.get("recipient_user_id")))
    return Fate(receipt, code, person)


def _code(errors: Any) -> int | None:
    listed = errors if isinstance(errors, list) else []
    codes = (str(error.get("code")) for error in listed if isinstance(error, dict))
    return next((int(code) for code in codes if code.isdecimal() and len(code) < 10), None)


def _person(item: Mapping[str, Any], contacts: list[Any], number: str, user_id: str) -> Person:
    """The person in an event. What it leaves out is taken from the contact, where that is surely the same."""
    told = Person(_number(item.get(number)), _user_id(item.get(user_id)))
    contact = contacts[0] if len(contacts) == 1 and isinstance(contacts[0], dict) else {}
    beside = Person(_number(contact.get("wa_id")), _user_id(contact.get("user_id")))
    if _differ(told.number, beside.number) or _differ(told.user_id, beside.user_id):
        beside = Person()
    person = Person(told.number or beside.number, told.user_id or beside.user_id)
    if not person:
        raise Malformed(f"missing_{number}")
    return person


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _contacts(value: Mapping[str, Any]) -> list[Any]:
    contacts = value.get("contacts")
    return contacts if isinstance(contacts, list) else []


def _number(digits: Any) -> str | None:
    """An international number as E.164; Meta writes it without the plus sign."""
    if not isinstance(digits, str) or not digits:
        return None
    return digits if digits.startswith("+") else f"+{digits}"


def _user_id(value: object) -> str | None:
    return reference(value, _LONGEST_USER_ID)


def _sender_address(value: Mapping[str, Any]) -> str:
    metadata = value.get("metadata")
    shown = metadata.get("display_phone_number") if isinstance(metadata, dict) else None
    digits = "".join(filter(str.isdecimal, shown)) if isinstance(shown, str) else ""
    if not digits:
        raise Malformed("missing_display_phone_number")
    return f"+{digits}"


def _instant(seconds: Any) -> datetime:
    """Unix seconds, which Meta writes as a number or as text."""
    if isinstance(seconds, str) and seconds.isdecimal() and len(seconds) < 12:
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise Malformed("missing_timestamp")
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (OverflowError, ValueError, OSError):
        raise Malformed("impossible_timestamp") from None


def _list(entry: Mapping[str, Any], name: str) -> list[Any]:
    found = entry.get(name)
    if not isinstance(found, list):
        raise Malformed(f"missing_{name}")
    return found


def given_at(at: datetime, now: datetime, *, is_no: bool) -> datetime:
    """When something counts that the platform dates to the second.

    A no from the end of that second, a yes from its beginning; neither later than `now`.
    """
    return min(at + _SECOND if is_no else at, now)


def stops_promotions(label: str) -> bool:
    """Whether a button with this label is the platform's own that stops promotions."""
    return fold(label) in _stop_labels()


@cache
def _stop_labels() -> frozenset[str]:
    buttons = load(Channel.WHATSAPP).stop_buttons
    return (
        frozenset(fold(label) for labels in buttons.labels.values() for label in labels)
        if buttons
        else frozenset()
    )


def back_off() -> timedelta:
    """How long nothing promotional is offered to the platform for a person whom it spared."""
    setting = load(Channel.WHATSAPP).back_off
    return setting.value if setting else timedelta(0)


def wish(preference: Preference, address: str, country: str, sender: str, now: datetime) -> Event:
    """The event that a preference is, of the person whose pseudonym is `address`.

    It covers marketing, and brings back no more than that.
    """
    name = "resume" if preference.resumes else "stop"
    at = given_at(preference.at, now, is_no=not preference.resumes)
    return Event(
        id=f"preference-{sender}-{name}-{int(preference.at.timestamp())}",
        type=EventType.OPT_IN if preference.resumes else EventType.OPT_OUT,
        given_at=at,
        recorded_at=now,
        address=address,
        channel=Channel.WHATSAPP,
        source="whatsapp_preference",
        by_person=True,
        purposes=(Purpose.MARKETING,) if preference.resumes else (),
        scope=None if preference.resumes else Scope.MARKETING,
        kind=None if preference.resumes else Suppression.OPT_OUT,
        details={} if preference.resumes else prompts.details(country, sender),
    )


def stopped(fate: Fate, prompt: Prompt, address: str, country: str | None, now: datetime) -> Event | None:
    """The opt-out that the fate of a message tells of, if it does."""
    if fate.code != STOPPED_PROMOTIONS:
        return None
    return Event(
        id=f"carrier-{prompt.message}-{fate.code}",
        type=EventType.OPT_OUT,
        given_at=given_at(fate.receipt.at, now, is_no=False),
        recorded_at=now,
        address=address,
        channel=Channel.WHATSAPP,
        source="carrier",
        by_person=True,
        scope=Scope.MARKETING,
        kind=Suppression.OPT_OUT,
        details=prompts.details(country, prompt=prompt),
    )
