"""What does a person's reply mean? The words of the packs, read the way people type them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, TypeAlias

from izin.domain import folding
from izin.domain.clause import Certainty, judge, keeps, refuses, returns, threatens, tires
from izin.domain.folding import clauses, fold
from izin.domain.lexicon import Lexicon, Mark, Sense, lexicon_of


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


Scope: TypeAlias = Literal["all", "marketing"]


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it was understood.

    `scope` is what an opt-out covers. `matched` is the folded word that decided, `language` the one
    that the word belongs to; None for words understood everywhere.
    """

    intent: Intent
    scope: Scope = "all"
    matched: str | None = None
    language: str | None = None


_NOTHING = Reply(Intent.NONE)
_STOP_SIGNS = frozenset("🛑⛔🚫✋")
_MEANINGLESS = frozenset({Sense.POLITE, Sense.FILLERS})
_YES = frozenset({Sense.CONFIRM, Sense.AGREES})
_LONG = 7  # letters of a word that is hardly a word of another language
_WHOLE = (Sense.OPT_OUT, Sense.CONFIRM, Sense.OPT_IN, Sense.HELP)


def read(text: str, country: str | None) -> Reply:
    """What `text`, received from a number of `country` (ISO 3166), means.

    The words of the country's languages, English and the words of every country are tried: the whole
    message first, as typed, then without politeness, repeated letters and slips; then each clause of
    it for what it says about our messages. What may be an opt-out is unclear.
    Where the country is unknown or has no pack, every language that is known is tried.
    Sources: 47 CFR 64.1200(a)(10) (L-US-04), CTIA (L-US-11), S-AP-11, S-AP-12.
    """
    said, lexicon = fold(text), lexicon_of(country)
    if not said:
        return Reply(Intent.UNCLEAR) if _STOP_SIGNS & set(text) else _NOTHING
    whole = _whole(said, lexicon)
    if whole:
        return whole
    heard = _marked(text, lexicon)
    certainty, reply = _sentence(heard)
    foreign = _foreign(said, text, lexicon) if certainty in (Certainty.NOTHING, Certainty.MAYBE) else None
    if foreign is None and reply is _NOTHING:
        return _other_wish([mark for marks in heard for mark in marks])
    return foreign or reply


def _marked(text: str, lexicon: Lexicon) -> list[list[Mark]]:
    """The words of each clause of a message, with what they mean."""
    return [lexicon.marks(clause) for clause in clauses(text)]


def _other_wish(said: Sequence[Mark]) -> Reply:
    """What a message that ends nothing asks for: messages again, who writes, help; or that it is a yes."""
    again = returns(said)
    if again:
        return Reply(Intent.OPT_IN, "all", again.text, again.language(Sense.RETURNS))
    about = any(Sense.OTHERS in mark.senses for mark in said)  # "who is this delivered by?"
    who = next((mark for mark in said if Sense.WHO in mark.senses), None)
    if who and not about:
        return Reply(Intent.HELP, "all", who.text, who.language(Sense.WHO))
    for intent, senses in ((Intent.HELP, frozenset({Sense.HELP})), (Intent.CONFIRM, _YES)):
        asks = [mark for mark in said if senses & mark.senses.keys()]
        if asks and all(_MEANINGLESS & mark.senses.keys() for mark in said if mark not in asks):
            sense = next(sense for sense in Sense if sense in senses & asks[0].senses.keys())
            return Reply(intent, "all", asks[0].text, asks[0].language(sense))
    return _NOTHING


def _foreign(said: str, text: str, home: Lexicon) -> Reply | None:
    """The opt-out that a message is in a language that is not the country's, where it is none in those.

    A lone word in Latin letters is not read there: `para` and `fine` are words of many languages.
    """
    everywhere = lexicon_of(None)
    whole = None if said.isascii() else _whole(said, everywhere)
    if whole:
        return whole
    certainty, reply = _sentence(_marked(text, everywhere))
    telling = " " in said and _telling(reply.matched or "", home, everywhere)
    bare = certainty is Certainty.BARE and (telling or not said.isascii())
    sure = certainty is Certainty.SURE or bare
    return reply if sure and reply.intent is Intent.OPT_OUT else None


def _telling(word: str, home: Lexicon, everywhere: Lexicon) -> bool:
    """Whether a word that ends something is hardly another language's: a long one, or the country's own."""
    own = Sense.OPT_OUT in home.words.get(word, {})
    return word in everywhere.words and (own or len(word) >= _LONG)


