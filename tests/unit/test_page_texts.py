"""Does the page speak every language of the packs, in words that a consent may rest on?"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from izin.domain import keywords
from izin.domain.consent import Standing
from izin.domain.keywords import Intent
from izin.domain.message import Channel, Purpose
from izin.domain.pack import Pack, heads, load, same_language, sources
from izin.domain.preferences import SLOTS, Offer
from izin.domain.registry import Brand
from izin.page.texts import PLACEHOLDERS, Texts, accepted, choose, languages, texts
from izin.page.view import Person

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PACKS = [load(pack) for pack in heads() if load(pack).countries]
EVIDENCE = {
    "ip": "203.0.113.7",
    "seller": "ShopX",
    "signature": "pressed",
    "copy": "sha256:" + "0" * 64,
    "screenshot": "sha256:" + "0" * 64,
    "cpf": "529.982.247-25",
    "dca_reference": "DCA1",
}


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_every_language_of_every_pack_is_spoken(pack: Pack) -> None:
    for language in pack.languages:
        assert any(same_language(language, spoken) for spoken in languages())


@pytest.mark.parametrize("language", languages())
def test_every_text_says_where_it_comes_from(language: str) -> None:
    words = texts(language)
    assert words.note
    assert set(words.sources) <= set(sources())
    assert words.direction == ("rtl" if language == "ar" else "ltr")


def test_a_text_with_a_strange_placeholder_is_refused() -> None:
    with pytest.raises(ValueError, match="ask"):
        replace(texts("en"), ask="Stop {who}?")
    with pytest.raises(ValueError, match="stop"):
        replace(texts("en"), stop=" ")


@pytest.mark.parametrize("language", languages())
def test_no_language_lost_a_placeholder(language: str) -> None:
    def held(words: Texts) -> dict[str, set[str]]:
        return {
            field.name: {name for name in PLACEHOLDERS if f"{{{name}}}" in str(getattr(words, field.name))}
            for field in fields(words)
        }

    assert held(texts(language)) == held(texts("en"))


def person(pack: Pack, words: Texts) -> Person:
    return Person(
        texts=words,
        brand=Brand(id="shopx", name="ShopX", contact="help@shopx.example"),
        sender=None,
        pack=pack,
        country=pack.countries[0],
        channel=Channel.SMS,
        standing=Standing(),
        seq=0,
        evidence=EVIDENCE,
    )


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_the_words_are_such_that_a_consent_may_rest_on_them(pack: Pack) -> None:
    """Where the pack asks for no confirmation by reply, every yes in its languages counts at once."""
    for language in pack.languages:
        somebody = person(pack, choose(language))
        double = any(r.double_opt_in for r in somebody.rules(Channel.SMS, Purpose.MARKETING).consent)
        agreed = somebody.choice(Channel.SMS, Purpose.MARKETING, somebody.agreement(), NOW)
        assert agreed.offer is (Offer.ELSEWHERE if double else Offer.HERE), language
        choices = somebody.choices(NOW)
        for purpose, channels in SLOTS.items():
            for channel in set(channels) - {Channel.SMS, Channel.WHATSAPP}:
                assert choices[channel, purpose].offer is Offer.HERE, (language, channel, purpose)


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_the_word_that_confirms_is_understood_as_one(pack: Pack) -> None:
    for language in languages():
        word = person(pack, texts(language))._yes_word()
        assert keywords.read(word, pack.countries[0]).intent is Intent.CONFIRM


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ()),
        ("*", ()),
        ("de", ("de",)),
        ("fr;q=0.2, de-AT, en;q=0.9", ("de-AT", "en", "fr")),
        ("en;q=2, <script>, de;q=x", ("en", "de")),
        ("a" * 10_000, ()),
    ],
)
def test_what_a_browser_prefers(header: str, expected: tuple[str, ...]) -> None:
    assert accepted(header) == expected
