"""How does the certificate say it, in English and in the person's language?"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Every text by language and name."""
    return tomllib.loads((resources.files("izin.certificate") / "texts.toml").read_text("utf-8"))


def second(language: str | None) -> str | None:
    """The language in which a certificate speaks beside English; None where that is English or unknown."""
    base = (language or "").partition("-")[0]
    return base if base in texts() and base != "en" else None


def both(name: str, language: str | None) -> dict[str, str]:
    """One text in English and, where there is one, in the second language."""
    told = {"en": texts()["en"].get(name, name.replace("_", " "))}
    if language and name in texts()[language]:
        told[language] = texts()[language][name]
    return told
