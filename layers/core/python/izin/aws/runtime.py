"""What does a function have at hand? Its clients, its settings and its clock, built once per worker."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config

from izin.aws import clock

# One slow call must not eat a permit: DynamoDB answers in milliseconds or is asked again.
_FAST = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})

# Else presigned addresses name the endpoint of another region, which only redirects.
_REGIONAL = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A worker's view of the world. Everything that differs between a worker and a test is in here.

    `peppers` are the secrets of the pseudonyms, the newest first, in force from `pepper_since` on.
    `jitter` is a number in [0, 1) that spreads retries. `cache` keeps registry items for at most
    `registry.CACHE_FOR`.
    """

    dynamodb: Any
    sqs: Any
    state_table: str = ""
    messages_table: str = ""
    ledger_table: str = ""
    keys_table: str = ""
    registry_table: str = ""
    pages_table: str = ""
    page_url: str = ""
    dispatch_queue_url: str = ""
    dead_letter_queue_url: str = ""
    sandbox_url: str = ""
    peppers: tuple[bytes, ...] = ()
    pepper_since: datetime | None = None
    sms: Any = None
    social: Any = None
    s3: Any = None
    kms: Any = None
    log_bucket: str = ""
    log_key: str = ""
    evidence_bucket: str = ""
    now: Callable[[], datetime] = clock.now
    carrier_time: Callable[[str], datetime] = clock.carrier_time
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    cache: dict[str, tuple[datetime, Any]] = field(default_factory=dict)


def runtime() -> Runtime:
    """This worker's runtime, from its environment. A function is given only what it may use.

    Made anew every hour, so that a new pepper is known to every worker before it comes into force.
    """
    return _runtime(int(time.monotonic() // _LIFE))


_LIFE = 3600  # seconds


@lru_cache(maxsize=1)
def _runtime(_hour: int) -> Runtime:
    env = os.environ
    secret = env.get("PEPPER_SECRET_ARN")
    bucket = env.get("EVIDENCE_BUCKET", "")
    return Runtime(
        dynamodb=boto3.client("dynamodb", config=_FAST),
        sqs=boto3.client("sqs", config=_FAST),
        state_table=env.get("STATE_TABLE", ""),
        messages_table=env.get("MESSAGES_TABLE", ""),
        ledger_table=env.get("LEDGER_TABLE", ""),
        keys_table=env.get("KEYS_TABLE", ""),
        registry_table=env.get("REGISTRY_TABLE", ""),
        pages_table=env.get("PAGES_TABLE", ""),
        page_url=env.get("PAGE_URL", ""),
        dispatch_queue_url=env.get("DISPATCH_QUEUE_URL", ""),
        dead_letter_queue_url=env.get("DEAD_LETTER_QUEUE_URL", ""),
        sandbox_url=env.get("SANDBOX_URL", ""),
        s3=boto3.client("s3", config=_FAST.merge(_REGIONAL)) if bucket or "LOG_BUCKET" in env else None,
        evidence_bucket=bucket,
        kms=boto3.client("kms", config=_FAST) if "LOG_KEY" in env else None,
        log_bucket=env.get("LOG_BUCKET", ""),
        log_key=env.get("LOG_KEY", ""),
        **(_peppers(secret) if secret else {}),
    )


def _peppers(arn: str) -> dict[str, Any]:
    answer = boto3.client("secretsmanager", config=_FAST).get_secret_value(SecretId=arn)
    return peppers(answer["SecretString"])


def peppers(secret: str) -> dict[str, Any]:
    """`peppers` and `pepper_since` of a runtime from the secret: {"current", "previous"?, "since"?}."""
    values = json.loads(secret)
    return {
        "peppers": tuple(values[name].encode() for name in ("current", "previous") if values.get(name)),
        "pepper_since": datetime.fromisoformat(values["since"]) if values.get("since") else None,
    }
