"""An emulated AWS and a carrier for the session; tables, queues and a clock for each test.

After every test nothing personal has been logged, and every invariant that can be read off the tables
and the carrier holds.
"""

from __future__ import annotations

import itertools
import logging
import os
import socket
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

# Before any function is imported: its logger and metrics read these once.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "izin-tests")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Izin")

from izin.aws.runtime import Runtime

from infra import emulator
from infra.emulator import Emulator
from tests.handlers import invariants, schema
from tests.handlers.fake_sms import SERVICE, SOCIAL, FakeSms, serving
from tests.handlers.schema import Properties
from tests.handlers.world import Clock, DelayedSqs, World

_numbers = itertools.count(1)
_SIGNED = Config(signature_version="s3v4")  # as the product presigns


@pytest.fixture(scope="session")
def resources(request: pytest.FixtureRequest) -> dict[str, Properties]:
    """Properties of the stack's tables and queues."""
    cache: pytest.Cache = request.config.cache
    return schema.resources(cache)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A running emulator, which asks nobody for permissions: the tests of the whole stack do that."""
    with socket.socket() as probe:
        probe.bind((emulator.HOST, 0))
        port = probe.getsockname()[1]
    with emulator.running(tmp_path_factory.mktemp("emulator"), port, {"AUTH": "false"}) as running:
        yield running


@pytest.fixture(scope="session")
def carrier() -> Iterator[FakeSms]:
    """A carrier that speaks the carrier's protocol."""
    with serving(FakeSms()) as sms:
        yield sms


@pytest.fixture(scope="session")
def clients(aws: Emulator, carrier: FakeSms) -> dict[str, Any]:
    """One client of each service, for all workers."""
    session = boto3.Session(
        aws_access_key_id=aws.access_key_id,
        aws_secret_access_key=aws.secret_access_key,
        region_name=emulator.REGION,
    )
    plain = Config(retries={"total_max_attempts": 1}, max_pool_connections=64)
    return {
        "dynamodb": session.client("dynamodb", endpoint_url=aws.url, config=plain),
        "sqs": session.client("sqs", endpoint_url=aws.url, config=plain),
        "s3": session.client("s3", endpoint_url=aws.url, config=plain.merge(_SIGNED)),
        "kms": session.client("kms", endpoint_url=aws.url, config=plain),
        "streams": session.client("dynamodbstreams", endpoint_url=aws.url, config=plain),
        "sms": session.client(SERVICE, endpoint_url=carrier.url, config=plain),
        "social": session.client(SOCIAL, endpoint_url=carrier.url, config=plain),
    }


@pytest.fixture(scope="session")
def log_key(clients: dict[str, Any]) -> str:
    """A key like the one that signs the log in the stack."""
    made = clients["kms"].create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    return str(made["KeyMetadata"]["Arn"])


MakeWorld = Callable[[], World]


@pytest.fixture(scope="session")
def make_world(
    resources: dict[str, Properties], clients: dict[str, Any], carrier: FakeSms, log_key: str
) -> MakeWorld:
    """Makes an empty world: tables and queues of its own, and one registered brand."""

    def make() -> World:
        prefix, clock, dynamodb = f"w{next(_numbers)}", Clock(), clients["dynamodb"]
        tables = {
            f"{name}_table": schema.create_table(dynamodb, f"{prefix}-{name}", properties)
            for name, properties in resources.items()
            if "KeySchema" in properties
        }
        rt = Runtime(
            dynamodb=dynamodb,
            sqs=DelayedSqs(clients["sqs"], clock.now),
            sms=clients["sms"],
            evidence_bucket=schema.create_locked(clients["s3"], f"{prefix}-evidence", emulator.REGION),
            social=clients["social"],
            s3=clients["s3"],
            kms=clients["kms"],
            log_bucket=schema.create_locked(clients["s3"], f"{prefix}-log", emulator.REGION),
            log_key=log_key,
            dispatch_queue_url=schema.create_queue(clients["sqs"], f"{prefix}-dispatch"),
            dead_letter_queue_url=schema.create_queue(clients["sqs"], f"{prefix}-dead"),
            peppers=(b"a pepper of the tests",),
            now=clock.now,
            sleep=clock.sleep,
            jitter=lambda: 0.5,
            **tables,
        )
        carrier.reset(clock.now)
        made = World(rt, carrier, clock, clients["sqs"])
        made.register()
        return made

    return make


@pytest.fixture
def here(make_world: MakeWorld) -> Iterator[World]:
    """A fresh world; when the test has passed, everything that must never be has not been."""
    made = make_world()
    yield made
    assert invariants.violations(made) == []


class Overheard(logging.Handler):
    """Everything that was logged by the product, with all that was attached to it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        told = [record.getMessage(), repr(record.__dict__)]
        if record.exc_info:
            told += traceback.format_exception(*record.exc_info)
        self.lines += told


@pytest.fixture(autouse=True)
def nothing_personal_is_logged(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> Iterator[None]:
    """Neither logs nor standard output show a number or a text of the test's world."""
    overheard, logger = Overheard(), logging.getLogger(os.environ["POWERTOOLS_SERVICE_NAME"])
    logger.addHandler(overheard)
    yield
    logger.removeHandler(overheard)
    out, err = capsys.readouterr()
    told = "\n".join([*overheard.lines, out, err])
    worlds = [value for value in request.node.funcargs.values() if isinstance(value, World)]
    for secret in {secret for made in worlds for secret in made.secrets}:
        assert secret.removeprefix("+") not in told
