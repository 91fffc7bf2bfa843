"""Which line at the end of a text tells the person how to leave?

A link to their page where the brand has a domain for it, else a word to reply with, else a link at
whatever address the page has: the first that the content rules take. What they take none of stays as
it is, and the gate says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from izin.domain import content
from izin.domain.content import Segments
from izin.domain.pack import GLOBAL, Instruction, OptOutContent, Pack, Rules, load, same_language
from izin.domain.registry import Brand, Sender

TOKEN_LENGTH = 14
"""Letters and digits that stand for a person's page: 83 bits, so that no rate limit keeps them secret."""

SAMPLE = "0" * TOKEN_LENGTH
"""Stands for a token where only what a text would be is asked."""


class Road(StrEnum):
    """How a text leads out."""

    LINK = "link"
    REPLY = "reply"
    TOLD = "told"  # by the text as it was given
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Ending:
    """A text as it goes, and what its end is."""

    text: str
    road: Road

    @property
    def segments(self) -> Segments:
        """How it travels as an SMS."""
        return content.segments(self.text)


def ended(
    text: str,
    rules: Rules,
    pack: Pack,
    brand: Brand,
    sender: Sender,
    *,
    language: str | None,
    token: str,
    page_url: str,
) -> Ending:
    """`text` with a way out at its end. `page_url` is where pages are found if the brand has no domain."""
    if content.leads_out(text, two_way=sender.two_way):
        return Ending(text, Road.TOLD)
    endings = [
        Ending(f"{text.rstrip()}\n{line}", road)
        for road, line in _lines(rules, pack, brand, sender, language, token, page_url)
    ]
    before = _faults(text, rules, brand, sender, language)
    fit = (e for e in endings if _faults(e.text, rules, brand, sender, language) <= before - _ways(rules))
    return next(fit, endings[0] if endings else Ending(text, Road.NONE))


def _lines(
    rules: Rules, pack: Pack, brand: Brand, sender: Sender, language: str | None, token: str, page_url: str
) -> Iterator[tuple[Road, str]]:
    words = _instruction(rules, pack, language)
    if brand.page_url:
        yield Road.LINK, words.visit.format(link=brand.page_url + token)
    if sender.two_way:
        yield Road.REPLY, words.reply
    if not brand.page_url and page_url:
        yield Road.LINK, words.visit.format(link=page_url + token)


def _instruction(rules: Rules, pack: Pack, language: str | None) -> Instruction:
    """The words in the text's language, as far as the rules take it; else in the first that they ask for."""
    known = load(GLOBAL).instructions
    asked = [tag for rule in rules.contents if isinstance(rule, OptOutContent) for tag in rule.languages]
    wanted = [tag for tag in (language, *pack.languages) if tag]
    for tag in wanted:
        for name in asked or known:
            if same_language(tag, name):
                return known[name]
    return known[asked[0] if asked else "en"]


def _faults(text: str, rules: Rules, brand: Brand, sender: Sender, language: str | None) -> frozenset[str]:
    """The rules that the text breaks, whatever came before it."""
    found = content.findings(
        text,
        rules,
        brand_name=brand.name,
        language=language,
        approved_domains=brand.approved_domains,
        two_way=sender.two_way,
    )
    return frozenset(reason.rule for reason in found)


def _ways(rules: Rules) -> frozenset[str]:
    """The rules that ask for a way out."""
    return frozenset(rule.rule for rule in rules.contents if rule.check in ("opt_out", "one_way"))
