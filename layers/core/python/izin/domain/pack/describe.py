"""What a pack means, in plain English, every statement with its rule, severity and sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from izin.domain.message import Purpose
from izin.domain.pack.base import Cited, ScopedRule, span
from izin.domain.pack.loader import load
from izin.domain.pack.model import (
    GLOBAL,
    Confirmation,
    Keywords,
    MessageExpiry,
    Pack,
    Retention,
    Rule,
    Rules,
    RuleSet,
    Setting,
    StopButtons,
    Texts,
)
from izin.domain.pack.sources import sources


def describe(pack: Pack) -> str:
    """What the pack means, in plain English, every statement with its rule, severity and sources."""
    lines = [
        f"{pack.id}: {pack.title}, version {pack.version}",
        *([f"Countries: {', '.join(pack.countries)}"] if pack.countries else []),
        f"Languages: {', '.join(pack.languages)}",
    ]
    for title, rules in _described(pack):
        lines += ["", title]
        for rule in rules:
            lines += [f"  {statement(rule)}.", *(f"    {words}" for words in rule.lists()), *_cite(rule)]
    lines += ["", "Settings"]
    for name, setting in pack.settings().items():
        lines += [f"  {name.replace('_', ' ')}: {_setting(setting)}.", *_cite(setting)]
    for expiry in pack.consent_expiry:
        lines += [f"  {expiry.says()}.", *_cite(expiry)]
    for threshold in pack.health:
        lines += [f"  {threshold.says()}.", *_cite(threshold)]
    words = {**load(GLOBAL).keywords, **pack.keywords}
    lines += ["", "Replies"]
    for language in (GLOBAL, *pack.languages):
        if language in words:
            lines += [f"  {language}:", *_keywords(words[language]), *_cite(words[language])]
    lines += ["", "Texts"]
    for language, answers in pack.texts.items():
        lines += [f"  {language}:", *_templates(answers), *_cite(answers)]
    return "\n".join(lines) + "\n"


def statement(rule: Rule) -> str:
    """One rule as a sentence: for what, where, and what it asks."""
    where = f" in {', '.join(rule.subdivisions)}" if rule.subdivisions else ""
    return f"{', '.join(rule.purposes)} ({', '.join(rule.channels)}){where}: {rule.says()}"


def explain(rules: Rules) -> str:
    """What these rules ask at once, each with what it rests on."""
    lines: list[str] = []
    for title, kind in RuleSet.model_construct(**rules.kinds()).by_kind().items():
        if kind:
            lines += ["", title] if lines else [title]
        for rule in kind:
            where = f" (in {', '.join(rule.subdivisions)})" if rule.subdivisions else ""
            relax = ", may be relaxed" if rule.relaxable else ""
            lines += [f"  {rule.says()}{where}.", f"    {rule.rule} ({rule.severity}{relax})"]
            lines += [f"    {words}" for words in rule.lists()]
            lines += [f"    {row}: {citation(row)}" for row in rule.sources]
    return "\n".join(lines)


def citation(row: str) -> str:
    """What a row asks and where that is written."""
    if row == "policy":
        return "a choice of this product"
    source = sources()[row]
    return f"{source.says} ({source.cite})"


def _described(pack: Pack) -> Iterable[tuple[str, Sequence[Rule]]]:
    for title, rules in pack.by_kind().items():
        if rules:
            yield title, rules
    for title, rules in pack.shared.by_kind().items():
        if rules:
            yield f"Everywhere: {title[0].lower()}{title[1:]}", rules


def _cite(value: Cited) -> list[str]:
    relax = ", may be relaxed" if isinstance(value, ScopedRule) and value.relaxable else ""
    cited = [f"    [{value.rule}; {value.severity}{relax}; {', '.join(value.sources)}]"]
    return [*cited, f"    {value.note}"] if value.note else cited


def _setting(setting: Cited) -> str:
    match setting:
        case Confirmation():
            when = "an opt-out is answered once" if setting.required else "an opt-out need not be answered"
            return f"{when}, within {span(setting.deadline)} or not at all"
        case Retention():
            since = "its capture" if setting.since == "capture" else "its last use"
            return f"the proof of a consent is kept for at least {span(setting.keep)} after {since}"
        case StopButtons():
            labels = (label for words in setting.labels.values() for label in words)
            return ", ".join(f"“{label}”" for label in labels)
        case MessageExpiry():
            return ", ".join(f"{purpose} after {span(setting.of(purpose))}" for purpose in Purpose)
        case Setting(value=timedelta() as duration):
            return span(duration)
        case Setting(value=bool() as on):
            return "yes" if on else "no"
        case _:
            raise TypeError(f"{type(setting)} has no description")


def _keywords(words: Keywords) -> list[str]:
    lists = words.model_dump(exclude=set(Cited.model_fields))
    return [f"    {name.replace('_', ' ')}: {', '.join(listed)}" for name, listed in lists.items() if listed]


def _templates(answers: Texts) -> list[str]:
    templates = answers.model_dump(exclude=set(Cited.model_fields))
    return [f"    {name.replace('_', ' ')}: {text}" for name, text in templates.items() if text]
