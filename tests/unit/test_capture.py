"""Evidence of a consent is refused for each thing that is missing or wrong in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from izin.domain.capture import Capture, Problem, judge
from izin.domain.consent import Method
from izin.domain.message import Channel, Purpose
from izin.domain.pack import load

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
M, T, A = Purpose.MARKETING, Purpose.TRANSACTIONAL, Purpose.AUTHENTICATION

ID_CAPTURE = Capture(
    channel=Channel.SMS,
    purposes=(M,),
    captured_at=NOW - timedelta(minutes=5),
    wording="Saya setuju menerima promosi dari ShopX melalui SMS.",
    language="id",
    method=Method.CHECKBOX,
    source="web sign-up",
    prechecked=False,
    evidence={"screenshot": "sha256:00"},
)
BR_CAPTURE = replace(
    ID_CAPTURE,
    wording="Aceito receber promoções da ShopX por SMS.",
    language="pt-BR",
    evidence={"ip": "203.0.113.7", "cpf": "hmac:00"},
)


def problems(pack_id: str, capture: Capture) -> list[Problem]:
    pack = load(pack_id)
    rules = {purpose: pack.rules(capture.channel, purpose) for purpose in Purpose}
    return list(judge(capture, rules, "ShopX", NOW))


def faults(pack_id: str, capture: Capture) -> list[tuple[str, str]]:
    return [(p.field, p.code.value) for p in problems(pack_id, capture)]


def test_good_captures_pass() -> None:
    assert faults("ID", ID_CAPTURE) == []
    assert faults("BR", BR_CAPTURE) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"prechecked": True}, [("prechecked", "pre_ticked")]),
        ({"prechecked": None}, [("prechecked", "missing")]),
        ({"prechecked": None, "method": Method.SIGNATURE}, []),
        ({"prechecked": True, "method": Method.FORM}, [("prechecked", "pre_ticked")]),
        ({"captured_at": NOW}, []),
        ({"captured_at": NOW + timedelta(microseconds=1)}, [("captured_at", "in_the_future")]),
        ({"source": " "}, [("source", "missing")]),
        ({"evidence": {}}, [("screenshot", "missing")]),
        ({"evidence": {"screenshot": " "}}, [("screenshot", "missing")]),
        ({"wording": ""}, [("wording", "missing")]),
        ({"purposes": ()}, [("purposes", "missing")]),
        ({"condition_of_purchase": True}, [("condition_of_purchase", "condition_of_purchase")]),
        ({"condition_of_purchase": False}, []),
        ({"wording": "Anda MUNGKIN menerima promosi"}, [("wording", "wording_vague")]),
        ({"wording": "You may receive promotional messages"}, [("wording", "wording_vague")]),
        (
            {"wording": "You may receive messages"},
            [("wording", "wording_vague"), ("wording", "wording_lacks_type")],
        ),
        ({"wording": "Saya setuju menerima SMS dari ShopX"}, [("wording", "wording_lacks_type")]),
        ({"wording": "I agree to get promotional SMS from ShopX", "language": "en"}, []),
    ],
)
def test_indonesia(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = faults("ID", replace(ID_CAPTURE, **change))
    if change.get("purposes") == ():  # judged by every purpose, so its wording falls short as well
        found = found[:1]
    assert found == expected


def test_one_wording_may_cover_several_types_if_it_names_each() -> None:
    model = "Saya setuju untuk menerima OTP dan pemberitahuan akun melalui SMS."
    capture = replace(ID_CAPTURE, purposes=(T, A), wording=model)
    assert faults("ID", capture) == []
    assert faults("ID", replace(capture, purposes=(T, A, M))) == [("wording", "wording_lacks_type")]


def test_whatsapp_needs_the_brand_in_the_wording() -> None:
    capture = replace(
        ID_CAPTURE, channel=Channel.WHATSAPP, wording="Saya setuju menerima promosi via WhatsApp"
    )
    assert faults("ID", capture) == [("wording", "wording_lacks_brand")]
    assert faults("ID", replace(capture, wording=f"{capture.wording} dari SHOPX")) == []
    assert faults("ID", replace(capture, channel=Channel.SMS)) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"evidence": {"ip": "203.0.113.7"}}, [("cpf", "missing")]),
        ({"evidence": {"cpf": "hmac:00"}}, [("ip", "missing")]),
        ({"wording": ""}, [("wording", "missing")]),
        ({"wording": "Você poderá receber promoções"}, [("wording", "wording_vague")]),
        ({"wording": "Aceito receber SMS da ShopX"}, [("wording", "wording_lacks_type")]),
        ({"prechecked": True}, [("prechecked", "pre_ticked")]),
    ],
)
def test_brazil(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults("BR", replace(BR_CAPTURE, **change)) == expected


def test_channels_that_are_only_recorded_are_judged_too() -> None:
    capture = replace(ID_CAPTURE, channel=Channel.EMAIL, prechecked=True)
    assert faults("ID", capture) == [("prechecked", "pre_ticked")]


def test_a_problem_cites_every_rule_that_asks() -> None:
    (missing,) = problems("BR", replace(BR_CAPTURE, evidence={"cpf": "hmac:00"}))
    assert (missing.rule, missing.sources) == ("BR.evidence.ip", ("S-BR-14",))
    (future,) = problems("ID", replace(ID_CAPTURE, captured_at=NOW + timedelta(days=1)))
    assert future.rule == "GLOBAL.capture.past"
    assert future.sources


def test_rules_of_a_claimed_purpose_must_be_given() -> None:
    with pytest.raises(KeyError):
        judge(ID_CAPTURE, {T: load("ID").rules(Channel.SMS, T)}, "ShopX", NOW)


def test_evidence_does_not_show() -> None:
    assert "203.0.113.7" not in repr(BR_CAPTURE)
