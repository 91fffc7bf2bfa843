"""What the real handlers leave in the tables, exported as DynamoDB exports it, stands up to every query."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from izin.aws import dynamo
from izin.commands.exporting import scanned
from izin.domain.pack import pack_of
from izin.domain.times import to_text
from izin.exports import read, write
from izin.exports.read import TABLES
from izin.queries import catalog, local
from izin.queries.local import Answer

from tests.handlers.conftest import MakeWorld
from tests.handlers.world import CODE, DAY, PROMOTION, World

RIGHT_IF_EMPTY = ("opted-out-messaged", "consents-without-evidence", "outside-windows", "frequency-breaches")


def _export(here: World, root: Path) -> None:
    tables = {
        "ledger": here.rt.ledger_table,
        "messages": here.rt.messages_table,
        "state": here.rt.state_table,
    }
    for table, name in tables.items():
        source = write.Source(root, f"full/{table}", f"arn:aws:dynamodb:x:1:table/{name}", "id")
        now = here.rt.now()
        write.write(source, scanned(here.rt.dynamodb, name), now, write.new_id(now, "abcdef01"))


def _ask(root: Path, name: str, **parameters: str) -> Answer:
    with local.opened(root, ("ledger", "messages")) as database:
        return local.ask(database, catalog.queries()[name], parameters)


@pytest.fixture
def lived(here: World, tmp_path: Path) -> World:
    """Some days: consents, promotions in the morning, a night's promotion held, codes, STOPs and a START."""
    stays, leaves, returns, written = (here.person() for _ in range(4))
    for person in (stays, leaves, returns):
        here.agrees(person)
    here.clock.at = DAY
    for number, person in enumerate((stays, leaves, returns)):
        here.submit(person, f"promo-{number}", campaign="payday")
    here.submit(stays, "again", not_before=(DAY + timedelta(hours=1)).isoformat())
    here.live(600)
    here.say(leaves, "STOP")
    here.say(returns, "STOP")
    here.opt_out(written, source="letter", do_not_contact=True)
    here.live(900)
    here.say(returns, "START")
    for person in (leaves, returns, written):
        here.submit(person, f"code-{person[-4:]}", "authentication")
        here.submit(person, f"late-{person[-4:]}")
    here.live(2 * 86_400, sweep_every=3600)
    _export(here, tmp_path)
    return here


def test_nothing_is_found(lived: World, tmp_path: Path) -> None:
    for name in RIGHT_IF_EMPTY:
        assert _ask(tmp_path, name).rows == [], name


def test_the_list_of_a_day_is_what_the_states_say(lived: World, tmp_path: Path) -> None:
    found = _ask(tmp_path, "do-not-contact", as_of=to_text(lived.rt.now()))
    listed = {row[1] for row in found.rows if row[2] == "sms"}
    stopped = {state.recipient_id for state in lived.states() if state.standing.blocking("sms", "marketing")}
    assert listed == stopped
    assert len(stopped) == 2


def test_a_no_is_on_the_list_when_the_proof_of_the_consent_is_gone(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    here = make_world()  # what is deleted here is missed by whoever looks at all invariants
    left, stopped, returned = (here.person() for _ in range(3))
    for person in (left, stopped, returned):
        here.agrees(person)
    here.opt_out(left, source="letter", do_not_contact=True)
    here.say(stopped, "STOP")
    here.say(returned, "STOP")
    assert here.keep_house()["pruned"] == 3
    here.clock.at += timedelta(hours=1)
    here.say(returned, "START")
    here.clock.at += pack_of("ID").retention.keep
    for item in here.items(here.rt.ledger_table):
        if "ttl" in item:
            key = dynamo.pack({"pk": item["pk"], "seq": item["seq"]})
            here.rt.dynamodb.delete_item(TableName=here.rt.ledger_table, Key=key)
    assert [event["type"] for event in here.ledger(left)] == ["opt_out", "checkpoint"]
    _export(here, tmp_path)
    found = _ask(tmp_path, "do-not-contact", as_of=to_text(here.rt.now()))
    assert {row[1] for row in found.rows if row[2] == "sms"} == {here.id_of(left), here.id_of(stopped)}
    path = {"recipient_id": here.id_of(left)}
    assert here.call("GET /v1/recipients/{recipient_id}/ledger", path=path).body["verifies"]


def test_rates_count_every_hand_over_once(lived: World, tmp_path: Path) -> None:
    found = _ask(tmp_path, "opt-out-rates")
    counted = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    submitted = [sent for sent in lived.sms.sent if sent.text in (PROMOTION, CODE)]
    assert sum(row["sent"] for row in counted) == len(submitted) > 6
    assert sum(row["opted_out"] for row in counted) == 3
    assert [row["opted_out"] for row in counted if row["campaign"] == "payday"] == [0]


def test_no_number_and_no_text_is_exported(lived: World, tmp_path: Path) -> None:
    for table in TABLES:
        for image in read.latest(tmp_path, table):
            assert not any(secret.removeprefix("+") in repr(image) for secret in lived.secrets)
