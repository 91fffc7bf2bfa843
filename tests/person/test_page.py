"""Does one press stop everything, and does nothing else change without one?"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from urllib.parse import urlencode

import page
import pytest
from izin.aws import pages
from izin.domain.consent import Status, Suppression
from izin.domain.events import EventType
from izin.domain.message import Channel, Purpose
from izin.domain.pack import pack_of
from izin.domain.preferences import may_offer
from izin.domain.way_out import TOKEN_LENGTH

from tests.person.site import Site, Visitor, watched


@pytest.fixture
def site() -> Site:
    return Site(language="en", country="GB")


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return site.person()


def marketing(visitor: Visitor, channel: Channel = Channel.SMS) -> Status:
    return visitor.standing.status(channel, Purpose.MARKETING, visitor.site.clock.at)


def test_one_press_stops_everything(visitor: Visitor) -> None:
    assert "Stop messages from" in visitor.get().body
    seen = visitor.stops()
    assert "You will get no more messages from" in seen
    assert marketing(visitor) is Status.WITHDRAWN
    (opt_out,) = [event for event in visitor.events() if event["type"] == "opt_out"]
    assert (opt_out["source"], opt_out["scope"], opt_out["channel"]) == ("page", "all", "sms")
    assert opt_out["details"] == {
        "message": opt_out["details"]["message"],
        "campaign": "november",
        "sender": "shopx-1",
        "country": "GB",
    }
    assert opt_out["silent_from"] >= opt_out["given_at"]


def test_a_press_that_is_sent_again_changes_nothing(site: Site, visitor: Visitor) -> None:
    visitor.post(act="opt_out")
    before = site.written()
    for _ in range(3):
        assert visitor.post(act="opt_out").status == 303
    assert site.written() == before


def test_a_press_completes_what_a_dead_worker_left(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(page.acts, "record", lambda *_: 1 / 0)
        assert visitor.post(act="opt_out").status == 500
    assert visitor.state().unrecorded
    visitor.post(act="opt_out")
    assert not visitor.state().unrecorded
    assert [event["type"] for event in visitor.events()] == ["consent_granted", "opt_out"]


def test_looking_changes_nothing(site: Site, visitor: Visitor) -> None:
    """A thousand requests as link scanners make them."""
    queries = ("", "saved", "thanks", "act=opt_out", "act=opt_out&on=sms:marketing")
    before = site.written()
    for number in range(1000):
        method = ("GET", "HEAD")[number % 2]
        body = urlencode({"act": "opt_out"}) if number % 3 == 0 else ""
        answer = site.call(method, visitor.token, body, queries[number % len(queries)])
        assert answer.status == 200
        assert bool(answer.body) == (method == "GET")
    assert site.written() == before


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", ""),
        ("application/x-www-form-urlencoded", "seq=1"),  # a form sent without a press
        ("application/x-www-form-urlencoded", "on=email:marketing&seq=1"),
        ("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"),
        ("application/x-www-form-urlencoded", "act=other"),
        ("application/x-www-form-urlencoded", "act=opt_out&pad=" + "x" * 5000),
        ("application/x-www-form-urlencoded", "&".join(["act=opt_out"] * 100)),
        ("application/json", '{"act": "opt_out"}'),
        ("multipart/form-data; boundary=x", "act=opt_out"),
        ("", "act=opt_out"),
    ],
)
def test_a_post_without_a_press_changes_nothing(site: Site, visitor: Visitor, kind: str, body: str) -> None:
    before = site.written()
    answer = site.call("POST", visitor.token, body, headers={"content-type": kind})
    assert answer.status == 400
    assert "Stop messages from" in answer.body
    assert site.written() == before


def test_what_leads_nowhere_looks_the_same(site: Site, visitor: Visitor) -> None:
    late, foreign = site.person(), Site(language="en").person()
    site.clock.at += pages.KEEP - timedelta(days=1)
    fresh, erased = site.person(), site.person()
    site.clock.at += timedelta(days=2)
    assert fresh.get().status == erased.get().status == 200
    del site.database.items["keys"][(erased.recipient_id, "")]
    tokens = ["0" * TOKEN_LENGTH, "short", "x" * 2000, "ünï", late.token, foreign.token]
    site_of_erased = [erased.token]
    told = []
    for token in tokens + site_of_erased:
        for method, body in (("GET", ""), ("POST", "act=opt_out")):
            calls: list[str] = []
            answer = site.call(method, token, body, rt=watched(site, calls))
            told.append((answer.status, tuple(answer.headers.items()), answer.body, tuple(calls)))
    assert len(set(told)) == 1
    assert told[0][0] == 404
    calls = []
    site.call("GET", fresh.token, rt=watched(site, calls))
    assert tuple(calls) == told[0][3]


def test_a_token_is_kept_as_a_hash_and_lives_long_enough(site: Site, visitor: Visitor) -> None:
    stored = repr(site.database.items)
    assert visitor.token not in stored
    assert len(visitor.token) == TOKEN_LENGTH
    assert visitor.token.isalnum()
    assert timedelta(days=60) <= pages.KEEP
    assert 62**TOKEN_LENGTH >= 2**72


def test_coming_back_is_a_consent_of_its_own(visitor: Visitor) -> None:
    seen = visitor.stops()
    assert "I agree to receive offers and promotions from ShopX by SMS." in seen
    seen = visitor.presses("resubscribe")
    assert "You are subscribed again" in seen
    assert "Stop messages from" in seen
    assert marketing(visitor) is Status.GRANTED
    consent = visitor.events()[-1]
    assert consent["type"] == "consent_granted"
    assert consent["source"] == "page"
    wording = "I agree to receive offers and promotions from ShopX by SMS."
    told = {"wording": wording, "language": "en", "method": "form", "basis": "express", "prechecked": "no"}
    assert told.items() <= consent["details"].items()
    assert visitor.standing.blocking(Channel.SMS, Purpose.ANNOUNCEMENT)


def test_a_yes_carries_the_page_that_was_shown_where_that_is_asked_for() -> None:
    visitor = Site(language="id", country="ID").person()
    shown = visitor.stops()
    visitor.presses("resubscribe")
    kept = visitor.sealed(visitor.events()[-1])
    assert kept["page"] == shown
    assert kept["screenshot"] == "sha256:" + hashlib.sha256(shown.encode()).hexdigest()
    assert kept.keys() == {"page", "screenshot"}  # and nothing that is not asked for, such as an address


def test_one_may_stop_again_after_coming_back(visitor: Visitor) -> None:
    for _ in range(3):
        visitor.stops()
        assert marketing(visitor) is Status.WITHDRAWN
        visitor.presses("resubscribe")
        assert marketing(visitor) is Status.GRANTED
    assert [event["type"] for event in visitor.events()[1:]] == ["opt_out", "consent_granted"] * 3


def test_an_old_page_s_yes_is_no_answer_to_a_later_no(site: Site, visitor: Visitor) -> None:
    visitor.stops()
    old = visitor.state().seq
    visitor.is_blocked()
    before = site.written()
    visitor.post(act="resubscribe", seq=old)
    visitor.post(act="resubscribe")
    answer = visitor.post(act="preferences", seq=old, on="email:marketing")
    assert answer.headers["location"] == visitor.token  # nothing is said to be saved
    assert site.written() == before
    assert marketing(visitor) is Status.WITHDRAWN


def test_where_the_pack_asks_twice_the_handset_confirms() -> None:
    site = Site(language="id", country="ID")
    visitor = site.person()
    visitor.stops()
    seen = visitor.presses("resubscribe")
    assert marketing(visitor) is Status.PENDING
    assert 'href="sms:+6285811223344?body=YA"' in seen
    assert visitor.get().body.count("YA") == seen.count("YA")  # it is told until it is done
    visitor.records(
        EventType.CONSENT_GRANTED,
        purposes=(Purpose.MARKETING,),
        by_person=True,
        asked_at=max(asked.given_at for asked in visitor.standing.pending.values()),
    )
    assert 'href="sms:' not in visitor.get().body
    assert marketing(visitor) is Status.GRANTED


@pytest.mark.parametrize(
    ("site", "offered"),
    [
        (Site(language="en", country="GB"), True),
        (Site(language="id", country="ID", two_way=False), False),  # nobody could confirm
        (Site(language="id", country="ID", relax=("ID.consent.double_opt_in",), two_way=False), True),
        (Site(language="en", country="IN"), False),  # nobody is asked back for 90 days
        (Site(language="pt", country="BR"), False),  # a tax number is asked for, which the page has not
        (Site(language="en", country="US"), True),
    ],
)
def test_coming_back_is_offered_only_where_it_may_be(site: Site, offered: bool) -> None:
    assert ('value="resubscribe"' in site.person().stops()) is offered


def test_where_nobody_may_ask_nothing_is_offered_until_the_ban_is_over() -> None:
    site = Site(language="en", country="IN")
    visitor, pack = site.person(), pack_of("IN")
    visitor.stops()
    asked = {days: site.clock.at + timedelta(days=days) for days in (0, 89, 91)}
    offered = {d: may_offer(visitor.standing, Channel.SMS, pack, at) for d, at in asked.items()}
    assert offered == {0: False, 89: False, 91: True}


def test_who_is_never_to_be_contacted_is_not_asked_back(visitor: Visitor) -> None:
    visitor.is_blocked(Suppression.DO_NOT_CONTACT)
    assert 'value="resubscribe"' not in visitor.get().body
    visitor.presses("resubscribe")
    assert marketing(visitor) is Status.WITHDRAWN


def test_a_reason_is_asked_once_and_after_the_opt_out(site: Site, visitor: Visitor) -> None:
    assert 'name="why"' not in visitor.get().body
    visitor.post(act="reason", why="other")
    assert [event["type"] for event in visitor.events()] == ["consent_granted"]
    seen = visitor.stops()
    assert seen.count('type="radio"') == 4
    seen = visitor.presses("reason", why="too_many", words="Every\u0000 day!\n" + "x" * 400)
    assert "Thank you" in seen
    assert 'name="why"' not in seen
    reason = visitor.events()[-1]
    assert (reason["type"], reason["details"]["reason"]) == ("reason", "too_many")
    assert reason["details"]["campaign"] == "november"
    words = visitor.sealed(reason)["words"]
    assert words.startswith("Every  day!")
    assert len(words) <= 200
    assert "Every" not in repr(visitor.site.database.items)
    before = site.written()
    visitor.presses("reason", why="other")
    assert site.written() == before


def test_a_reason_is_one_of_those_that_are_offered(site: Site, visitor: Visitor) -> None:
    visitor.stops()
    before = site.written()
    visitor.post(act="reason", why="anything")
    visitor.post(act="reason")
    assert site.written() == before


def on(visitor: Visitor) -> set[str]:
    """What is ticked on the page."""
    parts = visitor.get().body.split("<input ")
    return {part.split('value="')[1].split('"')[0] for part in parts if " checked" in part.split(">")[0]}


def test_preferences_are_by_channel_and_purpose(visitor: Visitor) -> None:
    before = on(visitor)
    assert "sms:marketing" in before
    assert not {"email:marketing", "push:marketing", "social:marketing", "ads:marketing"} & before
    assert {"email:announcement", "email:transactional"} <= before
    wanted = (before - {"email:announcement", "sms:transactional"}) | {"email:marketing", "ads:marketing"}
    seen = visitor.presses("preferences", on=sorted(wanted))
    assert "Saved." in seen
    assert on(visitor) == wanted
    no = [event for event in visitor.events() if event["type"] == "opt_out"]
    assert {(event["channel"], *event["purposes"]) for event in no} == {
        ("email", "announcement"),
        ("sms", "transactional"),
    }
    yes = [event for event in visitor.events() if event["type"] == "consent_granted"][1:]
    assert yes[0]["details"]["wording"] == "What ShopX may send me: Offers and promotions: Email"
    assert visitor.standing.blocking(Channel.SMS, Purpose.TRANSACTIONAL)
    assert not visitor.standing.blocking(Channel.SMS, Purpose.TRANSACTIONAL, essential=True)


def test_preferences_saved_twice_change_nothing_more(site: Site, visitor: Visitor) -> None:
    fields = {"act": "preferences", "seq": visitor.state().seq, "on": ["email:marketing"]}
    visitor.post(**fields)
    before = site.written()
    visitor.post(**fields)
    assert site.written() == before


def test_after_a_stop_one_thing_may_be_allowed_again(visitor: Visitor) -> None:
    visitor.stops()
    assert on(visitor) == set()
    visitor.presses("preferences", on=["email:transactional"])
    assert on(visitor) == {"email:transactional"}
    assert marketing(visitor) is Status.WITHDRAWN


def test_what_the_page_cannot_prove_it_does_not_record(site: Site) -> None:
    site = Site(language="pt", country="BR")
    visitor = site.person(agreed=False)
    assert 'value="sms:marketing" disabled' in visitor.get().body
    visitor.presses("preferences", on=["sms:marketing", "strange:marketing", "sms:authentication", ""])
    assert marketing(visitor) is Status.NONE


def test_a_flood_of_changes_ends_and_stopping_never_does(visitor: Visitor) -> None:
    for _ in range(page._CHANGES_A_DAY // 2):
        visitor.stops()
        visitor.presses("resubscribe")
    visitor.stops()
    answer = visitor.post(act="resubscribe", seq=visitor.state().seq)
    assert answer.status == 429
    assert "tomorrow" in answer.body
    assert visitor.post(act="reason", why="other").status == 429
    visitor.is_blocked()
    visitor.records(EventType.CONSENT_GRANTED, purposes=(Purpose.MARKETING,))
    visitor.stops()
    assert marketing(visitor) is Status.WITHDRAWN
    visitor.site.clock.at += timedelta(days=1, seconds=1)
    visitor.presses("resubscribe")
    assert marketing(visitor) is Status.GRANTED


def test_nothing_is_kept_run_framed_or_told(visitor: Visitor) -> None:
    answer = visitor.get()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"].startswith("noindex")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "<script" not in answer.body
    assert "src=" not in answer.body
    assert " style=" not in answer.body


def test_values_are_escaped() -> None:
    site = Site(brand='<b onclick="x">&Co', language="en", country="GB")
    seen = site.person().get().body
    assert "<b onclick" not in seen
    assert "&lt;b onclick=&quot;x&quot;&gt;&amp;Co" in seen


def test_trouble_is_told_to_a_person_too(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page.pages, "find", lambda *_: 1 / 0)
    answer = visitor.get()
    assert answer.status == 500
    assert "Nothing was lost" in answer.body
    assert answer.headers["content-type"].startswith("text/html")


def test_the_language_is_the_message_s_else_the_browser_s() -> None:
    assert '<html lang="th"' in Site(language="th").person().get(**{"accept-language": "de"}).body
    plain = Site(language=None, country="ID").person()
    assert '<html lang="de"' in plain.get(**{"accept-language": "xx, fr;q=0.2, de-AT;q=0.9"}).body
    assert '<html lang="id"' in plain.get(**{"accept-language": "*"}).body
    lost = Site().call("GET", "nowhere", headers={"accept-language": "ar"})
    assert '<html lang="ar" dir="rtl">' in lost.body
