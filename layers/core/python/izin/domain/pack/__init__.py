"""What does a jurisdiction or a platform ask? Rule packs as values, read from TOML and refused when unsound.

A pack is one file in `izin/packs`, named by its id; for a single country the id is the ISO 3166 code.
Every value in it names its rule, its severity and the rows of `sources.toml` that it was built from.
`global.toml` is the pack of every country that has none; its `shared` rules and its word lists belong
to every pack, and so do the rules of the platforms. Rules are never traded against each other: all
that apply must hold, so the strictest decides and each is cited. Times are local, durations ISO 8601.
"""

from izin.domain.pack.base import Cited, ScopedRule, Severity, span
from izin.domain.pack.contents import (
    AsciiContent,
    BrandContent,
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
    SegmentContent,
    ShortenerContent,
    Subject,
    SubjectContent,
    TemplateContent,
    VariablesContent,
)
from izin.domain.pack.describe import citation, describe, explain, statement
from izin.domain.pack.loader import PackError, find, heads, load, not_relaxable, pack_for, pack_of, parse
from izin.domain.pack.model import GLOBAL, Pack, Rules, RuleSet, Setting
from izin.domain.pack.rules import (
    ALWAYS,
    CapRule,
    CaptureCheck,
    CaptureRule,
    ConsentRule,
    DenialRule,
    Needs,
    SenderRule,
    Week,
    WindowRule,
)
from izin.domain.pack.sentences import Sentences, names, sentences
from izin.domain.pack.sources import Source, sources
from izin.domain.pack.texts import same_language, texts

__all__ = [
    "ALWAYS",
    "GLOBAL",
    "AsciiContent",
    "BrandContent",
    "CapRule",
    "CaptureCheck",
    "CaptureRule",
    "Cited",
    "ConsentRule",
    "ContactContent",
    "ContentRule",
    "DenialRule",
    "Instruction",
    "LanguageContent",
    "LengthContent",
    "LinkContent",
    "MarkerContent",
    "Needs",
    "OneWayContent",
    "OptOutContent",
    "Pack",
    "PackError",
    "PhoneNumberContent",
    "PrefixContent",
    "PromotionContent",
    "RuleSet",
    "Rules",
    "ScopedRule",
    "SegmentContent",
    "SenderRule",
    "Sentences",
    "Setting",
    "Severity",
    "ShortenerContent",
    "Source",
    "Subject",
    "SubjectContent",
    "TemplateContent",
    "VariablesContent",
    "Week",
    "WindowRule",
    "citation",
    "describe",
    "explain",
    "find",
    "heads",
    "load",
    "names",
    "not_relaxable",
    "pack_for",
    "pack_of",
    "parse",
    "same_language",
    "sentences",
    "sources",
    "span",
    "statement",
    "texts",
]
