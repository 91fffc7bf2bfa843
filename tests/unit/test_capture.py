"""Evidence of a consent is refused for each thing that is missing or wrong in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from izin.domain import evidence
from izin.domain.capture import Capture, Problem, judge, review
from izin.domain.consent import Method
from izin.domain.message import Channel, Purpose
from izin.domain.pack import load

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
M, T, A = Purpose.MARKETING, Purpose.TRANSACTIONAL, Purpose.AUTHENTICATION

FILE = "sha256:" + "5a" * 32
IP_UNASKED = ("evidence.ip", "not_asked")

ID_CAPTURE = Capture(
    channel=Channel.SMS,
    purposes=(M,),
    captured_at=NOW - timedelta(minutes=5),
    wording="Saya setuju menerima promosi dari ShopX melalui SMS.",
    language="id",
    method=Method.CHECKBOX,
    source="web sign-up",
    prechecked=False,
    evidence={"screenshot": FILE},
)
BR_CAPTURE = replace(
    ID_CAPTURE,
    wording="Aceito receber promoções da ShopX por SMS.",
    language="pt-BR",
    evidence={"ip": "203.0.113.7", "cpf": "529.982.247-25"},
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
        ({"evidence": {}}, [("evidence.screenshot", "missing")]),
        ({"evidence": {"screenshot": " "}}, [("evidence.screenshot", "missing")]),
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
        ({"evidence": {"ip": "203.0.113.7"}}, [("evidence.cpf", "missing")]),
        ({"evidence": {"cpf": "529.982.247-25"}}, [("evidence.ip", "missing")]),
        ({"wording": ""}, [("wording", "missing")]),
        ({"wording": "Você poderá receber promoções"}, [("wording", "wording_vague")]),
        ({"wording": "Aceito receber SMS da ShopX"}, [("wording", "wording_lacks_type")]),
        ({"prechecked": True}, [("prechecked", "pre_ticked")]),
    ],
)
def test_brazil(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert faults("BR", replace(BR_CAPTURE, **change)) == expected


def test_channels_that_are_only_recorded_are_judged_too() -> None:
    capture = replace(ID_CAPTURE, channel=Channel.EMAIL, prechecked=True, evidence={})
    assert faults("ID", capture) == [("prechecked", "pre_ticked")]


def test_a_number_without_an_act_is_no_consent() -> None:
    bare = Capture(channel=Channel.SMS, purposes=(T,))
    fields = ["captured_at", "method", "wording", "language", "source"]
    for pack_id in ("US", "FR", "ID"):
        missing = [name for name, code in faults(pack_id, bare) if code == "missing"]
        assert missing[:5] == fields
    (method,) = [p for p in problems("US", bare) if p.field == "method"]
    assert "S-ID-06" in method.sources


US_CAPTURE = replace(
    ID_CAPTURE,
    wording="I agree to receive promotional texts from ShopX. Not a condition of purchase.",
    language="en-US",
    method=Method.FORM,
    condition_of_purchase=False,
    evidence={"ip": "203.0.113.7", "signature": "Ann Example", "seller": "ShopX Inc."},
)


@pytest.mark.parametrize(
    ("pack_id", "capture", "evidence", "expected"),
    [
        ("US", US_CAPTURE, {}, []),
        ("US", US_CAPTURE, {"cpf": "529.982.247-25"}, [("evidence.cpf", "not_asked")]),
        ("US", replace(US_CAPTURE, method=Method.PAPER), {"copy": FILE}, [("evidence.ip", "not_asked")]),
        ("FR", replace(US_CAPTURE, evidence={}), {}, []),
        ("FR", replace(US_CAPTURE, evidence={}), {"ip": "203.0.113.7"}, [("evidence.ip", "not_asked")]),
        ("ID", ID_CAPTURE, {"ip": "::1", "birthday": "x"}, [("evidence.birthday", "not_asked"), IP_UNASKED]),
        ("BR", BR_CAPTURE, {"screenshot": FILE}, [("evidence.screenshot", "not_asked")]),
        ("ID", ID_CAPTURE, {"screenshot": "sha256:5a"}, [("evidence.screenshot", "malformed")]),
        ("ID", ID_CAPTURE, {"screenshot": "https://x.example/a.png"}, [("evidence.screenshot", "malformed")]),
        ("BR", BR_CAPTURE, {"ip": "203.0.113.256"}, [("evidence.ip", "malformed")]),
        ("BR", BR_CAPTURE, {"ip": "2001:db8::7"}, []),
        ("BR", BR_CAPTURE, {"cpf": "529.982.247-26"}, [("evidence.cpf", "malformed")]),
        ("US", US_CAPTURE, {"signature": "sha256:no"}, [("evidence.signature", "malformed")]),
        ("US", US_CAPTURE, {"signature": FILE}, []),
    ],
)
def test_only_what_the_pack_asks_for_is_taken_and_only_well_formed(
    pack_id: str, capture: Capture, evidence: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    found = faults(pack_id, replace(capture, evidence={**capture.evidence, **evidence}))
    assert found == expected


def test_india_asks_for_the_operators_reference_and_the_ip() -> None:
    capture = replace(US_CAPTURE, evidence={"ip": "203.0.113.7", "dca_reference": "DCA-1203-77"})
    assert faults("IN", capture) == []
    assert faults("IN", replace(capture, evidence={})) == [
        ("evidence.ip", "missing"),
        ("evidence.dca_reference", "missing"),
    ]
    spaced = {**capture.evidence, "dca_reference": "two words"}
    assert faults("IN", replace(capture, evidence=spaced)) == [("evidence.dca_reference", "malformed")]


@given(st.integers(0, 999_999_999))
def test_a_tax_number_has_its_two_check_digits(nine: int) -> None:
    digits = [int(digit) for digit in f"{nine:09}"]
    for length in (9, 10):
        rest = sum(d * w for d, w in zip(digits, range(length + 1, 1, -1), strict=True)) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    whole = "".join(map(str, digits))
    assert (evidence.fault("cpf", whole) is None) == (len(set(digits)) > 1)
    for place in (9, 10):
        wrong = f"{whole[:place]}{(digits[place] + 1) % 10}{whole[place + 1 :]}"
        assert evidence.fault("cpf", wrong), f"{place} of {whole}"


@pytest.mark.parametrize(
    ("wording", "lacking"),
    [
        ("I agree to marketing messages and login codes", []),
        ("I agree to marketing messages", [("wording", "wording_lacks_type")]),
        ("J’accepte de recevoir des offres et des codes de connexion", []),
        ("Ich möchte Werbung und Anmeldecodes erhalten", []),
    ],
)
def test_several_purposes_are_each_named(wording: str, lacking: list[tuple[str, str]]) -> None:
    capture = replace(US_CAPTURE, wording=wording, purposes=(M, A), evidence={})
    assert faults("EU", capture) == lacking
    assert faults("EU", replace(capture, purposes=(M,))) == []


def test_a_wording_is_reviewed_by_every_country_that_it_is_for() -> None:
    def found(text: str, purposes: tuple[Purpose, ...], *packs: str) -> set[str]:
        rules = [load(pack_id).rules(Channel.SMS, purpose) for pack_id in packs for purpose in purposes]
        return {problem.rule for problem in review(text, purposes, rules, "ShopX")}

    assert found("Saya setuju menerima promosi", (M,), "ID") == set()
    assert found("Saya setuju menerima promosi", (M,), "ID", "US") == {
        "US.capture.names_marketing",
        "US.capture.names_brand",
    }
    assert found("You may receive promosi", (M,), "ID") == {"GLOBAL.capture.specific"}
    assert found("Saya setuju menerima promosi", (M, A), "ID") == {
        "GLOBAL.capture.names_each.authentication",
        "ID.capture.names_authentication",
    }


def test_a_problem_cites_every_rule_that_asks() -> None:
    (missing,) = problems("BR", replace(BR_CAPTURE, evidence={"cpf": "529.982.247-25"}))
    assert (missing.rule, missing.sources) == ("BR.evidence.ip", ("S-BR-14",))
    (future,) = problems("ID", replace(ID_CAPTURE, captured_at=NOW + timedelta(days=1)))
    assert future.rule == "GLOBAL.capture.past"
    assert future.sources


def test_rules_of_a_claimed_purpose_must_be_given() -> None:
    with pytest.raises(KeyError):
        judge(ID_CAPTURE, {T: load("ID").rules(Channel.SMS, T)}, "ShopX", NOW)


def test_evidence_does_not_show() -> None:
    assert "203.0.113.7" not in repr(BR_CAPTURE)
