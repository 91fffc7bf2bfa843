"""Registered texts with variables, {{1}} the first: rendering them, and judging their shape."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import assert_never

from izin.domain.content import has_link
from izin.domain.message import Template
from izin.domain.pack.templates import (
    ApprovedTemplate,
    BareTemplate,
    ButtonTemplate,
    CategoryTemplate,
    CodeExpiryTemplate,
    FreeFormTemplate,
    LifetimeTemplate,
    NameTemplate,
    ParameterTemplate,
    PlacedTemplate,
    TemplateRule,
)
from izin.domain.reasons import Code, Effect, Reason

_VARIABLE = re.compile(r"\{\{([1-9]\d?)\}\}")


class WrongVariables(ValueError):
    """A template was given another number of values than it has variables."""

    def __init__(self, wanted: int) -> None:
        super().__init__(f"wants {wanted} variables")
        self.wanted = wanted


def variables(text: str) -> int:
    """How many values a template takes: the highest number in it."""
    return max((int(number) for number in _VARIABLE.findall(text)), default=0)


def without_variables(text: str) -> str:
    """What of a template is text."""
    return _VARIABLE.sub("", text)


def render(text: str, values: Sequence[str]) -> str:
    """`text` with its variables replaced. Raises WrongVariables. Values are never searched for variables."""
    wanted = variables(text)
    if len(values) != wanted:
        raise WrongVariables(wanted)
    return _VARIABLE.sub(lambda match: values[int(match.group(1)) - 1], text)


def findings(template: Template, rules: Iterable[TemplateRule]) -> tuple[Reason, ...]:
    """Everything in `template` that the rules refuse; each reason denies and says how to mend it."""
    found = ((rule, _judge(rule, template)) for rule in rules)
    return tuple(
        Reason(fault[0], rule.rule, Effect.DENY, f"{rule.rule}: {fault[1]}.", rule.sources)
        for rule, fault in found
        if fault
    )


def _judge(rule: TemplateRule, template: Template) -> tuple[Code, str] | None:
    match rule:
        case ApprovedTemplate():
            if not template.approved:
                return (
                    Code.TEMPLATE_NOT_APPROVED,
                    "the platform has not approved it yet; wait",
                )
        case CategoryTemplate():
            if template.category != rule.category:
                fix = f"register it as {rule.category}, or send it for another purpose"
                return Code.TEMPLATE_CATEGORY, f"the category is {template.category or 'not given'}; {fix}"
        case NameTemplate():
            if not rule.pattern.search(template.name):
                return Code.TEMPLATE_NAME, f"the name does not match {rule.pattern.pattern}; rename it"
        case BareTemplate():
            if template.header or template.footer:
                return Code.TEMPLATE_BODY, "take header and footer out"
            if has_link(template.text) or _emoji(template.text) is not None:
                return Code.TEMPLATE_BODY, "take links and emoji out, or register it as utility"
        case ParameterTemplate():
            return _parameter(rule, template)
        case PlacedTemplate():
            numbers = [int(number) for number in _VARIABLE.findall(template.text)]
            if numbers != list(range(1, len(numbers) + 1)):
                return Code.TEMPLATE_BODY, "number the variables from 1 in the order in which they stand"
            bare = template.text.strip()
            if bare.startswith("{{") or bare.endswith("}}"):
                return Code.TEMPLATE_BODY, "put words before the first and after the last variable"
        case ButtonTemplate():
            if template.button not in rule.one_of:
                return Code.TEMPLATE_BUTTON, f"add a button: {' or '.join(rule.one_of)}"
        case CodeExpiryTemplate():
            if template.code_expiry is not None and not rule.least <= template.code_expiry <= rule.most:
                return Code.TEMPLATE_EXPIRY, f"let the code live {rule.least} to {rule.most} minutes"
        case LifetimeTemplate():
            most = min(rule.most, (template.code_expiry or rule.most) * 60)
            if template.lifetime is not None and not rule.least <= template.lifetime <= most:
                return Code.TEMPLATE_LIFETIME, f"let the platform try for {rule.least} to {most} seconds"
        case FreeFormTemplate():
            return None  # about texts without a template
        case _:
            assert_never(rule)
    return None


def _parameter(rule: ParameterTemplate, template: Template) -> tuple[Code, str] | None:
    if variables(template.text) != 1 or len(template.values) != 1:
        return (
            Code.TEMPLATE_VARIABLES,
            "a code's template has one variable; register others as utility",
        )
    (value,) = template.values
    if not 1 <= len(value) <= rule.limit or re.search(r"\s", value):
        return Code.TEMPLATE_PARAMETER, f"the code has 1 to {rule.limit} characters and no space"
    if has_link(value) or _emoji(value) is not None:
        return Code.TEMPLATE_PARAMETER, "the code is neither a link nor an emoji"
    return None


def _emoji(text: str) -> int | None:
    """Where the first symbol that is no letter, digit or punctuation stands."""
    return next((at for at, char in enumerate(text) if unicodedata.category(char) == "So"), None)