def _whole(said: str, lexicon: Lexicon) -> Reply | None:
    """The meaning of a message that is one word of a list, however it is typed."""
    rest = [mark for mark in lexicon.marks(said) if Sense.POLITE not in mark.senses]
    bare = " ".join(mark.text for mark in rest)
    spelled = folding.spelled_out(said)
    for candidate in dict.fromkeys((said, bare, spelled, folding.plain(bare), folding.plain(spelled))):
        found = lexicon.whole(candidate, _WHOLE)
        if found:
            return _reply(lexicon, *found)
    for candidate in dict.fromkeys((said, bare)):
        if candidate in lexicon.ordinary or candidate in lexicon.words:
            continue
        word = lexicon.squeezed.get(folding.squeezed(candidate))
        found = lexicon.whole(word, _WHOLE) if word else None
        if found is None:  # a yes, unlike a no, is not guessed from a slip
            word = lexicon.slip_of(candidate)
            found = lexicon.whole(word, (Sense.OPT_OUT,)) if word else None
        if found:
            return _reply(lexicon, *found)
    for sense in _WHOLE:
        if rest and all(sense in mark.senses for mark in rest):
            return Reply(Intent(sense.value), "all", rest[0].text, rest[0].language(sense))
    return None


def _reply(lexicon: Lexicon, sense: Sense, word: str) -> Reply:
    return Reply(Intent(sense.value), "all", word, lexicon.words[word][sense][0])


def _sentence(heard: Sequence[Sequence[Mark]]) -> tuple[Certainty, Reply]:
    """What the clauses of a message say together: one that surely asks to end messages decides."""
    own = list(_without_our_instructions(heard))
    if not own:
        return Certainty.MAYBE, Reply(Intent.UNCLEAR)
    every = [mark for marks in own for mark in marks]
    said = [mark for mark in every if Sense.POLITE not in mark.senses]
    if said and all(Sense.AMBIGUOUS in mark.senses for mark in said):
        return Certainty.MAYBE, Reply(Intent.UNCLEAR, "all", said[0].text, said[0].language(Sense.AMBIGUOUS))
    findings = [*map(judge, own), threatens(every), tires(every), keeps(every), refuses(every)]
    surest = max(findings, key=lambda finding: finding.certainty)
    elsewhere = any(finding.certainty is Certainty.OTHERWISE for finding in findings)
    unsure = surest.certainty is Certainty.BARE and any(Sense.HEDGES in mark.senses for mark in every)
    if unsure or any(finding.sense is Sense.RETURNS for finding in findings):  # "sign me up again" and "stop"
        surest = replace(surest, certainty=min(surest.certainty, Certainty.MAYBE))
    if surest.mark is None or surest.sense is None or (elsewhere and surest.sense is Sense.AMBIGUOUS):
        return surest.certainty, _NOTHING
    doubtful = Sense.CANCELS in surest.mark.senses and len(every) > 1  # "please cancel": the order, or us?
    stops = surest.certainty is Certainty.SURE or (surest.certainty is Certainty.BARE and not doubtful)
    ends = [finding for finding in findings if finding.certainty >= Certainty.BARE]
    intent = Intent.OPT_OUT if stops else Intent.UNCLEAR
    scope: Scope = "marketing" if stops and all(finding.marketing for finding in ends) else "all"
    return surest.certainty, Reply(intent, scope, surest.mark.text, surest.mark.language(surest.sense))


def _without_our_instructions(heard: Sequence[Sequence[Mark]]) -> Iterator[Sequence[Mark]]:
    """The clauses without "reply STOP to opt out", which is ours and quoted.

    Somebody who writes "reply stop" and nothing else means it.
    """
    for marks in heard:
        end = next((at for at in range(len(marks)) if _teaches(marks, at)), len(marks))
        if len(heard) == 1 and len(marks) == 2 and end == 0:
            yield marks[1:]
        elif end:
            yield marks[:end]


def _teaches(marks: Sequence[Mark], at: int) -> bool:
    """Whether "reply" stands there, and a word that ends messages right after it."""
    follows = marks[at + 1 : at + 3]
    return Sense.ASKS in marks[at].senses and any(Sense.OPT_OUT in mark.senses for mark in follows)
