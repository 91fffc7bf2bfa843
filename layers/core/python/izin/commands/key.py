"""A new API key: shown once, stored as its SHA-256, written with the operator's own AWS credentials."""

from __future__ import annotations

import argparse

from izin.commands.arguments import Commands, Unanswerable


def add(commands: Commands) -> None:
    """`izin key`."""
    key = commands.add_parser("key", help="make an API key; it is shown once")
    key.add_argument("--table", required=True, help="the registry table's name")
    key.add_argument("--name", required=True, help="who will hold it")
    key.add_argument("--brand", required=True, help="the brand that it is bound to, or *")
    key.add_argument("--scopes", required=True, help="comma-separated, such as check,send,read")
    key.set_defaults(run=_key)


def _key(asked: argparse.Namespace) -> int:
    # Only here is AWS needed; without this the other commands start in half the time.
    import boto3

    from izin.aws import registry
    from izin.aws.runtime import Runtime

    scopes = asked.scopes.split(",")
    unknown = [scope for scope in scopes if scope not in registry.SCOPES]
    if unknown:
        raise Unanswerable(f"--scopes: {unknown[0]!r} is none of {', '.join(registry.SCOPES)}")
    rt = Runtime(dynamodb=boto3.client("dynamodb"), sqs=None, registry_table=asked.table)
    print(registry.new_api_key(rt, asked.name, asked.brand, scopes))
    return 0
