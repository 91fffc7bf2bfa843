"""How fast is it on this machine? One table, everything measured in one run: `python -m tests.bench`.

It is printed and written to `docs/benchmarks.md`. Absolute figures belong to a machine; the ratios in the
last column are what to compare.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "docs" / "benchmarks.md"
PATHS = [str(ROOT), str(ROOT / "layers/core/python"), str(ROOT / "functions")]

SECONDS = 3.0
STARTS = 9
MESSAGES = 60
PATIENCE = 45.0
NIGHT = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
PERSON = "+6281234567890"
PROMOTION = "ShopX: diskon 20% s.d. 30 Nov. Balas STOP untuk berhenti"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    figure: str
    beside: str


def rate_of(act: Callable[[], object], seconds: float = SECONDS) -> float:
    """How often `act` is done in a second."""
    for _ in range(200):
        act()
    done, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        for _ in range(100):
            act()
        done += 100
    return done / spent


def times_of(act: Callable[[], object], times: int = 4000) -> list[float]:
    """Microseconds of each `act`, in order of length."""
    for _ in range(300):
        act()
    taken = []
    for _ in range(times):
        began = time.perf_counter_ns()
        act()
        taken.append((time.perf_counter_ns() - began) / 1000)
    return sorted(taken)


def decisions() -> list[Row]:
    """The pure decision, over a country's pack merged with what belongs to all."""
    from izin.domain import gate, phone
    from izin.domain.consent import Block, Grant, Scope, Standing, Suppression
    from izin.domain.history import Send
    from izin.domain.message import Channel, Message, Purpose
    from izin.domain.pack import pack_of
    from izin.domain.registry import Brand, Carrier, Sender

    brand = Brand(id="shopx", name="ShopX", contact="help@shopx.example")
    sender = Sender(
        id="shopx-id-1",
        brand="shopx",
        channel=Channel.SMS,
        carrier=Carrier.SANDBOX,
        address="+6285811223344",
        countries=frozenset({"ID", "BR"}),
    )
    slot = (Channel.SMS, Purpose.MARKETING)
    granted = {slot: Grant(NIGHT - timedelta(days=9), "consent-1")}
    opted_out = Block(
        NIGHT - timedelta(days=1), "in-1", Scope.ALL, Suppression.OPT_OUT, NIGHT - timedelta(days=1)
    )
    sends = (Send(NIGHT - timedelta(hours=3), Purpose.MARKETING, Channel.SMS, 7),)

    def judging(number: str, text: str, standing: Standing, history: tuple[Send, ...], at: datetime) -> Any:
        person, pack = phone.parse(number), pack_of(phone.parse(number).country)
        message = Message(
            brand="shopx", sender="shopx-id-1", channel=Channel.SMS, purpose=Purpose.MARKETING, text=text
        )
        return lambda: gate.decide(message, person, standing, history, brand, sender, pack, at)

    allowed = judging(PERSON, PROMOTION, Standing(granted=granted), (), NIGHT + timedelta(hours=9))
    everything = judging(
        PERSON,
        "Diskon besar! Klik bit.ly/x atau telepon +62 21 3000 1234",
        Standing(granted=granted, blocks={opted_out.slot: opted_out}),
        sends,
        NIGHT,
    )
    brazil = judging(
        "+5511987654321", "LojaX: 20% OFF. Responda SAIR", Standing(granted=granted), sends, NIGHT
    )
    plain = rate_of(allowed)
    rows = [Row("decision, Indonesia, allowed", f"{plain:,.0f} /s", "1")]
    for what, act in (
        (f"decision, Indonesia, all {len(everything().reasons)} reasons", everything),
        (f"decision, Brazil, all {len(brazil().reasons)} reasons", brazil),
    ):
        found = rate_of(act)
        rows.append(Row(what, f"{found:,.0f} /s", f"{found / plain:.2f}"))
    return rows


class OneRead:
    """What DynamoDB answers to the one read of a check: the registry and nothing about the person."""

    def __init__(self, items: Mapping[str, Mapping[str, Any]]) -> None:
        from izin.aws.dynamo import pack

        self._items = {pk: pack({**item, "pk": pk}) for pk, item in items.items()}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        return {
            "Responses": {
                table: [
                    self._items[key["pk"]["S"]] for key in wanted["Keys"] if key["pk"]["S"] in self._items
                ]
                for table, wanted in RequestItems.items()
            }
        }


