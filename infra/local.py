"""How does the whole product run on this machine?

`python -m infra.local run` synthesizes the stack, deploys it into an emulator, seeds a demo brand, plays
the story and serves until it is interrupted. `python -m infra.local clock 2026-11-23T08:00+07:00` moves the
product's clock forward. What runs is described in `.local/stack.json`.
"""

import argparse
import contextlib
import fcntl
import http.client
import json
import os
import shlex
import signal
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from izin.aws import pages, registry
from izin.aws.pages import Page
from izin.aws.runtime import Runtime
from izin.domain.message import Channel
from izin.domain.prompts import Prompt

from infra import deploy_local, emulator, front, phone, story
from infra.emulator import HOST, REGION, Emulator, LocalError
from infra.local_overlay.izin.aws.clock import shifted

ROOT = Path(__file__).parent.parent
STATE = ROOT / ".local"
DEMO = Path(__file__).with_name("demo.toml")
OVERLAY = Path(__file__).with_name("local_overlay")


@dataclass(frozen=True)
class Stack:
    """A running local stack, with what is needed to call it."""

    emulator: Emulator
    outputs: dict[str, str]
    api: str
    key: str
    phones: phone.Phones
    phone_page: str
    clock_file: Path

    def now(self) -> datetime:
        """The product's time."""
        return shifted(datetime.now(UTC), self.clock_file)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One call of the HTTP API with the demo key: its status and its JSON."""
        connection = http.client.HTTPConnection(urlsplit(self.api).netloc, timeout=30)
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
        }
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def reset_clock(self, when: datetime) -> None:
        """Sets the product's clock, backwards too: what is stored by now then lies in its future."""
        _write_move(self.clock_file, when)

    def move_clock(self, when: datetime) -> None:
        """Moves the product's clock forward and lets release run, as its schedule would."""
        move_clock(self.clock_file, when)
        release(self.emulator, self.outputs["ReleaseFunction"])


@contextlib.contextmanager
def started(port: int, at: datetime | None = None, state: Path = STATE) -> Iterator[Stack]:
    """The stack while the block runs. Its product's clock starts at `at`, or shows the wall's time."""
    state.mkdir(exist_ok=True)
    phone_port, api_port = port + 1, port + 2
    clock_file = state / "clock"
    with _alone(state):
        (state / "stack.json").unlink(missing_ok=True)
        emulator.require_free(port, phone_port, api_port)
        phone_page = f"http://{HOST}:{phone_port}"
        assembly = state / "cdk.out"
        deploy_local.synthesize(
            assembly,
            {
                "local": "true",
                "sandbox_url": phone_page,
                "core_overlay": str(OVERLAY),
                "page_url": f"http://{HOST}:{api_port}/p/",
            },
        )
        with emulator.running(state, port, {"IZIN_CLOCK_FILE": str(clock_file)}) as running:
            outputs = deploy_local.deploy(running, assembly)
            clock_file.unlink(missing_ok=True)
            _write_move(clock_file, at or datetime.now(UTC))
            sns = running.client("sns")
            phones = phone.Phones(
                now=lambda: shifted(datetime.now(UTC), clock_file),
                publish_inbound=lambda text: sns.publish(TopicArn=outputs["InboundTopicArn"], Message=text),
                publish_receipt=lambda text: sns.publish(TopicArn=outputs["ReceiptsTopicArn"], Message=text),
                publish_whatsapp=lambda text: sns.publish(TopicArn=outputs["WhatsAppTopicArn"], Message=text),
            )
            with (
                phone.serving(phones, HOST, phone_port),
                front.serving(outputs["Api"], HOST, api_port) as api,
            ):
                key = _demo_key(running, outputs)
                stack = Stack(running, outputs, api, key, phones, phone_page, clock_file)
                _warm(stack)
                _apply(stack)
                yield stack


@contextlib.contextmanager
def described(stack: Stack, state: Path = STATE) -> Iterator[None]:
    """While the block runs, `stack.json` tells other programs how to work with the stack."""
    description = state / "stack.json"
    _write(description, json.dumps(describe(stack), indent=2) + "\n")
    try:
        yield
    finally:
        description.unlink()


