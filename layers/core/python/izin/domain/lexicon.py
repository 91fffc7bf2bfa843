"""Which words of a reply count, and as what? The words of a country's languages, prepared once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum, auto
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from izin.domain import folding
from izin.domain.folding import fold
from izin.domain.pack import GLOBAL, load, names, pack_for, sentences

_ANY = None  # the language of words that are understood everywhere
_SLIPS_FROM = 4  # shorter words are too near to others
_TWO_SLIPS_FROM = 9
_LONGEST_WORD = 24
_SHORTEST_STEM = 3
_BLANK = "_"  # stands in an idiom for a word or two of any kind: “not _ number”
_BLANK_WORDS = 2
_DENIAL = 6  # words of the longest: “this is not the number of”


class Sense(StrEnum):
    """What a word does in a sentence. The first four are whole messages too."""

    OPT_OUT = auto()
    OPT_IN = auto()
    HELP = auto()
    CONFIRM = auto()
    ENDS = auto()
    LEAVES = auto()
    PHRASES = auto()
    THINGS = auto()
    MARKETING = auto()
    SENDS = auto()
    CALLS = auto()
    REFUSES = auto()
    FORBIDS = auto()
    NEGATIONS = auto()
    OTHERS = auto()
    ASIDES = auto()
    AMBIGUOUS = auto()
    POLITE = auto()
    FILLERS = auto()
    HEDGES = auto()
    REVERSALS = auto()
    WEARIES = auto()
    RETURNS = auto()
    AGREES = auto()
    WHO = auto()
    NAMES_OURS = auto()  # an idiom with a thing of ours in it, or with what we do
    CANCELS = auto()
    KEEPS = auto()
    NAMES = auto()
    TITLES = auto()
    STRANGERS = auto()  # a name that somebody denies to have: “this isn't Derek”
    THREATS = auto()
    CONDITIONS = auto()
    ASKS = auto()  # "reply": begins the line of ours that teaches how to leave


_OWN = (Sense.OPT_OUT, Sense.OPT_IN, Sense.HELP, Sense.CONFIRM, Sense.PHRASES)
_MISTYPED = (Sense.OPT_OUT, Sense.ENDS, Sense.LEAVES, Sense.THINGS, Sense.SENDS)
_MISTYPED_FROM = {Sense.POLITE: 5, Sense.FILLERS: 5, Sense.MARKETING: 5, Sense.OTHERS: 6, Sense.ASIDES: 6}

Senses = Mapping[Sense, tuple[str | None, ...]]
"""What a word means, and for each sense in which languages."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A word or an idiom of a reply, with what it means; nothing for a word that nobody knows."""

    text: str
    senses: Senses

    def language(self, sense: Sense) -> str | None:
        """The language in which it means that: the first of the country's own."""
        return self.senses[sense][0]


_NOTHING: Senses = {}


class _Token(NamedTuple):
    """A word as it was typed, and those that it may be a slip of.

    `inside` are the ones that it may be in an idiom: none, if it is a word of idioms itself.
    """

    text: str
    near: tuple[str, ...]
    inside: tuple[str, ...]


