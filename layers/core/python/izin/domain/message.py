"""What is asked of the gate: one message, to one person, for one purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Channel(StrEnum):
    """How a person is reached. Only `sms` and `whatsapp` are sent; the others are preferences."""

    SMS = "sms"
    WHATSAPP = "whatsapp"
    EMAIL = "email"
    PUSH = "push"
    SOCIAL = "social"
    ADS = "ads"


SENT_CHANNELS = frozenset({Channel.SMS, Channel.WHATSAPP})

OFFERS = 80
"""How often a message is offered to a carrier that cannot take it: ever later, at last once an hour."""


class Purpose(StrEnum):
    """What a message is for. Consent is given, and rules are written, per purpose."""

    MARKETING = "marketing"
    TRANSACTIONAL = "transactional"
    AUTHENTICATION = "authentication"
    ANNOUNCEMENT = "announcement"


class Kind(StrEnum):
    """Who asked for the message: an app, or the person by an act of their own.

    Everything but a `submission` answers something that the person just did. It is exempt from
    windows and caps for the few minutes in which an answer is an answer, and never sent later.
    """

    SUBMISSION = "submission"
    CONFIRMATION = "confirmation"  # of an opt-out
    OPT_IN_REQUEST = "opt_in_request"  # "reply YA to confirm"
    HELP = "help"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template as its platform knows it, and the `values` that a message gives its variables.

    `code_expiry` is the minutes that its footer says the code lives, `lifetime` the seconds for which
    the platform tries to deliver; None where it says nothing.
    """

    name: str
    text: str
    values: tuple[str, ...] = field(default=(), repr=False)
    approved: bool = False
    category: str | None = None
    button: str | None = None
    header: bool = False
    footer: bool = False
    code_expiry: int | None = None
    lifetime: int | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A template as it is handed to its platform: by name, in a language, with values for its variables."""

    name: str
    language: str
    values: tuple[str, ...] = field(repr=False)
    button: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as the gate judges it. The number it goes to is judged as a `Phone` beside it.

    `template` is the one that the text was made from, where its shape is to be judged too.
    `variables` is how many the template has that the text was made from; None where there was none.
    `text` is None where nothing but content is to be judged (`izin check` without `--text`).
    `basis` names the transaction that a transactional message belongs to. `expires_at` is the
    instant from which the message is useless; None means that no expiry is judged. `campaign` is the
    caller's name for what the message is part of; it is counted by, never judged.
    """

    brand: str
    sender: str
    channel: Channel
    purpose: Purpose
    text: str | None = field(default=None, repr=False)
    variables: int | None = None
    template: Template | None = None
    language: str | None = None
    basis: Mapping[str, str] | None = None
    essential: bool = False
    expires_at: datetime | None = None
    campaign: str | None = None
    kind: Kind = Kind.SUBMISSION
    answers: datetime | None = None  # when the person gave what this message answers
