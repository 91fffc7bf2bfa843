"""A ledger shows every change made to it later."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from izin.domain.chain import GENESIS, Fault, canonical, commit, link, verify


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


@given(st.binary(min_size=1), st.binary(min_size=1), st.text(), st.text())
def test_a_commitment_binds_name_value_and_salt(salt: bytes, other: bytes, one: str, two: str) -> None:
    assert commit(salt, "ip", one) == commit(salt, "ip", one)
    if one != two:
        assert commit(salt, "ip", one) != commit(salt, "ip", two)
    if salt.rstrip(b"\0") != other.rstrip(b"\0"):  # HMAC pads a short key with zeros
        assert commit(salt, "ip", one) != commit(other, "ip", one)
