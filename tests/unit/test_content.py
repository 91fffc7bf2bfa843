"""Texts are refused for what the packs refuse, at the right place and for nothing else."""

from __future__ import annotations

import pytest
from izin.domain.content import Segments, findings, mentions, segments
from izin.domain.message import Channel, Kind, Purpose
from izin.domain.pack import GLOBAL, load, texts
from izin.domain.reasons import Code, Effect

M, T, A, P = Purpose.MARKETING, Purpose.TRANSACTIONAL, Purpose.AUTHENTICATION, Purpose.ANNOUNCEMENT
SMS, WHATSAPP = Channel.SMS, Channel.WHATSAPP


def found(
    pack_id: str,
    purpose: Purpose,
    text: str,
    *,
    channel: Channel = SMS,
    language: str | None = None,
    two_way: bool = True,
) -> list[str]:
    rules = load(pack_id).rules(channel, purpose)
    reasons = findings(
        text,
        rules,
        brand_name="ShopX",
        language=language,
        approved_domains=frozenset({"shopx.id"}),
        two_way=two_way,
    )
    assert all(reason.effect is Effect.DENY and reason.sources for reason in reasons)
    assert all(reason.detail.startswith(f"{reason.rule}: ") for reason in reasons)
    return [reason.code.value for reason in reasons]


STORY = "ShopX: diskon 20% s.d. 30 Nov. Balas STOP untuk berhenti"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (STORY, []),
        ("ShopX: diskon 20%! Ketik STOP untuk berhenti", []),
        ("SHOPX: diskon 20%. BALAS: “STOP” utk berhenti", []),
        ("ShopX: diskon 20%. Ketik UNREG kirim ke 95123", []),
        ("ShopX: diskon 20%. Untuk berhenti kunjungi shopx.id/s", []),
        ("ShopX: diskon 20%. Berhenti: https://m.shopx.id/s", []),
        ("ShopX: diskon 20%", ["content_opt_out_missing"]),
        ("ShopX: belanja nonstop di toko kami, kirim kartu", ["content_opt_out_missing"]),
        ("ShopX: jangan berhenti belanja di toko shopx.id", ["content_opt_out_missing"]),
        ("ShopX: promo di shopx.id/promo. STOP", ["content_opt_out_missing"]),
        ("ShopX: diskon 20%. Reply STOP to opt out", ["content_language"]),
        ("Diskon 20%. Balas STOP untuk berhenti", ["content_brand_missing"]),
        ("ShopXtra: diskon 20%. Balas STOP untuk berhenti", ["content_brand_missing"]),
        ("S\u200bhopX: diskon 20%. Bálas STOP untuk berhenti", []),
        ("ShopX: diskon bit.ly/abc Balas STOP untuk berhenti", ["content_url"]),
        ("ShopX: diskon https://shopx.id.evil.com Balas STOP", ["content_url"]),
        ("ShopX: diskon https://shopx.id@evil.com Balas STOP", ["content_url"]),
        ("ShopX: diskon https://evil.com\\@shopx.id Balas STOP", ["content_url"]),
        ("ShopX: diskon myshopx.id Balas STOP", ["content_url"]),
        ("ShopX: diskon www.SHOPX.id/p. Balas STOP", []),
        ("ShopX: Rp1.250.000 a.n. Budi, cs@lain.com. Balas STOP", []),
        ("ShopX: diskon, telp 0812-3456-7890. Balas STOP", ["content_url"]),
        ("ShopX: diskon, telp +62 21 5551234. Balas STOP", ["content_url"]),
    ],
)
def test_indonesian_promotions(text: str, codes: list[str]) -> None:
    assert found("ID", M, text) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("ShopX: oferta ate sexta. Responda SAIR para cancelar", []),
        ("ShopX: oferta ate sexta. P/ cancelar envie SAIR para 27123", []),
        ("ShopX: oferta ate sexta. Para cancelar: shopx.com.br/sair", []),
        ("ShopX: oferta ate sexta", ["content_opt_out_missing"]),
        ("ShopX: oferta ate sexta. Reply STOP to opt out", ["content_language"]),
        ("Oferta ate sexta. Responda SAIR para cancelar", ["content_brand_missing"]),
        ("ShopX: promoção. Responda SAIR para cancelar", ["content_charset"]),
        ("ShopX: oferta " + "x" * 257 + ". Responda SAIR para cancelar", []),
        ("ShopX: oferta " + "x" * 258 + ". Responda SAIR para cancelar", ["content_too_long"]),
    ],
)
def test_brazilian_promotions(text: str, codes: list[str]) -> None:
    assert found("BR", M, text) == codes


