"""Why a message may not go now: the closed list of reason codes, and a reason as a value."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from izin.domain.times import shown


class Code(StrEnum):
    """Stable, public, documented in `docs/reasons.md`. Stored, returned and counted."""

    NO_CONSENT = "no_consent"
    CONSENT_PENDING = "consent_pending"
    CONSENT_EXPIRED = "consent_expired"
    OPTED_OUT = "opted_out"
    DO_NOT_CONTACT = "do_not_contact"
    REPLY_UNCLEAR = "reply_unclear"
    EVIDENCE_INCOMPLETE = "evidence_incomplete"
    BASIS_MISSING = "basis_missing"
    OUTSIDE_WINDOW = "outside_window"
    BANNED_DAY = "banned_day"
    CAP_REACHED = "cap_reached"
    WOULD_EXPIRE = "would_expire"
    NO_PACK = "no_pack"
    NO_CALENDAR = "no_calendar"
    NO_COMMON_WINDOW = "no_common_window"
    NUMBER_CLASS = "number_class"
    CHANNEL_BLOCKED = "channel_blocked"
    SENDER_SUSPENDED = "sender_suspended"
    SENDER_TIER = "sender_tier"
    SENDER_NOT_REGISTERED = "sender_not_registered"
    SENDER_ONE_WAY = "sender_one_way"
    CONTENT_OPT_OUT_MISSING = "content_opt_out_missing"
    CONTENT_BRAND_MISSING = "content_brand_missing"
    CONTENT_TOO_LONG = "content_too_long"
    CONTENT_PROMOTIONAL = "content_promotional"
    CONTENT_LANGUAGE = "content_language"
    CONTENT_CHARSET = "content_charset"
    CONTENT_URL = "content_url"
    CONTENT_PREFIX = "content_prefix"
    CONTENT_MARKER_MISSING = "content_marker_missing"
    CONTENT_OFFER_MISSING = "content_offer_missing"
    CONTENT_VALIDITY_MISSING = "content_validity_missing"
    CONTENT_CONTACT_MISSING = "content_contact_missing"
    CONTENT_FIRST_MESSAGE = "content_first_message"
    TEMPLATE_REQUIRED = "template_required"
    TEMPLATE_VARIABLES = "template_variables"
    TEMPLATE_NOT_APPROVED = "template_not_approved"
    TEMPLATE_CATEGORY = "template_category"
    TEMPLATE_NAME = "template_name"
    TEMPLATE_BODY = "template_body"
    TEMPLATE_PARAMETER = "template_parameter"
    TEMPLATE_BUTTON = "template_button"
    TEMPLATE_EXPIRY = "template_expiry"
    TEMPLATE_LIFETIME = "template_lifetime"


class Effect(StrEnum):
    """What a reason does to the message: hold it until an instant, or refuse it."""

    DEFER = "defer"
    DENY = "deny"


class Reason(NamedTuple):
    """One thing that stands in the way, with the rule that says so and where the rule comes from.

    `until` is the first instant at which this reason alone no longer holds; only deferring
    reasons have one. What it `says` is English for a person to read and never holds personal data;
    its `{}` are for `instants`, which are written out only for whoever reads it.
    """

    code: Code
    rule: str
    effect: Effect
    says: str
    sources: tuple[str, ...] = ()
    until: datetime | None = None
    instants: tuple[datetime, ...] = ()

    @property
    def detail(self) -> str:
        """What it says."""
        return self.says.format(*map(shown, self.instants)) if self.instants else self.says
