"""The product's engine and a naive one give the same verdict, instants and reasons."""

from __future__ import annotations

import random
from collections import Counter

from tests.rules import naive
from tests.rules.__main__ import compare
from tests.rules.inputs import question

SAMPLE = 10_000


def test_the_engines_agree() -> None:
    assert compare(0, SAMPLE) == []


def test_the_questions_reach_every_kind_of_reason() -> None:
    """A sample that asked only easy questions would prove nothing."""
    answers = [naive.answer(question(random.Random(seed))[1]) for seed in range(2000)]
    verdicts = Counter(answer.verdict for answer in answers)
    assert min(verdicts.values()) > 200, verdicts
    met = {code for answer in answers for code, *_ in answer.reasons}
    assert len(met) >= 34, sorted(met)
    assert sum(bool(answer.relaxed) for answer in answers) > 50
    assert sum(answer.valid_until is not None for answer in answers) > 200