@dataclass(slots=True)
class Node:
    """What may follow the words so far; `senses` if they are one idiom already."""

    senses: dict[Sense, tuple[str | None, ...]] = field(default_factory=dict)
    after: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of some languages, folded."""

    root: Node
    stems: frozenset[str]
    unspaced: Mapping[str, int]
    """First letters of words in scripts without spaces, with the length of the longest such word."""
    words: Mapping[str, Senses]
    squeezed: Mapping[str, str]
    slips: Mapping[str, tuple[str, ...]]
    """Long words that opt out, by what is left of them without one or two letters."""
    vocabulary: frozenset[str]
    """Every word that an idiom is made of."""
    letters: Mapping[int, str]
    """The letters of those words, by their script."""
    ordinary: frozenset[str]
    denials: frozenset[str] = frozenset()
    """What stands before a name that somebody denies to have."""
    denied: frozenset[str] = frozenset()
    """What stands behind one."""

    def whole(self, said: str, senses: Iterable[Sense]) -> tuple[Sense, str] | None:
        """The sense, of `senses`, in which `said` is a word, and that word; the first that fits."""
        known = self.words.get(said, _NOTHING)
        return next(((sense, said) for sense in senses if sense in known), None)

    def slip_of(self, typed: str, near: Iterable[str] | None = None) -> str | None:
        """The word that `typed` is a slip of, if it is none of its own; `near` are those one step away."""
        if typed in self.words:
            return None
        for word in self.near(typed) if near is None else near:
            if any(sense in self.words.get(word, _NOTHING) for sense in _MISTYPED):
                return word
        if typed in self.ordinary or not _TWO_SLIPS_FROM - 1 <= len(typed) <= _LONGEST_WORD:
            return None
        candidates = (word for variant in _shortened(typed) for word in self.slips.get(variant, ()))
        return next((word for word in candidates if folding.is_slip(typed, word, 2)), None)

    def marks(self, clause: str) -> list[Mark]:
        """`clause` as the longest words and idioms that are known, from left to right."""
        tokens = [self._token(text) for text in self._tokens(clause)]
        marks, at = [], 0
        while at < len(tokens):
            length, senses = self._longest(tokens, at, self.root)
            if not length:
                length, senses = 1, self._mistyped(tokens[at])
            if length == 1 and self._stranger(tokens, at):
                senses = {**senses, Sense.STRANGERS: (_ANY,)}
            marks.append(Mark(" ".join(token.text for token in tokens[at : at + length]), senses))
            at += length
        return marks

    def _stranger(self, tokens: Sequence[_Token], at: int) -> bool:
        """Whether the name there, if it is one, is denied: “not Derek”, but not “Winda, not Wanda”."""
        titled = at > 0 and self._means(tokens[at - 1], Sense.TITLES)
        if not self._means(tokens[at], Sense.NAMES) and not (titled and tokens[at].text not in self.words):
            return False
        before = [token.text for token in tokens[: at - titled]]
        after = [token.text for token in tokens[at + 1 : at + 1 + _DENIAL]]
        for words in range(1, _DENIAL):
            if _joined(before[-words:]) in self.denials:
                other = before[-words - 1 : -words]
                return not (other and Sense.NAMES in self.words.get(other[0], _NOTHING))
            if _joined(after[:words]) in self.denied:
                return True
        return False

    def _means(self, token: _Token, sense: Sense) -> bool:
        return sense in self.words.get(token.text, _NOTHING)

    def _token(self, text: str) -> _Token:
        near = tuple(self.near(text))
        return _Token(text, near, () if text in self.vocabulary else near)

    def _mistyped(self, token: _Token) -> Senses:
        """What a token means that is no word: one with repeated letters, or a slip."""
        if token.text in self.ordinary:
            return _NOTHING
        word = self.squeezed.get(folding.squeezed(token.text)) or self.slip_of(token.text, token.near)
        if word:
            return self.words[word]
        for word in token.inside:
            senses = self.words.get(word, _NOTHING)
            if any(len(word) >= least for sense, least in _MISTYPED_FROM.items() if sense in senses):
                return senses
        return _NOTHING

    def _longest(self, tokens: Sequence[_Token], at: int, node: Node) -> tuple[int, Senses]:
        """How many tokens from `at` are an idiom, and what it means; 0 if none is."""
        if at >= len(tokens):
            return 0, _NOTHING
        token, begun = tokens[at], node is not self.root
        for key in (token.text, *self._stems_of(token.text)):
            found = node.after.get(key)
            if found is None:
                continue
            length, senses = self._longest(tokens, at + 1, found)
            if length:
                return length + 1, senses
            if found.senses:
                return 1, found.senses
        for key in token.inside:
            found = node.after.get(key)
            length, senses = (0, _NOTHING) if found is None else self._longest(tokens, at + 1, found)
            if length:
                return length + 1, senses
            if found is not None and found.senses and begun:
                return 1, found.senses
        if begun and Sense.POLITE in self.words.get(token.text, _NOTHING) and not self._turns(token):
            length, senses = self._longest(tokens, at + 1, node)  # "melde mich bitte ab"
            if length:
                return length + 1, senses
        blank = node.after.get(_BLANK)
        for words, skipped in enumerate(tokens[at : at + _BLANK_WORDS], 1):
            if blank is None or self._turns(skipped):
                break
            length, senses = self._longest(tokens, at + words, blank)
            if length:
                return words + length, senses
        return 0, _NOTHING

    def _turns(self, token: _Token) -> bool:
        """Whether a token is a negation: "take me not off your list" is not "take _ off your list"."""
        senses = self.words.get(token.text, _NOTHING)
        return Sense.NEGATIONS in senses or Sense.REVERSALS in senses

    def near(self, token: str) -> Iterator[str]:
        """The words, alone or in idioms, that a token is a slip of by one letter: "leav me alone"."""
        if token in self.words or token in self.ordinary:
            return
        if not _SLIPS_FROM - 1 <= len(token) <= _LONGEST_WORD:
            return
        for word in folding.edits(token, self.letters.get(folding.script(token[0]), "")):
            if len(word) >= _SLIPS_FROM and word in self.vocabulary:
                yield word

    def _stems_of(self, token: str) -> Iterator[str]:
        if token[:_SHORTEST_STEM] in self.stems:
            for end in range(min(len(token), _LONGEST_WORD), _SHORTEST_STEM - 1, -1):
                yield f"{token[:end]}*"

    def _tokens(self, clause: str) -> Iterator[str]:
        for chunk in clause.split():
            for apart, letters in groupby(chunk, folding.unspaced):
                run = "".join(letters)
                yield from self._cut(folding.calmed(run)) if apart else (run,)

    def _cut(self, run: str) -> Iterator[str]:
        """The known words of a run without spaces, and what lies between them."""
        unknown, at = "", 0
        while at < len(run):
            longest = self.unspaced.get(run[at], 0)
            ends = range(min(len(run), at + longest), at, -1)
            word = next((run[at:end] for end in ends if run[at:end] in self.vocabulary), "")
            if not word:
                unknown += run[at]
                at += 1
                continue
            if unknown:
                yield unknown
                unknown = ""
            yield word
            at += len(word)
        if unknown:
            yield unknown


def lexicon_of(country: str | None) -> Lexicon:
    """The words of the languages that are spoken in `country`, and those understood everywhere.

    The country's own come first, so that a word of two languages is answered in the person's.
    """
    return _lexicon(country if pack_for(country) else None)


@lru_cache(maxsize=64)
def _lexicon(country: str | None) -> Lexicon:
    pack = pack_for(country) or load(GLOBAL)
    rows = {**load(GLOBAL).keywords, **pack.keywords}
    known = sentences()
    spoken = [_tag(tag, rows) for tag in pack.languages]
    words: dict[str, dict[Sense, tuple[str | None, ...]]] = {}
    ordinary: set[str] = set()
    denials: set[str] = set()
    denied: set[str] = set()
    for tag in dict.fromkeys((*spoken, "en", GLOBAL)):
        language = _ANY if tag == GLOBAL else tag
        listed: list[tuple[Sense, Iterable[str]]] = []
        if tag in rows:
            listed += [(sense, getattr(rows[tag], sense.value)) for sense in _OWN]
        said = known.get(tag.split("-")[0])
        if said is not None:
            listed += [(sense, getattr(said, sense.value, ())) for sense in Sense]
            ordinary.update(map(fold, said.ordinary))
            denials.update(map(fold, said.denies))
            denied.update(map(fold, said.denied))
        instruction = load(GLOBAL).instructions.get(tag)
        if instruction is not None:
            listed.append((Sense.ASKS, instruction.asks))
        for sense, texts in listed:
            for text in texts:
                senses = words.setdefault(_folded(text), {})
                if language not in senses.get(sense, ()):
                    senses[sense] = (*senses.get(sense, ()), language)
    for sense, people in ((Sense.NAMES, names().names), (Sense.TITLES, names().titles)):
        for name in people:
            words.setdefault(_folded(name), {}).setdefault(sense, (_ANY,))
    return replace(
        _prepared(words, frozenset(ordinary)), denials=frozenset(denials), denied=frozenset(denied)
    )


def _tag(tag: str, rows: Iterable[str]) -> str:
    """The row of a language: its own, or that of its primary subtag."""
    return tag if tag in rows else tag.split("-")[0]


def _folded(text: str) -> str:
    folded = " ".join(part if part == _BLANK else fold(part) for part in text.split())
    return folded + ("*" if text.endswith("*") else "")


def _prepared(words: dict[str, dict[Sense, tuple[str | None, ...]]], ordinary: frozenset[str]) -> Lexicon:
    root, stems, unspaced = Node(), set(), dict[str, int]()
    _look_inside(words)
    for text, senses in words.items():
        node = root
        for token in text.split():
            node = node.after.setdefault(token, Node())
            if token.endswith("*"):
                stems.add(token[:_SHORTEST_STEM])
            if folding.unspaced(token[0]):
                unspaced[token[0]] = max(unspaced.get(token[0], 0), len(token))
        node.senses = senses
    squeezed: dict[str, str] = {}
    slips: dict[str, tuple[str, ...]] = {}
    for text, senses in words.items():
        if text.endswith("*") or not any(sense in senses for sense in (*_OWN, *_MISTYPED)):
            continue
        if len(text) > 1 and len(folding.squeezed(text)) > 1:
            squeezed.setdefault(folding.squeezed(text), text)
        if len(text) >= _TWO_SLIPS_FROM and Sense.OPT_OUT in senses:
            for variant in _shortened(text):
                slips[variant] = (*slips.get(variant, ()), text)
    vocabulary = frozenset(token for text in words for token in text.split())
    letters: dict[int, set[str]] = {}
    for letter in {letter for token in vocabulary for letter in token}:
        letters.setdefault(folding.script(letter), set()).add(letter)
    alphabets = {script: "".join(sorted(known)) for script, known in letters.items()}
    return Lexicon(root, frozenset(stems), unspaced, words, squeezed, slips, vocabulary, alphabets, ordinary)


def _look_inside(words: Mapping[str, dict[Sense, tuple[str | None, ...]]]) -> None:
    """Say of each idiom whether it names promotions ("no more ads"), or something of ours at all."""
    ours = (Sense.MARKETING, Sense.THINGS)
    unspaced = [
        text
        for text, senses in words.items()
        if len(text) > 1 and folding.unspaced(text[0]) and any(sense in senses for sense in ours)
    ]
    for text, senses in words.items():
        told = {*senses.get(Sense.PHRASES, ()), *senses.get(Sense.LEAVES, ())}
        if not told:
            continue
        inside = unspaced if folding.unspaced(text[0]) else text.split() if " " in text else ()
        for word in inside:
            if word not in text:
                continue
            known = words.get(word, _NOTHING)
            about = known.get(Sense.MARKETING, ())
            if told & set(about):
                senses[Sense.MARKETING] = about
            if told & {*known.get(Sense.SENDS, ()), *known.get(Sense.THINGS, ())}:
                senses[Sense.NAMES_OURS] = tuple(told)


def _joined(texts: Sequence[str]) -> str:
    apart = texts and folding.unspaced(texts[0][0])
    return ("" if apart else " ").join(texts)


def _shortened(text: str) -> set[str]:
    """`text` and what is left of it without one or two of its letters."""
    found = shortest = {text}
    for _ in range(2):
        shortest = {longer[:at] + longer[at + 1 :] for longer in shortest for at in range(len(longer))}
        found = found | shortest
    return found
