"""The secret of the pseudonyms: what it holds, and how it is renewed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from izin.aws.runtime import peppers
from izin.commands.arguments import Unanswerable
from izin.commands.pepper import rotated

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_one_pepper_is_in_force_from_ever() -> None:
    assert peppers('{"current": "a"}') == {"peppers": (b"a",), "pepper_since": None}


def test_a_new_pepper_comes_into_force_a_day_later_and_the_old_one_stays() -> None:
    secret = rotated({"current": "a"}, "b", NOW)
    read = peppers(json.dumps(secret))
    assert read == {"peppers": (b"b", b"a"), "pepper_since": NOW + timedelta(days=1)}


def test_a_third_pepper_is_refused() -> None:
    with pytest.raises(Unanswerable, match="two peppers are live already"):
        rotated({"current": "b", "previous": "a"}, "c", NOW)
