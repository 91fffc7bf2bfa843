"""Does one clause of a reply ask that messages end? Judged from what each of its words does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from izin.domain.folding import unspaced
from izin.domain.lexicon import Mark, Sense

_AHEAD = 6  # words between what ends and what it ends: “stop all of these stupid messages”
_BEHIND = 3  # in languages that name the thing first: “message band karo”
_DEED = 2  # words between a ban and the deed: “don't ever text”
_TURNING = 2  # words between a negation and what it turns: “don't you stop”

_OURS = (Sense.THINGS, Sense.MARKETING)
_NEUTRAL = (*_OURS, Sense.SENDS, Sense.POLITE, Sense.FILLERS, Sense.AMBIGUOUS)
_ENDING = (Sense.LEAVES, Sense.ENDS, Sense.OPT_OUT)
_AGAINST = (Sense.REFUSES, Sense.FORBIDS, Sense.NEGATIONS, Sense.THREATS, Sense.AMBIGUOUS)
_TURNERS = (Sense.NEGATIONS, Sense.FORBIDS)
_DENYING = (Sense.REFUSES, Sense.FORBIDS, Sense.NEGATIONS)
_NO_RETURN = (
    *_AGAINST,
    *_ENDING,
    Sense.PHRASES,
    Sense.REVERSALS,
    Sense.HEDGES,
    Sense.CONDITIONS,
    Sense.OTHERS,
)


class Certainty(IntEnum):
    """How surely a clause asks to end messages."""

    NOTHING = 0
    OTHERWISE = 1  # something ends, but not our messages
    MAYBE = 2
    BARE = 3  # something is to end, and nothing says what
    SURE = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """What a clause asks: how surely, by which word, and whether only promotions are meant."""

    certainty: Certainty
    mark: Mark | None = None
    sense: Sense | None = None
    marketing: bool = False


def judge(marks: Sequence[Mark]) -> Finding:
    """What the clause asks. It takes the time of one pass over its words."""
    if _any(marks, Sense.ASIDES):
        return Finding(Certainty.OTHERWISE)
    if _any(marks, Sense.RETURNS):
        return _no_return(marks)
    stranger = _first(marks, Sense.STRANGERS)
    if stranger.mark:
        return replace(stranger, certainty=Certainty.SURE)
    found = _told(marks)
    if _any(marks, Sense.HEDGES):
        thought = found if found.mark or _any(marks, Sense.OTHERS, Sense.CANCELS) else _first(marks, *_ENDING)
        return replace(thought, certainty=min(thought.certainty, Certainty.MAYBE))
    return found


def _no_return(marks: Sequence[Mark]) -> Finding:
    """Messages that are refused in the words that ask for them: “I don't want to get your texts again”."""
    for at, mark in enumerate(marks):
        if Sense.RETURNS not in mark.senses:
            continue
        for against in marks[max(0, at - _TURNING) : at]:
            sense = next((sense for sense in _DENYING if sense in against.senses), None)
            if sense:
                return Finding(Certainty.SURE, against, sense, _any(marks, Sense.MARKETING))
    return Finding(Certainty.OTHERWISE, None, Sense.RETURNS)


def _told(marks: Sequence[Mark]) -> Finding:
    """What the clause asks, were it said without "perhaps"."""
    marketing = _any(marks, Sense.MARKETING)
    ending = [(at, sense) for at, mark in enumerate(marks) if (sense := _ending(marks, at))]
    if ending and all(_neutral(mark) or _is(mark, *_ENDING) for mark in marks):
        at, sense = ending[0]
        says_what = sense is Sense.LEAVES or _any(marks, *_OURS, Sense.SENDS)
        return Finding(Certainty.SURE if says_what else Certainty.BARE, marks[at], sense, marketing)
    for at, mark in enumerate(marks):
        sense = _asks(marks, at)
        if sense:
            return Finding(Certainty.SURE, mark, sense, marketing)
    if _any(marks, Sense.OTHERS):
        return Finding(Certainty.OTHERWISE)
    return _maybe(marks)


def returns(marks: Sequence[Mark]) -> Mark | None:
    """The words by which a message asks for ours again; None where anything in it speaks against that."""
    if _any(marks, *_NO_RETURN):
        return None
    return next((mark for mark in marks if Sense.RETURNS in mark.senses), None)


