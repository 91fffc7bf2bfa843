"""What is answered to a person, in their language."""

from __future__ import annotations

from collections.abc import Iterable

from izin.domain.message import Kind
from izin.domain.pack.contents import PrefixContent
from izin.domain.pack.loader import PackError, load
from izin.domain.pack.model import GLOBAL, Pack


def texts(pack: Pack, language: str | None, kind: Kind) -> str:
    """The template that answers as `kind` in `language`, else in the pack's own language, else in English.

    `pt` finds `pt-BR` and the other way round. Placeholders are `{brand}`, `{contact}`, `{sender}`.
    Raises `ValueError` for a submission, whose text is the app's.
    """
    if kind is Kind.SUBMISSION:
        raise ValueError("the text of a submission is the app's own")
    known = {**pack.texts, **load(GLOBAL).texts, **pack.texts}
    for wanted in (language, pack.languages[0], "en-US"):
        for name in _closest(wanted, pack.id, known):
            text: str | None = getattr(known[name], kind.value)
            if text:
                return _with_prefix(pack, text)
    raise PackError(f"{pack.id}: no text for {kind}")


def _with_prefix(pack: Pack, text: str) -> str:
    """`text` as every text begins there, whichever language's it is."""
    prefixes = (rule.prefix for rule in pack.contents if isinstance(rule, PrefixContent))
    return "".join(prefix for prefix in prefixes if not text.startswith(prefix)) + text


def _closest(wanted: str | None, country: str, known: Iterable[str]) -> list[str]:
    """The languages that serve for `wanted`: itself, then those of its primary subtag as they come.

    One that is wanted without a region is the country's: `fr` in Canada finds `fr-CA` before `fr`.
    """
    if wanted is None:
        return []
    exact = [f"{wanted}-{country}".casefold(), wanted.casefold()]
    same = [name for name in known if same_language(name, wanted)]
    return sorted(same, key=lambda name: exact.index(name.casefold()) if name.casefold() in exact else 2)


def same_language(one: str, other: str) -> bool:
    """Whether two BCP 47 tags share their primary subtag (`pt`, `pt-BR`)."""
    return one.casefold().split("-")[0] == other.casefold().split("-")[0]
