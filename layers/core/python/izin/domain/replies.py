"""What follows from a reply? The event that it is, the kind of message that answers it, and its language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from izin.domain.consent import Scope, Standing, Suppression
from izin.domain.events import Event, EventType
from izin.domain.keywords import Intent, Reply
from izin.domain.message import Channel, Kind
from izin.domain.pack import Pack, same_language


@dataclass(frozen=True, slots=True)
class Consequence:
    """An event for the ledger, or none; and the kind of answer that the person gets, or none."""

    event: Event | None = None
    answer: Kind | None = None


def consequence(
    reply: Reply,
    standing: Standing,
    *,
    event_id: str,
    address: str,
    channel: Channel,
    given_at: datetime,
    now: datetime,
    revoke_all: bool,
    lifetime: timedelta | None = None,
    carrier_confirms: bool = False,
    details: Mapping[str, str] = MappingProxyType({}),
) -> Consequence:
    """What follows from `reply`, given at `given_at` by someone whose standing is `standing`.

    A yes-word answers an open confirmation request and nothing else: "ya" to anything else is
    conversation. A start-word ends the opt-out for its channel, and so revives what the person
    had agreed to there before, no more. `lifetime` is how long a consent lasts; None for ever.
    An opt-out that its carrier confirms is not answered again. `details` say what it is counted by.
    """

    def event(type_: EventType, **fields: Any) -> Event:
        return Event(
            id=event_id,
            type=type_,
            given_at=given_at,
            recorded_at=now,
            address=address,
            channel=channel,
            source="reply",
            by_person=True,
            **fields,
        )

    match reply.intent:
        case Intent.OPT_OUT:
            wide = Scope.REVOKE_ALL if revoke_all else Scope.ALL
            scope = Scope.MARKETING if reply.scope == "marketing" else wide
            opt_out = event(EventType.OPT_OUT, scope=scope, kind=Suppression.OPT_OUT, details=details)
            return Consequence(opt_out, None if carrier_confirms else Kind.CONFIRMATION)
        case Intent.OPT_IN:
            return Consequence(event(EventType.OPT_IN))
        case Intent.CONFIRM:
            open_requests = standing.open_requests(channel, given_at)
            if not open_requests:
                return Consequence()
            # Of several requests the oldest decides how far back a STOP ends this yes.
            asked_at = min(asked.given_at for asked in open_requests.values())
            yes = event(
                EventType.CONSENT_GRANTED,
                purposes=tuple(open_requests),
                asked_at=asked_at,
                expires_at=given_at + lifetime if lifetime else None,
            )
            return Consequence(yes)
        case Intent.HELP:
            return Consequence(answer=Kind.HELP)
        case Intent.UNCLEAR:
            return Consequence(event(EventType.REPLY_UNCLEAR))
        case Intent.NONE:
            return Consequence()


def language(reply: Reply, standing: Standing, pack: Pack, ours: str | None) -> str:
    """The language in which a person is answered: theirs, as well as it is known.

    That of the words they last agreed to, else of the word that they wrote, else of their country;
    of a country's several, `ours`, which the sender writes in.
    """
    if standing.spoken:
        return standing.spoken.language
    if reply.language:
        return reply.language
    if ours and any(same_language(ours, spoken) for spoken in pack.languages):
        return ours
    return pack.languages[0]
