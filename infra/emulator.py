"""How does AWS come to run on this machine, and how does it end again?

The emulator is ministack: a child process in an environment of its own (the functions inherit it), with IAM
enforced, bound to this machine only. It ends with the process that started it, however that one ends.
"""

import contextlib
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

HOST = "127.0.0.1"
REGION = "ap-southeast-3"  # Jakarta
ACCOUNT = "000000000000"

PROGRAM = Path(__file__).with_name("emulated.py")


class LocalError(Exception):
    """Something that the person at the keyboard can put right; its text says how."""


@dataclass(frozen=True)
class Emulator:
    """A running emulator and the keys of its root user."""

    port: int
    access_key_id: str
    secret_access_key: str

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def client(self, service: str) -> Any:
        return self._session().client(
            service, endpoint_url=self.url, config=Config(retries={"total_max_attempts": 2})
        )

    def table(self, name: str) -> Any:
        return self._session().resource("dynamodb", endpoint_url=self.url).Table(name)

    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            region_name=REGION,
        )


def port(text: str) -> int:
    """A port with room for two more behind it. Raises `LocalError`, which says what to give."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _LAST_PORT - 2:
        return int(text)
    raise LocalError(
        f"PORT={text} is no port. Give a number up to {_LAST_PORT - 2}, as in: PORT=4600 make run"
    )


_LAST_PORT = 65535


def require_free(*ports: int) -> None:
    """Raises `LocalError` naming the first port that another program has, and a remedy."""
    for port in ports:
        if not is_free(port):
            others = (*range(ports[0] + 10, _LAST_PORT - 10, 10), *range(4600, ports[0], 10))
            other = next(p for p in others if all(is_free(p + q - ports[0]) for q in ports))
            raise LocalError(
                f"Port {port} is in use by another program. Stop that one, or: PORT={other} make run"
            )


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def running(state: Path, port: int, environment: Mapping[str, str]) -> Iterator[Emulator]:
    """An emulator on `port` while the block runs. Its log is `emulator.log` in the folder `state`.

    `environment` reaches every function.
    """
    emulator = Emulator(port, "AKIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30))
    scratch = state / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    log = state / "emulator.log"
    with log.open("wb") as log_file:
        process = subprocess.Popen(
            [sys.executable, "-P", str(PROGRAM)],
            cwd=scratch,
            env={**_environment(emulator, scratch), **environment},
            stdin=subprocess.PIPE,
            stdout=log_file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, port, log)
        yield emulator
    finally:
        _stop(process)
        shutil.rmtree(scratch, ignore_errors=True)


def _environment(emulator: Emulator, scratch: Path) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "STATE_DIR": str(scratch),
        "LANG": "C.UTF-8",
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": emulator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": emulator.secret_access_key,
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(emulator.port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        # At INFO it writes what SNS publishes into its log, numbers included.
        "LOG_LEVEL": "WARNING",
        # Listeners of services that Izin does not use.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path, seconds: float = 30) -> None:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up and process.poll() is None:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request("GET", "/_ministack/ready")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise LocalError(f"The emulator did not start; its log says why: {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask, wait, and end whatever is left of the child and the function workers that it started."""
    with process:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
