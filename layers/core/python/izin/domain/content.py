"""May a text be sent as it is written? What it must say, what it must not, and how long it is.

Words are compared without case and diacritics, and invisible characters do not hide them. Places
are offsets in the text as it was given, counted in characters from 0. A finding never quotes the
text: it names the word of the pack's list that was met.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, assert_never
from urllib.parse import urlsplit

import phonenumbers

from izin.domain.pack import (
    GLOBAL,
    AsciiContent,
    BrandContent,
    Cited,
    ContactContent,
    ContentRule,
    Instruction,
    LanguageContent,
    LengthContent,
    LinkContent,
    MarkerContent,
    OneWayContent,
    OptOutContent,
    PhoneNumberContent,
    PrefixContent,
    PromotionContent,
    Rules,
    SegmentContent,
    ShortenerContent,
    Subject,
    SubjectContent,
    TemplateContent,
    VariablesContent,
    load,
    same_language,
)
from izin.domain.reasons import Code, Effect, Reason


def findings(
    text: str,
    rules: Rules,
    *,
    brand_name: str,
    language: str | None = None,
    approved_domains: frozenset[str] = frozenset(),
    two_way: bool = True,
    first: bool = False,
    variables: int | None = None,
) -> tuple[Reason, ...]:
    """Everything in `text` that the rules for its channel and purpose refuse; each reason denies.

    `language` is the BCP 47 tag that the caller gave, None if none: then it is not judged; nor is the
    brand where `brand_name` is empty.
    `approved_domains` are those approved for the sender, their subdomains included. `two_way` says
    whether replies to the sender arrive, `first` whether nothing of the kind went before, `variables`
    how many the template has; None for a text without one.
    """
    facts = _Facts(
        _fold(text),
        brand_name,
        language,
        approved_domains,
        two_way,
        first,
        variables,
        _instructions(rules),
    )
    found = (_judge(rule, facts) for rule in rules.contents)
    return tuple(reason for reason in found if reason)


@dataclass(frozen=True, slots=True)
class _Folded:
    """A text without case, diacritics and invisible characters, and where each character stood."""

    source: str
    text: str
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Facts:
    folded: _Folded
    brand_name: str
    language: str | None
    approved_domains: frozenset[str]
    two_way: bool
    first: bool
    variables: int | None
    instructions: tuple[Instruction, ...]


def _judge(rule: ContentRule, facts: _Facts) -> Reason | None:
    text = facts.folded.source
    match rule:
        case OptOutContent():
            return _opt_out(rule, facts)
        case OneWayContent():
            if facts.two_way or _ways_out(facts.folded, facts.instructions):
                return None
            fix = "put a link, a short code or a number after the opt-out word"
            return _denied(rule, Code.SENDER_ONE_WAY, f"replies to this sender do not arrive; {fix}")
        case BrandContent():
            if not facts.brand_name or _holds(facts.folded, (facts.brand_name,)):
                return None
            detail = "the text does not name the brand; begin with its name"
            return _denied(rule, Code.CONTENT_BRAND_MISSING, detail)
        case LengthContent():
            if len(text) <= rule.limit:
                return None
            excess = f"the text has {len(text)} characters, {rule.limit} are allowed"
            return _denied(rule, Code.CONTENT_TOO_LONG, f"{excess}; shorten it by {len(text) - rule.limit}")
        case PromotionContent():
            words = [m for listed in rule.words.values() for m in _mentions(facts.folded, listed)]
            if not words:
                return None
            where = ", ".join(f"“{m.word}” at {m.offset}" for m in words)
            fix = "take it out, or send it as marketing"
            return _denied(rule, Code.CONTENT_PROMOTIONAL, f"promotional matter: {where}; {fix}")
        case LanguageContent():
            if facts.language is None or same_language(facts.language, rule.language):
                return None
            return _denied(rule, Code.CONTENT_LANGUAGE, f"the message must be written in {rule.language}")
        case AsciiContent():
            odd = [(at, char) for at, char in enumerate(text) if not char.isascii()]
            if not odd:
                return None
            first = f"U+{ord(odd[0][1]):04X} at {odd[0][0]}"
            detail = f"{len(odd)} characters are not ASCII, first {first}; write without accents"
            return _denied(rule, Code.CONTENT_CHARSET, detail)
        case LinkContent():
            approved = {domain.casefold().strip(".") for domain in facts.approved_domains}
            strange = [str(at) for at, host in _links(facts.folded) if not _is_under(host, approved)]
            if not strange:
                return None
            fix = "have it approved for the sender, or take it out"
            return _denied(rule, Code.CONTENT_URL, f"link not approved at {', '.join(strange)}; {fix}")
        case ShortenerContent():
            known = load(GLOBAL).shorteners
            short = [str(at) for at, host in _links(facts.folded) if _is_under(host, known)]
            if not short:
                return None
            fix = "write the link in full, or use a domain of your own"
            return _denied(rule, Code.CONTENT_URL, f"public shortener at {', '.join(short)}; {fix}")
        case PhoneNumberContent():
            number = next(iter(phonenumbers.PhoneNumberMatcher(text, rule.region)), None)
            if not number:
                return None
            return _denied(rule, Code.CONTENT_URL, f"phone number at {number.start}; take it out")
        case PrefixContent():
            if text.startswith(rule.prefix):
                return None
            detail = f"the text does not begin with “{rule.prefix}”; put it at 0"
            return _denied(rule, Code.CONTENT_PREFIX, detail)
        case MarkerContent():
            return _marker(rule, facts)
        case SubjectContent():
            if (rule.first and not facts.first) or any(_holds(facts.folded, w) for w in rule.words.values()):
                return None
            code, fix = _SUBJECTS[rule.subject]
            return _denied(rule, code, fix)
        case ContactContent():
            if _contacts(rule, facts):
                return None
            detail = f"the text names no way to reach the sender; add a {' or '.join(rule.by)}"
            return _denied(rule, Code.CONTENT_CONTACT_MISSING, detail)
        case SegmentContent():
            parts = segments(text)
            if parts.segments <= rule.limit:
                return None
            excess = f"{parts.units} units in {parts.encoding} make {parts.segments} SMS parts"
            return _denied(rule, Code.CONTENT_TOO_LONG, f"{excess}, {rule.limit} are allowed; shorten it")
        case VariablesContent():
            if facts.variables is None or facts.variables <= rule.limit:
                return None
            count = f"the template has {facts.variables} variables, {rule.limit} are allowed"
            return _denied(rule, Code.TEMPLATE_VARIABLES, f"{count}; write out what does not vary")
        case TemplateContent():
            if facts.variables is not None:
                return None
            detail = "the text comes from no registered template; register one and name it"
            return _denied(rule, Code.TEMPLATE_REQUIRED, detail)
        case _:
            assert_never(rule)


def _denied(rule: Cited, code: Code, detail: str) -> Reason:
    return Reason(code, rule.rule, Effect.DENY, f"{rule.rule}: {detail}.", rule.sources)


_SUBJECTS = {
    Subject.OFFER: (Code.CONTENT_OFFER_MISSING, "the text does not say what is offered; add it"),
    Subject.VALIDITY: (Code.CONTENT_VALIDITY_MISSING, "the text does not say until when; add “ends …”"),
    Subject.RATES: (Code.CONTENT_FIRST_MESSAGE, "the first message adds “Msg&data rates may apply”"),
    Subject.HELP: (Code.CONTENT_FIRST_MESSAGE, "the first message adds “Reply HELP for help”"),
    Subject.FREQUENCY: (Code.CONTENT_FIRST_MESSAGE, "the first message adds “Msg frequency varies”"),
}


def _marker(rule: MarkerContent, facts: _Facts) -> Reason | None:
    """Nothing but punctuation stands before the brand or the mark. A nameless brand is not judged."""
    if not facts.brand_name:
        return None
    text = facts.folded.source
    marks = (facts.brand_name, *(word for listed in rule.words.values() for word in listed))
    first = next(_mentions(facts.folded, marks), None)
    if first and not re.search(r"\w", text[: first.offset]):
        return None
    detail = "the text does not begin with the brand or a mark such as “PROMO”; put one at 0"
    return _denied(rule, Code.CONTENT_MARKER_MISSING, detail)


def _contacts(rule: ContactContent, facts: _Facts) -> bool:
    """Whether the text names a phone number, an e-mail address or a link, as the rule permits."""
    text = facts.folded.source
    if "email" in rule.by and _EMAIL.search(text):
        return True
    if "link" in rule.by and any(True for _ in _links(facts.folded)):
        return True
    return "phone" in rule.by and any(True for _ in phonenumbers.PhoneNumberMatcher(text, rule.region))


_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def _opt_out(rule: OptOutContent, facts: _Facts) -> Reason | None:
    known = load(GLOBAL).instructions
    required = {tag: known[tag] for tag in rule.languages} or known
    if any(_says(facts.folded, instruction) for instruction in required.values()):
        return None
    wanted, asked = next(iter(required.items()))
    fix = f"add “{asked.asks[0].capitalize()} {asked.words[0]} …” or a link to opt out"
    other = next((tag for tag, i in known.items() if tag not in required and _says(facts.folded, i)), None)
    where = " or ".join(rule.languages) or wanted
    if other:
        detail = f"the opt-out instruction is in {other}, it must be in {where}; {fix}"
        return _denied(rule, Code.CONTENT_LANGUAGE, detail)
    detail = f"the text does not say in {where} how to stop these messages; {fix}"
    return _denied(rule, Code.CONTENT_OPT_OUT_MISSING, detail)


def leads_out(text: str, *, two_way: bool) -> bool:
    """Whether `text` tells in any language how to leave, by a road that exists."""
    folded, known = _fold(text), load(GLOBAL).instructions.values()
    return any(_says(folded, one) if two_way else _ways_out(folded, (one,)) for one in known)


def _instructions(rules: Rules) -> tuple[Instruction, ...]:
    """How the texts that these rules ask for tell people to leave."""
    known = load(GLOBAL).instructions
    asking = [rule for rule in rules.contents if isinstance(rule, OptOutContent)]
    tags = dict.fromkeys(tag for rule in asking for tag in rule.languages or known)
    return tuple(known[tag] for tag in tags)


def _asked(instruction: Instruction) -> tuple[str, ...]:
    return tuple(f"{ask} {word}" for ask in instruction.asks for word in instruction.words)


def _says(folded: _Folded, instruction: Instruction) -> bool:
    asked = _pattern(_asked(instruction)).search(folded.text)
    return bool(asked) or _ways_out(folded, (instruction,))


def _ways_out(folded: _Folded, instructions: Iterable[Instruction]) -> bool:
    """Whether the text leads out by something other than a reply: a link, a short code, a number."""
    for instruction in instructions:
        roads = [m.start() for m in _LINK.finditer(folded.text)]
        roads += [m.start() for m in _NUMBER.finditer(folded.text)]
        if instruction.towards:
            codes = re.compile(rf"(?:{_alternatives(instruction.towards)})\W+\d{{3,8}}(?!\w)")
            roads += [m.start() for m in codes.finditer(folded.text)]
        leads = (*_asked(instruction), *instruction.labels)
        if any(True for _ in _gaps(leads, folded.text, roads)):
            return True
        # A word alone leads only to what stands beside it: "STOP: example.com", "STOP klik example.com".
        if any(len(_WORD.findall(gap)) <= 1 for gap in _gaps(instruction.words, folded.text, roads)):
            return True
    return False


def _gaps(leads: tuple[str, ...], text: str, roads: Iterable[int]) -> Iterator[str]:
    """What stands between each lead and each road after it in the same sentence."""
    for lead in _pattern(leads).finditer(text):
        gaps = (text[lead.end() : road] for road in roads if road > lead.end())
        yield from (gap for gap in gaps if not _SENTENCE_END.search(gap))


_SENTENCE_END = re.compile(r"[.!?]\s|\n")
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"(?<!\w)\+?(?:\d[ ().-]?){9,15}(?!\w)")

# The domains that phones make a link of when no scheme and no path is written, as far as they are
# met in messages; anything else needs one of the two to be a link.
_DOMAINS = (
    "com|net|org|info|biz|io|co|me|app|shop|store|online|site|link|xyz|ly|gl|gd|gg|cc|tv|asia|dev|page|club|top|"
    "live|click|vip|bio|id|br|us|uk|in|my|sg|th|ph|au|fr|de|it|es|pt|mx|ca|eu"
)
_LINK = re.compile(
    r"https?://\S+"
    r"|(?<![\w@.-])(?:[\w-]+\.)+(?:"
    rf"(?:{_DOMAINS})(?![\w-])(?:[/?#:]\S*)?"
    r"|[^\W\d_]{2,}/\S*"
    r")"
)


def _links(folded: _Folded) -> Iterator[tuple[int, str]]:
    """Each link's offset and host; the host is empty where the link cannot be read."""
    for match in _LINK.finditer(folded.text):
        # A browser reads a backslash as a slash, so what follows it is not the host.
        link = match.group().replace("\\", "/")
        try:
            host = urlsplit(link if "://" in link else f"//{link}").hostname or ""
        except ValueError:
            host = ""
        yield folded.offsets[match.start()], host.strip(".")


