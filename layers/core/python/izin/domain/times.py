"""How an instant is written: RFC 3339 in UTC, to the millisecond, so that texts sort as instants do."""

from __future__ import annotations

from datetime import UTC, datetime


def to_text(instant: datetime) -> str:
    """`instant` as `2026-11-22T12:00:00.000Z`, cut to the millisecond."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown(instant: datetime) -> str:
    """`instant` as people and answers show it: without a fraction that is zero."""
    return to_text(instant).replace(".000Z", "Z")


def from_text(text: str) -> datetime:
    """The instant that `text` names. Raises ValueError where it has no offset."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("a time needs an offset, such as Z or +07:00")
    return instant.astimezone(UTC)


def to_millisecond(instant: datetime) -> datetime:
    """`instant` cut to the millisecond, as it will be read back."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
