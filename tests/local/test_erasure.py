"""After an erasure nothing in the whole running stack holds the person's number, texts or evidence."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.local import Stack

PERSON = "+6281290054321"
CODE = "ShopX: kode masuk Anda 774411"
REASON = "I never bought anything there"
SAID = "Stop. Terima kasih"

# In whatever way it may be written: with or without its country, in base64 from any of three offsets.
PLAIN = [PERSON.removeprefix("+62"), CODE, REASON, SAID]


def test_after_an_erasure_nothing_in_the_stack_holds_the_person(stack: Stack) -> None:
    _lives(stack)
    recipient = stack.call("POST", "/v1/recipients/lookup", {"address": PERSON})[1]["recipient_id"]
    kept = stack.call("GET", f"/v1/recipients/{recipient}/access")[1]
    assert kept["addresses"] == [PERSON]
    assert all(text in json.dumps(kept) for text in (CODE, REASON, SAID))

    key = _key(stack, recipient)
    assert any(key in content for _, content in _everything(stack))  # until now it can be read

    request = {"id": "letter-1", "brand": "shopx", "source": "letter"}
    status, said = stack.call("POST", f"/v1/recipients/{recipient}/erasure", request)
    assert status == 202, said
    stack.move_clock(stack.now() + timedelta(minutes=21))
    done = _invoke(stack, "RetentionFunction")
    assert (done["erased"], done["troubled"]) == (1, 0)

    found = [
        (where, plain)
        for where, content in _everything(stack)
        for plain in [*_written(PLAIN), key]
        if plain in content
    ]
    assert found == []
    ledger = stack.call("GET", f"/v1/recipients/{recipient}/ledger")[1]
    assert ledger["verifies"]
    assert "erased" in [event["type"] for event in ledger["events"]]


def test_the_search_would_find_it(stack: Stack) -> None:
    """Somebody who was not erased is found neither, sealed as they are; what is not sealed is."""
    stack.call(
        "POST", "/v1/opt-outs", {"brand": "shopx", "address": "+6281290054322", "source": "seen-by-all-4711"}
    )
    places = [where for where, content in _everything(stack) if b"seen-by-all-4711" in content]
    assert any("ledger" in where.lower() for where in places)


def _key(stack: Stack, recipient: str) -> bytes:
    """What opens everything that is sealed about the person."""
    table, pk = stack.outputs["KeysTable"], {"pk": {"S": recipient}}
    return bytes(stack.emulator.client("dynamodb").get_item(TableName=table, Key=pk)["Item"]["key"]["B"])


def _lives(stack: Stack) -> None:
    """The person gets a code, says STOP in words of their own, and an agent notes why."""
    body = {
        "id": "erasure-1",
        "brand": "shopx",
        "sender": "shopx-id-1",
        "to": PERSON,
        "channel": "sms",
        "purpose": "authentication",
        "text": CODE,
    }
    status, said = stack.call("POST", "/v1/messages", body)
    assert (status, said["verdict"]) == (202, "allow"), said
    _until(lambda: CODE in _phone(stack))
    stack.phones.reply(PERSON, "+6285811223344", SAID)
    _until(lambda: any("berhenti" in text for text in _phone(stack)))
    opt_out = {"brand": "shopx", "address": PERSON, "source": "agent", "reason": REASON}
    assert stack.call("POST", "/v1/opt-outs", opt_out)[0] == 200


def _phone(stack: Stack) -> list[str]:
    return [bubble.text for bubble in stack.phones.all().get(PERSON, []) if bubble.direction == "in"]


def _until(seen: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < give_up
        time.sleep(0.2)


def _invoke(stack: Stack, output: str) -> dict[str, int]:
    answer = stack.emulator.client("lambda").invoke(FunctionName=stack.outputs[output], Payload=b"{}")
    body = answer["Payload"].read()
    assert "FunctionError" not in answer, body
    done: dict[str, int] = json.loads(body)
    return done


def _written(plain: list[str]) -> list[bytes]:
    """Every way in which `plain` may lie somewhere."""
    forms = []
    for text in plain:
        raw = text.encode()
        forms += [raw, raw.hex().encode(), json.dumps(text)[1:-1].encode()]
        for shift in range(3):  # the middle of it, whatever stands before and after
            encoded = base64.b64encode(b"\0" * shift + raw)
            forms.append(encoded[4:-4])
    return forms


def _everything(stack: Stack) -> Iterator[tuple[str, bytes]]:
    """Whatever the stack holds, with the place where it lies."""
    yield from _tables(stack)
    yield from _objects(stack)
    yield from _queues(stack)
    yield from _logs(stack)
    for file in Path(stack.clock_file.parent).rglob("*"):
        if file.is_file() and "cdk.out" not in file.parts:
            yield str(file), file.read_bytes()


def _tables(stack: Stack) -> Iterator[tuple[str, bytes]]:
    dynamodb = stack.emulator.client("dynamodb")
    for name in dynamodb.list_tables()["TableNames"]:
        description = dynamodb.describe_table(TableName=name)["Table"]
        for index in (None, *(i["IndexName"] for i in description.get("GlobalSecondaryIndexes", []))):
            scan = {"TableName": name, **({"IndexName": index} if index else {})}
            for page in dynamodb.get_paginator("scan").paginate(**scan):
                for item in page["Items"]:
                    yield f"{name}/{index}", _raw(item)


def _raw(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return b"\n".join(part for key, inner in value.items() for part in (key.encode(), _raw(inner)))
    if isinstance(value, list):
        return b"\n".join(map(_raw, value))
    return str(value).encode()


def _objects(stack: Stack) -> Iterator[tuple[str, bytes]]:
    s3 = stack.emulator.client("s3")
    for bucket in (bucket["Name"] for bucket in s3.list_buckets()["Buckets"]):
        if "cdk" in bucket:
            continue
        for one in s3.list_object_versions(Bucket=bucket).get("Versions", []):
            body = s3.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
            yield f"s3://{bucket}/{one['Key']}", one["Key"].encode() + b"\n" + body


def _queues(stack: Stack) -> Iterator[tuple[str, bytes]]:
    sqs = stack.emulator.client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        for message in found.get("Messages", []):
            yield url, json.dumps(message).encode()


def _logs(stack: Stack) -> Iterator[tuple[str, bytes]]:
    logs = stack.emulator.client("logs")
    for group in (group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]):
        for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
            name = stream["logStreamName"]
            events = logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)["events"]
            for event in events:
                yield f"{group}/{name}", event["message"].encode()
