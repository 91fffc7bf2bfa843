"""One decision: every reason, the right verdict, and the first instant at which all permit."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from izin.domain import gate, phone
from izin.domain.consent import Block, Grant, Scope, Standing, Suppression
from izin.domain.gate import Decision, Verdict
from izin.domain.history import Send
from izin.domain.message import Channel, Kind, Message, Purpose
from izin.domain.pack import pack_of
from izin.domain.reasons import Code, Effect
from izin.domain.registry import Brand, Carrier, Sender

JAKARTA, SAO_PAULO, NOWHERE_RULED = "+6281234567890", "+5511987654321", "+255712345678"
NOON_ID = datetime(2026, 11, 23, 5, tzinfo=UTC)  # Monday 12:00 in Jakarta, 14:00 in Jayapura
NIGHT_ID = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # Sunday 23:30 in Jakarta
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

SLOT = (Channel.SMS, Purpose.MARKETING)
YES = Standing(granted={SLOT: Grant(LONG_AGO, "yes")})
SHOPX = Brand(id="shopx", name="ShopX", contact="help@shopx.example")
SENDER = Sender(
    id="shopx-1",
    brand="shopx",
    channel=Channel.SMS,
    carrier=Carrier.SANDBOX,
    address="+6285811223344",
    countries=frozenset({"ID", "BR", "TZ"}),
)
PROMOTION = Message(
    brand="shopx",
    sender="shopx-1",
    channel=Channel.SMS,
    purpose=Purpose.MARKETING,
    text="ShopX: diskon 20% s.d. 30 Nov. Balas STOP untuk berhenti",
)
CODE = replace(PROMOTION, purpose=Purpose.AUTHENTICATION, text="ShopX: kode masuk Anda 123456")
NOTICE = replace(
    PROMOTION, purpose=Purpose.TRANSACTIONAL, text="ShopX: pesanan 123 dikirim", basis={"transaction": "123"}
)


ESSENTIAL = replace(NOTICE, essential=True)
BASELESS = replace(ESSENTIAL, basis=None)
BARE = replace(PROMOTION, text="diskon 20%")
EXPIRED = Standing(granted={SLOT: Grant(LONG_AGO, "yes", expires_at=NOON_ID)})
NIGHT_ENDS = NIGHT_ID + timedelta(hours=1)


def opted_out(
    scope: Scope = Scope.ALL, kind: Suppression = Suppression.OPT_OUT, standing: Standing = YES
) -> Standing:
    block = Block(NOON_ID - timedelta(days=1), "stop", scope, kind, NOON_ID)
    return replace(standing, blocks={block.slot: block})


def decide(
    message: Message = PROMOTION,
    to: str = JAKARTA,
    standing: Standing = YES,
    sent: tuple[datetime, ...] = (),
    now: datetime = NOON_ID,
    sender: Sender = SENDER,
) -> Decision:
    person = phone.parse(to)
    sends = tuple(Send(at, message.purpose, message.channel, n) for n, at in enumerate(sent))
    return gate.decide(message, person, standing, sends, SHOPX, sender, pack_of(person.country), now)


def codes(made: Decision) -> set[str]:
    return {str(reason.code) for reason in made.reasons}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, set()),
        ({"standing": Standing()}, {"no_consent"}),
        ({"standing": Standing(pending={SLOT: Grant(LONG_AGO, "ask")})}, {"consent_pending"}),
        ({"standing": EXPIRED}, {"consent_expired"}),
        ({"standing": opted_out()}, {"opted_out"}),
        ({"standing": opted_out(Scope.MARKETING)}, {"opted_out"}),
        ({"standing": opted_out(kind=Suppression.DO_NOT_CONTACT)}, {"do_not_contact"}),
        ({"standing": replace(YES, unclear=Grant(NOON_ID, "hm"))}, {"reply_unclear"}),
        ({"message": NOTICE, "standing": Standing()}, set()),
        ({"message": replace(NOTICE, basis=None), "standing": Standing()}, {"basis_missing"}),
        ({"message": NOTICE, "standing": opted_out()}, {"opted_out"}),
        ({"message": NOTICE, "standing": opted_out(Scope.MARKETING)}, set()),
        ({"message": ESSENTIAL, "standing": opted_out()}, set()),
        ({"message": BASELESS, "standing": opted_out()}, {"opted_out", "basis_missing"}),
        ({"message": ESSENTIAL, "standing": opted_out(Scope.REVOKE_ALL)}, {"opted_out"}),
        ({"message": CODE, "standing": opted_out(Scope.REVOKE_ALL)}, set()),
        ({"message": CODE, "now": NIGHT_ID, "standing": Standing()}, set()),
        ({"now": NIGHT_ID}, {"outside_window"}),
        ({"sent": (NOON_ID - timedelta(hours=23),)}, {"cap_reached"}),
        ({"sent": (NOON_ID - timedelta(hours=24),)}, set()),
        ({"to": NOWHERE_RULED}, {"no_pack"}),
        ({"to": NOWHERE_RULED, "message": CODE, "standing": Standing()}, {"no_consent"}),
        ({"to": "+622112345678"}, {"number_class"}),
        ({"sender": replace(SENDER, suspended=True)}, {"sender_suspended"}),
        ({"sender": replace(SENDER, countries=frozenset({"BR"}))}, {"sender_not_registered"}),
        ({"sender": replace(SENDER, address="ShopXShopXShop")}, {"sender_not_registered"}),
        ({"sender": replace(SENDER, two_way=False)}, {"sender_one_way"}),
        ({"message": BARE}, {"content_brand_missing", "content_opt_out_missing"}),
        ({"message": replace(PROMOTION, text="ShopX: diskon. Reply STOP to opt out")}, {"content_language"}),
        ({"message": replace(CODE, text="ShopX: kode 123456. Diskon 20%!")}, {"content_promotional"}),
        ({"message": replace(PROMOTION, expires_at=NOON_ID)}, {"would_expire"}),
        ({"message": replace(PROMOTION, channel=Channel.WHATSAPP)}, {"no_consent", "template_required"}),
        (
            {"now": NIGHT_ID, "standing": opted_out(), "message": replace(PROMOTION, expires_at=NIGHT_ENDS)},
            {"opted_out", "outside_window", "would_expire"},
        ),
    ],
)  # fmt: skip
def test_every_reason_is_found(asked: dict[str, Any], expected: set[str]) -> None:
    made = decide(**asked)
    assert codes(made) == expected
    denied = any(reason.effect is Effect.DENY for reason in made.reasons)
    wanted = Verdict.DENY if denied else Verdict.DEFER if made.reasons else Verdict.ALLOW
    assert made.verdict is wanted
    assert (made.until is not None) == (wanted is Verdict.DEFER)


def test_a_promotion_at_night_waits_until_every_zone_is_open() -> None:
    made = decide(now=NIGHT_ID)
    assert made.until == datetime(2026, 11, 23, 1, tzinfo=UTC)  # 08:00 in Jakarta, 10:00 in Jayapura


def test_a_holiday_and_a_weekend_are_passed_over() -> None:
    now = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)  # Consciência Negra, a Friday
    message = replace(
        PROMOTION, text="ShopX: 20% off ate 30/11. Responda SAIR para cancelar", language="pt-BR"
    )
    made = decide(message, SAO_PAULO, now=now)
    assert (made.verdict, made.until) == (Verdict.DEFER, datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert [reason.rule for reason in made.reasons] == ["BR.window.marketing"]
    assert made.reasons[0].sources


def test_the_closing_second_is_closed() -> None:
    closing = datetime(2026, 11, 23, 11, tzinfo=UTC)  # 20:00 in Jayapura
    assert decide(now=closing - timedelta(microseconds=1)).verdict is Verdict.ALLOW
    assert decide(now=closing).verdict is Verdict.DEFER


def test_until_satisfies_cap_and_window_together() -> None:
    sent = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    made = decide(now=NIGHT_ID + timedelta(days=1), sent=(sent,))
    assert codes(made) == {"outside_window", "cap_reached"}
    assert made.until == datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
    late = decide(now=NIGHT_ID + timedelta(days=1), sent=(sent + timedelta(minutes=45),))
    assert late.until == datetime(2026, 11, 25, 1, tzinfo=UTC)  # the cap frees after the window has closed


def test_an_allowed_message_stays_allowed_until_its_window_closes_or_it_expires() -> None:
    closes = datetime(2026, 11, 23, 11, tzinfo=UTC)
    assert decide().valid_until == closes
    early = closes - timedelta(hours=1)
    assert decide(replace(PROMOTION, expires_at=early)).valid_until == early
    assert decide(CODE).valid_until is None


def test_beyond_the_known_calendars_nothing_goes() -> None:
    made = decide(to=SAO_PAULO, now=datetime(2040, 5, 9, 15, tzinfo=UTC))
    assert made.verdict is Verdict.DENY
    assert "no_calendar" in codes(made)


def test_a_login_code_does_not_forget_what_other_caps_still_count() -> None:
    sent = Send(NOON_ID - timedelta(days=20), Purpose.MARKETING, Channel.SMS, 1)
    person = phone.parse(SAO_PAULO)
    made = gate.decide(CODE, person, YES, (sent,), SHOPX, SENDER, pack_of("BR"), NOON_ID)
    assert made.counted == (sent,)


@pytest.mark.parametrize("kind", [Kind.CONFIRMATION, Kind.HELP, Kind.OPT_IN_REQUEST])
def test_an_answer_goes_at_any_hour_and_only_while_it_is_one(kind: Kind) -> None:
    given = NIGHT_ID - timedelta(seconds=20)
    answer = replace(
        PROMOTION, kind=kind, text="ok", answers=given, expires_at=given + timedelta(seconds=300)
    )
    assert decide(answer, now=NIGHT_ID, standing=Standing()).verdict is Verdict.ALLOW
    late = decide(answer, now=given + timedelta(seconds=300), standing=Standing())
    assert (late.verdict, late.expired) == (Verdict.DENY, True)


def test_a_confirmation_passes_its_own_opt_out_and_not_a_later_start() -> None:
    given = NOON_ID - timedelta(seconds=20)
    answer = replace(
        PROMOTION, kind=Kind.CONFIRMATION, answers=given, expires_at=NOON_ID + timedelta(minutes=4)
    )
    block = Block(given, "stop", Scope.ALL, Suppression.OPT_OUT, given)
    stopped = replace(YES, blocks={block.slot: block})
    assert decide(answer, standing=stopped).verdict is Verdict.ALLOW
    back = replace(stopped, opted_in={Channel.SMS: Grant(given + timedelta(seconds=5), "start", NOON_ID)})
    assert decide(answer, standing=back).verdict is Verdict.DENY


def test_a_stop_overtakes_the_request_and_the_help_that_came_before_it() -> None:
    asked = NOON_ID - timedelta(seconds=20)
    block = Block(asked + timedelta(seconds=5), "stop", Scope.ALL, Suppression.OPT_OUT, NOON_ID)
    stopped = replace(YES, blocks={block.slot: block})
    for kind in (Kind.HELP, Kind.OPT_IN_REQUEST):
        answer = replace(PROMOTION, kind=kind, answers=asked, expires_at=NOON_ID + timedelta(minutes=4))
        assert codes(decide(answer, standing=stopped)) == {"opted_out"}
    after = replace(answer, answers=NOON_ID - timedelta(seconds=1))
    assert codes(decide(after, standing=stopped)) == {"opted_out"}  # nobody who opted out is asked
    assert decide(replace(after, kind=Kind.HELP), standing=stopped).verdict is Verdict.ALLOW


_instants = st.integers(0, 120 * 86_400).map(
    lambda s: datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=s)
)


@given(st.sampled_from([JAKARTA, SAO_PAULO, "+5581987654321"]), _instants, st.lists(_instants, max_size=6))
def test_until_is_permitted_and_nothing_earlier_is(to: str, now: datetime, sent: list[datetime]) -> None:
    """Invariants 4 and 5 for the decision: judged again at `until` it is allowed, a moment before not."""
    message = replace(PROMOTION, text=None)
    earlier = tuple(at for at in sent if at < now)
    made = decide(message, to, now=now, sent=earlier)
    if made.verdict is Verdict.ALLOW:
        return
    assert made.verdict is Verdict.DEFER
    assert made.until is not None
    assert made.until > now
    assert decide(message, to, now=made.until, sent=earlier).verdict is Verdict.ALLOW
    before = made.until - timedelta(microseconds=1)
    assert decide(message, to, now=before, sent=earlier).verdict is Verdict.DEFER


@given(_instants, st.sampled_from(list(Purpose)))
def test_what_the_gate_cannot_know_does_not_go(now: datetime, purpose: Purpose) -> None:
    """Invariant 9: a country without a pack, and a person without a consent."""
    message = replace(PROMOTION, purpose=purpose, text=None, basis={"transaction": "1"})
    assert decide(message, NOWHERE_RULED, now=now, standing=Standing()).verdict is Verdict.DENY


def test_a_person_whose_zones_share_no_hour_is_left_alone() -> None:
    person = replace(phone.parse(JAKARTA), time_zones=("Asia/Jakarta", "America/New_York"))
    made = gate.decide(PROMOTION, person, YES, (), SHOPX, SENDER, pack_of("ID"), NOON_ID)
    assert Code.NO_COMMON_WINDOW in {reason.code for reason in made.reasons}
    assert made.verdict is Verdict.DENY


def test_every_reason_code_is_documented_and_no_other() -> None:
    page = Path(__file__).parents[2] / "docs" / "reasons.md"
    documented = re.findall(r"^\| `(\w+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert documented == [str(code) for code in Code]
