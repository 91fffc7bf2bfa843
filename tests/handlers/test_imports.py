"""Consents and opt-outs of another system: each judged alone, nothing revived, nothing written twice."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from izin.aws import identity
from izin.aws.dynamo import Item

from tests.handlers.world import WORDING, Said, World

YEAR = timedelta(days=365)


def claim(here: World, person: str, age: timedelta = timedelta(days=30), **fields: Any) -> Item:
    """A consent with everything that Indonesia asks for, given `age` ago."""
    at = here.rt.now() - age
    body = {
        "brand": "shopx",
        "address": person,
        "channel": "sms",
        "purposes": ["marketing"],
        "captured_at": at.isoformat(),
        "confirmed_at": (at + timedelta(minutes=2)).isoformat(),
        "wording": WORDING,
        "language": "id",
        "method": "checkbox",
        "prechecked": False,
        "source": "the list of the old system",
        "evidence": {"screenshot": here.uploaded(person, "shopx")},
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


def imports(here: World, *claims: Any, dry_run: bool = False, **call: Any) -> list[Item]:
    said = here.call("POST /v1/consents/batch", {"consents": list(claims), "dry_run": dry_run}, **call)
    assert said.status == 200, said.text
    found: list[Item] = said.body["results"]
    return found


def opted_out(here: World, *bodies: Item, dry_run: bool = False) -> Said:
    whole = [{"brand": "shopx", "source": "the old list", **body} for body in bodies]
    return here.call("POST /v1/opt-outs/batch", {"opt_outs": whole, "dry_run": dry_run})


def statuses(results: list[Item]) -> list[str]:
    return [result["body"]["consents"][0]["status"] for result in results]


def test_no_number_is_taken_in_with_what_everybody_may_read(here: World) -> None:
    person = here.person()
    told = f"agent, call from {person[:3]} {person[3:6]}-{person[6:]}"
    results = imports(here, *(claim(here, person, **{name: told}) for name in ("source", "wording")))
    for fields in ({"source": told}, {"id": f"stop-{person[1:]}"}):
        results += opted_out(here, {"address": person, **fields}).body["results"]
        assert here.opt_out(person, **fields).codes == [(next(iter(fields)), "holds_number")]
    codes = [(r["status"], r["body"]["errors"][0]["field"], r["body"]["errors"][0]["code"]) for r in results]
    fields_told = ("source", "wording", "source", "id")
    assert codes == [(422, name, "holds_number") for name in fields_told]
    assert here.ledger(person) == []
    assert here.opt_out(person, reason=told).status == 200  # it is sealed under the person's key


def test_a_consent_with_its_evidence_holds_and_nobody_is_asked(here: World) -> None:
    person = here.person()
    (result,) = imports(here, claim(here, person))
    assert (result["status"], result["body"]["proved"], statuses([result])) == (200, True, ["granted"])
    assert here.standing(person) == "granted"
    here.live(600)
    assert here.sms.sent == []
    assert here.messages() == []


def test_the_tax_number_is_not_kept(here: World) -> None:
    person, cpf = here.secret("+5511987654321"), here.secret("529.982.247-25")
    told = {"language": "pt-BR", "wording": "Aceito receber promoções e ofertas da ShopX por SMS."}
    (result,) = imports(here, claim(here, person, evidence={"ip": "203.0.113.9", "cpf": cpf}, **told))
    assert result["body"]["proved"], result
    (event,), (kept,) = here.ledger(person), here.items(here.rt.keys_table)
    opened = identity.unseal(kept["key"], f"evidence|{here.id_of(person)}|{event['id']}", event["sealed"])
    assert opened == {"address": person, "ip": "203.0.113.9", "cpf": opened["cpf"]}
    assert re.fullmatch("[0-9a-f]{32}", opened["cpf"])


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"wording": None}, "wording", "missing"),
        ({"wording": "  "}, "wording", "missing"),
        ({"captured_at": None}, "captured_at", "missing"),
        ({"method": None}, "method", "missing"),
        ({"language": None}, "language", "missing"),
        ({"confirmed_at": None}, "confirmed_at", "missing"),
        ({"evidence": {}}, "evidence.screenshot", "missing"),
        ({"evidence": {"screenshot": "sha256:" + "b" * 64}}, "evidence.screenshot", "not_uploaded"),
        ({"prechecked": True}, "prechecked", "pre_ticked"),
        ({"prechecked": None}, "prechecked", "missing"),
        ({"confirmed_at": "2031-01-01T00:00:00Z"}, "confirmed_at", "in_the_future"),
        ({"captured_at": "2031-01-01T00:00:00Z"}, "captured_at", "in_the_future"),
    ],
)
def test_without_evidence_the_status_is_none_and_the_ledger_says_why(
    here: World, change: Item, field: str, code: str
) -> None:
    person = here.person()
    (result,) = imports(here, claim(here, person, **change))
    assert (result["status"], result["body"]["proved"], statuses([result])) == (200, False, ["none"])
    assert (field, code) in [(reason["field"], reason["code"]) for reason in result["body"]["reasons"]]
    assert here.standing(person) == "none"
    (event,) = here.ledger(person)
    assert event["type"] == "consent_unproven"
    assert f"{field} {code}" in event["details"]["lacking"]
    assert set(event["commitments"]) == {"address"}
    here.clock.sleep(3600)
    assert "no_consent" in here.submit(person, "m-1").reasons


def test_a_consent_withdrawn_later_stays_withdrawn(here: World) -> None:
    person = here.person()
    assert here.opt_out(person, given_at=(here.rt.now() - timedelta(days=9)).isoformat()).status == 200
    assert statuses(imports(here, claim(here, person, timedelta(days=10)))) == ["withdrawn"]
    assert here.standing(person) == "withdrawn"
    assert statuses(imports(here, claim(here, person, timedelta(days=8)))) == ["granted"]


def test_a_no_between_the_two_yeses_ends_them(here: World) -> None:
    person, now = here.person(), here.rt.now()
    here.opt_out(person, given_at=(now - timedelta(days=9)).isoformat())
    late = claim(here, person, timedelta(days=10), confirmed_at=(now - timedelta(days=8)).isoformat())
    assert statuses(imports(here, late)) == ["withdrawn"]


def test_do_not_contact_outlives_every_import(here: World) -> None:
    person = here.person()
    here.opt_out(person, do_not_contact=True, given_at=(here.rt.now() - timedelta(days=9)).isoformat())
    assert statuses(imports(here, claim(here, person, timedelta(days=1)))) == ["withdrawn"]


def test_the_same_line_is_written_once_however_late_it_comes_again(here: World) -> None:
    proved, unproven = here.person(), here.person()
    lines = [claim(here, proved), claim(here, unproven, wording=None, captured_at=None)]
    first = imports(here, *lines)
    assert imports(here, *lines) == first
    here.clock.sleep(40 * 86_400)
    imports(here, claim(here, proved, source="another list"))  # moves the recent events on
    here.clock.sleep(40 * 86_400)
    assert imports(here, lines[0])[0]["body"]["event_id"] == first[0]["body"]["event_id"]
    assert imports(here, lines[1])[0]["body"]["event_id"] == first[1]["body"]["event_id"]
    assert (len(here.ledger(proved)), len(here.ledger(unproven))) == (2, 1)


def test_a_dry_run_answers_the_same_and_writes_nothing(here: World) -> None:
    lines = [claim(here, here.person()), claim(here, here.person(), wording=None), {"brand": "shopx"}]
    tried = imports(here, *lines, dry_run=True)
    assert (here.states(), here.messages()) == ([], [])
    assert tried == imports(here, *lines)


def test_each_is_judged_alone(here: World) -> None:
    good, landline = claim(here, here.person()), claim(here, here.secret("+622129888888"))
    bad = [
        (claim(here, "081234567890"), "address", "number_not_e164"),
        (claim(here, here.person(), brand="nobody"), "brand", "unknown_brand"),
        (landline, "address", "number_class"),
        (claim(here, here.person(), surplus=1), "surplus", "unknown_field"),
        (claim(here, here.person(), purposes=[]), "purposes", "too_short"),
        ("no object", "body", "model_type"),
    ]
    results = imports(here, good, *(line for line, _, _ in bad), good, brand="*")
    assert [result["status"] for result in results] == [200, *[422] * len(bad), 200]
    for (_, field, code), result in zip(bad, results[1:-1], strict=True):
        (error,) = result["body"]["errors"]
        assert (error["field"], error["code"]) == (field, code)
        assert error["message"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ("{", "body", "json_invalid"),
        ({"consents": []}, "consents", "not_a_batch"),
        ({"consents": [{}] * 101}, "consents", "not_a_batch"),
        ({"consents": [{}], "more": 1}, "more", "unknown_field"),
        ({"consents": [{}], "dry_run": "yes"}, "dry_run", "bool_type"),
    ],
)
def test_what_is_no_batch_is_refused_whole(here: World, body: Any, field: str, code: str) -> None:
    said = here.call("POST /v1/consents/batch", body)
    assert said.problem
    assert said.codes == [(field, code)]


def test_scopes_are_asked_for_each(here: World) -> None:
    line = claim(here, here.person())
    (refused,) = imports(here, line, scopes=["read"])
    assert refused["status"] == 403
    (foreign,) = imports(here, line, brand="other")
    assert foreign["status"] == 403
    assert here.states() == []


def test_a_batch_of_opt_outs(here: World) -> None:
    one, two = here.person(), here.person()
    at = datetime.isoformat(here.rt.now() - YEAR)
    lines = [{"address": one, "given_at": at, "id": "import"}, {"address": "1"}, {"address": two}]
    dry = opted_out(here, *lines, dry_run=True).body["results"]
    assert ([result["status"] for result in dry], here.states()) == ([200, 422, 200], [])
    first = opted_out(here, *lines).body["results"]
    assert [result["status"] for result in first] == [200, 422, 200]
    assert first[0]["body"]["event_id"] == dry[0]["body"]["event_id"]
    here.clock.sleep(60)
    again = opted_out(here, lines[0]).body["results"]
    assert again[0]["body"]["silent_from"] == first[0]["body"]["silent_from"]
    here.clock.sleep(40 * 86_400)
    here.opt_out(one)
    here.clock.sleep(40 * 86_400)
    assert opted_out(here, lines[0]).body["results"] == [first[0]]
    assert [event["given_at"][:4] for event in here.ledger(one)] == ["2025", "2027"]
    assert "opted_out" in here.submit(two, "m-1").reasons
