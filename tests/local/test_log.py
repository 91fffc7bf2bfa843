"""Does what the functions write reach the log on this machine, as it does on AWS?"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from infra.local import Stack

PERSON = "+6281234567111"


def test_an_opt_out_is_proved_to_a_stranger(stack: Stack, tmp_path: Path) -> None:
    body = {"brand": "shopx", "address": PERSON, "source": "agent"}
    assert stack.call("POST", "/v1/opt-outs", body)[0] == 200
    _, found = stack.call("POST", "/v1/recipients/lookup", {"address": PERSON})
    path = f"/v1/recipients/{found['recipient_id']}/proof"
    proof, key = tmp_path / "proof.json", tmp_path / "key.der"
    proof.write_text(json.dumps(_soon(stack, path)))
    kms = stack.emulator.client("kms")
    key.write_bytes(kms.get_public_key(KeyId=stack.outputs["LogKeyArn"])["PublicKey"])
    assert _verified(proof, key) == 0
    proof.write_text(proof.read_text().replace('"agent"', '"letter"'))
    assert _verified(proof, key) == 1


def _soon(stack: Stack, path: str, seconds: float = 30) -> Any:
    """What a call answers once there is something to answer."""
    give_up = time.monotonic() + seconds
    while True:
        status, body = stack.call("GET", path)
        if status == 200:
            return body
        assert status == 404, body
        assert time.monotonic() < give_up, body
        time.sleep(0.2)


def _verified(proof: Path, key: Path) -> int:
    command = [sys.executable, "-m", "izin.cli", "verify", "--proof", str(proof), "--key", str(key)]
    return subprocess.run(command, capture_output=True).returncode
