"""How do people say, in their language, that messages are to end? The tables of words as values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from pydantic import Field

from izin.domain.pack.base import Model, Words


class Sentences(Model):
    """The words of one language that a sentence about messages is made of, as people write them.

    A word that ends in `*` stands for all that begin so; `_` in an idiom for a word or two of any kind.
    `polite` and `fillers` change nothing.
    """

    ends: Words = Field(description="end something: “stop”")
    leaves: Words = Field(description="end messages, whatever stands beside them: “unsubscribe”")
    phrases: Words = Field(description="mean an opt-out wherever they stand: “no more texts”")
    things: Words = Field(description="are what ends: “messages”")
    marketing: Words = Field(description="are promotions, and narrow an opt-out to them: “ads”")
    sends: Words = Field(description="are what the sender does: “text”")
    calls: Words = Field((), description="are done by voice, by a courier too: “call”")
    refuses: Words = Field(description="refuse a thing: “don't want”")
    forbids: Words = Field(description="forbid a deed: “don't”")
    negations: Words = Field(description="turn the word that follows: “can't stop”")
    others: Words = Field(description="are other things that end: “order”")
    asides: Words = Field(description="make a clause about something else: “bus stop”")
    ambiguous: Words = Field(description="may mean an opt-out, so a person decides: “not interested”")
    hedges: Words = Field(
        (), description="make a request a thought, so a person decides: “maybe”, “should I”"
    )
    reversals: Words = Field((), description="turn the word before them: “je me désabonne pas”")
    wearies: Words = Field((), description="say that our messages annoy: “tired of”")
    returns: Words = Field((), description="ask for our messages again: “sign me up again”")
    agrees: Words = Field((), description="say yes, alone or beside a yes: “sounds good”")
    who: Words = Field((), description="ask who writes, or for help in other words: “who is this”")
    cancels: Words = Field((), description="of those that end, what people say of orders too: “cancel”")
    keeps: Words = Field((), description="say what may go on, so promotions end: “just the receipts”")
    denies: Words = Field((), description="deny to be whose name follows: “this is not”")
    denied: Words = Field((), description="deny to be whose name went before: “nahi hu”")
    threats: Words = Field((), description="threaten the sender: “report you”")
    conditions: Words = Field((), description="say when a threat comes true: “if”, “one more”")
    polite: Words = Field(description="change nothing, in whatever is said: “please”")
    fillers: Words = Field(description="change nothing beside a word that ends: “I want to”")
    ordinary: Words = Field(
        (), description="are words of their own, not slips of one that counts: “shop” is not “stop”"
    )


class Names(Model):
    """Names of persons as people type them, by language, and the titles that stand before one."""

    titles: Words
    by_language: Mapping[str, Words] = Field(alias="names")

    @property
    def names(self) -> tuple[str, ...]:
        """Those of every language: people of all live everywhere."""
        return tuple(name for listed in self.by_language.values() for name in listed)


@cache
def names() -> Names:
    """The names that are known."""
    return Names.model_validate(_read("names.toml"))


@cache
def sentences() -> Mapping[str, Sentences]:
    """Every language by its BCP 47 primary subtag."""
    return {language: Sentences.model_validate(words) for language, words in _read("sentences.toml").items()}


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("izin") / "packs" / name).read_text("utf-8"))
