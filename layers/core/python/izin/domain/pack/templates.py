"""The kinds of rules about registered templates: what a platform approves, and in which shape."""

from __future__ import annotations

from re import Pattern
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from izin.domain.pack.base import Count, Duration, ScopedRule, Words, span


class ApprovedTemplate(ScopedRule):
    """The platform has approved the template."""

    check: Literal["approved"]

    def says(self) -> str:
        return "the template is approved"


class CategoryTemplate(ScopedRule):
    """The template stands in `category`."""

    check: Literal["category"]
    category: Literal["authentication", "utility", "marketing"]

    def says(self) -> str:
        return f"the template's category is {self.category}"


class NameTemplate(ScopedRule):
    """The template's name has a form: `pattern` stands in it."""

    check: Literal["name"]
    pattern: Pattern[str]

    def says(self) -> str:
        return f"the template's name matches {self.pattern.pattern}"


class BareTemplate(ScopedRule):
    """A body in one piece: no header, no footer of one's own, no link and no emoji."""

    check: Literal["bare"]

    def says(self) -> str:
        return "the template has no header, no footer of its own, no link and no emoji"


class ParameterTemplate(ScopedRule):
    """Exactly one variable, whose value is a code of at most `limit` characters: no space, link or emoji."""

    check: Literal["parameter"]
    limit: Count

    def says(self) -> str:
        return f"one variable, whose value is a code of at most {self.limit} characters"


class PlacedTemplate(ScopedRule):
    """Variables count up from 1, and none is the first or last thing in the body."""

    check: Literal["placed"]

    def says(self) -> str:
        return "variables count up from 1, and none begins or ends the text"


class ButtonTemplate(ScopedRule):
    """The template has one of these buttons."""

    check: Literal["button"]
    one_of: Annotated[Words, Field(min_length=1)]

    def says(self) -> str:
        return f"the template has a button: {' or '.join(self.one_of)}"


class CodeExpiryTemplate(ScopedRule):
    """The life of the code that the template names, if it does, lies within these minutes."""

    check: Literal["code_expiry"]
    least: Count
    most: Count

    def says(self) -> str:
        return f"a code that it says to expire does so within {self.least} to {self.most} minutes"


class LifetimeTemplate(ScopedRule):
    """How long the platform tries, if the template says so, in seconds; never longer than the code lives."""

    check: Literal["lifetime"]
    least: Count
    most: Count

    def says(self) -> str:
        return f"the platform tries for {self.least} to {self.most} seconds, no longer than a code lives"


class FreeFormTemplate(ScopedRule):
    """Text without a template goes only `within` this time of the person's own last message."""

    check: Literal["free_form"]
    within: Duration

    def says(self) -> str:
        return f"text without a template goes within {span(self.within)} of the person's own last message"


TemplateRule: TypeAlias = (
    ApprovedTemplate
    | CategoryTemplate
    | NameTemplate
    | BareTemplate
    | ParameterTemplate
    | PlacedTemplate
    | ButtonTemplate
    | CodeExpiryTemplate
    | LifetimeTemplate
    | FreeFormTemplate
)
