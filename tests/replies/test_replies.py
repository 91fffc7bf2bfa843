"""Replies are understood as well as the page says, however they are typed, and at once."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from izin.domain.keywords import Intent, read
from izin.domain.pack import GLOBAL, load, sentences

from tests.replies import evaluation
from tests.replies.evaluation import figures, rows, whole

# Recall and false alarms that the present words reach; a change that lowers any is one for the worse.
REACHED = {
    "every one": (0.974, 0.010),
    "held out": (0.975, 0.022),
    "inbox": (0.987, 0.004),
    "varied": (0.914, 0.024),
    "rare": (0.903, 0.039),
    "tuning": (0.994, 0.003),
}
YES = {"opt_in", "confirm"}
EXAMPLES = (0.978, 0.015)  # no measure: they are by those who chose the words

SECTION_7 = tomllib.loads((Path(__file__).parent / "attested.toml").read_text("utf-8"))
HOMES = {
    "global": ("US", "GB", "AU", "FR", "DE", "BR", "ID", "MY", "SG", "IN", "TH", "PH", "AQ"),
    "es": ("US", "MX", "ES"),
    "fr": ("FR", "CA"),
    "de": ("DE",),
    "it": ("IT",),
    "pt-BR": ("BR",),
    "id": ("ID",),
    "ms": ("MY", "SG"),
    "hi": ("IN",),
    "th": ("TH",),
    "fil": ("PH",),
    "zh": ("SG", "MY"),
    "ta": ("SG", "MY"),
}
ATTESTED = [
    (word, country, intent)
    for language, lists in SECTION_7.items()
    for intent, words in lists.items()
    for word in words
    for country in HOMES[language]
]
STOPS = [(word, country) for word, country, intent in ATTESTED if intent == "opt_out"]


def test_the_sets_are_as_large_and_as_varied_as_promised() -> None:
    labelled = whole()
    assert len(labelled) >= 1500
    assert len({row.language for row in labelled}) >= 12
    assert sum(row.intent != "opt_out" for row in labelled) >= 500
    assert 3 * len(evaluation.unseen()) >= len(labelled)


@pytest.mark.parametrize("name", REACHED)
def test_what_the_words_reach(name: str) -> None:
    found = figures(rows(evaluation.SETS[name]) if name in evaluation.SETS else whole())
    recall, false_alarms = REACHED[name]
    assert found.recall >= recall
    assert found.false_alarms <= false_alarms


def test_few_replies_are_left_for_a_person() -> None:
    found = figures(whole())
    assert found.unclear / found.rows <= 0.05


def test_no_opt_out_is_ever_taken_for_a_yes() -> None:
    labelled = [*whole(), *rows(evaluation.MADE)]
    taken = [row.text for row in labelled if row.intent == "opt_out" and evaluation.reading(row) in YES]
    assert taken == []


def test_the_examples_of_those_who_chose_the_words() -> None:
    found = figures(rows(evaluation.MADE))
    assert found.recall >= EXAMPLES[0]
    assert found.false_alarms <= EXAMPLES[1]


def test_the_page_is_current() -> None:
    assert evaluation.PAGE.read_text("utf-8") == evaluation.page(), "run `python -m tests.replies.evaluation`"


@pytest.mark.parametrize(("word", "country", "intent"), ATTESTED)
def test_attested_words(word: str, country: str, intent: str) -> None:
    said = "confirm" if intent == "opt_in" and read(word, country).intent is Intent.CONFIRM else intent
    assert read(word, country).intent == said
    assert read(f" {word.lower()}.", country).intent == said


@given(st.sampled_from(STOPS), st.data())
def test_typing_never_changes_an_opt_out(stop: tuple[str, str], data: st.DataObject) -> None:
    word, country = stop
    invisible = st.text("\u200b\u200c\u200d\u2060\ufeff\u00ad", max_size=2)
    typed = "".join(letter + data.draw(invisible) for letter in word)
    typed = data.draw(st.sampled_from([typed, typed.lower(), typed.upper(), typed.title()]))
    around = st.text("🛑🙏😡👍❤️!?.…,;:\"'»« \n", max_size=6)
    assert read(data.draw(around) + typed + data.draw(around), country).intent is Intent.OPT_OUT


@given(
    st.sampled_from([(word, home) for word, home in STOPS if len(word) >= 4 and " " not in word]), st.data()
)
def test_repeated_letters_never_change_an_opt_out(stop: tuple[str, str], data: st.DataObject) -> None:
    word, country = stop
    at = data.draw(st.integers(0, len(word) - 1).filter(lambda n: word[n].isalpha()))
    typed = word[:at] + word[at] * data.draw(st.integers(3, 9)) + word[at + 1 :]
    assert read(typed, country).intent is Intent.OPT_OUT


@given(st.text(max_size=300), st.sampled_from([None, "US", "ID", "TH", "IN", "SG"]))
def test_anything_can_be_read(text: str, country: str | None) -> None:
    reply = read(text, country)
    assert reply == read(text, country)
    assert reply.intent is Intent.OPT_OUT or reply.scope == "all"


@pytest.mark.parametrize(
    "word", ["stop ", "don't stop ", "a", "ยกเลิก", "取消", "reply stop ", "no. ", "n.", "s t o p "]
)
def test_the_time_grows_with_the_length_alone(word: str) -> None:
    def taken(times: int) -> float:
        text = word * times
        read(text, "SG")
        began = time.process_time()
        read(text, "SG")
        return time.process_time() - began

    short, long = min(taken(200) for _ in range(3)), min(taken(1600) for _ in range(3))
    assert long < 24 * short + 0.02


def test_every_language_that_is_spoken_has_its_sentences() -> None:
    assert {tag.split("-")[0] for tag in load(GLOBAL).languages} == set(sentences())
