"""A registered text with the values of its variables: {{1}} is the first."""

from __future__ import annotations

import re
from collections.abc import Sequence

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
