"""The packs say what the rule facts say, and an unsound pack is refused by file and line."""

from __future__ import annotations

import re
import tomllib
from datetime import time, timedelta
from pathlib import Path

import pytest
from izin.domain import keywords
from izin.domain.keywords import Intent
from izin.domain.message import Channel, Kind, Purpose
from izin.domain.pack import (
    GLOBAL,
    Needs,
    PackError,
    Rules,
    Severity,
    describe,
    load,
    pack_for,
    parse,
    same_language,
    texts,
)

HERE = Path(__file__).parent
PACKS = HERE.parents[1] / "layers/core/python/izin/packs"
IDS = frozenset(tomllib.loads((PACKS / "sources.toml").read_text("utf-8"))["sources"])
M, T, A, P = Purpose.MARKETING, Purpose.TRANSACTIONAL, Purpose.AUTHENTICATION, Purpose.ANNOUNCEMENT
SMS, WHATSAPP = Channel.SMS, Channel.WHATSAPP
# Other tables of the package lie beside the packs; a pack is what has an id.
ALL_PACKS = sorted(
    path.stem for path in PACKS.glob("*.toml") if "\nid = " in path.read_text("utf-8").partition("\n[")[0]
)
ALL_DAY = ((time(0), time(0)),)


@pytest.mark.parametrize("pack_id", ALL_PACKS)
def test_every_value_cites_rows_that_exist(pack_id: str) -> None:
    for value in load(pack_id).values():
        unknown = set(value.sources) - IDS - {"policy"}
        assert not unknown, f"{value.rule} cites {unknown}"
        if "policy" in value.sources:
            assert value.severity is Severity.POLICY
            assert value.note


@pytest.mark.parametrize("pack_id", ALL_PACKS)
def test_golden_description(pack_id: str) -> None:
    golden = HERE / "golden" / f"{pack_id}.txt"
    assert describe(load(pack_id)) == golden.read_text("utf-8"), f"the pack changed; review {golden}"


def hours(pack_id: str, purpose: Purpose) -> list[tuple[tuple[time, time], ...]]:
    """The hours of Monday, Saturday and Sunday under the pack's first window rule."""
    week = load(pack_id).rules(SMS, purpose).windows[0].hours
    assert week[0] == week[1] == week[2] == week[3] == week[4]
    return [week[0], week[5], week[6]]


@pytest.mark.parametrize(
    ("pack_id", "purpose", "workday", "saturday", "sunday"),
    [
        ("ID", M, ((time(8), time(20)),), ((time(8), time(20)),), ((time(8), time(20)),)),
        ("ID", T, ALL_DAY, ALL_DAY, ALL_DAY),
        ("ID", A, ALL_DAY, ALL_DAY, ALL_DAY),
        ("ID", P, ((time(8), time(20)),), ((time(8), time(20)),), ((time(8), time(20)),)),
        ("BR", M, ((time(9), time(20)),), (), ()),
        ("BR", P, ((time(10), time(18)),), (), ()),
        ("BR", T, ALL_DAY, ALL_DAY, ALL_DAY),
        ("BR", A, ALL_DAY, ALL_DAY, ALL_DAY),
    ],
)
def test_windows(pack_id: str, purpose: Purpose, workday: object, saturday: object, sunday: object) -> None:
    assert hours(pack_id, purpose) == [workday, saturday, sunday]


def test_closed_days() -> None:
    assert load("BR").rules(SMS, M).windows[0].closed == ("public", "optional")
    assert load("BR").rules(SMS, P).windows[0].closed == ("public", "optional")
    # In Indonesia the hours are policy and the holidays advice, so each is relaxed on its own.
    by_hours, by_days = load("ID").rules(SMS, M).windows
    assert (by_hours.closed, by_hours.severity) == ((), Severity.POLICY)
    assert (by_days.closed, by_days.severity) == (("public",), Severity.ADVICE)
    assert by_days.hours == (ALL_DAY,) * 7


@pytest.mark.parametrize(
    ("pack_id", "purpose", "expected"),
    [
        ("BR", M, [("BR.cap.marketing.month", 4, timedelta(days=30), Severity.GUIDE)]),
        ("BR", P, [("BR.cap.announcement.month", 2, timedelta(days=30), Severity.GUIDE)]),
        ("BR", T, []),
        ("ID", M, [("ID.cap.marketing.day", 1, timedelta(hours=24), Severity.POLICY)]),
        ("ID", A, []),
    ],
)
def test_caps(pack_id: str, purpose: Purpose, expected: object) -> None:
    caps = load(pack_id).rules(SMS, purpose).caps
    assert [(cap.rule, cap.limit, cap.period, cap.severity) for cap in caps] == expected