@pytest.mark.parametrize(
    ("pack_id", "purpose", "text", "codes"),
    [
        ("ID", A, "ShopX: kode OTP Anda 123456. Jangan berikan kepada siapa pun.", []),
        ("ID", T, "ShopX: pesanan 0021345678 sudah dikirim, VA 8077081234567890, 30-11-2026", []),
        ("ID", T, "ShopX: pesanan dikirim. Diskon 20% untuk Anda", ["content_promotional"]),
        ("ID", T, "ShopX: pesanan dikirim. Dis\u200bkon 20%", ["content_promotional"]),
        ("ID", T, "ShopX: pesanan dikirim. Lacak shopx.id/promo?x=1", ["content_promotional"] * 2),
        ("ID", T, "ShopX: pembayaran hanya   Rp 5.000", ["content_promotional"]),
        ("ID", T, "ShopX: compromised account, promotor baru", []),
        ("ID", A, "ShopX: code 123456. 50% OFF today", ["content_promotional"]),
        ("BR", T, "ShopX: pedido 123 enviado. Cupom fiscal em anexo", []),
        ("BR", T, "ShopX: liquidacao do boleto em 30/11", []),
        ("BR", T, "ShopX: pedido enviado. Compre agora com frete gratis", ["content_promotional"]),
        ("BR", A, "ShopX: codigo 123456", []),
        ("BR", A, "ShopX: código 123456", ["content_charset"]),
        ("BR", T, "x" * 160, []),
        ("BR", T, "x" * 161, ["content_too_long"]),
        ("BR", P, "x" * 471 + " Responda SAIR para cancelar.", []),
        ("BR", P, "x" * 472 + " Responda SAIR para cancelar.", ["content_too_long"]),
    ],
)
def test_other_purposes(pack_id: str, purpose: Purpose, text: str, codes: list[str]) -> None:
    assert found(pack_id, purpose, text) == codes


@pytest.mark.parametrize(
    ("language", "codes"), [(None, []), ("pt", []), ("pt-BR", []), ("en", ["content_language"])]
)
def test_brazilian_marketing_is_in_portuguese(language: str | None, codes: list[str]) -> None:
    assert found("BR", M, "ShopX: oferta. Responda SAIR para cancelar", language=language) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (STORY, ["sender_one_way"]),
        ("ShopX: diskon di shopx.id/promo. Balas STOP untuk berhenti", ["sender_one_way"]),
        ("ShopX: diskon. Balas STOP untuk berhenti. Info shopx.id/promo", ["sender_one_way"]),
        ("ShopX: diskon. Untuk berhenti: shopx.id/s", []),
        ("ShopX: diskon. Ketik STOP kirim ke 95123", []),
    ],
)
def test_where_replies_do_not_arrive_another_way_is_shown(text: str, codes: list[str]) -> None:
    assert found("ID", M, text, two_way=False) == codes
    assert found("ID", M, text) == []


def test_lengths_and_charset_are_those_of_sms() -> None:
    text = "ShopX: promoção " + "x" * 400 + ". Responda SAIR para cancelar"
    assert found("BR", M, text, channel=WHATSAPP) == []


def test_a_finding_says_where_and_how_to_fix_it_and_quotes_nothing() -> None:
    rules = load("ID").rules(SMS, T)
    text = "ShopX: Budi, pesanan dikirim. DÍSKON untuk Anda, kupon RAHASIA"
    (reason,) = findings(text, rules, brand_name="ShopX")
    assert reason.code is Code.CONTENT_PROMOTIONAL
    assert reason.detail == (
        "ID.content.no_promotion: promotional matter: “diskon” at 30, “kupon” at 49; "
        "take it out, or send it as marketing."
    )
    assert text.index("DÍSKON") == 30
    (link,) = findings(
        "ShopX: 🎉 https://rahasia.example/x Balas STOP", load("ID").rules(SMS, M), brand_name="ShopX"
    )
    assert "at 9;" in link.detail
    assert "rahasia" not in link.detail


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("Diskon-promo diskon", ("promo", "diskon"), [("diskon", 0), ("promo", 7), ("diskon", 13)]),
        ("ＰＲＯＭＯ", ("promo",), [("promo", 0)]),
        ("promoc\u0327a\u0303o", ("promocao",), [("promocao", 0)]),
        ("50% off, 50 %  off", ("% off",), [("% off", 2), ("% off", 12)]),
        ("compre... agora", ("compre agora",), [("compre agora", 0)]),
        ("promotor", ("promo",), []),
    ],
)
def test_mentions(text: str, words: tuple[str, ...], expected: list[tuple[str, int]]) -> None:
    assert [(m.word, m.offset) for m in mentions(text, words)] == expected


