"""Does the person of the README live through what the README tells?"""

import re

import pytest

from infra import story
from infra.local import Stack


def test_the_story_comes_true(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    story.play(stack)

    told = capsys.readouterr().out
    assert "pre_ticked" in told
    assert re.search(r"defer, held until \w{3} 08:00:00: outside_window", told)
    assert "deny: opted_out" in told


def test_nothing_was_set_aside(stack: Stack) -> None:
    sqs = stack.emulator.client("sqs")
    for url in (url for name, url in stack.outputs.items() if name.endswith("DeadLetterQueueUrl")):
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "0", url
