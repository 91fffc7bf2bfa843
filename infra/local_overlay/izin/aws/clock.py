"""What time is it for the product, on a laptop?

This file takes the place of `izin/aws/clock.py` in the layer that the local stack gets, and only there. The
product's clock is the wall clock plus a shift. Every move of the clock appends one line to the file that
`IZIN_CLOCK_FILE` names: the wall time of the move and the shift from then on, both in seconds.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path


def now() -> datetime:
    """The product's present time."""
    return shifted(datetime.now(UTC), _file())


def carrier_time(text: str) -> datetime:
    """The instant that SNS or a carrier wrote as ISO 8601, by the product's clock of that moment.

    Raises ValueError where it has no offset.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("a time without an offset")
    return shifted(instant.astimezone(UTC), _file())


def shifted(wall: datetime, file: Path) -> datetime:
    """The product's time at a wall time: the last move before it counts."""
    moves = [line.split() for line in file.read_text().splitlines()]
    shift = [float(shift) for moved_at, shift in moves if float(moved_at) <= wall.timestamp()]
    return wall + timedelta(seconds=shift[-1] if shift else float(moves[0][1]))


def _file() -> Path:
    return Path(os.environ["IZIN_CLOCK_FILE"])
