"""What does the HTTP API take? Every request body, as a model that refuses what it does not know.

What the registry takes is in `izin.registering`. Times are RFC 3339 with an offset. Ids that callers
choose are printable and short, and never end up in a path of somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from izin.domain.consent import Basis, Method, Scope
from izin.domain.message import OFFERS, SENT_CHANNELS, Channel, Purpose

BODY_LIMIT = 64 * 1024
BATCH_LIMIT = 512 * 1024
BATCH_ITEMS = 100

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
"""The id of a brand, sender or template."""

_MESSAGE_ID = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
MessageId = Annotated[str, StringConstraints(pattern=_MESSAGE_ID)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FILE_LIMIT = 20 * 1024 * 1024
Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]
TEXT_LIMIT = 4096
Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LIMIT)]


def is_message_id(text: str) -> bool:
    """Whether `text` is an id that a caller can have given to a message."""
    return re.fullmatch(_MESSAGE_ID, text) is not None


def _written_out(value: object) -> object:
    # A bare number would be taken for seconds since 1970, which nobody means.
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[Tt ]", value):
        raise PydanticCustomError("not_rfc3339", "write the time as 2026-11-22T12:00:00Z")
    return value


def _of_our_time(instant: datetime) -> datetime:
    # Far from these years, zones, windows and expiries fall off the calendar that Python has.
    if not 2000 <= instant.year < 2100:
        raise PydanticCustomError("out_of_range", "give a time between the years 2000 and 2099")
    return instant


Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_of_our_time)]


def inconsistent(field: str, message: str) -> PydanticCustomError:
    """What is wrong with a body as a whole, under the field that mends it."""
    return PydanticCustomError("inconsistent", "{message}", {"message": message, "field": field})


class Body(BaseModel):
    """A request body: unknown fields are refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def public(self) -> Iterator[tuple[str, str]]:
        """Its texts by field, but those with `repr=False`: these are personal, and sealed where kept."""
        for name, field in type(self).model_fields.items():
            match getattr(self, name) if field.repr else None:
                case str() as text:
                    yield name, text
                case dict() as texts:
                    yield from ((name, text) for pair in texts.items() for text in pair)
                case Body() as part:
                    yield from ((f"{name}.{inner}", text) for inner, text in part.public())


class Template(Body):
    """A registered text, with the values of its variables in order."""

    id: Name
    variables: tuple[str, ...] = Field(default=(), repr=False)


class Question(Body):
    """What every question to the gate names: who speaks to whom, how, and what for."""

    brand: Name
    sender: Name | None = Field(default=None, description="of what is sent: sms and whatsapp")
    to: str = Field(max_length=32, description="E.164, such as +6281234567890", repr=False)
    channel: Channel
    purpose: Purpose
    text: Text | None = Field(default=None, repr=False)
    template: Template | None = None
    language: Language | None = None
    basis: dict[str, Line] | None = Field(
        default=None, description="what a transactional message is for, such as {'transaction': 'order-123'}"
    )
    essential: bool = False
    append_opt_out: bool = Field(
        default=False,
        description="put a link to the person's page, or a word to reply with, at the text's end",
    )

    @model_validator(mode="after")
    def _whole(self) -> Question:
        if self.channel in SENT_CHANNELS:
            if self.sender is None:
                raise PydanticCustomError("missing", "Field required", {"field": "sender"})
            if (self.text is None) == (self.template is None):
                raise inconsistent("text", "give either text or template")
        if self.append_opt_out and (self.channel is not Channel.SMS or self.text is None):
            message = "only the text of an SMS is added to; a template is sent as it was approved"
            raise inconsistent("append_opt_out", message)
        if self.essential and (self.purpose is not Purpose.TRANSACTIONAL or not self.basis):
            raise inconsistent("essential", "an essential message is transactional and names its basis")
        return self


class Check(Question):
    """`POST /v1/check`: what would the gate say now, or at `at`?"""

    id: MessageId | None = None
    at: Instant | None = None


class Submission(Question):
    """`POST /v1/messages`: a message under the caller's id."""

    id: MessageId
    campaign: Name | None = Field(default=None, description="what opt-outs that follow are counted by")
    not_before: Instant | None = None
    expires_at: Instant | None = Field(
        default=None,
        description="when it is no longer worth sending; without it, what the carrier cannot take just now is"
        f" offered {OFFERS} times, for about three days, and then has failed",
    )

    @model_validator(mode="after")
    def _can_be_sent(self) -> Submission:
        if self.channel not in SENT_CHANNELS:
            message = f"{self.channel} is a preference only; messages go by sms or whatsapp"
            raise inconsistent("channel", message)
        return self


class Batch(Body):
    """`POST /v1/messages/batch`. Each message is validated alone, so that one does not refuse the others."""

    messages: tuple[Submission, ...] = Field(min_length=1, max_length=BATCH_ITEMS)


class WordingVersion(Body):
    """One version of a registered wording."""

    id: Name
    version: int = Field(ge=1, le=9999)


def _form_of_wording(value: object) -> str:
    return "text" if isinstance(value, str) else "registered"


