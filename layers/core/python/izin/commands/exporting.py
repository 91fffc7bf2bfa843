"""Exports for auditors: asked of DynamoDB, or written from the local stack's tables in the same layout."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from izin.commands.arguments import Commands, Unanswerable
from izin.exports.read import TABLES, Image

_LOCAL = Path(__file__).resolve().parents[5] / ".local" / "stack.json"


def add(commands: Commands) -> None:
    """`izin export`."""
    parser = commands.add_parser("export", help="export ledger, messages and states to S3, or --local DIR")
    parser.add_argument(
        "--local", type=Path, metavar="DIR", help="write the running local stack's tables here"
    )
    parser.add_argument("--stack", default="Izin", help="the stack's name, with your own AWS credentials")
    parser.add_argument("--incremental", action="store_true", help="only what changed yesterday, by UTC")
    parser.set_defaults(run=_export)


def _export(asked: argparse.Namespace) -> int:
    # Only here is AWS needed; without this the other commands start in half the time.
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        if asked.local:
            _write(boto3, asked.local)
        else:
            _start(boto3, asked)
    except (BotoCoreError, ClientError) as error:
        raise Unanswerable(str(error)) from None
    return 0


def _start(boto3: Any, asked: argparse.Namespace) -> None:
    from izin.aws import exporting
    from izin.aws.exporting import Extent

    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=asked.stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    dynamodb = boto3.client("dynamodb")
    for table in TABLES:
        found = dynamodb.describe_table(TableName=outputs[f"{table.capitalize()}Table"])["Table"]
        extent, arn = exporting.start(
            dynamodb,
            table,
            found["TableArn"],
            outputs["ExportsBucket"],
            found["SSEDescription"]["KMSMasterKeyArn"],
            Extent.INCREMENTAL if asked.incremental else Extent.FULL,
            datetime.now(UTC),
        )
        print(
            f"{table}: {extent}, {arn.rpartition('/')[2]}, to s3://{outputs['ExportsBucket']}/{extent}/{table}/"
        )


def _write(boto3: Any, root: Path) -> None:
    """What DynamoDB would have written: the emulator says that it exported, and writes nothing."""
    from izin.exports import write

    try:
        running = json.loads(_LOCAL.read_text("utf-8"))
    except (OSError, ValueError):
        raise Unanswerable("no local stack is running; start one with make run") from None
    aws = running["aws"]
    dynamodb = boto3.client(
        "dynamodb",
        endpoint_url=running["emulator"],
        region_name=aws["region"],
        aws_access_key_id=aws["access_key_id"],
        aws_secret_access_key=aws["secret_access_key"],
    )
    for table in TABLES:
        name, now = running["outputs"][f"{table.capitalize()}Table"], datetime.now(UTC)
        found = dynamodb.describe_table(TableName=name)["Table"]
        source = write.Source(root, f"full/{table}", found["TableArn"], found.get("TableId", "local"))
        export = write.write(source, scanned(dynamodb, name), now, write.new_id(now, secrets.token_hex(4)))
        count = sum(file.items for file in export.files)
        print(f"{table}: {count:,} items, {export.id}, to {root}/full/{table}/")


def scanned(dynamodb: Any, table_name: str) -> Iterator[Image]:
    """Every item of a table, in DynamoDB's JSON."""
    for page in dynamodb.get_paginator("scan").paginate(TableName=table_name, ConsistentRead=True):
        yield from page["Items"]
