"""What do commands take and answer alike? Instants, numbers, and the error that ends a command."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TypeAlias

from izin.domain import phone
from izin.domain.phone import InvalidNumber, Phone
from izin.domain.times import from_text

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `add` of a command adds itself to."""


class Unanswerable(Exception):
    """A command that cannot be carried out; its text says why and what to do. Exit status 2."""


def instant(text: str) -> datetime:
    """An RFC 3339 time of our century. Raises argparse.ArgumentTypeError."""
    try:
        at = from_text(text)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not 2000 <= at.year < 2100:
        raise argparse.ArgumentTypeError("give a time between the years 2000 and 2099")
    return at


def person(number: str) -> Phone:
    """The number in E.164. Raises Unanswerable."""
    try:
        return phone.parse(number)
    except InvalidNumber as error:
        raise Unanswerable(f"{error.code}: {error.remedy}") from None