# The table of confirmation texts in section 7 of the rule facts, with the brand Acme; what named a channel
# there, or asked people back, is worded anew.
CONFIRMATIONS = [
    ("en-US", "GSM7", 88),
    ("en-GB", "GSM7", 97),
    ("fr-CA", "GSM7", 71),
    ("id", "GSM7", 92),
    ("pt-BR", "GSM7", 81),
    ("hi", "UCS2", 69),
    ("en-IN", "GSM7", 87),
    ("th", "UCS2", 59),
    ("fr", "GSM7", 99),
    ("de", "GSM7", 71),
    ("es", "GSM7", 70),
    ("it", "GSM7", 83),
    ("ms", "GSM7", 86),
    ("fil", "GSM7", 94),
    ("zh", "UCS2", 20),
]


@pytest.mark.parametrize(("language", "encoding", "units"), CONFIRMATIONS)
def test_confirmations_fit_one_segment(language: str, encoding: str, units: int) -> None:
    pack = load({"id": "ID", "pt-BR": "BR", "ms": "MY", "fil": "PH"}.get(language, GLOBAL))
    text = pack.texts[language].confirmation.format(brand="Acme", contact="", sender="ACMEIN")
    assert segments(text) == Segments(encoding, units, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("pack_id", ["ID", "BR", "US", GLOBAL])
def test_every_answer_fits_one_segment(pack_id: str) -> None:
    for language, answers in load(pack_id).texts.items():
        for template in (answers.help, answers.opt_in_request or answers.help):
            text = template.format(brand="Acme", contact="help@acme.example", sender="ACMEIN")
            counted = segments(text)
            assert counted.segments == 1, (language, counted)
            assert counted.encoding == ("UCS2" if language in {"hi", "th", "zh"} else "GSM7"), language


@pytest.mark.parametrize("pack_id", ["ID", "BR"])
def test_our_own_requests_say_how_to_leave(pack_id: str) -> None:
    pack = load(pack_id)
    for kind in (Kind.HELP, Kind.OPT_IN_REQUEST):
        text = texts(pack, None, kind)
        assert "STOP" in text or "SAIR" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("GSM7", 0, 1)),
        ("a" * 160, ("GSM7", 160, 1)),
        ("a" * 161, ("GSM7", 161, 2)),
        ("a" * 306, ("GSM7", 306, 2)),
        ("a" * 307, ("GSM7", 307, 3)),
        ("€" * 80, ("GSM7", 160, 1)),
        ("€" * 81, ("GSM7", 162, 2)),
        ("€" * 153, ("GSM7", 306, 3)),  # 76 fit in 153 septets, never 76 and a half
        ("[]{}~^|\\\f", ("GSM7", 18, 1)),
        ("éñÜ£¿", ("GSM7", 5, 1)),
        ("ç", ("UCS2", 1, 1)),  # GSM-7 has the capital only
        ("é" * 69 + "í", ("UCS2", 70, 1)),
        ("í" * 71, ("UCS2", 71, 2)),
        ("😀" * 35, ("UCS2", 70, 1)),
        ("😀" * 67, ("UCS2", 134, 3)),  # 33 pairs fit in 67 units
    ],
)
def test_segments(text: str, expected: tuple[str, int, int]) -> None:
    counted = segments(text)
    assert (counted.encoding, counted.units, counted.segments) == expected


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("ShopX : soldes. STOP au 36123".ljust(160, "."), []),
        ("ShopX : soldes. STOP au 36123".ljust(161, "."), ["content_too_long"]),
        ("ShopX : fête. STOP au 36123".ljust(70, "."), []),
        ("ShopX : fête. STOP au 36123".ljust(71, "."), ["content_too_long"]),  # ê is not in GSM-7
    ],
)
def test_french_promotions_travel_in_one_part(text: str, codes: list[str]) -> None:
    assert found("FR", M, text) == codes


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("ShopX: 20% off at bit.ly/abc", "shortener at 18;"),
        ("ShopX: see https://www.tinyurl.com/x", "shortener at 11;"),
        ("ShopX: see bit.ly.shopx.com/x", None),
        ("ShopX: see notbit.ly/x", None),
    ],
)
def test_public_shorteners_are_found_at_their_place(text: str, place: str | None) -> None:
    reasons = findings(text, load("US").rules(SMS, T), brand_name="ShopX")
    details = [reason.detail for reason in reasons if reason.rule == "US.content.no_shorteners"]
    assert bool(details) is bool(place)
    assert not place or place in details[0]


def test_the_way_out_may_stand_beside_the_way_to_help() -> None:
    text = "ShopX: 20% off shoes until Nov 30. Reply HELP for help, STOP to opt out. Call +1 800 555 0199"
    assert "content_opt_out_missing" not in found("US", M, text)
    assert "content_opt_out_missing" in found("US", M, text.replace("HELP for help, STOP", "HELP; nonstop"))
