"""The kinds of rules about what a text says, how long it is, and what it must not hold."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictBool

from izin.domain.pack.base import Count, Model, ScopedRule, Vocabulary, Words


class Instruction(Model):
    """How a text in one language tells the person to leave.

    One of `asks` before one of `words` ("Balas STOP"); one of `labels` before a link or a number, in
    the same sentence ("untuk berhenti kunjungi example.com/s"); or a word right before one ("STOP:
    example.com/s"). `towards` stands before a short code to send the word to ("ke 95123"). `reply` and
    `visit` are the lines that the product itself puts at the end of a text.
    """

    asks: Annotated[Words, Field(min_length=1)]
    words: Annotated[Words, Field(min_length=1)]
    labels: Words = ()
    towards: Words = ()
    reply: str
    visit: Annotated[str, Field(pattern=r"\{link\}$")]


class OptOutContent(ScopedRule):
    """The text says how to leave, in one of `languages`; without any, in a language that is known.

    How people are told is `instructions` of `global.toml`.
    """

    check: Literal["opt_out"]
    languages: Words = ()

    def says(self) -> str:
        where = f" in {' or '.join(self.languages)}" if self.languages else ""
        return f"the text says{where} how to leave"


class OneWayContent(ScopedRule):
    """Where replies cannot arrive, the opt-out instruction leads to a link, a short code or a number."""

    check: Literal["one_way"]

    def says(self) -> str:
        return "where the sender receives no replies, the way out is a link, a short code or a number"


class BrandContent(ScopedRule):
    """The text names the brand."""

    check: Literal["brand"]

    def says(self) -> str:
        return "the text names the brand"


class LengthContent(ScopedRule):
    """The text has at most `limit` characters (Unicode code points)."""

    check: Literal["length"]
    limit: Count

    def says(self) -> str:
        return f"at most {self.limit} characters"


class PromotionContent(ScopedRule):
    """The text holds nothing promotional: none of `words`, per language, in its sentences or its links."""

    check: Literal["no_promotion"]
    words: Vocabulary

    def says(self) -> str:
        return "the text holds nothing promotional"

    def lists(self) -> Iterable[str]:
        return (f"{language}: {', '.join(words)}" for language, words in self.words.items())


class LanguageContent(ScopedRule):
    """The message is written in `language`."""

    check: Literal["language"]
    language: str

    def says(self) -> str:
        return f"written in {self.language}"


class AsciiContent(ScopedRule):
    """The text holds ASCII characters only."""

    check: Literal["ascii"]

    def says(self) -> str:
        return "only ASCII characters"


class LinkContent(ScopedRule):
    """Links lead only to domains that the operators approved for the sender."""

    check: Literal["approved_links"]

    def says(self) -> str:
        return "links lead only to domains approved for the sender"


class ShortenerContent(ScopedRule):
    """No link goes through a public shortener: `shorteners` of `global.toml`."""

    check: Literal["no_shorteners"]

    def says(self) -> str:
        return "no links through public shorteners"


class PhoneNumberContent(ScopedRule):
    """No phone numbers in the text; those without a country code are read as of `region` (ISO 3166)."""

    check: Literal["no_phone_numbers"]
    region: str

    def says(self) -> str:
        return "no phone numbers in the text"


class PrefixContent(ScopedRule):
    """The text begins with exactly `prefix`."""

    check: Literal["prefix"]
    prefix: Annotated[str, Field(min_length=1)]

    def says(self) -> str:
        return f"the text begins with “{self.prefix}”"


class MarkerContent(ScopedRule):
    """The text begins with the brand or with a word that marks it as promotional, per language."""

    check: Literal["marker"]
    words: Vocabulary

    def says(self) -> str:
        return "the text begins with the brand or with a word that marks it as promotional"

    def lists(self) -> Iterable[str]:
        return (f"{language}: {', '.join(words)}" for language, words in self.words.items())


class Subject(StrEnum):
    """What a text may have to speak of."""

    OFFER = "offer"
    VALIDITY = "validity"
    RATES = "rates"
    HELP = "help"
    FREQUENCY = "frequency"


class SubjectContent(ScopedRule):
    """The text speaks of `subject`: by one of `words`, per language.

    `first` limits it to the first message: to a person to whom none of these purposes is remembered.
    """

    check: Literal["subject"]
    subject: Subject
    words: Vocabulary
    first: StrictBool = False

    def says(self) -> str:
        what = {
            Subject.OFFER: "says what is offered",
            Subject.VALIDITY: "says until when",
            Subject.RATES: "says that message and data rates may apply",
            Subject.HELP: "says how to get help",
            Subject.FREQUENCY: "says how often messages come",
        }[self.subject]
        return f"the {'first ' if self.first else ''}text {what}"

    def lists(self) -> Iterable[str]:
        return (f"{language}: {', '.join(words)}" for language, words in self.words.items())


class ContactContent(ScopedRule):
    """The text names a way to reach the sender: one of `by`. Numbers are read as of `region`."""

    check: Literal["contact"]
    by: Annotated[tuple[Literal["phone", "email", "link"], ...], Field(min_length=1)]
    region: str

    def says(self) -> str:
        return f"the text names a {' or '.join(self.by)} to reach the sender"


class SegmentContent(ScopedRule):
    """The text travels in at most `limit` SMS parts (GSM-7 or UCS-2)."""

    check: Literal["segments"]
    limit: Count

    def says(self) -> str:
        return f"at most {self.limit} SMS parts"


class VariablesContent(ScopedRule):
    """A template has at most `limit` variables."""

    check: Literal["variables"]
    limit: Count

    def says(self) -> str:
        return f"a template has at most {self.limit} variables"


class TemplateContent(ScopedRule):
    """The message is made from a registered template."""

    check: Literal["template"]

    def says(self) -> str:
        return "the message is made from a registered template"


ContentRule: TypeAlias = (
    OptOutContent
    | OneWayContent
    | BrandContent
    | LengthContent
    | SegmentContent
    | PromotionContent
    | LanguageContent
    | AsciiContent
    | LinkContent
    | ShortenerContent
    | PhoneNumberContent
    | PrefixContent
    | MarkerContent
    | SubjectContent
    | ContactContent
    | VariablesContent
    | TemplateContent
)
