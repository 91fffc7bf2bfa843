"""One question to the gate in plain words, and what an engine answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.rules.texts import Text

Rule = dict[str, Any]
Reason = tuple[str, str, str, datetime | None]  # code, rule, effect, until


@dataclass
class Yes:
    given_at: datetime
    by_person_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass
class No:
    given_at: datetime
    scope: str
    do_not_contact: bool
    channel: str | None = None
    purposes: tuple[str, ...] = ()


@dataclass
class Asked:
    """One question to the gate, in plain words."""

    now: datetime
    channel: str
    purpose: str
    country: str
    zones: tuple[str, ...]
    subdivisions: tuple[str, ...]
    textable: bool
    text: Text | None
    language: str | None
    variables: int | None
    based: bool
    essential: bool
    expires_at: datetime | None
    granted: Yes | None = None
    pending: Yes | None = None
    opted_in: Yes | None = None
    noes: list[No] = field(default_factory=list)
    unclear: datetime | None = None
    sends: list[tuple[datetime, str, str]] = field(default_factory=list)  # at, purpose, channel
    brand: str = "ShopX"
    relax: frozenset[str] = frozenset()
    tighten: str = ""  # TOML
    registered: frozenset[str] = frozenset()
    registrations: frozenset[str] = frozenset()
    address: str = "+10000000000"
    two_way: bool = True
    suspended: bool = False
    heard_at: datetime | None = None
    rests_until: datetime | None = None


@dataclass
class Answer:
    verdict: str
    until: datetime | None
    reasons: set[Reason]
    relaxed: set[Reason]
    valid_until: datetime | None