def describe(stack: Stack) -> dict[str, Any]:
    """What a program needs to work with the running stack."""
    brand, sender = (next(iter(_demo()[kind])) for kind in ("brands", "senders"))
    return {
        "api": stack.api,
        "key": stack.key,
        "brand": brand,
        "sender": sender,
        "inbound_topic_arn": stack.outputs["InboundTopicArn"],
        "receipts_topic_arn": stack.outputs["ReceiptsTopicArn"],
        "whatsapp_topic_arn": stack.outputs["WhatsAppTopicArn"],
        "emulator": stack.emulator.url,
        "phone_page": stack.phone_page,
        "clock": str(stack.clock_file),
        "dead_letter_queues": [
            url for name, url in stack.outputs.items() if name.endswith("DeadLetterQueueUrl")
        ],
        "aws": {
            "region": REGION,
            "access_key_id": stack.emulator.access_key_id,
            "secret_access_key": stack.emulator.secret_access_key,
        },
        "outputs": stack.outputs,
    }


def set_clock(text: str, state: Path = STATE) -> datetime:
    """Moves the clock of the running stack forward to the instant that `text` names, and lets release run."""
    when = instant(text)
    description = state / "stack.json"
    running = json.loads(description.read_text()) if description.exists() else {}
    port = urlsplit(running.get("emulator", "")).port
    if port is None or emulator.is_free(port):
        raise LocalError("No local stack is ready. Start one with: make run")
    move_clock(Path(running["clock"]), when)
    aws = running["aws"]
    release(
        Emulator(port, aws["access_key_id"], aws["secret_access_key"]), running["outputs"]["ReleaseFunction"]
    )
    return when


def instant(text: str) -> datetime:
    """An instant from text such as 2026-11-23T08:00+07:00. Raises `LocalError` without an offset."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise LocalError(f"{text!r} is not a time. Write it like 2026-11-23T08:00+07:00") from None
    if when.tzinfo is None:
        raise LocalError(f"{text!r} does not say where. Add the offset, as in {text}+07:00 (Jakarta)")
    return when.astimezone(UTC)


def move_clock(clock_file: Path, when: datetime) -> None:
    """Sets the product's clock. Raises `LocalError` for a move backwards, which would disorder the ledger."""
    now = shifted(datetime.now(UTC), clock_file)
    if when < now:
        raise LocalError(f"The clock only moves forward; it is {now.isoformat(timespec='seconds')} already")
    _write_move(clock_file, when)


def _write_move(clock_file: Path, when: datetime) -> None:
    wall = datetime.now(UTC)
    before = clock_file.read_text() if clock_file.exists() else ""
    _write(clock_file, f"{before}{wall.timestamp()} {(when - wall).total_seconds()}\n")


def release(running: Emulator, function: str) -> None:
    """Invokes the release function as its schedule does. Raises `LocalError` if it fails."""
    event = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}}
    answer = running.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    if "FunctionError" in answer:
        raise LocalError(f"Release failed: {answer['Payload'].read().decode()}")


@contextlib.contextmanager
def _alone(state: Path) -> Iterator[None]:
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError(
                "A local stack runs from this folder already. Stop it with Ctrl-C there"
            ) from None
        yield


def _write(file: Path, text: str) -> None:
    """Writes the file at once, so that no reader sees half of it. For this user only: it may hold a key."""
    unfinished = file.with_suffix(".part")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as target:
        target.write(text)
    unfinished.replace(file)


def _demo() -> dict[str, dict[str, dict[str, Any]]]:
    return tomllib.loads(DEMO.read_text())


def _demo_key(running: Emulator, outputs: dict[str, str]) -> str:
    rt = Runtime(
        dynamodb=running.client("dynamodb"),
        sqs=running.client("sqs"),
        registry_table=outputs["RegistryTable"],
    )
    return registry.new_api_key(rt, "local demo", next(iter(_demo()["brands"])), registry.SCOPES)


