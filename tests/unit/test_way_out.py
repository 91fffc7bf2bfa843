"""Does a text end with a way out that works, in the right words, and is its length told as it goes?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from izin import cli
from izin.domain import content, keywords, phone
from izin.domain.content import segments
from izin.domain.keywords import Intent
from izin.domain.message import Channel, Purpose
from izin.domain.pack import GLOBAL, Rules, load, pack_of
from izin.domain.registry import Brand, Carrier, Sender
from izin.domain.way_out import SAMPLE, Ending, Road, ended

INSTRUCTIONS = load(GLOBAL).instructions
OWN = "https://s.shopx.example/p/"
API = "https://a1b2c3d4e5.execute-api.ap-southeast-3.amazonaws.com/p/"
PEOPLE = {
    "ID": "+6281234567890",
    "TH": "+66812345678",
    "IN": "+919876543210",
    "BR": "+5511987654321",
    "FR": "+33612345678",
    "US": "+12125551234",
    "MY": "+60123456789",
    "SG": "+6591234567",
    "GB": "+447400123456",
}


def rules(country: str, purpose: Purpose = Purpose.MARKETING) -> Rules:
    person = phone.parse(PEOPLE[country])
    return pack_of(country).rules(Channel.SMS, purpose, person.subdivisions)


def end(
    country: str,
    text: str,
    *,
    two_way: bool = True,
    page_url: str | None = None,
    stack: str = "",
    approved: tuple[str, ...] = (),
    language: str | None = None,
    purpose: Purpose = Purpose.MARKETING,
) -> Ending:
    brand = Brand(
        id="shopx", name="ShopX", contact="", page_url=page_url, approved_domains=frozenset(approved)
    )
    sender = Sender(
        id="s",
        brand="shopx",
        channel=Channel.SMS,
        carrier=Carrier.SANDBOX,
        address="+10000000000",
        countries=frozenset({country}),
        two_way=two_way,
    )
    return ended(
        text,
        rules(country, purpose),
        pack_of(country),
        brand,
        sender,
        language=language,
        token=SAMPLE,
        page_url=stack,
    )


def refused(
    country: str, ending: Ending, *, two_way: bool = True, approved: tuple[str, ...] = ()
) -> set[str]:
    found = content.findings(
        ending.text,
        rules(country),
        brand_name="ShopX",
        two_way=two_way,
        approved_domains=frozenset(approved),
    )
    return {reason.code for reason in found}


@pytest.mark.parametrize("language", INSTRUCTIONS)
def test_every_line_is_understood_by_who_judges_texts_and_by_who_reads_replies(language: str) -> None:
    words = INSTRUCTIONS[language]
    text = f"ShopX: 20%\n{words.reply}"
    assert content._says(content._fold(text), words)
    link = f"ShopX: 20%\n{words.visit.format(link=OWN + SAMPLE)}"
    assert content._ways_out(content._fold(link), (words,))
    assert not content.leads_out("ShopX: 20%", two_way=True)
    taught = next(word for word in words.words if word in words.reply)
    assert keywords.read(taught, None).intent is Intent.OPT_OUT


@pytest.mark.parametrize("language", sorted(INSTRUCTIONS.keys() - {"bg", "el", "hi", "th", "zh", "ta"}))
def test_a_line_in_latin_letters_makes_no_text_longer_than_it_is(language: str) -> None:
    words = INSTRUCTIONS[language]
    assert segments(words.reply).encoding == "GSM7"
    assert segments(words.visit.format(link=OWN)).encoding == "GSM7"
    assert len(words.reply) <= 40


@pytest.mark.parametrize(
    ("country", "text", "last"),
    [
        ("ID", "ShopX: diskon 20% s.d. 30 Nov.", "Balas STOP untuk berhenti"),
        ("BR", "ShopX: 20% de desconto ate 30/11", "Responda SAIR p/ cancelar"),
        ("FR", "ShopX : -20 % jusqu'au 30/11", "Répondez STOP pour vous désabonner"),
        ("US", "ShopX: 20% off until Nov 30", "Reply STOP to opt out"),
        ("TH", "ShopX ลด 20% ถึง 30 พ.ย.", "ตอบ STOP เพื่อยกเลิก"),
    ],
)
def test_a_two_way_sender_teaches_the_word_in_the_country_s_language(
    country: str, text: str, last: str
) -> None:
    ending = end(country, text)
    assert ending.road is Road.REPLY
    assert ending.text == f"{text}\n{last}"
    assert not refused(country, ending) & {"content_opt_out_missing", "content_language", "content_charset"}


def test_the_text_s_own_language_is_used_where_the_country_has_several() -> None:
    lines = {
        language: end("SG", "ShopX 20%", language=language).text.split("\n")[1]
        for language in ("zh", "ms", "ta", "en-SG", "de")
    }
    assert lines["zh"] == "回复 TD 退订"
    assert lines["ms"] == "Balas STOP untuk berhenti"
    assert lines["ta"] == "நிறுத்த பதில் STOP"
    assert lines["en-SG"] == lines["de"] == "Reply STOP to opt out"  # German is not asked for there


def test_a_domain_of_the_brand_s_own_makes_it_a_link() -> None:
    ending = end("GB", "ShopX: 20% off", page_url=OWN)
    assert (ending.road, ending.text) == (Road.LINK, f"ShopX: 20% off\nOpt out: {OWN}{SAMPLE}")
    assert not refused("GB", ending)


def test_where_links_must_be_approved_the_word_stands_in_for_the_link() -> None:
    assert end("ID", "ShopX: 20%", page_url=OWN).road is Road.REPLY
    approved = ("shopx.example",)
    ending = end("ID", "ShopX: 20%", page_url=OWN, approved=approved)
    assert ending.road is Road.LINK
    assert not refused("ID", ending, approved=approved) & {"content_url", "content_opt_out_missing"}


def test_a_one_way_sender_needs_a_road_that_exists_or_is_denied() -> None:
    approved = ("shopx.example",)
    ending = end("ID", "ShopX: 20%", two_way=False, page_url=OWN, approved=approved)
    assert ending.road is Road.LINK
    assert "sender_one_way" not in refused("ID", ending, two_way=False, approved=approved)
    for country in ("ID", "TH", "IN"):
        nothing = end(country, "ShopX: 20%", two_way=False)
        assert (nothing.road, nothing.text) == (Road.NONE, "ShopX: 20%")
        assert "sender_one_way" in refused(country, nothing, two_way=False)
    unapproved = end("ID", "ShopX: 20%", two_way=False, stack=API)
    assert "content_url" in refused("ID", unapproved, two_way=False)  # and the answer says so


def test_the_api_s_own_address_serves_only_where_nobody_can_reply() -> None:
    assert end("GB", "ShopX: 20% off", stack=API).road is Road.REPLY
    assert end("GB", "ShopX: 20% off", stack=API, two_way=False).text.endswith(f"{API}{SAMPLE}")


def test_a_text_that_tells_already_stays_as_it_is() -> None:
    told = "ShopX: diskon 20%. Balas STOP untuk berhenti"
    assert end("ID", told).text == told
    assert end("ID", told).road is Road.TOLD
    assert end("GB", told, two_way=False, stack=API).road is Road.LINK  # that reply would not arrive


def test_a_link_that_would_be_one_part_too_many_gives_way_to_the_word() -> None:
    text = "ShopX : " + "-20 % sur tout " * 7  # FR: one part
    assert end("FR", text, page_url=OWN, approved=("shopx.example",)).road is Road.REPLY


def test_what_a_link_costs() -> None:
    """The numbers of docs/decisions.md."""
    assert len(OWN + SAMPLE) == 40
    assert len(API + SAMPLE) == 76


def test_a_transactional_text_may_be_given_one_too() -> None:
    ending = end("ID", "ShopX: pesanan 1 dikirim", purpose=Purpose.TRANSACTIONAL)
    assert ending.text.endswith("Balas STOP untuk berhenti")


CHECK = ["check", "--channel", "sms", "--purpose", "marketing", "--brand", "ShopX", "--consent", "granted"]


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert cli.main([*CHECK, *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_judges_the_text_as_it_would_go(capsys: pytest.CaptureFixture[str]) -> None:
    noon = ["--at", "2026-11-24T05:00:00Z", "--to", PEOPLE["ID"], "--language", "id"]
    text = ["--text", "ShopX: diskon 20% s.d. 30 Nov."]
    codes = {reason["code"] for reason in answer(capsys, *noon, *text)["reasons"]}
    assert "content_opt_out_missing" in codes
    said = answer(capsys, *noon, *text, "--append-opt-out")
    assert said["verdict"] == "allow"
    assert said["opt_out"] == {"by": "reply", "encoding": "GSM7", "units": 56, "segments": 1}
    said = answer(capsys, *noon, *text, "--append-opt-out", "--one-way")
    assert {"sender_one_way"} <= {reason["code"] for reason in said["reasons"]}
    said = answer(capsys, *noon, *text, "--append-opt-out", "--one-way", "--page-url", OWN)
    assert (said["verdict"], said["opt_out"]["by"]) == ("allow", "link")


def test_the_command_needs_a_text_to_add_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*CHECK, "--to", PEOPLE["ID"], "--append-opt-out"]) == 2
    assert "--append-opt-out" in capsys.readouterr().err
