"""A consent is evidence: what was shown, what was done, and nothing that nobody asked for."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from izin.domain.capture import wording_hash

from tests.handlers.calls import Call
from tests.handlers.world import WORDING, Said, World


def put_wording(world: World, version: int = 1, **fields: Any) -> Said:
    body = {
        "brand": "shopx",
        "version": version,
        "channels": ["sms"],
        "purposes": ["marketing"],
        "countries": ["ID"],
        "language": "id",
        "text": WORDING,
        **fields,
    }
    return world.call("PUT /v1/wordings/{id}", body, path={"id": "signup"}, brand="*")


def get_wording(world: World, **query: str) -> Said:
    return world.call("GET /v1/wordings/{id}", path={"id": "signup"}, query=query)


def test_a_version_of_a_wording_never_changes(here: World) -> None:
    first = put_wording(here)
    assert (first.status, first.body["sha256"]) == (200, wording_hash(WORDING))
    assert put_wording(here).body == first.body
    other = f"{WORDING} Berhenti kapan saja."
    taken = put_wording(here, text=other)
    assert (taken.status, taken.codes) == (409, [("version", "version_taken")])
    assert put_wording(here, 3, text=other).status == 200
    late = put_wording(here, 2, text=other)
    assert (late.status, late.codes) == (409, [("version", "version_outdated")])
    assert put_wording(here).body == first.body
    assert (get_wording(here).body["version"], get_wording(here, version="1").body) == (3, first.body)
    assert (get_wording(here, version="2").status, get_wording(here, version="x").status) == (404, 422)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": "Anda mungkin menerima promosi"}, "wording_vague"),
        ({"text": "Saya setuju"}, "wording_lacks_type"),
        ({"countries": ["ID", "US"]}, "wording_lacks_type"),
        ({"purposes": ["marketing", "authentication"]}, "wording_lacks_type"),
        ({"channels": ["whatsapp"], "text": "Saya setuju menerima promosi"}, "wording_lacks_brand"),
    ],
)
def test_a_wording_is_reviewed_before_anybody_is_shown_it(
    here: World, fields: dict[str, Any], code: str
) -> None:
    said = put_wording(here, **fields)
    assert (said.status, {found for _, found in said.codes}) == (422, {code}), said.text
    assert get_wording(here).status == 404


def test_a_consent_names_a_registered_wording(here: World) -> None:
    put_wording(here)
    person = here.person()
    wording = {"id": "signup", "version": 1}
    assert here.consent(person, wording=wording, language=None).status == 200
    (event,) = here.ledger(person)
    told = event["details"]
    assert (
        told.items()
        >= {
            "wording_id": "signup",
            "wording_version": "1",
            "wording_sha256": wording_hash(WORDING),
            "language": "id",
            "method": "checkbox",
            "prechecked": "no",
        }.items()
    )
    assert "wording" not in told


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"wording": {"id": "signup", "version": 2}}, ("wording.id", "unknown_wording")),
        ({"purposes": ["authentication"]}, ("purposes", "wording_for_another")),
        ({"channel": "whatsapp", "sender": None}, ("channel", "wording_for_another")),
        ({"address": "+60123456789"}, ("address", "wording_for_another")),
        ({"language": "en"}, ("language", "wording_in_another_language")),
    ],
)
def test_a_registered_wording_counts_for_what_it_was_registered_for(
    here: World, fields: dict[str, Any], error: tuple[str, str]
) -> None:
    put_wording(here)
    said = here.consent(
        here.person(), **{"wording": {"id": "signup", "version": 1}, "language": None, **fields}
    )
    assert (said.status, error in said.codes) == (422, True), said.text


def test_a_wording_of_another_brand_is_unknown(here: World) -> None:
    here.register("lojax", "lojax-1", name="LojaX", address="+6285811110002")
    put_wording(here)
    wording = {"id": "signup", "version": 1}
    body = here.consent_body(here.person(), brand="lojax", sender="lojax-1", wording=wording)
    assert here.call("POST /v1/consents", body, brand="lojax").codes == [("wording.id", "unknown_wording")]


def test_everything_that_is_wrong_is_said_at_once(here: World) -> None:
    said = here.call(
        "POST /v1/consents",
        {
            "brand": "shopx",
            "address": here.person(),
            "channel": "sms",
            "purposes": ["marketing"],
            "wording": "You may receive texts",
            "prechecked": True,
            "condition_of_purchase": True,
            "evidence": {"ip": "203.0.113.9", "screenshot": "a.png"},
        },
    )
    assert said.status == 422
    assert sorted(said.codes) == [
        ("captured_at", "missing"),
        ("condition_of_purchase", "condition_of_purchase"),
        ("evidence.ip", "not_asked"),
        ("evidence.screenshot", "malformed"),
        ("language", "missing"),
        ("method", "missing"),
        ("prechecked", "pre_ticked"),
        ("sender", "missing"),
        ("source", "missing"),
        ("wording", "wording_lacks_type"),
        ("wording", "wording_vague"),
    ]
    assert (here.states(), here.items(here.rt.keys_table)) == ([], [])


def test_what_is_not_asked_for_is_nowhere(here: World) -> None:
    person = here.person()
    evidence = here.consent_body(person)["evidence"] | {"ip": "203.0.113.9"}
    assert here.consent(person, evidence=evidence).codes == [("evidence.ip", "not_asked")]
    assert here.consent(person).status == 200
    (event,) = here.ledger(person)
    assert sorted(event["commitments"]) == ["address", "screenshot"]


def test_where_it_happened_is_kept_and_no_number_with_it(here: World) -> None:
    person = here.person()
    where = {"page": "https://shopx.example/daftar", "app_version": "iOS 5.2", "store": "Bandung 2"}
    assert here.consent(person, **where).status == 200
    assert here.ledger(person)[0]["details"].items() >= where.items()
    spaced = f"{person[:6]} {person[6:9]}-{person[9:]}"
    for name in ("source", "wording", "store", "app_version"):
        said = here.consent(here.person(), address=person, **{name: f"promosi ShopX {spaced}"})
        assert said.codes == [(name, "holds_number")]
    said = here.consent(here.person(), address=person, id=f"c-{person[1:]}", source=f"calls {person}")
    assert sorted(said.codes) == [("id", "holds_number"), ("source", "holds_number")]
    query = here.consent(here.person(), page="https://shopx.example/daftar?who=budi")
    assert [field for field, _ in query.codes] == ["page"]


EXPIRY = {
    "IN": ("+919876543210", "one_time", "announcement", timedelta(days=7)),
    "CA purchase": ("+14165551234", "purchase", "marketing", timedelta(days=730)),
    "CA inquiry": ("+14165551234", "inquiry", "marketing", timedelta(days=181)),
    "FR": ("+33612345678", "express", "marketing", timedelta(days=1095)),
    "SG": ("+6581234567", "register_check", "marketing", timedelta(days=21)),
}


@pytest.mark.parametrize("case", EXPIRY)
def test_the_gate_sees_a_consent_expire_when_it_is_read(here: World, case: str) -> None:
    person, basis, purpose, lasts = EXPIRY[case]
    here.secret(person)
    here.register(countries=[case[:2]])
    given_at = here.rt.now() - timedelta(minutes=1)
    said = here.consent(
        person,
        basis=basis,
        purposes=[purpose],
        wording="I agree to marketing messages of ShopX",
        language="en",
        captured_at=given_at.isoformat(),
        sender=None,
        evidence={},
    )
    assert (said.status, said.body.get("status")) == (200, "granted"), said.text

    def reasons(at: Any) -> set[str]:
        body = here.message(person, "m", purpose, text="ShopX: 10%. STOP")
        body = {name: value for name, value in body.items() if name != "id"} | {"at": at.isoformat()}
        return here.call("POST /v1/check", body).reasons

    assert not reasons(given_at + lasts - timedelta(milliseconds=1)) & {"consent_expired", "no_consent"}
    assert "consent_expired" in reasons(given_at + lasts)
    assert json.dumps(said.body).count("expires_at") == 1


# Files

PICTURE = b"\x89PNG what the person was shown"
HASH = hashlib.sha256(PICTURE).hexdigest()


def offered(world: World, address: str | None, **fields: Any) -> Said:
    body = {"brand": "shopx", "sha256": HASH, "size": len(PICTURE), "type": "image/png", **fields}
    return world.call("POST /v1/evidence", body | ({"address": address} if address else {}))


def send(upload: dict[str, Any], content: bytes = PICTURE, **headers: str) -> int:
    """What an app does with the answer: one request, as it says."""
    url = urlsplit(upload["url"])
    connection = http.client.HTTPConnection(url.netloc, timeout=10)
    with contextlib.closing(connection):
        wanted = {**upload["headers"], "content-length": str(len(content)), **headers}
        connection.request(upload["method"], f"{url.path}?{url.query}", content, wanted)
        return connection.getresponse().status


def test_a_file_is_uploaded_and_then_proves_a_consent(here: World) -> None:
    person = here.person()
    evidence = {"screenshot": f"sha256:{HASH}"}
    too_early = here.consent(person, evidence=evidence)
    assert (too_early.status, too_early.codes) == (422, [("evidence.screenshot", "not_uploaded")])
    said = offered(here, person)
    assert (said.status, said.body["uploaded"], said.body["evidence"]) == (200, False, f"sha256:{HASH}")
    assert person[1:] not in said.text
    assert f"/recipients/{here.id_of(person)}/shopx/{HASH}?" in said.body["upload"]["url"]
    assert send(said.body["upload"]) == 200
    assert here.consent(person, evidence=evidence).status == 200
    assert here.consent(here.person(), evidence=evidence).codes == [("evidence.screenshot", "not_uploaded")]
    again = offered(here, person)
    assert (again.body["uploaded"], "upload" in again.body) == (True, False)
    assert send(said.body["upload"]) == 412  # a file that is there is not overwritten


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (PICTURE[:-1] + b"!", {}),
        (PICTURE + b"!", {}),
        (PICTURE[:-1], {}),
        (PICTURE, {"content-type": "text/html"}),
        (PICTURE, {"x-amz-checksum-sha256": "A" * 43 + "="}),
    ],
)
def test_an_upload_takes_this_file_and_no_other(here: World, content: bytes, headers: dict[str, str]) -> None:
    person = here.person()
    assert send(offered(here, person).body["upload"], content, **headers) in (400, 403)
    assert not offered(here, person).body["uploaded"]


def test_the_address_of_an_upload_signs_all_that_it_is_bound_to(here: World) -> None:
    upload = offered(here, here.person()).body["upload"]
    (signed,) = parse_qs(urlsplit(upload["url"]).query)["X-Amz-SignedHeaders"]
    assert set(signed.split(";")) == {*upload["headers"], "host"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"sha256": "5a"}, "sha256"),
        ({"size": 0}, "size"),
        ({"size": 20 * 1024 * 1024 + 1}, "size"),
        ({"type": "text/html"}, "type"),
        ({"address": "81298765432"}, "address"),
    ],
)
def test_what_is_no_file_of_evidence_is_refused(here: World, fields: dict[str, Any], field: str) -> None:
    said = offered(here, here.person(), **fields) if "address" not in fields else offered(here, **fields)
    assert (said.status, [name for name, _ in said.codes]) == (422, [field])


def test_a_picture_of_the_wording_serves_every_consent_to_it(here: World) -> None:
    shown = {"screenshot": f"sha256:{HASH}"}
    assert put_wording(here, **shown).codes == [("screenshot", "not_uploaded")]
    assert send(offered(here, None).body["upload"]) == 200
    assert put_wording(here, **shown).status == 200
    person = here.person()
    wording = {"id": "signup", "version": 1}
    assert here.consent(person, wording=wording, language=None, evidence={}).status == 200
    assert here.ledger(person)[0]["details"]["screenshot"] == shown["screenshot"]


def test_only_a_file_that_is_named_costs_a_call(here: World) -> None:
    calls: list[str] = []

    def watch(call: Call, go: Any) -> Any:
        calls.append(call.name)
        return go(call.request)

    def asked(**fields: Any) -> int:
        body = here.consent_body(here.person(), **fields)
        calls.clear()
        assert here.call("POST /v1/consents", body, rt=here.watched(watch)).status == 200
        return calls.count("head_object")

    assert asked() == 1
    here.register(double_opt_in=False, countries=["FR"])
    french = {"address": here.secret("+33612345678"), "evidence": {}, "wording": "I agree to offers of ShopX"}
    assert asked(**french, language="fr") == 0
