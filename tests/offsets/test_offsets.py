"""A sample of the offset changes; `make prove` takes all."""

from tests.offsets import proof


def test_no_change_of_clocks_opens_a_window_early_or_late() -> None:
    number, asked, wrong = proof.prove(every=60)
    assert number > 20
    assert asked > 1000
    assert wrong == []
