"""Texts of which people have said what is in them, and what the rules about texts make of that."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.rules.asked import Asked

APPROVED = frozenset({"shopx.id"})
LANGUAGES = (
    "en", "id", "ms", "pt-BR", "pt-PT", "es", "fr", "de", "it", "nl", "pl", "sv", "da", "fi", "cs", "sk",
    "hu", "ro", "bg", "hr", "sl", "el", "et", "lv", "lt", "hi", "th", "fil", "zh", "ta",
)  # fmt: skip
"""Those in which people are known to be told how to leave."""


@dataclass(frozen=True)
class Text:
    """`leaves`: the languages in which it says how to leave; `roads`: those where that is no reply."""

    text: str
    leaves: frozenset[str] = frozenset()
    roads: frozenset[str] = frozenset()
    links: tuple[str, ...] = ()
    phone: bool = False
    email: bool = False


def _told(text: str, leaves: str = "", roads: str = "", links: str = "", **rest: bool) -> Text:
    return Text(text, frozenset(leaves.split()), frozenset(roads.split()), tuple(links.split()), **rest)


TEXTS = (
    _told("ShopX: diskon 20% s.d. 30 Nov. Balas STOP untuk berhenti", "id ms"),
    _told("ShopX: 20% off until Nov 30. Msg&data rates may apply. Msg frequency varies. "
          "Reply HELP for help, STOP to opt out. Call +1 800 555 0199", "en", phone=True),
    _told("ShopX: 20% off until Nov 30. Reply STOP to opt out. help@shopx.example", "en", email=True),
    _told("Big sale at our shop: bit.ly/x", links="bit.ly"),
    _told("LojaX: 20% OFF. Responda SAIR", "pt-BR pt-PT"),
    _told("ShopX: 20% OFF. Responda SAIR", "pt-BR pt-PT"),
    _told("ShopX: promoção só hoje. Responda SAIR", "pt-BR pt-PT"),
    _told("Votre commande 123 est en route"),
    _told("ShopX: -20% jusqu'au 30/11. Repondez STOP", "fr"),
    _told("ShopX: Rabatt! Antworten Sie STOP", "de"),
    _told("RM0.00 ShopX: Promosi. Balas STOP", "id ms"),
    _told("RM0.00 ShopX: kod 123456"),
    _told("ShopX: kode masuk Anda 123456"),
    _told("ShopX: your code is 123456. Do not share it"),
    _told("ShopX: Untuk berhenti kunjungi https://shopx.id/s", "id ms", "id ms", "shopx.id"),
    _told("ShopX: ลดราคา ตอบ STOP", "th"),
    _told("Oferta ShopX! Responde BAJA. Hasta manana", "es"),
    _told("Promo ShopX: new shoes this week. Text STOP to 12345", "en", "en"),
    _told("ShopX: call +62 21 3000 1234", phone=True),
    _told("ShopX: see https://evil.example/x and m.shopx.id/y", links="evil.example m.shopx.id"),
    _told("ShopX: " + "long " * 32),
    _told("ShopX: " + "long " * 70),
    _told("ShopX: " + "long " * 230),
    _told("ShopX: " + "длинно " * 12),
)  # fmt: skip


def fault(rule: dict[str, Any], told: Text, asked: Asked, known: Iterable[str]) -> str | None:
    """The code of what a content rule refuses; `known`: the languages in which leaving is spoken of."""
    text = told.text
    match rule["check"]:
        case "opt_out":
            wanted = rule.get("languages", LANGUAGES)
            if told.leaves & set(wanted):
                return None
            return "content_language" if told.leaves else "content_opt_out_missing"
        case "one_way":
            return None if asked.two_way or told.roads & set(known) else "sender_one_way"
        case "brand":
            return None if not asked.brand or holds(text, asked.brand) else "content_brand_missing"
        case "length":
            return "content_too_long" if len(text) > rule["limit"] else None
        case "segments":
            return "content_too_long" if _segments(text) > rule["limit"] else None
        case "no_promotion":
            return "content_promotional" if _any(text, rule["words"]) else None
        case "language":
            spoken = asked.language and asked.language.lower().split("-")[0]
            return "content_language" if spoken and spoken != rule["language"].split("-")[0] else None
        case "ascii":
            return None if all(ord(char) < 128 for char in text) else "content_charset"
        case "approved_links":
            return "content_url" if any(not _under(link, APPROVED) for link in told.links) else None
        case "no_shorteners":
            return "content_url" if any(_under(link, {"bit.ly"}) for link in told.links) else None
        case "no_phone_numbers":
            return "content_url" if told.phone else None
        case "prefix":
            return None if text[: len(rule["prefix"])] == rule["prefix"] else "content_prefix"
        case "marker":
            return _marker(rule, text, asked.brand)
        case "subject":
            return _subject(rule, text, asked)
        case "contact":
            by = {"phone": told.phone, "email": told.email, "link": bool(told.links)}
            return None if any(by[way] for way in rule["by"]) else "content_contact_missing"
        case "variables":
            return "template_variables" if (asked.variables or 0) > rule["limit"] else None
        case "template":
            return "template_required" if asked.variables is None else None
        case unknown:
            raise LookupError(f"nothing is known of the check {unknown}")


def _marker(rule: dict[str, Any], text: str, brand: str) -> str | None:
    if not brand:
        return None
    begins = next((at for at, char in enumerate(text) if char.isalnum()), 0)
    marks = (brand, *(word for words in rule["words"].values() for word in words))
    return (
        None if any(_stands_at(_plain(text), _plain(m), begins) for m in marks) else "content_marker_missing"
    )


def _subject(rule: dict[str, Any], text: str, asked: Asked) -> str | None:
    met = any((purpose, channel) == (asked.purpose, asked.channel) for _, purpose, channel in asked.sends)
    if (rule.get("first") and met) or _any(text, rule["words"]):
        return None
    return {"offer": "content_offer_missing", "validity": "content_validity_missing"}.get(
        rule["subject"], "content_first_message"
    )


def _under(host: str, domains: Iterable[str]) -> bool:
    return any(host == domain or host.endswith("." + domain) for domain in domains)


def _any(text: str, words: dict[str, list[str]]) -> bool:
    return any(holds(text, word) for listed in words.values() for word in listed)


@cache
def holds(text: str, phrase: str) -> bool:
    """Whether a phrase stands in a text as whole words, looked for at every place."""
    plain, wanted = _plain(text), _plain(phrase)
    return any(_stands_at(plain, wanted, at) for at in range(len(plain)))


def _plain(text: str) -> str:
    """Without case and accents, a character for a character."""
    return "".join(unicodedata.normalize("NFD", char)[0].lower() for char in text)


def _stands_at(text: str, phrase: str, at: int) -> bool:
    if _is_letter(phrase[0]) and at and (text[at - 1].isalnum() or text[at - 1] == "_"):
        return False
    ends = {at}
    for number, part in enumerate(phrase.split()):
        starts = set()
        for end in ends:
            starts.add(end)
            while number and end < len(text) and not text[end].isalnum() and text[end] != "_":
                end += 1
                starts.add(end)
        ends = {start + len(part) for start in starts if text[start : start + len(part)] == part}
    if not _is_letter(phrase[-1]):
        return bool(ends)
    return any(end == len(text) or not (text[end].isalnum() or text[end] == "_") for end in ends)


def _is_letter(char: str) -> bool:
    """Of a script that sets its words apart."""
    return char.isalnum() and not "\u0e00" <= char <= "\u0e7f"


def _segments(text: str) -> int:
    """How many parts a text without the rarer characters of GSM-7 travels in."""
    gsm = all(ord(char) < 128 and char not in "`" for char in text)
    size = sum(2 if gsm and char in "^{}\\[~]|" else 1 for char in text)
    alone, each = (160, 153) if gsm else (70, 67)
    return 1 if size <= alone else -(-size // each)
