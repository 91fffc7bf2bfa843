"""The tables and queues that the stack has, from the template that it synthesizes.

Synthesis takes seconds, so what it gave is remembered until a file that it is made from changes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MADE_FROM = ("infra/store.py", "infra/queues.py", "infra/function.py", "requirements-dev.txt")

Properties = dict[str, Any]


def resources(cache: pytest.Cache) -> dict[str, Properties]:
    """Properties of every table and queue, by the first word of its output: `state`, `dispatch`."""
    digest = hashlib.sha256()
    for name in MADE_FROM:
        digest.update((ROOT / name).read_bytes())
    key = "izin/schema"
    known = cache.get(key, None)
    if known and known["made_from"] == digest.hexdigest():
        return dict(known["resources"])
    found = _synthesized()
    cache.set(key, {"made_from": digest.hexdigest(), "resources": found})
    return found


def _synthesized() -> dict[str, Properties]:
    from aws_cdk import App, Stack  # it starts Node: only where there is something to synthesize

    from infra.queues import Queues
    from infra.store import Store

    app = App(analytics_reporting=False)
    stack = Stack(app, "Izin")
    store = Store(stack, "Store")
    queues = Queues(stack, "Queues", key=store.key)
    template = app.synth().get_stack_by_name("Izin").template["Resources"]
    tables = {
        name: getattr(store, name).node.default_child
        for name in ("state", "messages", "ledger", "keys", "registry", "pages")
    }
    lines = {name: work.queue.node.default_child for name, work in queues.by_name().items()}
    return {
        name: template[stack.get_logical_id(child)]["Properties"]
        for name, child in {**tables, **lines}.items()
    }


def create_table(dynamodb: Any, name: str, properties: Properties) -> str:
    """A table like the stack's, under another name."""
    taken = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    made = {key: properties[key] for key in taken if key in properties}
    if "StreamSpecification" in properties:
        made["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    dynamodb.create_table(TableName=name, **made)
    return name


def create_queue(sqs: Any, name: str) -> str:
    """A queue, under another name than the stack's."""
    return str(sqs.create_queue(QueueName=name)["QueueUrl"])


def create_locked(s3: Any, name: str, region: str) -> str:
    """A bucket in which objects are locked, as in the stack."""
    s3.create_bucket(
        Bucket=name,
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": region},
    )
    return name
