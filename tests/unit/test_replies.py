"""In which language is a person answered? Theirs, as well as it is known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from izin.domain import replies
from izin.domain.consent import Spoken, Standing
from izin.domain.keywords import read
from izin.domain.pack import GLOBAL, load

AGREED = Standing(spoken=Spoken("fr-CA", datetime(2026, 11, 22, tzinfo=UTC), "yes"))


@pytest.mark.parametrize(
    ("said", "standing", "country", "ours", "language"),
    [
        ("STOP", AGREED, "CA", "en", "fr-CA"),  # what they agreed in, whatever the sender writes in
        ("UNSUBSCRIBE", AGREED, "CA", "en", "fr-CA"),
        ("ARRET", Standing(), "CA", "en", "fr"),  # the word's
        ("ALTO", Standing(), "US", "en-US", "es"),
        ("AYUDA", Standing(), "US", "en-US", "es"),
        ("退订", Standing(), "US", "en-US", "zh"),
        ("UNSUBSCRIBE", Standing(), "BR", "id", "pt-BR"),  # understood everywhere: the country's
        ("UNSUBSCRIBE", Standing(), "MY", "zh", "zh"),  # of several, the one that the sender writes in
        ("UNSUBSCRIBE", Standing(), "CA", "fr-CA", "fr-CA"),
        ("UNSUBSCRIBE", Standing(), "CA", None, "en"),
        ("UNSUBSCRIBE", Standing(), None, "th", "th"),  # nothing is known but the sender
    ],
)
def test_language(
    said: str, standing: Standing, country: str | None, ours: str | None, language: str
) -> None:
    pack = load(country or GLOBAL)
    assert replies.language(read(said, country), standing, pack, ours) == language
