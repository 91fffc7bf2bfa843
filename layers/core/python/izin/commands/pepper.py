"""A new pepper: under it new people are named from tomorrow on; whoever is known stays who they are."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from izin.commands.arguments import Commands, Unanswerable
from izin.domain.times import shown

_NOTICE = timedelta(days=1)
"""Every worker reads the secret at least hourly; a day leaves room for whatever keeps one from it."""


def add(commands: Commands) -> None:
    """`izin pepper`."""
    pepper = commands.add_parser("pepper", help="make a new pepper, in force a day from now")
    pepper.add_argument("--secret", required=True, help="the ARN of the stack's secret: PepperSecretArn")
    pepper.set_defaults(run=_pepper)


def rotated(values: Mapping[str, str], fresh: str, now: datetime) -> dict[str, str]:
    """The secret's next value. Raises Unanswerable where it holds two peppers already."""
    if values.get("previous"):
        raise Unanswerable(
            "two peppers are live already, and neither may go: people who were erased are known by their"
            " pseudonym alone"
        )
    return {"current": fresh, "previous": values["current"], "since": shown(now + _NOTICE)}


def _pepper(asked: argparse.Namespace) -> int:
    import boto3

    client = boto3.client("secretsmanager")
    values = json.loads(client.get_secret_value(SecretId=asked.secret)["SecretString"])
    renewed = rotated(values, secrets.token_urlsafe(48), datetime.now(UTC))
    client.put_secret_value(SecretId=asked.secret, SecretString=json.dumps(renewed))
    print(f"a new pepper is in force from {renewed['since']}; keep the secret: it holds both")
    return 0
