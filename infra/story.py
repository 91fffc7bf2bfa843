"""What does one person live through, from the first consent until they are left alone for good?

The story of the README, played through the running stack by real calls and told as a timeline. Every step
looks for what it expects and ends the story with a sentence if it does not come.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.emulator import LocalError

if TYPE_CHECKING:
    from infra.local import Stack

JAKARTA = timezone(timedelta(hours=7), "Jakarta")
# Of the story alone: its days lie ahead of whoever uses the stack afterwards.
PERSON = "+6281290012345"
PROMOTION = "ShopX: diskon 20% s.d. 30 Nov. Balas STOP untuk berhenti"
# A picture of one white point, where an app has one of its sign-up page.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mP8/x8AAwMCAO+/p9sAAAAASUVORK5CYII="
)
LOGIN_CODE = "ShopX: kode masuk Anda 123456"
WAIT_SECONDS = 60
SETTLE_SECONDS = 2


class StoryError(LocalError):
    """The product did not do what the story tells."""


def start(at: datetime | None) -> datetime:
    """When the story begins: at `at`, or at the next half past eleven in the evening, in Jakarta."""
    return at or _next_time(datetime.now(UTC), 23, 30)


def play(stack: "Stack") -> None:
    """Plays the ten steps. Raises `StoryError` at the first that does not come true."""
    story = _Story(stack)
    if stack.now().astimezone(JAKARTA).hour < 20:
        story.wait_for_night()
    story.the_sign_up_is_pictured()
    story.a_preticked_box_is_no_consent()
    yes_id = story.a_proper_consent_is_confirmed_by_reply()
    opening = story.a_promotion_waits_for_the_morning()
    story.a_login_code_goes_at_once()
    held_until = story.morning_comes(opening)
    story.stop_means_stop()
    story.nothing_more_is_promoted(held_until)
    story.a_late_yes_changes_nothing(yes_id)
    story.the_ledger_proves_it()


@dataclass
class _Story:
    stack: "Stack"
    picture: str = ""

    def wait_for_night(self) -> None:
        self._clock(_next_time(self.stack.now(), 23, 30))

    def the_sign_up_is_pictured(self) -> None:
        self._title("The sign-up is pictured")
        file = {"sha256": hashlib.sha256(PICTURE).hexdigest(), "size": len(PICTURE), "type": "image/png"}
        _, answer = self.stack.call("POST", "/v1/evidence", {"brand": "shopx", "address": PERSON, **file})
        upload = answer.get("upload", {})
        _expect("url" in upload, f"an address to upload to, but got {json.dumps(answer)}")
        url, headers = upload["url"], upload["headers"]
        request = urllib.request.Request(url, PICTURE, headers, method=upload["method"])  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as done:  # noqa: S310 (from our own API)
            self._tell("ShopX", "uploads what the person saw", f"{done.status} {done.reason}")
        self.picture = answer["evidence"]

    def a_preticked_box_is_no_consent(self) -> None:
        self._title("A pre-ticked box is no consent")
        status, answer = self._capture(prechecked=True)
        codes = [error["code"] for error in answer.get("errors", [])]
        self._tell(
            "ShopX", "hands in a consent from a box that was ticked already", f"refused: {', '.join(codes)}"
        )
        _expect("pre_ticked" in codes, f"a refusal with the code pre_ticked, but got {status} {codes}")

    def a_proper_consent_is_confirmed_by_reply(self) -> str:
        self._title("A proper one is confirmed by reply")
        _, answer = self._capture(prechecked=False)
        self._tell(
            "ShopX",
            "hands in a consent that the person gave by ticking the box",
            answer.get("status", str(answer)),
        )
        _expect(answer.get("status") == "pending", "the consent to be pending until the person confirms it")
        self._arrives(1, "the confirmation request")
        _expect("YA" in self._arrived()[-1], "the confirmation request to ask for YA")
        yes_id = self._answer("YA")
        self._until("the consent to be granted", lambda: self._consent() == "granted")
        self._tell("gate", "records the answer", "marketing by SMS: granted")
        return yes_id

    def a_promotion_waits_for_the_morning(self) -> datetime:
        self._title("A promotion waits for the morning")
        answer = self._send("promotion-1", "marketing", PROMOTION)
        opening = _next_time(self.stack.now(), 8, 0)
        _expect(answer["verdict"] == "defer", "the promotion to be deferred at night")
        until = datetime.fromisoformat(answer["until"])
        _expect(
            until == opening or "banned_day" in _codes(answer),
            f"the promotion to wait until it is 8 in Jakarta, and day in all of Indonesia: {opening}",
        )
        return until

    def a_login_code_goes_at_once(self) -> None:
        self._title("A login code goes at once")
        answer = self._send("login-1", "authentication", LOGIN_CODE)
        _expect(answer["verdict"] == "allow", "the login code to be allowed at night")
        self._arrives(2, "the login code")

    def morning_comes(self, opening: datetime) -> datetime:
        self._title("Morning comes")
        self._clock(opening)
        self._arrives(3, "the promotion")
        _expect(self._arrived()[-1] == PROMOTION, "the promotion to arrive as it was handed in")
        tomorrow = opening + timedelta(hours=26)
        answer = self._send("promotion-2", "marketing", PROMOTION, not_before=tomorrow.isoformat())
        _expect(answer["status"] == "held", "a promotion for tomorrow to be held")
        return datetime.fromisoformat(answer["due"])

    def stop_means_stop(self) -> None:
        self._title("Stop means stop")
        self._answer("Stop.")
        self._arrives(4, "the confirmation of the opt-out")
        _expect("berhenti" in self._arrived()[-1].lower(), "the confirmation to be in Bahasa Indonesia")

    def nothing_more_is_promoted(self, held_until: datetime) -> None:
        self._title("Nothing more is promoted, and login codes still come")
        answer = self._send("promotion-3", "marketing", PROMOTION)
        _expect(
            answer["verdict"] == "deny" and "opted_out" in _codes(answer),
            "the next promotion to be denied as opted_out",
        )
        self._clock(held_until)
        self._until(
            "the held promotion to be denied at release",
            lambda: self._message("promotion-2")["status"] == "denied",
        )
        self._tell("gate", "looks at promotion-2 again", _verdict(self._message("promotion-2")))
        self._send("login-2", "authentication", LOGIN_CODE)
        self._arrives(5, "the second login code")

    def a_late_yes_changes_nothing(self, yes_id: str) -> None:
        self._title("A late duplicate of YA changes nothing")
        self._answer("YA", inbound_message_id=yes_id)
        self._nothing_more(5)
        _expect(self._consent() == "withdrawn", "the consent to stay withdrawn")
        self._tell("gate", "has seen this answer before", f"marketing by SMS: {self._consent()}")

    def the_ledger_proves_it(self) -> None:
        self._title("The ledger proves it")
        _, ledger = self.stack.call("GET", f"/v1/recipients/{self._recipient()}/ledger")
        for event in ledger["events"]:
            self._line(
                event["recorded_at"],
                "ledger",
                f"{event['seq']:>2}  {event['type']}",
                event["hash"][:16] + "…",
            )
        proof = json.dumps(self._proof(), indent=2)
        key = self.stack.emulator.client("kms").get_public_key(KeyId=self.stack.outputs["LogKeyArn"])
        whole = _verified(proof, key["PublicKey"])
        _expect(whole.returncode == 0, f"the proof to verify: {whole.stdout}{whole.stderr}")
        self._tell("auditor", "izin verify --proof proof.json --key izin.der", whole.stdout.strip())
        changed = _verified(proof.replace('"sms"', '"smx"', 1), key["PublicKey"])
        _expect(changed.returncode == 1, "the proof with one byte changed not to verify")
        self._tell("auditor", "the same with one byte changed", (changed.stdout + changed.stderr).strip())

    def _proof(self) -> dict[str, Any]:
        """The proof of everything that the person did, once the last of it is signed for."""
        answers: list[dict[str, Any]] = []

        def signed() -> bool:
            _, answer = self.stack.call("GET", f"/v1/recipients/{self._recipient()}/proof")
            answers.append(answer)
            return "seq" in answer and answer["seq"] == len(answer["events"])

        self._until("every event to be logged", signed)
        return answers[-1]

    # What ShopX does.

    def _capture(self, *, prechecked: bool) -> tuple[int, dict[str, Any]]:
        return self.stack.call(
            "POST",
            "/v1/consents",
            {
                "brand": "shopx",
                "sender": "shopx-id-1",
                "address": PERSON,
                "channel": "sms",
                "purposes": ["marketing"],
                "language": "id",
                "captured_at": self.stack.now().isoformat(),
                "wording": "Saya setuju menerima promosi dari ShopX melalui SMS.",
                "method": "checkbox",
                "prechecked": prechecked,
                "source": "https://shopx.example/daftar",
                "evidence": {"screenshot": self.picture},
            },
        )

    def _send(self, id: str, purpose: str, text: str, **more: str) -> dict[str, Any]:
        body = {
            "id": id,
            "brand": "shopx",
            "sender": "shopx-id-1",
            "to": PERSON,
            "channel": "sms",
            "purpose": purpose,
            "text": text,
            "language": "id",
        }
        status, answer = self.stack.call("POST", "/v1/messages", body | more)
        _expect("verdict" in answer, f"a verdict on {id}, but got {status} {json.dumps(answer)}")
        self._tell("ShopX", f"sends {id} ({purpose})", _verdict(answer))
        return dict(answer)

    def _message(self, id: str) -> dict[str, Any]:
        return dict(self.stack.call("GET", f"/v1/messages/{id}")[1])

    def _recipient(self) -> str:
        return str(self.stack.call("POST", "/v1/recipients/lookup", {"address": PERSON})[1]["recipient_id"])

    def _consent(self) -> str:
        _, state = self.stack.call("GET", f"/v1/recipients/{self._recipient()}")
        found = [
            c["status"] for c in state["consents"] if (c["channel"], c["purpose"]) == ("sms", "marketing")
        ]
        return str(found[0]) if found else "none"

    # What the person does and sees.

    def _answer(self, text: str, inbound_message_id: str | None = None) -> str:
        sender = next(b.sender for b in self.stack.phones.all()[PERSON] if b.direction == "in")
        self._tell("person", f"answers “{text}”")
        return self.stack.phones.reply(PERSON, sender, text, inbound_message_id)

    def _arrived(self) -> list[str]:
        return [b.text for b in self.stack.phones.all().get(PERSON, []) if b.direction == "in"]

    def _arrives(self, count: int, what: str) -> None:
        """The phone has `count` messages soon, and still no more after a moment."""
        self._until(f"{what} to arrive", lambda: len(self._arrived()) >= count)
        self._tell("phone", f"“{self._arrived()[-1]}”")
        self._nothing_more(count)

    def _nothing_more(self, count: int) -> None:
        time.sleep(SETTLE_SECONDS)
        _expect(len(self._arrived()) == count, f"{count} messages on the phone, not {len(self._arrived())}")

    # How it is told.

    def _clock(self, when: datetime) -> None:
        self.stack.move_clock(when)
        self._tell("clock", f"moves on to {_local(when.isoformat())} in Jakarta")

    def _until(self, what: str, seen: Callable[[], bool]) -> None:
        give_up = time.monotonic() + WAIT_SECONDS
        while not seen():
            _expect(time.monotonic() < give_up, f"{what} within {WAIT_SECONDS} s")
            time.sleep(0.2)

    def _title(self, text: str) -> None:
        print(f"\n{text}", flush=True)

    def _tell(self, who: str, what: str, outcome: str = "") -> None:
        self._line(self.stack.now().isoformat(), who, what, outcome)

    def _line(self, at: str, who: str, what: str, outcome: str) -> None:
        print(f"  {_local(at)}  {who:<8} {what}" + (f"  →  {outcome}" if outcome else ""), flush=True)


def _expect(true: bool, what: str) -> None:
    if not true:
        raise StoryError(f"The story expected {what}.")


def _codes(answer: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in answer["reasons"]]


def _verdict(answer: dict[str, Any]) -> str:
    held = f", held until {_local(answer['due'])}" if answer["status"] == "held" else ""
    return f"{answer['verdict']}{held}: {', '.join(_codes(answer))}".rstrip(": ")


def _local(at: str) -> str:
    return f"{datetime.fromisoformat(at).astimezone(JAKARTA):%a %H:%M:%S}"


def _next_time(now: datetime, hour: int, minute: int) -> datetime:
    """The next instant at which clocks in Jakarta show this time, in UTC."""
    local = now.astimezone(JAKARTA)
    when = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (when if when > local else when + timedelta(days=1)).astimezone(UTC)


def _verified(proof: str, key: bytes) -> "subprocess.CompletedProcess[str]":
    with tempfile.TemporaryDirectory() as folder:
        file, key_file = Path(folder, "proof.json"), Path(folder, "izin.der")
        file.write_text(proof)
        key_file.write_bytes(key)
        command = [sys.executable, "-m", "izin.cli", "verify", "--proof", str(file), "--key", str(key_file)]
        return subprocess.run(command, capture_output=True, text=True)