WordingText = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Wording = Annotated[
    Annotated[WordingText, Tag("text")] | Annotated[WordingVersion, Tag("registered")],
    Discriminator(_form_of_wording),
]


class ConsentBody(Body):
    """`POST /v1/consents`: a consent with its evidence.

    What a consent needs may be left out here, so that all that is missing is answered at once.
    """

    id: MessageId | None = None
    brand: Name
    address: str = Field(max_length=32, repr=False)
    channel: Channel
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    captured_at: Instant | None = Field(default=None, description="needed: when the person said yes")
    wording: Wording | None = Field(
        default=None, description="needed: exactly what the person was shown, or which registered version"
    )
    language: Language | None = Field(default=None, description="needed, but with a registered wording")
    method: Method | None = Field(default=None, description="needed: what the person did")
    basis: Basis = Basis.EXPRESS
    prechecked: bool | None = Field(default=None, description="of a checkbox: was it ticked beforehand?")
    condition_of_purchase: bool | None = None
    source: Line | None = Field(default=None, description="needed: the page, app or shop where it happened")
    page: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]+$", max_length=500)] | None = Field(
        default=None, description="the page's address, without its query: that may tell of the person"
    )
    app_version: Line | None = None
    store: Line | None = Field(default=None, description="the shop or branch, where it was on paper")
    sender: Name | None = Field(default=None, description="who asks for the confirmation of a double opt-in")
    evidence: dict[str, Line] = Field(
        default_factory=dict, repr=False, description="what the person's country asks for, and no more"
    )


class ConsentImport(Body):
    """One of `POST /v1/consents/batch`: a consent that another system holds, with what it kept as evidence.

    What is missing does not refuse it: the person's status is then `none`, and their ledger says why.
    """

    brand: Name
    address: str = Field(max_length=32, repr=False)
    channel: Channel
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    captured_at: Instant | None = None
    confirmed_at: Instant | None = Field(
        default=None, description="when the person said yes again, where that was asked"
    )
    wording: Annotated[str, StringConstraints(max_length=2000)] | None = None
    language: Language | None = None
    method: Method | None = None
    basis: Basis = Basis.EXPRESS
    prechecked: bool | None = None
    condition_of_purchase: bool | None = None
    source: Line = Field(description="the system and list that it comes from, or where it happened")
    evidence: dict[str, Line] = Field(default_factory=dict, repr=False)


class ConsentImports(Body):
    """`POST /v1/consents/batch`. Each is judged alone; nobody is asked to confirm."""

    consents: tuple[ConsentImport, ...] = Field(min_length=1, max_length=BATCH_ITEMS)
    dry_run: bool = Field(default=False, description="judge everything, write nothing")


class EvidenceBody(Body):
    """`POST /v1/evidence`: a file that will prove a consent."""

    brand: Name
    address: str | None = Field(
        default=None,
        max_length=32,
        repr=False,
        description="whom the file is about; left out for what everybody is shown",
    )
    sha256: Sha256
    size: int = Field(ge=1, le=FILE_LIMIT, description="bytes, exactly")
    type: Literal[
        "image/png", "image/jpeg", "image/webp", "application/pdf", "audio/mpeg", "audio/mp4", "audio/ogg"
    ]


class OptOutBody(Body):
    """`POST /v1/opt-outs`: an opt-out that did not come as a reply."""

    id: MessageId | None = None
    brand: Name
    address: str = Field(max_length=32, repr=False)
    channel: Channel = Channel.SMS
    scope: Scope = Scope.ALL
    do_not_contact: bool = Field(default=False, description="only the person's own act ends it")
    company_wide: bool = Field(default=False, description="towards every brand; implies do_not_contact")
    source: Line = Field(description="app, agent, letter, …")
    reason: Line | None = Field(default=None, repr=False)
    given_at: Instant | None = None


class OptOuts(Body):
    """`POST /v1/opt-outs/batch`. Each is judged alone and holds at once."""

    opt_outs: tuple[OptOutBody, ...] = Field(min_length=1, max_length=BATCH_ITEMS)
    dry_run: bool = Field(default=False, description="judge everything, write nothing")


class ReadingBody(Body):
    """`POST /v1/recipients/{recipient_id}/replies`: an unclear reply was read, and was no opt-out."""

    brand: Name
    reply: Line = Field(description="the id of the event `reply_unclear`")
    source: Line = Field(description="who read it: agent, support, …")


class RequestBody(Body):
    """A request of a person about their own data, under the caller's id."""

    id: MessageId
    brand: Name = Field(description="the one through which it was made")
    source: Line = Field(description="letter, e-mail, agent, …")
    requested_at: Instant | None = Field(default=None, description="when the person asked; now if left out")


class AccessBody(RequestBody):
    """`POST /v1/recipients/{recipient_id}/access`: once to register it, once more when it was answered."""

    handed_over_at: Instant | None = Field(default=None, description="when the person got their data")


class ErasureBody(RequestBody):
    """`POST /v1/recipients/{recipient_id}/erasure`."""


class LookupBody(Body):
    """`POST /v1/recipients/lookup`: a number, or a platform's id, goes in a body, never in a URL."""

    address: str = Field(max_length=160, repr=False)
