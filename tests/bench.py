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
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
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
QUESTION = {
    "brand": "shopx",
    "sender": "shopx-id-1",
    "channel": "sms",
    "purpose": "marketing",
    "text": "ShopX: diskon 20% s.d. 30 Nov. Balas STOP untuk berhenti",
    "language": "id",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    figure: str
    beside: str


def rate_over(act: Callable[[Any], object], inputs: Sequence[Any], seconds: float = SECONDS) -> float:
    """How often `act` is done in a second of one core, over all `inputs` in turn: the best of five spells."""
    best = 0.0
    for _ in range(5):
        done, began = 0, time.process_time()
        while (spent := time.process_time() - began) < seconds / 5:
            for one in inputs:
                act(one)
            done += len(inputs)
        best = max(best, done / spent)
    return best


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
    """The decision over every rule for promotions in the United States, and zen-engine on the same rules."""
    from tests import engines

    cases = engines.cases()
    facts = [engines.facts(case) for case in cases]
    told = {reason.rule: reason for case in cases for reason in engines.decide(case).reasons}
    reasoning, calculating = engines.reasoning(told), engines.calculating()
    for case, known in zip(cases, facts, strict=True):
        wanted = {reason.rule for reason in engines.decide(case).reasons}
        if set(reasoning(known)) != wanted or set(calculating(known)) != wanted:
            raise RuntimeError(f"the engines differ at {case.now}")
    version = metadata.version("zen-engine")
    number = sum(1 for _ in engines.conditions())
    ours = rate_over(engines.decide, cases)
    rows = [Row(f"decision, {number} rules of the United States merged, all reasons", f"{ours:,.0f} /s", "1")]
    for what, engine in (
        (f"the same rules as a decision table of zen-engine {version}, all reasons, no instants", reasoning),
        (f"… as one expression of zen-engine {version}: which rules, no reasons, no instants", calculating),
    ):
        found = rate_over(engine, facts)
        rows.append(Row(what, f"{found:,.0f} /s", f"1/{ours / found:.1f}"))
    return rows


def whole_decisions() -> list[Row]:
    """From the question's JSON to the answer's, with the number's facts at hand and of numbers never seen."""
    from izin import answers
    from izin.api import Check
    from izin.domain import gate, phone
    from izin.domain.consent import Grant, Standing
    from izin.domain.message import Channel, Message, Purpose
    from izin.domain.pack import pack_of
    from izin.domain.registry import Brand, Carrier, Sender

    brand = Brand(id="shopx", name="ShopX", contact="help@shopx.example")
    countries = frozenset({"ID", "US", "BR"})
    sender = Sender(
        id="shopx-1",
        brand="shopx",
        channel=Channel.SMS,
        carrier=Carrier.SANDBOX,
        address="+6285811223344",
        countries=countries,
    )
    standing = Standing(granted={(Channel.SMS, Purpose.MARKETING): Grant(NIGHT - timedelta(days=9), "yes")})

    def answer(question: bytes) -> str:
        asked = Check.model_validate_json(question)
        person = phone.parse(asked.to)
        message = Message(
            brand=asked.brand,
            sender=asked.sender,
            channel=asked.channel,
            purpose=asked.purpose,
            text=asked.text,
            language=asked.language,
        )
        pack = pack_of(person.country)
        made = gate.decide(message, person, standing, (), brand, sender, pack, NIGHT)
        return json.dumps(answers.decision(made, "a" * 43, person), ensure_ascii=False)

    def question(number: str) -> bytes:
        return json.dumps({**QUESTION, "to": number}, ensure_ascii=False).encode()

    seen = question(PERSON)
    known = times_of(lambda: answer(seen))
    strangers = iter([question(f"+62812{34600000 + n}") for n in range(5000)])
    unknown = times_of(lambda: answer(next(strangers)), 4000)
    return [
        Row(f"decision, JSON to JSON, {what}", f"{statistics.median(taken):,.0f} µs", beside)
        for what, taken, beside in (
            ("the number's facts at hand, median", known, "1"),
            (
                "a number never seen, median",
                unknown,
                f"{statistics.median(unknown) / statistics.median(known):.1f}",
            ),
        )
    ]


def loading() -> list[Row]:
    """How long the packs and calendars take that one decision needs, where nothing is loaded yet."""
    code = (
        "import time; from izin.domain import gate, calendars; from izin.domain.pack import pack_of; "
        "began = time.process_time(); pack_of({0!r}); calendars.load({0!r}); "
        "print((time.process_time() - began) * 1000)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(PATHS)}
    middle = {}
    for country in ("ID", "US", "FR"):
        command = [sys.executable, "-c", code.format(country)]
        taken = [subprocess.check_output(command, env=environment, text=True) for _ in range(STARTS)]
        middle[country] = statistics.median(map(float, taken))
    return [
        Row(f"load of all that judges {country}", f"{taken:.1f} ms", f"{taken / middle['ID']:.1f}")
        for country, taken in middle.items()
    ]


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
    body = {**QUESTION, "to": PERSON}
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


def replies() -> list[Row]:
    """How well replies are understood, and how long one takes."""
    from izin.domain.keywords import read

    from tests.replies import evaluation

    measured = {"every one": evaluation.figures(evaluation.whole())}
    measured |= {name: evaluation.figures(evaluation.rows(path)) for name, path in evaluation.SETS.items()}
    labelled = evaluation.whole()  # every country's words are prepared by now
    began = time.perf_counter()
    for row in labelled:
        read(row.text, row.to)
    each = (time.perf_counter() - began) / len(labelled) * 1_000_000
    return [
        *(Row(f"opt-outs, {name}: recall", f"{found.recall:.1%}", "") for name, found in measured.items()),
        *(
            Row(f"opt-outs, {name}: precision", f"{found.precision:.1%}", "")
            for name, found in measured.items()
        ),
        Row("a reply read, mean", f"{each:,.0f} µs", ""),
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


PARTS: tuple[Callable[[], list[Row]], ...] = (
    decisions,
    whole_decisions,
    loading,
    checks,
    replies,
    imports,
    whole_stack,
)


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
