"""A ledger shows every change made to it later."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from izin.domain.chain import GENESIS, Fault, canonical, commit, link, verify
from izin.verify import chain as verified


def ledger(length: int) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    prev = GENESIS
    for seq in range(1, length + 1):
        event: dict[str, Any] = {"seq": seq, "id": f"e{seq}", "prev": prev, "purposes": ["marketing"]}
        prev = event["hash"] = link(event)
        events.append(event)
    return events


def test_a_whole_ledger_verifies() -> None:
    events = ledger(5)
    assert verify(events, events[-1]["hash"]) is None
    assert verify([], GENESIS) is None


_TAMPERINGS = {
    "edited": lambda events, i: events[i].update(id="x"),
    "edited and hashed again": lambda events, i: events[i].update(hash=link(events[i] | {"id": "x"}), id="x"),
    "deleted": lambda events, i: events.pop(i),
    "repeated": lambda events, i: events.insert(i, dict(events[i])),
    "given a field": lambda events, i: events[i].update(note="x"),
    "moved": lambda events, i: events.insert((i + 2) % 5, events.pop(i)),
    "cut": lambda events, i: events.__delitem__(slice(i, None)),
}


@pytest.mark.parametrize("tampering", _TAMPERINGS)
@pytest.mark.parametrize("at", range(5))
def test_every_tampering_is_found(tampering: str, at: int) -> None:
    events = ledger(5)
    head = events[-1]["hash"]
    _TAMPERINGS[tampering](events, at)
    assert isinstance(verify(events, head), Fault)


def test_sealed_evidence_is_outside_the_chain() -> None:
    events = ledger(2)
    events[0]["sealed"] = "ciphertext"
    assert verify(events) is None


def test_the_canonical_form_is_one_text() -> None:
    assert canonical({"b": [1, True], "a": "é"}) == '{"a":"é","b":[1,true]}'.encode()
    with pytest.raises(TypeError):
        canonical({"a": [{"b": 1.5}]})


# RFC 8785, section 3.2.3: members are sorted by the UTF-16 code units of their names, so that the
# emoji, a pair of surrogates, comes before the Hebrew letter, whose code point is lower.
UNSORTED = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\U0001f600": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
}
SORTED = [
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
]


def test_members_are_sorted_as_rfc_8785_says() -> None:
    assert list(json.loads(canonical(UNSORTED)).values()) == SORTED
    assert list(json.loads(canonical({"a": [UNSORTED]}))["a"][0].values()) == SORTED


def test_strings_are_written_as_rfc_8785_says() -> None:
    """The example of section 3.2.2.2, and its literals."""
    value = {"string": "\u20ac$\u000f\nA'\u0042\u0022\u005c\\\"/", "literals": [None, True, False]}
    assert canonical(value) == (
        '{"literals":[null,true,false],"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()
    )


@pytest.mark.parametrize("value", [2**53, -(2**53), {"a": 1.0}, [0.5], "\ud800"])
def test_what_has_no_canonical_form_everywhere_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical(value)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=3), _VALUES, max_size=6))
def test_the_verifier_hashes_events_as_they_were_hashed(event: dict[str, Any]) -> None:
    event.pop("pk", None)
    assert verified.hash_of(event) == link(event)


@given(st.binary(min_size=1), st.binary(min_size=1), st.text(), st.text())
def test_a_commitment_binds_name_value_and_salt(salt: bytes, other: bytes, one: str, two: str) -> None:
    assert commit(salt, "ip", one) == commit(salt, "ip", one)
    if one != two:
        assert commit(salt, "ip", one) != commit(salt, "ip", two)
    if salt.rstrip(b"\0") != other.rstrip(b"\0"):  # HMAC pads a short key with zeros
        assert commit(salt, "ip", one) != commit(other, "ip", one)