@pytest.mark.parametrize(
    ("pack_id", "channel", "purpose", "needs", "double", "evidence"),
    [
        ("ID", SMS, M, {Needs.CONSENT}, True, "purposes screenshot"),
        ("ID", SMS, T, {Needs.CONSENT_OR_BASIS}, False, "purposes screenshot"),
        ("ID", SMS, A, set(), False, "purposes screenshot"),
        ("ID", WHATSAPP, A, {Needs.CONSENT}, False, "purposes screenshot"),
        ("BR", SMS, M, {Needs.CONSENT}, True, "ip cpf"),
        ("BR", SMS, T, set(), False, ""),
        ("BR", SMS, P, set(), False, ""),
        ("BR", WHATSAPP, P, {Needs.CONSENT}, False, ""),
        (GLOBAL, SMS, A, {Needs.CONSENT}, False, ""),
    ],
)
def test_consent(
    pack_id: str, channel: Channel, purpose: Purpose, needs: set[Needs], double: bool, evidence: str
) -> None:
    consent = load(pack_id).rules(channel, purpose).consent
    assert {rule.needs for rule in consent} - {Needs.NONE} == needs
    assert any(rule.double_opt_in for rule in consent) is double
    act = "captured_at method wording language source"  # what every consent needs, everywhere
    assert {name for rule in consent for name in rule.evidence} == {*act.split(), *evidence.split()}


def test_what_may_be_relaxed() -> None:
    rules = {r.rule: r.severity.relaxable for r in load("BR").rules(SMS, M).consent}
    assert rules["BR.evidence.cpf"]
    assert not rules["BR.evidence.ip"]
    assert not rules["BR.consent.double_opt_in"]
    rules = {r.rule: r.severity.relaxable for r in load("ID").rules(SMS, M).consent}
    assert rules["ID.consent.double_opt_in"]
    assert not rules["ID.consent.marketing"]
    assert [s.value for s in Severity if s.relaxable] == ["advice", "policy"]


@pytest.mark.parametrize("purpose", [M, P])
def test_without_a_pack_nothing_unasked_goes(purpose: Purpose) -> None:
    assert pack_for("AQ") is None
    assert pack_for(None) is None
    (denial,) = load(GLOBAL).rules(SMS, purpose).denials
    assert (denial.code, denial.rule) == ("no_pack", "GLOBAL.no_pack")
    assert not load(GLOBAL).rules(SMS, T).denials
    assert not load("ID").rules(SMS, purpose).denials


def test_two_packs_apply_at_once_and_share_once() -> None:
    both = load("ID").rules(SMS, M) + load("BR").rules(SMS, M)
    assert [w.rule for w in both.windows] == [
        "ID.window.marketing",
        "ID.days.marketing",
        "BR.window.marketing",
    ]
    shared = [r.rule for r in both.contents if r.rule.startswith("GLOBAL.")]
    assert shared == ["GLOBAL.content.one_way"]
    assert Rules() + both == both


def test_settings() -> None:
    for pack in (load("ID"), load("BR"), load(GLOBAL)):
        assert pack.revoke_all.value is False
        assert pack.confirmation.required
        assert pack.confirmation.deadline == timedelta(seconds=300)
        assert pack.double_opt_in_expiry.value == timedelta(hours=72)
        assert pack.consent_expiry == ()
        assert pack.resolicit_block is None
        assert pack.retention.keep >= timedelta(days=365)
        lifetimes = [pack.message_expiry.of(purpose) for purpose in (A, T, P, M)]
        assert lifetimes == [timedelta(minutes=10), timedelta(hours=24), timedelta(days=3), timedelta(days=7)]


def test_packs_are_loaded_once() -> None:
    assert load("ID") is load("ID")
    assert pack_for("ID") is load("ID")
    for pack_id in ("XX", "../ID", "", "id.toml"):
        with pytest.raises(PackError, match="no such pack"):
            load(pack_id)


def refusal(pack_id: str, old: str, new: str) -> str:
    """What is said about the pack once `old` is replaced by `new`."""
    source = (PACKS / f"{pack_id}.toml").read_text("utf-8")
    assert old in source
    with pytest.raises(PackError) as caught:
        parse(source.replace(old, new, 1), f"{pack_id}.toml", load(GLOBAL).settings())
    return str(caught.value)