def threatens(marks: Sequence[Mark]) -> Finding:
    """Whether a message says what comes of further messages: “text me again and I report you”."""
    threat = next((mark for mark in marks if Sense.THREATS in mark.senses), None)
    sending = any(_is(mark, *_OURS, Sense.SENDS, *_ENDING) for mark in marks if mark is not threat)
    conditional = _any(marks, Sense.CONDITIONS)
    if threat is None or not (sending and conditional) or _any(marks, Sense.OTHERS):
        return Finding(Certainty.NOTHING)
    return Finding(Certainty.SURE, threat, Sense.THREATS)


def tires(marks: Sequence[Mark]) -> Finding:
    """Whether a message is weary of what another clause names: "texts every single day, sick of it"."""
    weary = next((mark for mark in marks if Sense.WEARIES in mark.senses), None)
    if weary is None or _any(marks, Sense.OTHERS, Sense.ASIDES, Sense.HEDGES):
        return Finding(Certainty.NOTHING)
    ours = any(_is(mark, *_OURS) for mark in marks if mark is not weary)
    if not ours:
        return Finding(Certainty.NOTHING)
    return Finding(Certainty.SURE, weary, Sense.WEARIES, _any(marks, Sense.MARKETING))


def keeps(marks: Sequence[Mark]) -> Finding:
    """Whether a message lets some of ours go on but no promotions: “receipts are fine, ads not”."""
    against = _first(marks, *_DENYING, *_ENDING, Sense.WEARIES)
    kept = any(Sense.KEEPS in mark.senses for mark in marks if mark is not against.mark)
    if not (kept and against.mark and _any(marks, Sense.MARKETING)):
        return Finding(Certainty.NOTHING)
    return Finding(Certainty.SURE, against.mark, against.sense, marketing=True)


def refuses(marks: Sequence[Mark]) -> Finding:
    """Whether a message refuses and says no more: “don't want”, “please don't call”."""
    bare = all(_neutral(mark) or _is(mark, Sense.REFUSES, Sense.FORBIDS, Sense.CALLS) for mark in marks)
    return _first(marks, Sense.REFUSES, Sense.FORBIDS) if bare else Finding(Certainty.NOTHING)


def _asks(marks: Sequence[Mark], at: int) -> Sense | None:
    """The sense in which the word there asks to end our messages, with those around it."""
    mark = marks[at]
    if Sense.REFUSES in mark.senses and _about_us(marks, at) and not _called(marks, at):
        return Sense.REFUSES
    if Sense.WEARIES in mark.senses and _any(marks, *_OURS, Sense.SENDS):
        return None if _turned(marks, at) else Sense.WEARIES
    if Sense.FORBIDS in mark.senses and _deed_follows(marks, at):
        return Sense.FORBIDS
    if not any(sense in mark.senses for sense in (Sense.PHRASES, *_ENDING)) or _turned(marks, at):
        return None
    for sense in (Sense.PHRASES, Sense.LEAVES):
        if sense in mark.senses and _object(marks, at) is not Sense.OTHERS:
            return sense
    if Sense.ENDS in mark.senses and _about_us(marks, at):
        return Sense.ENDS
    return None


def _about_us(marks: Sequence[Mark], at: int) -> bool:
    """Whether what ends, or is refused, is our messages, or our sending them."""
    nearest = _nearest(marks, at, _AHEAD)
    if _any(marks[at + 1 : at + 1 + _DEED], Sense.SENDS):
        return _first_of(marks[at + 1 :], _AHEAD) is not Sense.OTHERS
    sending = _any(marks[at + 1 : at + 1 + _AHEAD], Sense.SENDS)
    return nearest is Sense.THINGS or (sending and nearest is None)


def _object(marks: Sequence[Mark], at: int) -> Sense | None:
    """What an idiom is about: what follows, and what went before only if it names nothing of ours itself."""
    if Sense.NAMES_OURS in marks[at].senses:
        return _first_of(marks[at + 1 :], _BEHIND)
    return _nearest(marks, at, _BEHIND)


def _nearest(marks: Sequence[Mark], at: int, ahead: int) -> Sense | None:
    """What is named first after the word there, else before it."""
    before = tuple(reversed(marks[max(0, at - _BEHIND) : at]))
    return _first_of(marks[at + 1 :], ahead) or _first_of(before, _BEHIND)


