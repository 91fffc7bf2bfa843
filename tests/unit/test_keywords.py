"""Replies are read as they were meant; whatever may be an opt-out is never taken for a yes."""

from __future__ import annotations

import pytest
from izin.domain.folding import fold
from izin.domain.keywords import Intent, read
from izin.domain.pack import GLOBAL, OptOutContent, heads, load


def intent_of(text: str, country: str | None) -> str:
    return read(text, country).intent.value


@pytest.mark.parametrize(
    ("text", "country", "intent"),
    [
        ("STOP", "ID", "opt_out"),
        ("Stop.", "ID", "opt_out"),
        ("  stop!!! 🙏", "BR", "opt_out"),
        ("«stop»", None, "opt_out"),
        ("S\u200bT\u200bO\u200bP", "ID", "opt_out"),
        ("S.T.O.P", "ID", "opt_out"),
        ("s t o p", "ID", "opt_out"),
        ("ＳＴＯＰ", "ID", "opt_out"),
        ("opt-out", "BR", "opt_out"),
        ("Opt out", "BR", "opt_out"),
        ("stop all", "ID", "opt_out"),
        ("please stop", "ID", "opt_out"),
        ("Tolong berhenti", "ID", "opt_out"),
        ("berhenti ya", "ID", "opt_out"),
        ("BERHENTI BERLANGGANAN", "ID", "opt_out"),
        ("Não quero", "BR", "opt_out"),
        ("sair", "BR", "opt_out"),
        ("sair, por favor", "BR", "opt_out"),
        ("arrêt", "FR", "opt_out"),
        ("Please stop texting me!", "ID", "opt_out"),
        ("leave me alone", "BR", "opt_out"),
        ("wrong number sorry", "ID", "opt_out"),
        ("don't stop", "ID", "none"),
        ("Don’t stop texting me", "ID", "none"),
        ("do not stop texting", "ID", "none"),
        ("jangan berhenti", "ID", "none"),
        ("when does the sale end?", "ID", "none"),
        ("cancel my order 123", "ID", "none"),
        ("STOP acme nonsuch", "ID", "unclear"),
        ("Cancel. My order is late", "US", "unclear"),
        ("Reply STOP to opt out", "US", "unclear"),
        ("🛑", "US", "unclear"),
        ("STOP this terrible bill", "US", "none"),
        ("preciso sair agora", "BR", "none"),
        ("cancelar agendamento", "BR", "none"),
        ("unstoppable", "US", "none"),
        ("weekend", "US", "none"),
        ("pls stop texting me", "US", "opt_out"),
        ("berhenti kirim sms", "ID", "opt_out"),
        ("não quero mais receber", "BR", "opt_out"),
        ("ยกเลิกรับข้อความ", "TH", "opt_out"),
        ("Stop. Thank you", "US", "opt_out"),
        ("reply stop", "US", "opt_out"),
        ("STOP\n> ShopX: 20% off. Reply STOP to end", "US", "opt_out"),
        ("> ShopX: 20% off. Reply STOP to end\ngreat, thanks", "US", "none"),
        ("sotp", "US", "opt_out"),
        ("shop", "US", "none"),
        ("sttart", "US", "opt_in"),
        ("strat", "US", "none"),
        ("não quero receber mensagens", "ID", "opt_out"),
        ("NO", "ID", "unclear"),
        ("tidak", "ID", "unclear"),
        ("NÃO", "BR", "unclear"),
        ("sair", "ID", "none"),
        ("berhenti", "BR", "none"),
        ("nonstop", "ID", "none"),
        ("td bem", "BR", "none"),
        ("YA", "ID", "confirm"),
        ("ya.", "ID", "confirm"),
        ("Setuju", "ID", "confirm"),
        ("YES", "ID", "confirm"),
        ("SIM", "BR", "confirm"),
        ("sim!", "BR", "confirm"),
        ("ya", "BR", "none"),
        ("sim", "ID", "none"),
        ("ya tapi nanti", "ID", "none"),
        ("kata anda YA?", "ID", "none"),
        ("sim, quanto custa", "BR", "none"),
        ("ya stop", "ID", "opt_out"),
        ("START", "ID", "opt_in"),
        ("unstop", "BR", "opt_in"),
        ("daftar", "ID", "opt_in"),
        ("HELP", "ID", "help"),
        ("bantuan", "ID", "help"),
        ("Tolong", "ID", "help"),
        ("ajuda", "BR", "help"),
        ("help me with my order", "ID", "none"),
        ("i need help", "GB", "help"),
        ("can you help me?", "US", "help"),
        ("butuh bantuan", "ID", "help"),
        ("ich brauche Hilfe", "DE", "help"),
        ("preciso de ajuda", "BR", "help"),
        ("i need help with my order", "US", "none"),
        ("no help needed", "US", "none"),
        ("how do i stop this?", "US", "opt_out"),
        ("", "ID", "none"),
        ("👍", "ID", "none"),
        ("❤️", "ID", "none"),
        ("terima kasih", "ID", "none"),
        ("ยกเลิก", None, "opt_out"),
        ("ช่วยยกเลิกให้หน่อย", None, "unclear"),
        ("หยุดส่ง", None, "opt_out"),
        ("बंद करें", None, "opt_out"),
        ("बंदर", None, "none"),
        ("退订", None, "opt_out"),
        ("我想退订", None, "opt_out"),
        ("நிறுத்து", None, "opt_out"),
        ("KEINE SMS", None, "opt_out"),
        ("no más", None, "opt_out"),
        ("n", None, "opt_out"),
        ("rock n roll", None, "none"),
        ("ยืนยัน", None, "confirm"),
        # a slip inside an idiom, or in what is said of it
        ("leav me alone", "US", "opt_out"),
        ("plesae stop", "US", "opt_out"),
        ("cancel my ordr", "US", "none"),
        ("jangan kirm sms lagi", "ID", "opt_out"),
        # a thought is no request
        ("unsubscribe", "US", "opt_out"),
        ("maybe I should unsubscribe", "US", "unclear"),
        # a negation that stands behind its word, or inside an idiom
        ("je me désabonne", "FR", "opt_out"),
        ("je me désabonne pas", "FR", "none"),
        ("meldet mich bitte ab", "DE", "opt_out"),
        ("meldet mich bitte nicht ab", "DE", "none"),
        # weary of our messages, or of something else
        ("tired of your texts", "US", "opt_out"),
        ("tired of waiting", "US", "none"),
        # against something of ours, in words that nobody listed
        ("texts are so not my jam", "US", "unclear"),
        # coming back, saying yes, asking who writes
        ("please sign me up again", "US", "opt_in"),
        ("don't sign me up again", "US", "opt_out"),
        ("gak mau dapat sms lagi", "ID", "opt_out"),
        ("quiero volver a recibir los mensajes", "MX", "opt_in"),
        ("sign me up again. no, stop", "US", "unclear"),
        # only what is refused, and nothing else
        ("don't want", "US", "unclear"),
        ("don't want the blue one", "US", "none"),
        # what is sent is named after it, with what it is about
        ("my kid left school, please stop sending me the school alerts", "US", "opt_out"),
        ("please stop sending my parcels to the neighbours", "US", "none"),
        # a word of orders, and somebody who says no more
        ("bitte stornieren", "DE", "unclear"),
        ("who gave you my number? please remove", "US", "opt_out"),
        # promotions beside what may go on
        ("solo quiero los avisos de la cita, lo de los descuentos no", "ES", "opt_out"),
        ("solo quiero los avisos de la cita", "ES", "none"),
        # somebody else's number, however it is said beside a name
        ("this is not Derek", "US", "opt_out"),
        ("No soy la señora Lupita", "MX", "opt_out"),
        ("ye msg Imran ke liye hai, mai nahi hu Imran", "IN", "opt_out"),
        ("je ne suis pas Mme Delacroix-Vidal", "FR", "opt_out"),
        ("it is Mario not Maria", "US", "none"),
        ("thanks Derek, not today", "US", "none"),
        # calls are made by couriers too
        ("don't call me, the baby is asleep", "US", "unclear"),
        ("do not call or text me", "US", "opt_out"),
        ("do not call me again", "US", "opt_out"),
        # a doubt beside a bare stop
        ("stop... eh jap, x jadi kot. ntah la", "MY", "unclear"),
        # stress
        ("Get. Me. Off. This. List.", "US", "opt_out"),
        ("ok sure", "US", "confirm"),
        ("oke siap", "ID", "confirm"),
        ("ok but not today", "US", "none"),
        ("who is this?", "GB", "help"),
        ("ini siapa ya", "ID", "help"),
        ("who is this? stop texting me", "GB", "opt_out"),
    ],
)
def test_read(text: str, country: str | None, intent: str) -> None:
    assert intent_of(text, country) == intent