def line_of(pack_id: str, text: str) -> int:
    source = (PACKS / f"{pack_id}.toml").read_text("utf-8")
    return source[: source.index(text)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ("limit = 4", "limits = 4", None, "limits: Extra inputs are not permitted"),
        ("limit = 4", "limit = 0", "limit = 4", "greater than 0"),
        ("limit = 4", 'limit = "4"', "limit = 4", "valid integer"),
        ('period = "P30D"', "period = 30", 'period = "P30D"', "ISO 8601"),
        ('sources = ["S-BR-09"]\n', "", None, "sources: Field required"),
        ('sources = ["S-BR-09"]', "sources = []", 'sources = ["S-BR-09"]', "at least 1 item"),
        ('sources = ["S-BR-09"]', 'sources = ["hearsay"]', 'sources = ["S-BR-09"]', "should match pattern"),
        ('sources = ["S-BR-09"]', 'sources = ["policy"]', None, "needs severity `policy` and a note"),
        (
            'severity = "guide"\nsources = ["S-BR-09"]',
            'severity = "nice"\nsources = ["S-BR-09"]',
            None,
            "severity",
        ),
        (
            "closes = 20:00:00 }]",
            "closes = 08:00:00 }]",
            "closes = 20:00:00",
            "opens at 09:00:00 and closes at",
        ),
        ('days = "mon-fri", opens = 09', 'days = "fri-mon", opens = 09', "opens = 09", "runs backwards"),
        (
            "closes = 20:00:00 }]",
            'closes = 20:00:00 }, { days = "wed", opens = 19:59:59, closes = 21:00:00 }]',
            None,
            "the windows of wed overlap",
        ),
        ("opens = 09:00:00", "opens = 9", "opens = 09", "valid time"),
        ('rule = "BR.cap.marketing.month"', 'rule = "ID.cap.month"', None, "does not begin with BR"),
        ('rule = "BR.cap.marketing.month"', 'rule = "BR.window.marketing"', None, "two values are called"),
        ('check = "ascii"', 'check = "ascii"\nlimit = 3', None, "Extra inputs are not permitted"),
        (
            'purposes = ["transactional", "authentication"]',
            'purposes = ["transactional"]',
            None,
            "authentication has no window",
        ),
        ('"{brand}: voce foi', '"{brand}, {name}: voce foi', None, "a text needs {brand}"),
        ('id = "BR"', 'id = "US"', None, ""),
        ("[[caps]]", "[[caps]", "[[caps]]", "at line"),
        ('id = "BR"', 'id = "BR"\ncolour = "green"', None, "colour: Extra inputs"),
    ],
)
def test_an_unsound_pack_is_refused(old: str, new: str, where: str | None, said: str) -> None:
    message = refusal("BR", old, new)
    assert message.startswith("BR.toml:")
    assert said in message
    if where:
        assert f"{line_of('BR', where)}" in message


def test_a_fault_names_its_line() -> None:
    message = refusal("BR", "limit = 4", "limit = -4")
    assert message.startswith(f"BR.toml:{line_of('BR', 'limit = 4')}: caps.0.limit: ")
    table = line_of("ID", "[captures.words]")
    message = refusal("ID", 'id = ["promo", "promosi"', "id = 1 #")
    assert message.startswith(f"ID.toml:{table + 1}: captures.1.words.id: ")


def test_two_windows_a_day_that_touch_are_fine() -> None:
    source = (PACKS / "BR.toml").read_text("utf-8")
    split = (
        'opens = 09:00:00, closes = 12:30:00 }, { days = "mon-fri", opens = 13:30:00, closes = 20:00:00 }]'
    )
    source = source.replace("opens = 09:00:00, closes = 20:00:00 }]", split, 1)
    week = parse(source, "BR.toml", load(GLOBAL).settings()).rules(SMS, M).windows[0].hours
    assert week[2] == ((time(9), time(12, 30)), (time(13, 30), time(20)))


def test_a_state_overlay_and_a_holiday_cap_fit_the_format() -> None:
    overlay = """
[[windows]]
rule = "BR.window.state"
severity = "law"
sources = ["L-BR-04"]
purposes = ["marketing"]
subdivisions = ["SP"]
openings = [{ days = "mon-sat", opens = 09:00:00, closes = 21:00:00 }, { days = "sun", opens = 12:00:00, closes = 00:00:00 }]

[[caps]]
rule = "BR.cap.holiday"
severity = "advice"
sources = ["S-IN-10"]
purposes = ["marketing"]
limit = 3
period = "PT24H"
holidays = ["public"]
holiday_limit = 1
"""  # noqa: E501
    source = (PACKS / "BR.toml").read_text("utf-8") + overlay
    rules = parse(source, "BR.toml", load(GLOBAL).settings()).rules(SMS, M)
    assert rules.windows[-1].subdivisions == ("SP",)
    assert rules.windows[-1].hours[6] == ((time(12), time(0)),)
    assert (rules.caps[-1].limit, rules.caps[-1].holiday_limit) == (3, 1)