def has_link(text: str) -> bool:
    """Whether a phone would make a link of something in `text`."""
    return _LINK.search(_fold(text).text) is not None


def _is_under(host: str, domains: Iterable[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains if domain)


@dataclass(frozen=True, slots=True)
class Mention:
    """A word of a list, met in a text at `offset`."""

    word: str
    offset: int


def mentions(text: str, words: tuple[str, ...]) -> list[Mention]:
    """Where `text` holds one of `words` or phrases, as whole words, in order."""
    return list(_mentions(_fold(text), words))


def _mentions(folded: _Folded, words: tuple[str, ...]) -> Iterator[Mention]:
    known = _as_written(words)
    for found in _pattern(words).finditer(folded.text):
        yield Mention(known[_squeezed(found.group())], folded.offsets[found.start()])


def _holds(folded: _Folded, words: tuple[str, ...]) -> bool:
    return _pattern(words).search(folded.text) is not None


@lru_cache(maxsize=512)
def _as_written(words: tuple[str, ...]) -> Mapping[str, str]:
    """Each word of a list by what remains of it in a folded text."""
    return {_squeezed(_fold(word).text): word for word in words}


def _squeezed(text: str) -> str:
    return re.sub(r"\W", "", text) if re.search(r"\w", text) else text


@lru_cache(maxsize=512)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(_alternatives(words))


def _alternatives(words: tuple[str, ...]) -> str:
    """A pattern for whole words; within a phrase, spaces and punctuation count for nothing."""
    longest_first = sorted({_fold(word).text for word in words}, key=len, reverse=True)
    return "|".join(_whole_word(word) for word in longest_first)


def _whole_word(word: str) -> str:
    before = r"(?<!\w)" if _spaced(word[0]) else ""
    after = r"(?!\w)" if _spaced(word[-1]) else ""
    return before + r"\W*".join(re.escape(part) for part in word.split()) + after


def _spaced(char: str) -> bool:
    """Whether words of the script that `char` belongs to are set apart; Thai and Chinese ones are not."""
    return char.isalnum() and not ("\u0e00" <= char <= "\u0e7f" or "\u3040" <= char <= "\u9fff")


def _fold(text: str) -> _Folded:
    chars: list[str] = []
    offsets: list[int] = []
    for offset, char in enumerate(text):
        for part in unicodedata.normalize("NFKD", char).casefold():
            # Marks of Latin, Greek and Cyrillic letters; those of Thai or Hindi are part of the word.
            if "\u0300" <= part <= "\u036f" or unicodedata.category(part) == "Cf":
                continue
            chars.append(part)
            offsets.append(offset)
    return _Folded(text, "".join(chars), tuple(offsets))


_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENSION = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text travels: units are septets (GSM-7) or UTF-16 code units (UCS-2)."""

    encoding: Literal["GSM7", "UCS2"]
    units: int
    segments: int


def segments(text: str) -> Segments:
    """The encoding, units and SMS parts of `text` (3GPP TS 23.038; an empty text is one part).

    A single part holds 160 septets or 70 code units, a part of several 153 or 67. A character of
    two units (the GSM extension table, a surrogate pair) is never split between parts.
    """
    gsm = all(char in _GSM or char in _GSM_EXTENSION for char in text)
    if gsm:
        sizes = [2 if char in _GSM_EXTENSION else 1 for char in text]
    else:
        sizes = [2 if ord(char) > 0xFFFF else 1 for char in text]
    alone, each = (160, 153) if gsm else (70, 67)
    units = sum(sizes)
    parts, filled = 1, 0
    if units > alone:
        for size in sizes:
            if filled + size > each:
                parts, filled = parts + 1, 0
            filled += size
    return Segments("GSM7" if gsm else "UCS2", units, parts)
