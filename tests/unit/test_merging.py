"""Several packs, states and caps at once, and a brand that relaxes: the strictest that is left decides."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from izin.answers import decision
from izin.aws import registry
from izin.domain import gate, phone
from izin.domain.consent import Block, Grant, Scope, Standing, Suppression
from izin.domain.gate import Decision, Verdict
from izin.domain.history import Send
from izin.domain.message import Channel, Kind, Message, Purpose
from izin.domain.pack import (
    GLOBAL,
    CapRule,
    Pack,
    PackError,
    RuleSet,
    Severity,
    WindowRule,
    heads,
    load,
    pack_of,
    parse,
)
from izin.domain.phone import Phone
from izin.domain.reasons import Code
from izin.domain.registry import Brand, Carrier, Sender
from izin.registering import BrandBody
from pydantic import ValidationError

M, P = Purpose.MARKETING, Purpose.ANNOUNCEMENT
SMS, WHATSAPP = Channel.SMS, Channel.WHATSAPP
NEW_YORK, MUMBAI, JAKARTA = "+12125551234", "+919876543210", "+6281234567890"
YES = Standing({(SMS, M): Grant(datetime(2026, 1, 1, tzinfo=UTC), "yes")})
SHOPX = Brand(id="shopx", name="ShopX", contact="help@shopx.example")
PROMOTION = Message(brand="shopx", sender="s", channel=SMS, purpose=M)


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def decide(
    person: Phone,
    now: datetime,
    *,
    pack: Pack | None = None,
    sent: tuple[datetime, ...] = (),
    brand: Brand = SHOPX,
    standing: Standing = YES,
    message: Message = PROMOTION,
) -> Decision:
    sender = Sender(
        id="s",
        brand="shopx",
        channel=SMS,
        carrier=Carrier.SANDBOX,
        address="+10000000000",
        countries=frozenset({person.country}),
        registrations=frozenset(
            {"10dlc_brand", "10dlc_campaign", "dlt_entity", "dlt_header", "sender_id_register"}
        ),
    )
    sends = [Send(at, M, SMS, n) for n, at in enumerate(sent)]
    pack = pack or pack_of(person.country)
    return gate.decide(message, person, standing, sends, brand, sender, pack, now)


def rules(made: Decision) -> set[str]:
    return {reason.rule for reason in made.reasons}


def test_every_country_has_the_pack_that_names_the_fewest() -> None:
    assert pack_of("ES") is load("EU")
    assert pack_of("FR") is load("FR")
    assert pack_of("PR") is load("US")
    assert pack_of("AQ") is load(GLOBAL)
    for pack_id, head in heads().items():
        for region in head.get("joins", ()):
            assert set(head["countries"]) <= set(heads()[region]["countries"]), pack_id


@pytest.mark.parametrize(
    "country", sorted({c for head in heads().values() for c in head.get("countries", ())})
)
@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_country_rules_every_purpose(country: str, purpose: Purpose) -> None:
    ruled = pack_of(country).rules(SMS, purpose)
    assert ruled.windows
    assert ruled.consent


def test_a_country_keeps_what_its_region_asks() -> None:
    france = {rule.rule for rule in load("FR").rules(SMS, M).all()}
    union = {rule.rule for rule in load("EU").rules(SMS, M).all()}
    assert union - france == {"EU.window.marketing"}
    assert load("FR").access_deadline == load("EU").access_deadline
    assert load("DE").retention.rule == "DE.retention.proof"
    assert {rule.rule for rule in load("DE").rules(SMS, M).windows} == {
        "DE.days.marketing",
        "EU.window.marketing",
    }


@pytest.mark.parametrize(
    ("replaces", "said"),
    [("EU.consent.marketing", "is law and cannot be replaced"), ("EU.window.none", "does not have")],
)
def test_a_country_replaces_only_what_may_be_relaxed(replaces: str, said: str, monkeypatch: Any) -> None:
    from izin.domain.pack import loader

    france = loader._read("FR").model_copy(update={"replaces": (replaces,)})
    with pytest.raises(PackError, match=said):
        loader._joined(france, load("EU"))


def test_the_platform_joins_every_pack_on_its_channel() -> None:
    for pack_id in heads():
        if pack_id != "whatsapp":
            on_whatsapp = {rule.rule for rule in load(pack_id).rules(WHATSAPP, M).all()}
            assert {"WHATSAPP.consent", "WHATSAPP.content.length"} <= on_whatsapp
            assert not any(rule.rule.startswith("WHATSAPP.") for rule in load(pack_id).rules(SMS, M).all())


# States


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2026-11-23T12:59:59", False),  # 09:59:59 in Los Angeles: Kentucky opens at ten
        ("2026-11-23T13:00:00", True),
        ("2026-11-23T17:59:59", True),
        ("2026-11-23T18:00:00", False),  # Rhode Island closes at six
        ("2026-11-28T14:00:00", True),
        ("2026-11-28T17:00:00", False),
        ("2026-11-29T14:00:00", False),
        ("2026-11-26T14:00:00", False),  # Thanksgiving
        ("2026-12-01T14:00:00", False),  # a holiday of Alabama alone
    ],
)
def test_where_no_state_is_known_every_state_is_kept(at: str, allowed: bool) -> None:
    person = replace(
        phone.parse(NEW_YORK),
        subdivisions=(),
        time_zones=("America/Chicago", "America/Denver", "America/Los_Angeles", "America/New_York"),
    )
    assert (decide(person, local(at, "America/New_York")).verdict is Verdict.ALLOW) is allowed


def test_a_number_of_two_states_keeps_both() -> None:
    person = replace(phone.parse(NEW_YORK), subdivisions=("NY", "RI"))
    evening = local("2026-11-23T18:30", "America/New_York")
    assert rules(decide(person, evening)) == {"US.window.ri"}
    assert decide(phone.parse(NEW_YORK), evening).verdict is Verdict.ALLOW


def test_what_the_person_declared_counts_alone() -> None:
    person = phone.parse("+16055551234")  # South Dakota, two zones
    evening = local("2026-11-23T20:30", "America/Denver")
    assert decide(person, evening).verdict is Verdict.DEFER
    assert decide(person.declared("America/Denver"), evening).verdict is Verdict.ALLOW
    assert rules(decide(person.declared("America/New_York", "RI"), evening)) == {
        "US.window.ri",
        "US.window.federal",
    }
    assert person.declared() == person


def test_territories_keep_the_federal_hours_alone() -> None:
    island = phone.parse("+17872345678")
    assert (island.country, island.subdivisions) == ("PR", ("PR",))
    assert decide(island, local("2026-11-29T20:59:59", "America/Puerto_Rico")).verdict is Verdict.ALLOW
    assert rules(decide(island, local("2026-11-29T21:00", "America/Puerto_Rico"))) == {"US.window.federal"}


# Caps


def pack_with(cap: dict[str, Any], country: str = "ID") -> Pack:
    rule = CapRule.model_validate(
        {"rule": f"{country}.cap.test", "severity": "law", "sources": ["L-ID-02"], "purposes": ["marketing"]}
        | cap
    )
    return load(country).model_copy(update={"caps": (rule,), "_rules": {}})


def test_several_caps_count_at_once() -> None:
    now = local("2026-11-23T12:00", "America/New_York")
    sent = (now - timedelta(days=29), now - timedelta(hours=2), now - timedelta(hours=1))
    made = decide(phone.parse(NEW_YORK), now, sent=sent)
    assert rules(made) == {"US.cap.marketing.month"}
    assert made.until == sent[0] + timedelta(days=30)


def test_on_a_holiday_fewer_may_go_and_the_day_after_the_rest() -> None:
    person = phone.parse(MUMBAI)
    gandhi = local("2026-10-02T12:00", "Asia/Kolkata")
    made = decide(person, gandhi, sent=(gandhi - timedelta(hours=1),))
    assert rules(made) == {"IN.cap.marketing.day"}
    assert made.until is not None
    assert made.until <= gandhi - timedelta(hours=1) + timedelta(hours=24)
    assert decide(person, made.until, sent=(gandhi - timedelta(hours=1),)).verdict is Verdict.ALLOW


def test_a_holiday_that_begins_ends_an_allowance() -> None:
    always = WindowRule.model_validate(
        {"rule": "ID.window.test", "severity": "law", "sources": ["L-ID-02"], "purposes": ["marketing"]}
    )
    cap = {"limit": 2, "period": "PT24H", "holidays": ["public"], "holiday_limit": 1}
    pack = pack_with(cap).model_copy(update={"windows": (always,)})
    eve = local("2026-12-24T22:30", "Asia/Jayapura")
    person = phone.parse(JAKARTA)
    made = decide(person, eve, pack=pack, sent=(eve - timedelta(hours=1),))
    assert made.verdict is Verdict.ALLOW
    assert made.valid_until == local("2026-12-25T00:00", "Asia/Jayapura")
    assert decide(person, eve, pack=pack).valid_until is None


def test_a_cap_of_none_on_holidays_waits_for_the_day_after_in_every_zone() -> None:
    pack = pack_with({"limit": 2, "period": "PT24H", "holidays": ["public"], "holiday_limit": 0})
    pack = pack.model_copy(update={"windows": ()})
    christmas = local("2026-12-25T12:00", "Asia/Jakarta")
    made = decide(phone.parse(JAKARTA), christmas, pack=pack)
    assert made.until == local("2026-12-26T00:00", "Asia/Jakarta")
    unknown = decide(phone.parse(JAKARTA), christmas.replace(year=2040), pack=pack)
    assert {reason.code for reason in unknown.reasons} == {Code.NO_CALENDAR}


def test_a_cap_of_some_states_binds_only_there() -> None:
    pack = pack_with({"limit": 1, "period": "PT24H", "subdivisions": ["FL"]}, "US")
    now = local("2026-11-23T12:00", "America/New_York")
    sent = (now - timedelta(hours=1),)
    assert decide(phone.parse(NEW_YORK), now, pack=pack, sent=sent).verdict is Verdict.ALLOW
    assert rules(decide(phone.parse("+13055551234"), now, pack=pack, sent=sent)) == {"US.cap.test"}


OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
_instants = st.integers(0, 90 * 86_400).map(lambda seconds: OCTOBER + timedelta(seconds=seconds))
_numbers = st.sampled_from([MUMBAI, NEW_YORK, "+14165551234", "+33612345678", "+61412345678"])


@given(_numbers, _instants, st.lists(_instants, max_size=5))
def test_until_is_permitted_and_nothing_earlier_is(to: str, now: datetime, sent: list[datetime]) -> None:
    """Invariants 4 and 5, with caps that shrink on holidays."""
    person, earlier = phone.parse(to), tuple(at for at in sent if at < now)
    made = decide(person, now, sent=earlier)
    if made.verdict is Verdict.ALLOW:
        assert made.valid_until is None or made.valid_until > now
        return
    assert made.verdict is Verdict.DEFER
    assert made.until is not None
    assert decide(person, made.until, sent=earlier).verdict is Verdict.ALLOW
    before = made.until - timedelta(microseconds=1)
    assert decide(person, before, sent=earlier).verdict is Verdict.DEFER


# Brands


def test_a_brand_relaxes_advice_and_the_decision_says_so() -> None:
    now = local("2026-11-23T12:00", "America/New_York")
    sent = tuple(now - timedelta(days=days) for days in (2, 4, 6))
    relaxing = replace(SHOPX, relax=frozenset({"US.cap.marketing.month"}))
    assert decide(phone.parse(NEW_YORK), now, sent=sent).verdict is Verdict.DEFER
    made = decide(phone.parse(NEW_YORK), now, sent=sent, brand=relaxing)
    assert made.verdict is Verdict.ALLOW
    assert [reason.rule for reason in made.relaxed] == ["US.cap.marketing.month"]
    said = decision(made, None, phone.parse(NEW_YORK))["relaxed"]
    assert [(entry["rule"], entry["code"]) for entry in said] == [("US.cap.marketing.month", "cap_reached")]
    assert decide(phone.parse(NEW_YORK), now, brand=relaxing).relaxed == ()


OWN = {"rule": "BRAND.window", "severity": "policy", "sources": ["policy"], "note": "Nobody reads at lunch."}
HOURS = [{"days": "mon-sun", "opens": "10:00:00", "closes": "12:00:00"}]
TIGHT = {"windows": [{**OWN, "purposes": ["marketing"], "openings": HOURS}]}
LONG = {"caps": [{**OWN, "rule": "BRAND.cap", "purposes": ["marketing"], "limit": 1, "period": "P300D"}]}


def test_a_brand_tightens_with_rules_of_its_own() -> None:
    body = BrandBody.model_validate_json(json.dumps({"name": "ShopX", "contact": "c", "tighten": TIGHT}))
    stored = registry.brand({"id": "shopx", **body.model_dump(mode="json", exclude_none=True)})
    assert stored
    assert stored.tighten.model_dump() == body.tighten.model_dump()
    noon = local("2026-11-23T12:00", "America/New_York")
    assert decide(phone.parse(NEW_YORK), noon).verdict is Verdict.ALLOW
    made = decide(phone.parse(NEW_YORK), noon, brand=stored)
    assert rules(made) == {"BRAND.window"}
    assert made.until == local("2026-11-24T10:00", "America/New_York")


def test_what_a_brand_counts_is_remembered_as_long() -> None:
    brand = replace(SHOPX, tighten=RuleSet.model_validate(LONG))
    noon = local("2026-11-23T12:00", "America/New_York")
    sent = (noon - timedelta(days=299),)
    made = decide(phone.parse(NEW_YORK), noon, brand=brand, sent=sent)
    assert rules(made) == {"BRAND.cap"}
    assert len(made.counted) == 1


def test_a_brand_writes_no_rule_of_a_pack() -> None:
    own = {"windows": [{**TIGHT["windows"][0], "rule": "US.window.mine"}]}
    with pytest.raises(ValidationError, match="begins with BRAND"):
        BrandBody.model_validate_json(json.dumps({"name": "ShopX", "contact": "c", "tighten": own}))


def test_a_brand_relaxes_no_law() -> None:
    night = local("2026-11-23T23:00", "America/New_York")
    relaxing = replace(SHOPX, relax=frozenset({"US.window.federal", "US.window.ny"}))
    made = decide(phone.parse(NEW_YORK), night, brand=relaxing)
    assert rules(made) == {"US.window.federal", "US.window.ny"}
    assert made.relaxed == ()
    nowhere = decide(
        phone.parse("+255712345678"), night, brand=replace(SHOPX, relax=frozenset({"GLOBAL.no_pack"}))
    )
    assert "GLOBAL.no_pack" in rules(nowhere)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("US.window.federal", "US.window.federal: is law; only advice and policy may be relaxed"),
        ("BR.consent.double_opt_in", "is guide"),
        ("US.window.none", "no pack has such a rule"),
        ("XX.window", "no pack has such a rule"),
        ("GLOBAL.message_expiry", "is a setting"),
        ("GLOBAL.no_pack", "never goes"),
        ("GLOBAL.consent.no_pack", "is guide"),
    ],
)
def test_a_registry_entry_relaxes_only_what_it_may(rule: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        BrandBody(name="ShopX", contact="c", relax=frozenset({rule}))


@pytest.mark.parametrize("rule", ["BR.evidence.cpf", "ID.consent.double_opt_in", "ID.window.marketing"])
def test_advice_and_policy_may_be_relaxed(rule: str) -> None:
    assert BrandBody(name="ShopX", contact="c", relax=frozenset({rule})).relax == {rule}


def test_nobody_is_asked_to_come_back_too_soon() -> None:
    now = local("2026-11-23T12:00", "Asia/Kolkata")
    ask = replace(PROMOTION, kind=Kind.OPT_IN_REQUEST, answers=now, expires_at=now + timedelta(minutes=5))
    for days, verdict in ((89, Verdict.DENY), (90, Verdict.ALLOW)):
        block = Block(now - timedelta(days=days), "no", Scope.ALL, Suppression.OPT_OUT, now)
        came_back = Grant(block.given_at + timedelta(hours=1), "start", by_person_at=now)
        stopped = Standing(blocks={block.slot: block}, opted_in={Channel.SMS: came_back})
        assert decide(phone.parse(MUMBAI), now, standing=stopped, message=ask).verdict is verdict
    assert decide(phone.parse(JAKARTA), now, standing=stopped, message=ask).verdict is Verdict.ALLOW


def test_severities() -> None:
    assert [s for s in Severity if s.relaxable] == [Severity.ADVICE, Severity.POLICY]


def test_a_pack_of_a_region_is_refused_for_a_foreign_rule() -> None:
    source = 'id = "XX"\nversion = "2026-11-22"\ntitle = "X"\nlanguages = ["en"]\njoins = ["EU"]\n'
    parse(source, "XX.toml", load(GLOBAL).settings())
    cap = '[[caps]]\nrule = "US.cap"\nseverity = "law"\nsources = ["L-EU-01"]\npurposes = ["marketing"]\n'
    with pytest.raises(PackError, match="does not begin with XX"):
        parse(source + cap + 'limit = 1\nperiod = "P1D"\n', "XX.toml", load(GLOBAL).settings())
