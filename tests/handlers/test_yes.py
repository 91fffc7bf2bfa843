"""What makes a yes hold, flow by flow, through the real handlers? Evidence, and the second yes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import inbound
import pytest
from izin.aws import identity

from tests.handlers.world import World


def test_a_box_ticked_beforehand_is_refused_with_the_reasons(here: World) -> None:
    person = here.person()
    said = here.consent(person, prechecked=True, evidence={})
    assert said.status == 422
    assert {("prechecked", "pre_ticked"), ("evidence.screenshot", "missing")} <= set(said.codes)
    assert all(error["message"] for error in said.body["errors"])
    assert here.states() == []


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"prechecked": None}, ("prechecked", "missing")),
        ({"condition_of_purchase": True}, ("condition_of_purchase", "condition_of_purchase")),
        ({"wording": "Saya setuju menerima pesan dari ShopX."}, ("wording", "wording_lacks_type")),
        ({"wording": "Anda mungkin menerima promosi dari ShopX."}, ("wording", "wording_vague")),
        ({"captured_at": "2026-11-22T16:30:01Z"}, ("captured_at", "in_the_future")),
        ({"sender": None}, ("sender", "missing")),
    ],
)
def test_evidence_that_proves_nothing_is_refused(
    here: World, fields: dict[str, Any], error: tuple[str, str]
) -> None:
    said = here.consent(here.person(), **fields)
    assert (said.status, error in said.codes) == (422, True), said.text
    assert here.states() == []


def test_a_yes_is_pending_until_the_person_says_it_again(here: World) -> None:
    person = here.person()
    said = here.consent(person, id="signup-1")
    assert (said.status, said.body["status"]) == (200, "pending")
    assert here.submit(person, "early").reasons >= {"consent_pending"}
    here.live(1)
    (request,) = here.sms.sent
    assert (request.to, "YA" in request.text) == (person, True)

    here.say(person, "Ya")
    assert here.standing(person) == "granted"
    assert here.submit(person, "later").reasons == {"outside_window"}
    assert [item["type"] for item in here.ledger(person)] == ["consent_pending", "consent_granted"]


def test_a_consent_told_twice_is_one_consent_and_one_request(here: World) -> None:
    person = here.person()
    body = here.consent_body(person, id="signup-1")
    first, second = (here.call("POST /v1/consents", body) for _ in range(2))
    here.live(1)
    assert first.body == second.body
    assert (len(here.ledger(person)), len(here.sms.sent)) == (1, 1)


def test_a_brand_may_do_without_the_second_yes(here: World) -> None:
    here.register(double_opt_in=False)
    person = here.person()
    assert here.consent(person, sender=None).body["status"] == "granted"
    here.live(1)
    assert here.sms.sent == []


def test_a_yes_that_comes_after_three_days_is_none(here: World) -> None:
    person = here.person()
    here.consent(person)
    here.live(1)
    here.clock.sleep(timedelta(hours=72).total_seconds())
    here.say(person, "YA")
    assert here.standing(person) == "expired"


def test_in_brazil_sim_is_yes_and_the_tax_number_is_not_kept(here: World) -> None:
    here.register("lojax", "lojax-1", name="LojaX", language="pt-BR", address="+5511955554444")
    person = here.secret("+5511987654321")
    evidence = {"ip": "203.0.113.9", "cpf": here.secret("529.982.247-25")}
    said = here.call(
        "POST /v1/consents",
        here.consent_body(
            person,
            brand="lojax",
            sender="lojax-1",
            language="pt-BR",
            wording="Aceito receber promoções e ofertas da LojaX por SMS.",
            evidence=evidence,
        ),
        brand="lojax",
    )
    assert said.body.get("status") == "pending", said.text
    here.live(1)
    assert "SIM" in here.sms.sent[0].text
    reply = json.loads(here.reply(person, "sim"))
    told = json.loads(reply["Message"]) | {"destinationNumber": "+5511955554444"}
    inbound.receive(here.rt, here.notification(told))
    assert here.standing(person, brand="lojax") == "granted"

    key = here.items(here.rt.keys_table)[0]["key"]
    recipient_id = here.id_of(person)
    (first, _) = here.ledger(person, "lojax")
    opened = identity.unseal(key, f"evidence|{recipient_id}|{first['id']}", first["sealed"])
    assert opened["ip"] == "203.0.113.9"
    assert "529" not in opened["cpf"]