@pytest.mark.parametrize(
    ("text", "country", "scope"),
    [
        ("stop ads", "ID", "marketing"),
        ("STOP promo!", "ID", "marketing"),
        ("berhenti promosi", "ID", "marketing"),
        ("please stop marketing", "BR", "marketing"),
        ("sair promoções", "BR", "marketing"),
        ("no more ads", "ID", "marketing"),
        ("STOP PUB", None, "marketing"),
        ("stop", "ID", "all"),
        ("no more", "ID", "all"),
    ],
)
def test_scope(text: str, country: str | None, scope: str) -> None:
    reply = read(text, country)
    assert (reply.intent, reply.scope) == (Intent.OPT_OUT, scope)


def test_the_language_of_the_answer() -> None:
    assert read("STOP", "ID").language == "id"
    assert read("Berhenti.", "ID").matched == "berhenti"
    assert read("QUIT", "ID").language is None
    assert read("sair", "BR").language == "pt-BR"
    assert read("hilfe", "AQ").language == "de"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Não, QUERO…", "nao quero"),
        ("don't", "dont"),
        ("หยุดส่ง", "หยุดส่ง"),
        ("बंद करें", "बंद करें"),
        ("S\u00adT\u200dO\ufeffP 1️⃣", "stop 1"),
        ("Straße", "strasse"),
        (" a\t\nb ", "a b"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


def rows() -> list[tuple[str, str, str]]:
    return [
        (language, kind, word)
        for language, row in load(GLOBAL).keywords.items()
        for kind in ("opt_out", "help", "opt_in", "confirm", "phrases")
        for word in getattr(row, kind)
    ]


@pytest.mark.parametrize(("language", "kind", "word"), rows())
def test_every_word_of_every_row_is_understood(language: str, kind: str, word: str) -> None:
    country = {"id": "ID", "pt-BR": "BR"}.get(language)
    expected = "opt_out" if kind == "phrases" else kind
    assert intent_of(word, country) == expected
    assert intent_of(f" {word.lower()}. ", country) == expected


@pytest.mark.parametrize("country", ["ID", "BR", None])
@pytest.mark.parametrize("word", load(GLOBAL).keywords[GLOBAL].opt_out)
def test_the_global_words_stop_everywhere(word: str, country: str | None) -> None:
    assert intent_of(word, country) == "opt_out"


@pytest.mark.parametrize("pack_id", [pack_id for pack_id, head in heads().items() if "countries" in head])
def test_every_word_that_a_text_may_teach_is_understood(pack_id: str) -> None:
    known = load(GLOBAL).instructions
    for rule in load(pack_id).contents:
        if isinstance(rule, OptOutContent):
            taught = {word for tag in rule.languages for word in known[tag].words}
            for country in load(pack_id).countries:
                misread = {word for word in taught if intent_of(word, country) != "opt_out"}
                assert misread == set(), country


def test_stop_is_taught_and_understood_in_every_country() -> None:
    for tag, instruction in load(GLOBAL).instructions.items():
        assert tag == "pt-BR" or "STOP" in instruction.words
