"""What time is it, and when did a carrier say that something happened?"""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def carrier_time(text: str) -> datetime:
    """The instant that SNS or a carrier wrote as ISO 8601. Raises ValueError where it has no offset."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("a time without an offset")
    return instant.astimezone(UTC)
