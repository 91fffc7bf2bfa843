"""Does a certificate say all that a stranger must see, and nothing of it as more than text?"""

from __future__ import annotations

import json

import pytest
from izin.certificate import headers, page
from izin.certificate.texts import both, second, texts
from izin.domain.capture import wording_hash
from izin.domain.pack import GLOBAL, load

from tests.certificate.sample import LOGGED, NUMBER, PICTURE, RECIPIENT, WORDING, certificate


def test_it_says_who_saw_what_and_did_what_and_all_that_followed() -> None:
    told = certificate()
    (consent,) = told["consents"]
    assert told["person"]["recipient_id"] == RECIPIENT
    assert (consent["wording"]["text"], consent["wording"]["sha256"]) == (WORDING, wording_hash(WORDING))
    assert consent["method"]["en"] == "ticked a box that was not ticked before"
    assert {piece.get("file") for piece in consent["evidence"]} == {None, PICTURE}
    assert [one["type"] for one in told["history"]] == [
        "consent_pending",
        "consent_granted",
        "opt_out",
        "reason",
        "opt_in",
    ]
    assert [one["code"] for one in told["state"]] == ["granted"]
    assert told["proof"]["logged"]["checkpoint"] == LOGGED["checkpoint"]
    assert "L-ID-02" in json.dumps(told["rules"])
    html = page(told)
    for part in (WORDING, wording_hash(WORDING), PICTURE, RECIPIENT, told["proof"]["head"], "izin verify"):
        assert part in html


def test_a_number_shows_only_to_whom_it_may() -> None:
    for personal in (True, False):
        told = certificate(personal=personal)
        assert (NUMBER in json.dumps(told), NUMBER in page(told)) == (personal, personal)
        assert PICTURE in page(told)


@pytest.mark.parametrize("language", [each for each in texts() if each != "en"])
def test_it_speaks_english_and_the_person_s_language(language: str) -> None:
    told = certificate(language=language)
    assert told["language"] == language
    html = page(told)
    for name in ("title", "shown", "did", "history", "proof", "marketing", "checkbox", "opt_out"):
        words = both(name, language)
        assert words["en"] in html
        assert f'<i lang="{language}">{words[language]}</i>' in html or f"({words[language]})" in html


def test_every_language_of_the_packs_has_every_text() -> None:
    bases = {language.partition("-")[0] for language in load(GLOBAL).languages}
    assert bases == set(texts())
    for language in texts():
        assert texts()[language].keys() == texts()["en"].keys(), language
    assert (second("pt-BR"), second("en-US"), second("xx"), second(None)) == ("pt", None, None, None)


def test_what_somebody_wrote_is_text_and_nothing_else() -> None:
    attack = '<script>alert(1)</script><img src=x onerror="alert(2)">promosi'
    html = page(certificate(wording=attack))
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    policy = headers()["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
