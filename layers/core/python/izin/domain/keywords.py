"""What does a person's reply mean? The words of the packs, read the way people type them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from izin.domain.pack import GLOBAL, load, pack_for


class Intent(StrEnum):
    """What a reply asks for.

    `confirm` is a bare yes: it answers an open opt-in request. `unclear` may be an opt-out, so
    marketing rests until a person has read it; `none` is about something else.
    """

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    CONFIRM = "confirm"
    UNCLEAR = "unclear"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it was understood.

    `scope` is what an opt-out covers. `matched` is the folded word that decided, `language` the one
    that the word belongs to; None for words understood everywhere.
    """

    intent: Intent
    scope: Literal["all", "marketing"] = "all"
    matched: str | None = None
    language: str | None = None


def read(text: str, country: str | None) -> Reply:
    """What `text`, received from a number of `country` (ISO 3166), means.

    The words of every country and those of the country's languages are tried: the whole message
    first, then phrases in it. An opt-out word in a longer message, or after a negation, is unclear.
    Where the country is unknown or has no pack, every language that is known is tried.
    Sources: 47 CFR 64.1200(a)(10) (L-US-04), CTIA (L-US-11), S-AP-11, S-AP-12.
    """
    said = fold(text)
    if not said:
        return Reply(Intent.NONE)
    words = _words(country)
    bare = _without(said, words.polite)
    spelled = _spelled_out(said)
    for candidate in (said, bare, spelled):
        if candidate in words.opt_out:
            return Reply(Intent.OPT_OUT, "all", candidate, words.opt_out[candidate])
    if bare in words.narrow:
        return Reply(Intent.OPT_OUT, "marketing", bare, words.narrow[bare])
    # A yes, unlike a no, is taken only when it is said exactly.
    for intent, known in (
        (Intent.CONFIRM, words.confirm),
        (Intent.OPT_IN, words.opt_in),
        (Intent.HELP, words.help),
        (Intent.UNCLEAR, words.ambiguous),
    ):
        if said in known:
            return Reply(intent, "all", said, known[said])
    for phrase, language in words.phrases.items():
        if _holds(said, phrase):
            negated = any(_holds(said, f"{negation} {phrase}") for negation in words.negations)
            return Reply(Intent.UNCLEAR if negated else Intent.OPT_OUT, "all", phrase, language)
    for word, language in words.opt_out.items():
        tiny = len(word) <= 2 and word.isascii()  # "td" and "n" mean nothing inside a sentence
        if not tiny and _holds(said, word):
            return Reply(Intent.UNCLEAR, "all", word, language)
    return Reply(Intent.NONE)


def fold(text: str) -> str:
    """`text` as it is compared: letters and digits, without case and diacritics, single-spaced.

    Marks are stripped from Latin, Greek and Cyrillic letters only; in Thai, Hindi or Tamil they are
    part of the word. Apostrophes join ("don't" is `dont`), other punctuation and emoji separate.
    """
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(filter(None, (_kept(char) for char in folded)))
    return " ".join(unicodedata.normalize("NFC", kept).split())


_APOSTROPHES = "'’‘ʼ`´"


def _kept(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cf" or char in _APOSTROPHES or "\u0300" <= char <= "\u036f":
        return ""
    if "\ufe00" <= char <= "\ufe0f" or category == "Me":  # variation selectors, keycaps: part of an emoji
        return ""
    return char if category[0] in "LMN" else " "


@dataclass(frozen=True, slots=True)
class _Words:
    """Folded words of one country, each with the language it belongs to."""

    opt_out: dict[str, str | None]
    narrow: dict[str, str | None]
    phrases: dict[str, str | None]
    confirm: dict[str, str | None]
    opt_in: dict[str, str | None]
    help: dict[str, str | None]
    ambiguous: dict[str, str | None]
    negations: frozenset[str]
    polite: tuple[str, ...]


@lru_cache(maxsize=512)
def _words(country: str | None) -> _Words:
    known = load(GLOBAL)
    pack = pack_for(country) or known
    rows = {**known.keywords, **pack.keywords}
    # The country's languages come first, so that a word of both is answered in the person's language.
    sets = [(tag, rows[tag]) for tag in pack.languages if tag in rows] + [(None, rows[GLOBAL])]
    opt_out = _by_language((tag, row.opt_out) for tag, row in sets)
    phrases = _by_language((tag, row.phrases) for tag, row in sets)
    marketing = _all(row.marketing for _, row in sets)
    polite = _all(row.polite for _, row in sets)
    return _Words(
        opt_out=opt_out,
        narrow={f"{word} {what}": tag for word, tag in (phrases | opt_out).items() for what in marketing},
        phrases=phrases,
        confirm=_by_language((tag, row.confirm) for tag, row in sets),
        opt_in=_by_language((tag, row.opt_in) for tag, row in sets),
        help=_by_language((tag, row.help) for tag, row in sets),
        ambiguous=_by_language((tag, row.ambiguous) for tag, row in sets),
        negations=frozenset(_all(row.negations for _, row in sets)),
        polite=tuple(sorted(polite, key=len, reverse=True)),
    )


def _by_language(rows: Iterable[tuple[str | None, Iterable[str]]]) -> dict[str, str | None]:
    words: dict[str, str | None] = {}
    for tag, listed in rows:
        for word in listed:
            words.setdefault(fold(word), tag)
    return words


def _all(rows: Iterable[Iterable[str]]) -> list[str]:
    return [fold(word) for listed in rows for word in listed]


def _without(said: str, polite: Iterable[str]) -> str:
    """`said` without words that only make it polite."""
    for word in polite:
        said = f" {said} ".replace(f" {word} ", " ").strip()
    return said


def _spelled_out(said: str) -> str:
    """`s t o p` as `stop`; anything else as it is."""
    letters = said.split()
    return "".join(letters) if all(len(letter) == 1 for letter in letters) else said


def _holds(said: str, word: str) -> bool:
    """Whether `word` stands in `said` as a word; scripts without spaces are searched as they are."""
    if any("\u0e00" <= char <= "\u0e7f" or "\u4e00" <= char <= "\u9fff" for char in word):
        return word in said
    return f" {word} " in f" {said} "
