"""What does the HTTP API take? Every request body, as a model that refuses what it does not know.

Times are RFC 3339 with an offset. Ids that callers choose are printable and short, and never end
up in a path of somebody else's.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from izin.domain.consent import Basis, Method, Scope
from izin.domain.message import SENT_CHANNELS, Channel, Purpose
from izin.domain.pack import RuleSet, not_relaxable
from izin.domain.registry import Carrier

BODY_LIMIT = 64 * 1024
BATCH_LIMIT = 512 * 1024
BATCH_ITEMS = 100

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
"""The id of a brand, sender or template."""

MessageId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Body(BaseModel):
    """A request body: unknown fields are refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Template(Body):
    """A registered text, with the values of its variables in order."""

    id: Name
    variables: tuple[str, ...] = ()


class Question(Body):
    """What every question to the gate names: who speaks to whom, how, and what for."""

    brand: Name
    sender: Name
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

    @model_validator(mode="after")
    def _whole(self) -> Question:
        if (self.text is None) == (self.template is None):
            raise ValueError("give either text or template")
        if self.channel not in SENT_CHANNELS:
            raise ValueError(f"{self.channel} is a preference only; messages go by sms or whatsapp")
        if self.essential and not self.basis:
            raise ValueError("an essential message names its basis")
        return self


class Check(Question):
    """`POST /v1/check`: what would the gate say now, or at `at`?"""

    id: MessageId | None = None
    at: AwareDatetime | None = None


class Submission(Question):
    """`POST /v1/messages`: a message under the caller's id."""

    id: MessageId
    not_before: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None


class Batch(Body):
    """`POST /v1/messages/batch`. Each message is validated alone, so that one does not refuse the others."""

    messages: tuple[Submission, ...] = Field(min_length=1, max_length=BATCH_ITEMS)


class ConsentBody(Body):
    """`POST /v1/consents`: a consent with its evidence."""

    id: MessageId | None = None
    brand: Name
    address: str = Field(max_length=32, repr=False)
    channel: Channel
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    captured_at: AwareDatetime
    wording: Line = Field(description="exactly what the person was shown", max_length=2000)
    language: Language
    method: Method
    basis: Basis = Basis.EXPRESS
    prechecked: bool | None = None
    condition_of_purchase: bool | None = None
    source: Line = Field(description="the page, app version or store where it happened")
    sender: Name | None = Field(default=None, description="who asks for the confirmation of a double opt-in")
    evidence: dict[str, Line] = Field(default_factory=dict, repr=False)


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
    given_at: AwareDatetime | None = None


class LookupBody(Body):
    """`POST /v1/recipients/lookup`: a number goes in a body, never in a URL."""

    address: str = Field(max_length=32, repr=False)


class BrandBody(Body):
    """`PUT /v1/brands/{id}`."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    contact: Line
    double_opt_in: bool = False
    approved_domains: frozenset[str] = frozenset()
    tighten: RuleSet | None = Field(
        default=None, description="rules of the brand's own, written as in a pack and named BRAND.…"
    )
    relax: frozenset[str] = Field(
        default=frozenset(), description="rules of severity advice or policy that do not hold for the brand"
    )

    @field_validator("tighten")
    @classmethod
    def _is_of_the_brand(cls, own: RuleSet | None) -> RuleSet | None:
        foreign = [rule.rule for rule in own.all() if not rule.rule.startswith("BRAND.")] if own else []
        if foreign:
            raise ValueError(f"{', '.join(foreign)}: a brand's own rule begins with BRAND")
        return own

    @field_validator("relax")
    @classmethod
    def _may_be_relaxed(cls, rules: frozenset[str]) -> frozenset[str]:
        refused = [refusal for rule in sorted(rules) if (refusal := not_relaxable(rule))]
        if refused:
            raise ValueError("; ".join(refused))
        return rules


class SenderBody(Body):
    """`PUT /v1/senders/{id}`."""

    brand: Name
    channel: Literal[Channel.SMS]
    carrier: Carrier
    address: Annotated[str, StringConstraints(min_length=3, max_length=20)]
    countries: frozenset[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]]
    two_way: bool = True
    registrations: frozenset[Name] = frozenset()
    language: Language | None = None
    rate: int = Field(default=10, ge=1, le=1000, description="messages a second")
    at_least_once: bool = False
    suspended: bool = False


class TemplateBody(Body):
    """`PUT /v1/templates/{id}`: a text with variables written {{1}}, {{2}}, …"""

    brand: Name
    channel: Channel
    purpose: Purpose
    language: Language
    text: Text
    approved: bool = Field(default=False, description="whether the platform has approved it")
    category: Literal["authentication", "utility", "marketing"] | None = None
    button: Literal["copy_code", "one_tap", "zero_tap"] | None = None
    header: bool = False
    footer: bool = False
    code_expiry: int | None = Field(default=None, description="minutes that the footer gives a code")
    lifetime: int | None = Field(default=None, description="seconds for which the platform tries")
