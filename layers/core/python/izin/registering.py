"""What does the registry take? Brands, senders, wordings and templates, as models like every other body."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from izin.api import Body, Language, Line, Name, Text, WordingText, inconsistent
from izin.domain import templates
from izin.domain.message import Channel, Purpose
from izin.domain.pack import RuleSet, not_relaxable
from izin.domain.registry import Carrier

_PAGE_URL = r"^https://[a-z0-9-]+(\.[a-z0-9-]+)+/([A-Za-z0-9_-]+/)*$"


class BrandBody(Body):
    """`PUT /v1/brands/{id}`."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    contact: Line
    double_opt_in: bool = False
    page_url: Annotated[str, StringConstraints(pattern=_PAGE_URL, max_length=120)] | None = Field(
        default=None, description="where people find their page, if a domain of the brand's leads there"
    )
    approved_domains: frozenset[str] = frozenset()
    tighten: RuleSet | None = Field(
        default=None, description="rules of the brand's own, written as in a pack and named BRAND.…"
    )
    relax: frozenset[str] = Field(
        default=frozenset(), description="rules of severity advice or policy that do not hold for the brand"
    )

    @model_validator(mode="after")
    def _has_a_name(self) -> BrandBody:
        if not any(char.isalnum() for char in self.name):
            raise inconsistent("name", "a brand's name has letters or digits that people can see")
        return self

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
    channel: Literal[Channel.SMS, Channel.WHATSAPP]
    carrier: Carrier
    address: Annotated[str, StringConstraints(pattern=r"^(\+[1-9]\d{6,14}|\d{3,8}|[A-Za-z0-9]{3,20})$")] = (
        Field(description="a number in E.164, a short code, or a name of letters and digits")
    )
    configuration_set: Line | None = Field(
        default=None, description="of AWS End User Messaging: without one no receipt comes"
    )
    phone_number_id: (
        Annotated[str, StringConstraints(pattern=r"^(phone-number-id-|arn:.+:phone-number-id/)[0-9a-zA-Z]+$")]
        | None
    ) = Field(default=None, description="of AWS End User Messaging Social: the WhatsApp number there")
    opt_out_list: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_:/-]{1,256}$")] | None = Field(
        default=None,
        description="of AWS End User Messaging: the list of the sender, kept in step with the ledger",
    )
    marketing_only: bool = Field(
        default=False, description="it sends nothing but marketing, so whoever stopped is put on its list"
    )
    carrier_confirms_stop: bool = Field(
        default=False, description="the carrier answers STOP itself, as for toll-free numbers in the US"
    )
    countries: frozenset[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]] = Field(min_length=1)
    two_way: bool = True
    registrations: frozenset[Name] = frozenset()
    language: Language | None = None
    rate: int = Field(default=10, ge=1, le=1000, description="messages a second")
    at_least_once: bool = False
    suspended: bool = False

    @model_validator(mode="after")
    def _has_what_its_carrier_needs(self) -> SenderBody:
        if self.carrier is Carrier.AWS_SMS and not self.configuration_set:
            message = "an aws-sms sender names its configuration set; without one no receipt comes"
            raise inconsistent("configuration_set", message)
        if self.carrier is Carrier.AWS_SOCIAL and not self.phone_number_id:
            message = "an aws-social sender names its phone_number_id, as AWS lists it"
            raise inconsistent("phone_number_id", message)
        speaks = {Carrier.AWS_SMS: Channel.SMS, Carrier.AWS_SOCIAL: Channel.WHATSAPP}
        if speaks.get(self.carrier, self.channel) is not self.channel:
            raise inconsistent("carrier", f"{self.carrier} carries no {self.channel}")
        if self.channel is Channel.WHATSAPP and not self.address.startswith("+"):
            raise inconsistent("address", "a WhatsApp sender is a number in E.164")
        if self.channel is Channel.WHATSAPP and not self.two_way:
            raise inconsistent("two_way", "people can always answer on WhatsApp")
        if self.marketing_only and not self.opt_out_list:
            raise inconsistent("opt_out_list", "name the list that whoever stopped is put on")
        return self


class WordingBody(Body):
    """`PUT /v1/wordings/{id}`: what people are shown before they say yes. A version never changes."""

    brand: Name
    version: int = Field(ge=1, le=9999, description="one more than the last")
    channels: frozenset[Channel] = Field(min_length=1)
    purposes: frozenset[Purpose] = Field(min_length=1)
    countries: frozenset[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]] = Field(min_length=1)
    language: Language
    text: WordingText
    screenshot: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")] | None = Field(
        default=None, description="how it looks, uploaded without an address; serves every consent to it"
    )


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

    @model_validator(mode="after")
    def _variables_are_numbered(self) -> TemplateBody:
        if "{{" in templates.without_variables(self.text):
            message = "write variables {{1}} to {{99}}, and no other double braces"
            raise inconsistent("text", message)
        return self