def _first_of(marks: Sequence[Mark], ahead: int) -> Sense | None:
    """Which comes first, something of ours (`THINGS`) or something else; “order updates” is ours."""
    for at, mark in enumerate(marks[:ahead]):
        if _is(mark, *_OURS):
            return Sense.THINGS
        if Sense.OTHERS in mark.senses:
            compound = at + 1 < len(marks) and _is(marks[at + 1], *_OURS)
            return Sense.THINGS if compound else Sense.OTHERS
    return None


def _deed_follows(marks: Sequence[Mark], at: int) -> bool:
    """Whether a ban is followed by what the sender does, and not to something else."""
    telling = [
        mark
        for mark in marks[at + 1 :]
        if not _is(mark, Sense.POLITE, Sense.FILLERS) or Sense.SENDS in mark.senses
    ]
    for deed, mark in enumerate(telling[:_DEED]):
        if Sense.CALLS in mark.senses and not _writes(telling):
            return False
        if Sense.SENDS in mark.senses:
            return _first_of(telling[deed:], 1 + _BEHIND) is not Sense.OTHERS
    return False


def _called(marks: Sequence[Mark], at: int) -> bool:
    """Whether the word there is about calls and nothing else: “不要打来，放门口就好”."""
    return _any(marks[at + 1 : at + 1 + _DEED], Sense.CALLS) and not _writes(marks[at + 1 :])


def _writes(marks: Sequence[Mark]) -> bool:
    return any(_is(mark, *_OURS, Sense.SENDS) and Sense.CALLS not in mark.senses for mark in marks)


def _ending(marks: Sequence[Mark], at: int) -> Sense | None:
    """The sense in which the word there ends something; None if a negation turns it."""
    mark = marks[at]
    if len(mark.text) <= 2 and mark.text.isascii() and len(marks) > 1:
        return None  # "td" and "n" mean nothing inside a sentence
    sense = next((sense for sense in _ENDING if sense in mark.senses), None)
    return None if sense is None or _turned(marks, at) else sense


def _turned(marks: Sequence[Mark], at: int) -> bool:
    """Whether a negation of the same language stands before the word, or a reversal after it."""
    languages = {
        language
        for sense in (*_ENDING, Sense.PHRASES, Sense.WEARIES)
        for language in marks[at].senses.get(sense, ())
        if language is not None
    }
    before, after = marks[max(0, at - _TURNING) : at], marks[at + 1 : at + 1 + _TURNING]
    turning = [(mark, sense) for mark in before for sense in _TURNERS]
    turning += [(mark, Sense.REVERSALS) for mark in after]
    return any(language in languages for mark, sense in turning for language in mark.senses.get(sense, ()))


def _maybe(marks: Sequence[Mark]) -> Finding:
    """A clause that begins with an opt-out word, holds an idiom that may mean one, or is against something
    and speaks of ours."""
    for at, mark in enumerate(marks):
        idiom = " " in mark.text or (len(mark.text) > 1 and unspaced(mark.text[0]))
        if Sense.AMBIGUOUS in mark.senses and idiom:
            return Finding(Certainty.MAYBE, mark, Sense.AMBIGUOUS)
        if Sense.OPT_OUT in mark.senses and _ending(marks, at) and all(map(_neutral, marks[:at])):
            return Finding(Certainty.MAYBE, mark, Sense.OPT_OUT)
    against = _first(marks, *_AGAINST)
    ours = any(_is(mark, *_OURS, Sense.SENDS) for mark in marks if mark is not against.mark)
    return against if ours and not _any(marks, *_ENDING) else Finding(Certainty.NOTHING)


def _first(marks: Sequence[Mark], *senses: Sense) -> Finding:
    """What the first word with one of the senses may ask; nothing if there is none."""
    for mark in marks:
        sense = next((sense for sense in senses if sense in mark.senses), None)
        if sense:
            return Finding(Certainty.MAYBE, mark, sense)
    return Finding(Certainty.NOTHING)


def _neutral(mark: Mark) -> bool:
    return _is(mark, *_NEUTRAL) or mark.text.isdigit()


def _any(marks: Sequence[Mark], *senses: Sense) -> bool:
    return any(_is(mark, *senses) for mark in marks)


def _is(mark: Mark, *senses: Sense) -> bool:
    return any(sense in mark.senses for sense in senses)
