"""Every event is logged once and signed for, whatever happens to the workers that do it."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import log
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives import serialization
from izin.aws.log import Contention, Diverged
from izin.aws.runtime import Runtime
from izin.domain import merkle
from izin.domain.times import to_text
from izin.verify import log as verified
from izin.verify import proof
from izin.verify.log import Entry
from izin.verify.note import PublicKey

from tests.handlers.calls import FAULTS, Call, Fault, Killed
from tests.handlers.conftest import MakeWorld
from tests.handlers.test_races import together
from tests.handlers.world import Shifted, World

Record = dict[str, Any]


@pytest.fixture(scope="session")
def public_key(clients: dict[str, Any], log_key: str) -> PublicKey:
    key = serialization.load_der_public_key(clients["kms"].get_public_key(KeyId=log_key)["PublicKey"])
    assert isinstance(key, PublicKey)
    return key


class Stream:
    """What the ledger's stream holds, read as Lambda would."""

    def __init__(self, streams: Any, world: World) -> None:
        table = world.rt.dynamodb.describe_table(TableName=world.rt.ledger_table)["Table"]
        self._streams, self._arn = streams, table["LatestStreamArn"]

    def records(self) -> list[Record]:
        found: list[Record] = []
        for shard in self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]:
            iterator = self._streams.get_shard_iterator(
                StreamArn=self._arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while iterator:
                answer = self._streams.get_records(ShardIterator=iterator)
                if not answer["Records"]:
                    break
                found += answer["Records"]
                iterator = answer.get("NextShardIterator")
        return found


@pytest.fixture
def stream(clients: dict[str, Any], here: World) -> Stream:
    here.register(double_opt_in=False)
    return Stream(clients["streams"], here)


def people(world: World, count: int) -> list[str]:
    """People who agreed: an event each."""
    found = [world.person() for _ in range(count)]
    for person in found:
        assert world.consent(person).body["status"] == "granted"
    return found


def exported(world: World, folder: Path) -> Path:
    """The log's bucket as files."""
    request = {"Bucket": world.rt.log_bucket}
    while True:
        answer = world.rt.s3.list_objects_v2(**request)
        for found in answer.get("Contents", []):
            file = folder / found["Key"]
            file.parent.mkdir(parents=True, exist_ok=True)
            body = world.rt.s3.get_object(Bucket=world.rt.log_bucket, Key=found["Key"])["Body"]
            file.write_bytes(body.read())
        if not answer["IsTruncated"]:
            return folder
        request["ContinuationToken"] = answer["NextContinuationToken"]


def logged(world: World, folder: Path, key: PublicKey, brand: str = "shopx") -> list[Entry]:
    """Every entry of a brand's log, which is whole and signed to the last."""
    wrong: list[str] = []
    *entries, whole = verified.read(exported(world, folder) / brand, key, {}, wrong.append)
    assert wrong == []
    assert isinstance(whole, verified.Log)
    assert whole.signed == len(entries)
    return [entry for entry in entries if isinstance(entry, Entry)]


def expected(world: World, brand: str = "shopx") -> Counter[tuple[str, str, int, str]]:
    """Each event once."""
    items = [item for item in world.items(world.rt.ledger_table) if item["brand"] == brand]
    return Counter(("written", item["pk"], item["seq"], item["hash"]) for item in items)


def told(entries: Sequence[Entry]) -> Counter[tuple[str, str, int, str]]:
    return Counter((entry.change, entry.ledger, entry.seq, entry.hash) for entry in entries)


def test_every_event_is_logged_once_however_often_it_is_delivered(
    here: World, stream: Stream, public_key: PublicKey, tmp_path: Path
) -> None:
    agreed = people(here, 5)
    first = stream.records()
    log.take(here.rt, first)
    here.say(agreed[0], "STOP")
    here.clock.sleep(3600)
    here.consent(agreed[1], id="again")
    for batch in (stream.records(), first, stream.records()[3:6] * 2):
        log.take(here.rt, batch)
    entries = logged(here, tmp_path, public_key)
    assert told(entries) == expected(here)
    assert len(entries) == 7
    assert [entry.index for entry in entries] == list(range(7))


def test_each_brand_has_a_log_of_its_own(
    here: World, stream: Stream, public_key: PublicKey, tmp_path: Path
) -> None:
    here.register("lama", "lama-1", address="+6285811110001", name="Lama", double_opt_in=False)
    (person,) = people(here, 1)
    wording = "Saya setuju menerima promosi dari Lama melalui SMS."
    body = here.consent_body(person, brand="lama", sender=None, wording=wording)
    assert here.call("POST /v1/consents", body, brand="lama").status == 200
    log.take(here.rt, stream.records())
    assert told(logged(here, tmp_path, public_key)) == expected(here)
    assert told(logged(here, tmp_path, public_key, "lama")) == expected(here, "lama")


def _endured(rt: Runtime, records: Sequence[Record]) -> bool:
    try:
        log.take(rt, records)
    except (Killed, ClientError, BotoCoreError, Contention):
        return False
    return True


@pytest.mark.parametrize("kind", FAULTS)
def test_a_worker_may_die_between_any_two_calls(
    make_world: MakeWorld, clients: dict[str, Any], public_key: PublicKey, tmp_path: Path, kind: str
) -> None:
    """The batch is delivered again, as Lambda does; before that, half the time, another one comes."""
    world = make_world()
    world.register(double_opt_in=False)
    stream, done = Stream(clients["streams"], world), 0
    for at in itertools.count(1):
        people(world, 2)
        batch, fault = stream.records()[done:], Fault(kind, at)
        done += len(batch)
        _endured(world.watched(fault.watch), batch)
        if at % 2:
            people(world, 1)
            log.take(world.rt, stream.records()[done:])
            done += 1
        log.take(world.rt, batch)
        world.clock.sleep(20)
        if len(fault.seen) < at:
            break
    assert at > 8
    assert told(logged(world, tmp_path, public_key)) == expected(world)


def test_workers_of_several_shards_do_not_fork_the_log(
    here: World, stream: Stream, public_key: PublicKey, tmp_path: Path
) -> None:
    people(here, 48)
    records, chance = stream.records(), random.Random(7)
    chance.shuffle(records)
    shards = [records[at::8] for at in range(8)]
    batches = [shard[at : at + 2] for shard in shards for at in range(0, len(shard), 2)]
    batches += chance.sample(batches, 8)  # and some of them twice, at the same time
    clock = Shifted(here.clock.at)

    def worker(batch: list[Record]) -> None:
        rt = replace(here.rt, now=clock.now, cache={}, jitter=random.random)
        while not _endured(rt, batch):
            pass

    together([lambda batch=batch: worker(batch) for batch in batches], workers=8)
    assert told(logged(here, tmp_path, public_key)) == expected(here)


def test_a_change_of_the_ledger_is_logged_and_counted(
    make_world: MakeWorld,
    clients: dict[str, Any],
    public_key: PublicKey,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = make_world()
    world.register(double_opt_in=False)
    stream = Stream(clients["streams"], world)
    for person in people(world, 3):
        world.say(person, "STOP")
    edited, removed, forgotten = (
        {"pk": {"S": item["pk"]}, "seq": {"N": "1"}}
        for item in world.items(world.rt.ledger_table)
        if item["seq"] == 1
    )
    dynamodb, table = world.rt.dynamodb, world.rt.ledger_table
    item = dynamodb.get_item(TableName=table, Key=edited)["Item"]
    dynamodb.put_item(TableName=table, Item={**item, "source": {"S": "elsewhere"}})
    dynamodb.delete_item(TableName=table, Key=removed)
    dynamodb.update_item(
        TableName=table,
        Key=forgotten,
        UpdateExpression="SET #ttl = :at",
        ExpressionAttributeNames={"#ttl": "ttl"},
        ExpressionAttributeValues={":at": {"N": "1800000000"}},
    )
    log.take(world.rt, stream.records())
    changes = Counter(entry.change for entry in logged(world, tmp_path, public_key))
    assert changes == {"written": 6, "overwritten": 1, "removed": 1}
    assert capsys.readouterr().out.count('"LedgerOverwritten":[1.0]') == 2


def test_what_dynamodb_deletes_at_the_end_of_its_time_is_no_tampering(
    here: World, stream: Stream, public_key: PublicKey, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people(here, 1)
    (record,) = stream.records()
    gone = {
        **record,
        "eventName": "REMOVE",
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "dynamodb": {"Keys": record["dynamodb"]["Keys"], "OldImage": record["dynamodb"]["NewImage"]},
    }
    log.take(here.rt, [record, gone])
    assert [entry.change for entry in logged(here, tmp_path, public_key)] == ["written", "expired"]
    assert "LedgerOverwritten" not in capsys.readouterr().out


def test_what_is_no_event_does_not_hold_up_the_log(
    here: World, stream: Stream, public_key: PublicKey, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people(here, 1)
    (record,) = stream.records()
    odd = {"pk": {"S": "shopx#x"}, "seq": {"N": "1"}, "brand": {"S": "shopx"}}
    log.take(here.rt, [{"eventName": "INSERT", "dynamodb": {"NewImage": odd}}, record])
    assert len(logged(here, tmp_path, public_key)) == 1
    assert '"LedgerUnreadable":[1.0]' in capsys.readouterr().out


def test_nothing_is_signed_over_a_forged_tile(here: World, stream: Stream) -> None:
    people(here, 1)
    log.take(here.rt, stream.records())
    path = merkle.tile_path(0, 0, 1)
    here.rt.s3.put_object(Bucket=here.rt.log_bucket, Key=f"shopx/{path}", Body=b"x" * 32)
    people(here, 1)
    with pytest.raises(Diverged):
        log.take(here.rt, stream.records())


def test_a_day_s_backlog_is_logged_once(
    here: World, stream: Stream, public_key: PublicKey, tmp_path: Path
) -> None:
    people(here, 6)
    here.clock.sleep(timedelta(hours=23).total_seconds())
    records = stream.records()
    for batch in (records[:2], records[2:4], records[:2], records[4:], records[3:5]):
        log.take(here.rt, batch)
        here.clock.sleep(60)
    assert told(logged(here, tmp_path, public_key)) == expected(here)


PROOF = "GET /v1/recipients/{recipient_id}/proof"


def test_a_person_s_proof_stands_alone(
    here: World, stream: Stream, public_key: PublicKey, tmp_path: Path
) -> None:
    agreed = people(here, 20)
    person = agreed[11]
    path = {"recipient_id": here.id_of(person)}
    assert here.call(PROOF, path=path).codes == [("recipient_id", "not_logged_yet")]
    log.take(here.rt, stream.records())
    here.say(person, "STOP")
    for seconds, newest in ((0, 1), (20, 2)):
        here.clock.sleep(seconds)
        if seconds:
            log.take(here.rt, stream.records())
        answer = here.call(PROOF, path=path)
        assert (answer.status, answer.body["seq"], len(answer.body["events"])) == (200, newest, 2)
        assert proof.verify(answer.text.encode(), public_key, to_text(here.rt.now())).logged == newest


def fabricated(count: int, at: str) -> list[Record]:
    """So many records of events of as many people, as the stream brings them."""
    return [
        {
            "eventName": "INSERT",
            "dynamodb": {
                "NewImage": {
                    "pk": {"S": f"shopx#{at[-7:-1]}{number:037}"},
                    "seq": {"N": "1"},
                    "brand": {"S": "shopx"},
                    "hash": {"S": f"{number:064x}"},
                    "recorded_at": {"S": at},
                }
            },
        }
        for number in range(count)
    ]


def test_what_a_batch_costs(make_world: MakeWorld, public_key: PublicKey, tmp_path: Path) -> None:
    """The calls that `docs/verification.md` counts in its table of costs: for 1,000 events, one signature."""
    world = make_world()
    for _ in range(2):
        at = world.rt.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        calls: Counter[str] = Counter()

        def watch(call: Call, go: Any, calls: Counter[str] = calls) -> Any:
            calls[call.name] += 1
            return go(call.request)

        log.take(world.watched(watch), fabricated(1000, at))
        world.clock.sleep(61)
    assert calls == {
        "list_objects_v2": 1,
        "put_object": 8,  # the batch, five tiles of leaves, one of level 1, the checkpoint
        "get_object": 4,  # the batch before and its checkpoint, two tiles of the edge
        "sign": 1,
        "get_public_key": 1,  # once in a worker's life
    }
    assert len(logged(world, tmp_path, public_key)) == 2000
