"""In which words does the page speak? `texts/<language>.toml`, each with its direction, sources and note."""

from __future__ import annotations

import re
import string
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Literal

from izin.domain.pack import same_language

DEFAULT = "en"
PLACEHOLDERS = frozenset({"brand", "channel", "sender", "word", "contact"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The words of one language (BCP 47); those with placeholders hold `{brand}` and the like."""

    language: str
    direction: Literal["ltr", "rtl"]
    sources: tuple[str, ...]
    note: str
    ask: str
    ask_more: str
    stop: str
    stop_means: str
    done: str
    done_more: str
    why: str
    too_many: str
    not_relevant: str
    never_asked: str
    other: str
    own_words: str
    send: str
    thanks: str
    back: str
    agree: str
    resubscribe: str
    back_done: str
    confirm: str
    confirm_send: str
    choose: str
    choose_more: str
    only_there: str
    marketing: str
    announcement: str
    transactional: str
    sms: str
    whatsapp: str
    email: str
    push: str
    social: str
    ads: str
    save: str
    saved: str
    contact: str
    unknown: str
    unknown_more: str
    trouble: str
    trouble_more: str
    limited: str

    def __post_init__(self) -> None:
        for field in fields(self):
            text = getattr(self, field.name)
            if field.name in ("sources", "note"):
                continue
            names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
            if not text.strip() or not names <= PLACEHOLDERS:
                raise ValueError(f"{self.language}: {field.name} is empty or has a strange placeholder")


@cache
def languages() -> tuple[str, ...]:
    """The languages that the page speaks."""
    files = (path.name for path in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


@cache
def texts(language: str) -> Texts:
    """The words of one of `languages()`."""
    said = tomllib.loads(_folder().joinpath(f"{language}.toml").read_text(encoding="utf-8"))
    return Texts(language=language, sources=tuple(said.pop("sources")), **said)


def choose(*wanted: str | None) -> Texts:
    """The words of the first language of `wanted` that the page speaks, else English."""
    for tag in wanted:
        for known in languages():
            if tag and same_language(known, tag):
                return texts(known)
    return texts(DEFAULT)


def accepted(header: str) -> tuple[str, ...]:
    """The languages of an `Accept-Language` header (RFC 9110), the preferred first."""
    ranked = []
    for part in header[:200].split(","):
        tag, _, weight = part.strip().partition(";")
        if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
            quality = re.fullmatch(r"\s*q=([01](?:\.\d{1,3})?)", weight)
            ranked.append((-float(quality[1]) if quality else -1.0, tag))
    return tuple(tag for _, tag in sorted(ranked, key=lambda entry: entry[0]))


def _folder() -> resources.abc.Traversable:
    return resources.files("izin.page") / "texts"