def page_of(stack: Stack, person: str) -> str:
    """The address of somebody's page, as a message to them would carry it. The gate must know them."""
    rt = Runtime(
        dynamodb=stack.emulator.client("dynamodb"),
        sqs=stack.emulator.client("sqs"),
        pages_table=stack.outputs["PagesTable"],
        peppers=(os.urandom(32),),
    )
    brand, sender = (next(iter(_demo()[kind])) for kind in ("brands", "senders"))
    token = pages.token(rt, f"{brand}#demo")
    page = Page(
        pk=pages.page_key(token),
        brand=brand,
        recipient_id=stack.call("POST", "/v1/recipients/lookup", {"address": person})[1]["recipient_id"],
        country="ID",
        channel=Channel.SMS,
        language="id",
        prompt=Prompt("demo", sender),
        expires_at=stack.now() + pages.KEEP,
    )
    pages.put(rt, page)
    return f"{stack.api}/p/{token}"


def _apply(stack: Stack) -> None:
    for kind, entries in _demo().items():
        for name, entry in entries.items():
            status, answer = stack.call("PUT", f"/v1/{kind}/{name}", entry)
            if status >= http.HTTPStatus.BAD_REQUEST:
                raise LocalError(f"{DEMO.name}: {kind}.{name} was refused: {json.dumps(answer)}")


def _warm(stack: Stack) -> None:
    """Lets every function start before somebody waits for it. Each refuses or ignores an empty batch."""
    client = stack.emulator.client("lambda")
    names = [function["FunctionName"] for function in client.list_functions()["Functions"]]
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda name: client.invoke(FunctionName=name, Payload=b'{"Records": []}'), names))


def _introduction(stack: Stack) -> str:
    brand, sender = (describe(stack)[name] for name in ("brand", "sender"))
    body = {
        "id": "first-1",
        "brand": brand,
        "sender": sender,
        "to": "+6281298765432",
        "channel": "sms",
        "purpose": "authentication",
        "text": "ShopX: kode masuk Anda 123456",
    }
    check = {**body, "purpose": "marketing", "text": story.PROMOTION}
    curl = f"curl -sS -H 'Authorization: Bearer {stack.key}'"
    lines = [
        f"API          {stack.api}",
        f"Demo key     {stack.key}",
        f"Phone page   {stack.phone_page}",
        "",
        f"{curl} {stack.api}/v1/senders/{sender}",
        f"{curl} {stack.api}/v1/check -d {shlex.quote(json.dumps(check))}",
        f"{curl} {stack.api}/v1/messages -d {shlex.quote(json.dumps(body))}",
        "",
    ]
    return "\n".join(lines)


def run(port: int, at: datetime | None, *, with_story: bool, serve: bool) -> None:
    """Runs the stack until the story ends or, serving, until it is interrupted."""
    begun = time.monotonic()
    with started(port, story.start(at) if with_story else at) as stack:
        print(_introduction(stack))
        print(f"Ready after {time.monotonic() - begun:.0f} s.\n", flush=True)
        if with_story:
            story.play(stack)
            # The story lived through two nights; whoever works with the stack now starts at their own time.
            stack.reset_clock(at or datetime.now(UTC))
            print(f"\nThe page of the story's person: {page_of(stack, story.PERSON)}", flush=True)
        if serve:
            with described(stack):
                print(f"\nServing; the clock shows {stack.now().isoformat(timespec='seconds')}.", end=" ")
                print(f"The phone is at {stack.phone_page}. Ctrl-C stops everything.", flush=True)
                threading.Event().wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run_command = commands.add_parser("run", help="run the stack on this machine")
    run_command.add_argument("--at", help="start the product's clock here, such as 2026-11-22T23:30+07:00")
    run_command.add_argument(
        "--port",
        default=os.environ.get("PORT", "4566"),
        help="of the emulator; phone page and API have the next two",
    )
    run_command.add_argument("--no-story", action="store_true", help="do not play the story")
    run_command.add_argument("--no-serve", action="store_true", help="end after the story")
    clock_command = commands.add_parser("clock", help="move the product's clock forward")
    clock_command.add_argument("time", help="such as 2026-11-23T08:00+07:00")
    given = parser.parse_args()

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        if given.command == "clock":
            print(f"The product's clock shows {set_clock(given.time).isoformat()}; release ran.")
        else:
            at = instant(given.at) if given.at else None
            run(emulator.port(given.port), at, with_story=not given.no_story, serve=not given.no_serve)
    except KeyboardInterrupt:
        print("\nStopped.")
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
