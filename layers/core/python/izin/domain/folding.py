"""When are two texts the same to a reader? Folding: how what people type is compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby

_APOSTROPHES = "'’‘ʼ`´"
_PAUSES = re.compile(r"[.,;:!?…\n\r\t|()\[\]{}\"“”«»„—–。，、；：！？।]+|\s-+\s")
_NUMBER_SIGN = re.compile(r"(?<=[a-z] )#(?!\w)", re.IGNORECASE)  # "wrong #"
_ELISION = re.compile(r"\b(l|d|m|n|j|s|t|c|qu|un|dell|all|nell|sull|dall|quell)['’](?=\w)")
_SPELLED = re.compile(r"(?<!\w)(?:[a-z][ .*_-]{1,3}){3,9}[a-z](?!\w)", re.IGNORECASE)  # "S-T-O-P"
_QUOTED = re.compile(r"^\s*[>|»]")
_STRETCHED = re.compile(r"(.)\1{3,}")
_STRESSED = 3  # words
_LOOKALIKES = str.maketrans("асеорхуѕіјкмтвнαορτνκι0134578", "aceopxysijkmtbhaoptvkioieastb")


def fold(text: str) -> str:
    """`text` as it is compared: letters and digits, without case and diacritics, single-spaced.

    Marks are stripped from Latin, Greek and Cyrillic letters only; in Thai, Hindi or Tamil they are
    part of the word. Apostrophes join ("don't" is `dont`) but for those of an elision ("l'ordre"); other
    punctuation and emoji separate.
    """
    if text.isascii() and text.replace(" ", "").isalnum():
        return " ".join(text.casefold().split())  # most words are plain
    numbered = _NUMBER_SIGN.sub(" number ", unicodedata.normalize("NFKC", text))
    plainer = _ELISION.sub(r"\1 ", numbered.casefold())
    folded = unicodedata.normalize("NFD", plainer)
    kept = "".join(filter(None, (_kept(char) for char in folded)))
    return " ".join(unicodedata.normalize("NFC", kept).split())


def _kept(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cf" or char in _APOSTROPHES or "\u0300" <= char <= "\u036f":
        return ""
    if "\ufe00" <= char <= "\ufe0f" or category == "Me":  # variation selectors, keycaps: part of an emoji
        return ""
    return char if category[0] in "LMN" else " "


def clauses(text: str) -> list[str]:
    """The folded parts of `text` between its pauses. Lines that quote another message are left out,
    unless there are no others."""
    lines = _SPELLED.sub(_joined, unicodedata.normalize("NFKC", text)).splitlines()
    own = [line for line in lines if not _QUOTED.match(line)]
    parts = _PAUSES.split("\n".join(own if any(map(fold, own)) else lines))
    return list(_unstressed([part for part in map(fold, parts) if part]))


def _unstressed(parts: Sequence[str]) -> Iterator[str]:
    """The parts, with “Get. Me. Off.” as one: a pause after each of several words is stress, no pause."""
    for alone, run in groupby(parts, lambda part: " " not in part and not unspaced(part[0])):
        words = list(run)
        yield from [" ".join(words)] if alone and len(words) >= _STRESSED else words


def _joined(letters: re.Match[str]) -> str:
    return "".join(filter(str.isalpha, letters.group()))


def calmed(text: str) -> str:
    """`text` with a letter that is repeated for stress once: no words have four alike."""
    return _STRETCHED.sub(r"\1", text)


def squeezed(text: str) -> str:
    """`text` without repeated letters: `stooopp` is `stop`."""
    return "".join(letter for letter, _ in groupby(text))


def spelled_out(said: str) -> str:
    """`s t o p` as `stop`; anything else as it is."""
    letters = said.split()
    return "".join(letters) if all(len(letter) == 1 for letter in letters) else said


def plain(said: str) -> str:
    """`said` with digits and foreign letters read as the Latin letters they look like: `st0p` is `stop`."""
    return said if said.isdigit() else said.translate(_LOOKALIKES)


def unspaced(char: str) -> bool:
    """Whether `char` belongs to a script that writes words without spaces: Thai, Chinese."""
    return "\u0e00" <= char <= "\u0e7f" or "\u3400" <= char <= "\u9fff"


def script(char: str) -> int:
    """A number for the script of `char`: its block of 128 in Unicode."""
    return ord(char) >> 7


def edits(typed: str, letters: str) -> Iterator[str]:
    """All that `typed` may be a slip of: one letter added, swapped, left out or changed.

    `letters` are those of its script.
    """
    parts = [(typed[:at], typed[at:]) for at in range(len(typed) + 1)]
    yield from (before + after[1:] for before, after in parts if after)
    yield from (before + after[1] + after[0] + after[2:] for before, after in parts if len(after) > 1)
    yield from (before + letter + after for before, after in parts for letter in letters)
    yield from (before + letter + after[1:] for before, after in parts if after for letter in letters)


def is_slip(typed: str, word: str, most: int) -> bool:
    """Whether `typed` becomes `word` by at most `most` letters left out, added, changed or swapped."""
    if abs(len(typed) - len(word)) > most:
        return False
    before: list[int] = []
    row = list(range(len(word) + 1))
    for i, letter in enumerate(typed, 1):
        after = [i]
        for j, other in enumerate(word, 1):
            cost = min(row[j] + 1, after[j - 1] + 1, row[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == word[j - 2] and typed[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            after.append(cost)
        before, row = row, after
    return row[-1] <= most
