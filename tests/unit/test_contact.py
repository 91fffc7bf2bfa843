"""What the last contact on a platform allows: text without a template, and promotions after a rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from izin.domain import gate, phone
from izin.domain.consent import Grant, Standing
from izin.domain.contact import NO_CONTACT, Contact
from izin.domain.gate import Decision, Verdict
from izin.domain.message import Channel, Kind, Message, Purpose, Template
from izin.domain.pack import pack_of
from izin.domain.registry import Brand, Carrier, Sender

NOON = datetime(2026, 11, 23, 5, tzinfo=UTC)  # Monday 12:00 in Jakarta
DAY = timedelta(hours=24)
YES = Standing(
    granted={
        (channel, purpose): Grant(datetime(2026, 1, 1, tzinfo=UTC), "yes")
        for channel in (Channel.SMS, Channel.WHATSAPP)
        for purpose in Purpose
    }
)
SENDER = Sender(
    id="shopx-wa",
    brand="shopx",
    channel=Channel.WHATSAPP,
    carrier=Carrier.SANDBOX,
    address="+6285811223355",
    countries=frozenset({"ID"}),
)
TEXT = Message(
    brand="shopx",
    sender="shopx-wa",
    channel=Channel.WHATSAPP,
    purpose=Purpose.TRANSACTIONAL,
    text="ShopX: pesanan 123 dikirim",
    basis={"transaction": "123"},
)
OFFER = replace(
    TEXT,
    purpose=Purpose.MARKETING,
    text="ShopX: diskon 20% untuk Budi. Balas STOP untuk berhenti",
    variables=1,
    template=Template(
        name="sale",
        text="ShopX: diskon 20% untuk {{1}}. Balas STOP untuk berhenti",
        values=("Budi",),
        approved=True,
        category="marketing",
    ),
)


def decide(message: Message, contact: Contact = NO_CONTACT, now: datetime = NOON) -> Decision:
    person = phone.parse("+6281234567890")
    brand = Brand(id="shopx", name="ShopX", contact="help@shopx.example")
    return gate.decide(message, person, YES, (), brand, SENDER, pack_of("ID"), now, contact)


def reasons(made: Decision) -> set[tuple[str, str]]:
    return {(reason.rule, str(reason.code)) for reason in made.reasons}


NO_TEMPLATE = {("WHATSAPP.template.free_form", "template_required")}


@pytest.mark.parametrize(
    ("heard", "refused"),
    [
        (None, NO_TEMPLATE),
        (NOON, set()),
        (NOON - DAY + timedelta(milliseconds=1), set()),
        (NOON - DAY, NO_TEMPLATE),
    ],
)
def test_free_text_goes_within_a_day_of_the_persons_message(
    heard: datetime | None, refused: set[tuple[str, str]]
) -> None:
    made = decide(TEXT, Contact(heard_at=heard))
    assert reasons(made) == refused
    if not refused and heard:
        assert made.valid_until == heard + DAY


def test_a_template_goes_at_any_time_and_a_text_by_sms_too() -> None:
    assert decide(OFFER).verdict is Verdict.ALLOW
    assert decide(replace(OFFER, template=None)).verdict is Verdict.ALLOW  # at hand-over
    assert not reasons(decide(replace(TEXT, channel=Channel.SMS)))


def test_an_answer_to_the_person_needs_no_template() -> None:
    answer = replace(TEXT, kind=Kind.CONFIRMATION, answers=NOON, expires_at=NOON + timedelta(minutes=5))
    assert decide(answer).verdict is Verdict.ALLOW


def test_free_text_that_must_wait_longer_than_the_day_is_refused_at_once() -> None:
    night = NOON + timedelta(hours=11)
    promotion = replace(OFFER, template=None, variables=None)
    heard = Contact(heard_at=night - timedelta(hours=20))
    assert reasons(decide(promotion, heard, night)) >= NO_TEMPLATE
    assert decide(promotion, Contact(heard_at=night), night).verdict is Verdict.DEFER


def test_a_person_whom_the_platform_spares_gets_no_promotion_for_a_day() -> None:
    until = NOON + timedelta(hours=1)
    resting = Contact(rests_until=until)
    made = decide(OFFER, resting)
    assert reasons(made) == {("WHATSAPP.back_off", "cap_reached")}
    assert (made.verdict, made.until) == (Verdict.DEFER, until)
    assert decide(OFFER, resting, until).verdict is Verdict.ALLOW
    assert decide(TEXT, replace(resting, heard_at=NOON)).verdict is Verdict.ALLOW


def test_a_rest_that_ends_at_night_waits_for_the_morning() -> None:
    made = decide(OFFER, Contact(rests_until=NOON + timedelta(hours=10)))
    assert made.until == datetime(2026, 11, 24, 1, tzinfo=UTC)