@pytest.mark.parametrize(
    ("pack_id", "language", "kind", "begins"),
    [
        ("ID", None, Kind.CONFIRMATION, "{brand}: Anda telah berhenti"),
        ("ID", "en", Kind.CONFIRMATION, "{brand}: You have been unsubscribed and will"),
        ("ID", "en-GB", Kind.CONFIRMATION, "{brand}: You have been unsubscribed. You"),
        ("ID", "id", Kind.OPT_IN_REQUEST, "{brand}: balas YA"),
        ("ID", "jv", Kind.HELP, "{brand}: info dan promo"),
        ("ID", "th", Kind.OPT_IN_REQUEST, "{brand}: balas YA"),  # Thai has none
        ("BR", "pt", Kind.OPT_IN_REQUEST, "{brand}: responda SIM"),
        ("BR", "pt-PT", Kind.HELP, "{brand}: avisos"),
        ("MY", "ms", Kind.CONFIRMATION, "RM0.00 {brand}: Anda telah"),
        ("MY", "en", Kind.CONFIRMATION, "RM0.00 {brand}: You have been"),
        ("MY", "zh", Kind.HELP, "RM0.00 {brand}：帮助"),
        ("SG", "zh", Kind.HELP, "{brand}：帮助"),
        ("IN", "en", Kind.HELP, "{brand} alerts"),
        ("FR", None, Kind.CONFIRMATION, "{brand} : desinscription"),
        ("CA", "fr", Kind.CONFIRMATION, "{brand} : vous etes desabonne"),
        ("GB", "en", Kind.CONFIRMATION, "{brand}: You have been unsubscribed. You"),
        (
            "IN",
            "en",
            Kind.CONFIRMATION,
            "{brand}: You have opted out and will get no more promotional messages.",
        ),
        ("US", "es", Kind.OPT_IN_REQUEST, "{brand}: responda SI"),
        (GLOBAL, None, Kind.HELP, "{brand} alerts"),
        (GLOBAL, "de", Kind.CONFIRMATION, "{brand}: Sie sind abgemeldet"),
    ],
)
def test_texts(pack_id: str, language: str | None, kind: Kind, begins: str) -> None:
    assert texts(load(pack_id), language, kind).startswith(begins)


@pytest.mark.parametrize("pack_id", ALL_PACKS)
def test_help_names_the_brand_a_contact_and_a_word_that_stops_there(pack_id: str) -> None:
    pack, country = load(pack_id), None if pack_id in (GLOBAL, "EU", "whatsapp") else pack_id
    for language in {**load(GLOBAL).texts, **pack.texts}:
        text = texts(pack, language, Kind.HELP)
        assert "{brand}" in text, language
        assert "{contact}" in text, language
        assert "SMS" not in text, "it is answered on WhatsApp, too"
        words = re.findall(r"[A-Z]{2,}", text)
        assert any(keywords.read(word, country).intent is Intent.OPT_OUT for word in words), language


@pytest.mark.parametrize("pack_id", ALL_PACKS)
def test_a_confirmation_names_the_brand_and_no_channel_and_asks_nobody_back(pack_id: str) -> None:
    for language in {**load(GLOBAL).texts, **load(pack_id).texts}:
        text = texts(load(pack_id), language, Kind.CONFIRMATION)
        assert "{brand}" in text, language
        assert not re.search(r"SMS|START|rejoin|短信", text), language


@pytest.mark.parametrize(
    ("language", "frequency", "rates"),
    [("en-US", "frequency", "rates"), ("es", "Frecuencia", "tarifas"), ("es-MX", "Frecuencia", "tarifas")],
)
def test_help_in_the_united_states_tells_how_often_and_what_it_costs(
    language: str, frequency: str, rates: str
) -> None:
    text = texts(load("US"), language, Kind.HELP)
    assert frequency in text
    assert rates in text


def test_a_submission_has_no_text_of_ours() -> None:
    with pytest.raises(ValueError, match="submission"):
        texts(load("ID"), None, Kind.SUBMISSION)


@pytest.mark.parametrize(
    ("one", "other", "same"), [("pt", "pt-BR", True), ("EN-us", "en", True), ("id", "it", False)]
)
def test_same_language(one: str, other: str, same: bool) -> None:
    assert same_language(one, other) is same