def checks() -> list[Row]:
    """`POST /v1/check` from the event's JSON to the answer's, without a network."""
    import gate
    from izin.aws.registry import brand_key, sender_key
    from izin.aws.runtime import Runtime

    brand = {"id": "shopx", "name": "ShopX", "contact": "help@shopx.example"}
    sender = {
        "id": "shopx-id-1",
        "brand": "shopx",
        "channel": "sms",
        "carrier": "sandbox",
        "address": "+6285811223344",
        "countries": ["ID"],
        "two_way": True,
        "language": "id",
        "rate": 10,
        "at_least_once": False,
        "suspended": False,
    }
    rt = Runtime(
        dynamodb=OneRead({brand_key("shopx"): brand, sender_key("shopx-id-1"): sender}),
        sqs=None,
        registry_table="registry",
        state_table="state",
        keys_table="keys",
        peppers=(b"pepper",),
        now=lambda: NIGHT,
    )
    body = {
        "brand": "shopx",
        "sender": "shopx-id-1",
        "to": PERSON,
        "channel": "sms",
        "purpose": "marketing",
        "text": PROMOTION,
        "language": "id",
    }
    context = {"key": "k", "brand": "shopx", "scopes": "check"}
    event = json.dumps({"body": json.dumps(body), "requestContext": {"authorizer": {"lambda": context}}})

    with open(os.devnull, "w") as nowhere:  # the metrics of a function go to standard output
        screen, sys.stdout = sys.stdout, nowhere
        try:
            taken = times_of(lambda: json.dumps(gate.check(rt, json.loads(event))))
        finally:
            sys.stdout = screen
    median, high = statistics.median(taken), taken[int(len(taken) * 0.99)]
    return [
        Row("check, JSON to JSON, median", f"{median:,.0f} µs", "1"),
        Row("check, JSON to JSON, 99th percentile", f"{high:,.0f} µs", f"{high / median:.1f}"),
    ]


def imports() -> list[Row]:
    """How long a worker's start takes, over a bare interpreter's."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(PATHS),
        "POWERTOOLS_SERVICE_NAME": "izin-bench",
        "POWERTOOLS_METRICS_NAMESPACE": "Izin",
    }

    def started(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        return (time.perf_counter() - began) * 1000

    programs = {"bare": "pass", "boto3": "import boto3", "gate": "import gate"}
    for code in programs.values():
        started(code)  # bytecode is written once
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(STARTS):
        for name, code in programs.items():
            taken[name].append(started(code))
    middle = {name: statistics.median(values) for name, values in taken.items()}
    over = {name: middle[name] - middle["bare"] for name in programs}
    return [
        Row("start of a bare interpreter", f"{middle['bare']:,.0f} ms", "1"),
        Row("import of boto3, over it", f"{over['boto3']:,.0f} ms", f"{over['boto3'] / middle['bare']:.1f}"),
        Row(
            "import of functions/gate, over it",
            f"{over['gate']:,.0f} ms",
            f"{over['gate'] / middle['bare']:.1f}",
        ),
    ]


def whole_stack() -> list[Row]:
    """Codes through the local stack: the API, the queue, dispatch and the sandbox's phone."""
    from infra import local

    with tempfile.TemporaryDirectory() as folder, local.started(_two_ports(), state=Path(folder)) as stack:
        brand, sender = (local.describe(stack)[name] for name in ("brand", "sender"))
        bodies = [
            {
                "id": f"bench-{number}",
                "brand": brand,
                "sender": sender,
                "to": f"+62812{34500000 + number}",
                "channel": "sms",
                "purpose": "authentication",
                "text": f"ShopX: kode masuk Anda {100000 + number}",
            }
            for number in range(MESSAGES)
        ]
        began = time.perf_counter()
        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda body: stack.call("POST", "/v1/messages", body)[0], bodies))
        submitted = time.perf_counter() - began
        if set(statuses) != {202}:
            raise RuntimeError(f"the stack answered {sorted(set(statuses))}")
        table = stack.emulator.table(stack.outputs["MessagesTable"])
        while (handed := _handed(table)) < MESSAGES and time.perf_counter() - began < PATIENCE:
            time.sleep(0.1)
        sent = time.perf_counter() - began
    return [
        Row(f"{MESSAGES} messages submitted to the local stack", f"{MESSAGES / submitted:,.1f} /s", "1"),
        Row(
            f"… and {handed} of them handed to the phone",
            f"{handed / sent:,.1f} /s",
            f"{submitted / sent:.2f}",
        ),
    ]


def _handed(table: Any) -> int:
    found = table.scan(ProjectionExpression="#status", ExpressionAttributeNames={"#status": "status"})
    return sum(item["status"] in ("sent", "delivered") for item in found["Items"])


def _two_ports() -> int:
    from infra.emulator import is_free

    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if is_free(port + 1):
            return port


PARTS: tuple[Callable[[], list[Row]], ...] = (decisions, checks, imports, whole_stack)


def table_of(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| what | figure | beside the first of its group |", "|---|---:|---:|"]
    return "\n".join([*lines, *(f"| {row.what} | {row.figure} | {row.beside} |" for row in rows)])


def main() -> int:
    """Measure everything, print it and write it down."""
    sys.path[:0] = PATHS
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "izin-bench")
    os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Izin")
    rows: list[Row] = []
    for part in PARTS:
        print(f"{part.__name__} …", file=sys.stderr, flush=True)
        rows += part()
    version = ".".join(map(str, sys.version_info[:2]))
    text = (
        "# How fast\n\nWritten by `make bench`, in one run. Figures belong to the machine that it ran on; "
        f"compare the ratios.\nPython {version}, {os.cpu_count()} processors.\n\n{table_of(rows)}\n"
    )
    REPORT.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
