"""What may each function touch? One table to read, and the grants and variables that follow from it.

A function has a variable exactly where it has a grant, so what it may not use it cannot even name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.event_log import EventLog, follow
from infra.evidence import BRANDS, PEOPLE, Evidence
from infra.queues import Queues
from infra.store import Store

Actions = tuple[str, ...]

READ: Actions = ("GetItem", "BatchGetItem")
CREATE: Actions = (*READ, "PutItem")
WRITE: Actions = (*CREATE, "UpdateItem")
LEDGER_READ: Actions = ("GetItem", "Query")
# Append-only: an event can be put, never changed or taken away. A transaction asks for the same actions.
LEDGER_APPEND: Actions = (*LEDGER_READ, "PutItem")
# What is chained stays as it is: only the instant from which an event may go can be set.
LEDGER_PRUNE = "UpdateItem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The actions on each table, the indexes that may be queried, and the rest by name."""

    state: Actions = ()
    messages: Actions = ()
    ledger: Actions = ()
    keys: Actions = ()
    registry: Actions = ()
    pages: Actions = ()
    indexes: tuple[str, ...] = ()  # "<table>/<index>"
    dispatches: bool = False
    dead_letters: str | None = None  # the queue whose dead letters it may add to
    pepper: bool = False
    carrier: bool = False
    prunes: bool = False
    log: str | None = None  # "read" or "write"
    exports: bool = False  # to the bucket of the auditors
    follows: bool = False  # the ledger, event by event
    lists: bool = False  # the provider's opt-out lists
    files: dict[str, Actions] = field(default_factory=dict)  # by folder of the evidence
    erases: bool = False  # files about people


RECORDER = Access(
    state=WRITE,
    ledger=LEDGER_APPEND,
    messages=CREATE,
    keys=CREATE,
    registry=READ,
    dispatches=True,
    pepper=True,
)

ACCESS: dict[str, Access] = {
    "authorizer": Access(registry=("GetItem",)),
    "gate": Access(
        state=READ,
        registry=READ,
        messages=WRITE,
        keys=CREATE,
        pages=("PutItem",),
        dispatches=True,
        pepper=True,
    ),
    # No pepper, no messages, no queue: the page knows its person by no number and sends nothing.
    "page": Access(state=WRITE, ledger=LEDGER_APPEND, keys=READ, registry=READ, pages=("GetItem",)),
    "consents": replace(RECORDER, files={PEOPLE: ("GetObject",)}),
    "imports": Access(
        state=WRITE,
        ledger=LEDGER_APPEND,
        keys=CREATE,
        registry=READ,
        pepper=True,
        files={PEOPLE: ("GetObject",)},
    ),
    "uploads": Access(
        state=("BatchGetItem",),
        keys=("BatchGetItem",),
        pepper=True,
        files={PEOPLE: ("GetObject", "PutObject"), BRANDS: ("GetObject", "PutObject")},
    ),
    "opt_outs": RECORDER,
    "rights": Access(
        state=WRITE,
        ledger=LEDGER_APPEND,
        messages=("BatchGetItem",),
        keys=("GetItem",),
        indexes=("messages/recipient",),
    ),
    "retention": Access(
        state=WRITE,
        ledger=LEDGER_APPEND,
        messages=("BatchGetItem", "UpdateItem"),
        keys=("DeleteItem",),
        indexes=("messages/recipient", "state/due", "state/retain"),
        prunes=True,
        erases=True,
    ),
    "recipients": Access(state=READ, ledger=("Query",), keys=READ, registry=READ, pepper=True, log="read"),
    "registry": Access(registry=("GetItem", "PutItem", "UpdateItem"), files={BRANDS: ("GetObject",)}),
    "describe": Access(),
    "inbound": Access(
        state=WRITE,
        ledger=LEDGER_APPEND,
        messages=CREATE,
        keys=CREATE,
        registry=READ,
        indexes=("messages/carrier",),
        dispatches=True,
        dead_letters="inbound",
        pepper=True,
    ),
    "whatsapp": Access(
        state=WRITE,
        ledger=LEDGER_APPEND,
        messages=WRITE,
        keys=CREATE,
        registry=READ,
        indexes=("messages/carrier",),
        dispatches=True,
        dead_letters="whatsapp",
        pepper=True,
    ),
    "receipts": Access(
        messages=("GetItem", "UpdateItem"), indexes=("messages/carrier",), dead_letters="receipts"
    ),
    "export": Access(exports=True),
    "release": Access(
        state=WRITE,
        ledger=LEDGER_APPEND,
        messages=WRITE,
        indexes=("messages/due", "state/due"),
        registry=READ,
        dispatches=True,
    ),
    "log": Access(log="write", follows=True),
    "reconcile": Access(
        state=WRITE,
        ledger=LEDGER_APPEND,
        messages=CREATE,
        keys=CREATE,
        registry=READ,
        indexes=("state/due",),
        dispatches=True,
        pepper=True,
        lists=True,
    ),
    "dispatch": Access(
        state=WRITE,
        ledger=LEDGER_APPEND,
        messages=WRITE,
        keys=READ,
        registry=READ,
        dispatches=True,
        carrier=True,
    ),
}

# What DynamoDB does with the key in the name of its caller.
_KEY_TO_READ = ("kms:Decrypt", "kms:DescribeKey")
_KEY_TO_WRITE = (
    *_KEY_TO_READ,
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


def give_access(
    function: lambda_.Function,
    name: str,
    store: Store,
    queues: Queues,
    event_log: EventLog,
    evidence: Evidence,
) -> None:
    """Grants to `function` what the table above says of `name`, and sets the variables that go with it."""
    access = ACCESS[name]
    _give_tables(function, access, store)
    if access.dispatches:
        _give_queue(function, queues.dispatch.queue.queue_arn, store)
        function.add_environment("DISPATCH_QUEUE_URL", queues.dispatch.queue.queue_url)
    if access.dead_letters:
        dead = queues.by_name()[access.dead_letters].dead
        _give_queue(function, dead.queue_arn, store)
        function.add_environment("DEAD_LETTER_QUEUE_URL", dead.queue_url)
    if access.pepper:
        _allow(function, ["secretsmanager:GetSecretValue"], [store.pepper_arn])
        _give_key(function, store, ["kms:Decrypt"], "secretsmanager")
        function.add_environment("PEPPER_SECRET_ARN", store.pepper_arn)
    if access.carrier:
        _give_provider(function, "sms-voice", ["SendTextMessage"], _SMS_IDENTITIES)
        _give_provider(function, "social-messaging", ["SendWhatsAppMessage"], ["phone-number-id"])
    if access.lists:
        _give_provider(function, "sms-voice", [*_LIST_ACTIONS], ["opt-out-list"])
    if access.log:
        event_log.give_access(function, writes=access.log == "write")
        reads = ["kms:Decrypt"]
        _give_key(function, store, [*reads, "kms:GenerateDataKey"] if access.log == "write" else reads, "s3")
    if access.follows:
        follow(store.ledger, function)
        _give_key(function, store, _KEY_TO_READ, "dynamodb")
    if access.erases:
        evidence.let_erase(cast(iam.Role, function.role))
        function.add_environment("EVIDENCE_BUCKET", evidence.bucket.bucket_name)
    if access.files:
        _give_files(function, access, store, evidence)


def _give_tables(function: lambda_.Function, access: Access, store: Store) -> None:
    tables: dict[str, tuple[dynamodb.Table, Actions]] = {
        "state": (store.state, access.state),
        "messages": (store.messages, access.messages),
        "ledger": (store.ledger, access.ledger),
        "keys": (store.keys, access.keys),
        "registry": (store.registry, access.registry),
        "pages": (store.pages, access.pages),
    }
    granted = {action for _, actions in tables.values() for action in actions}
    if access.prunes:
        only = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "seq", "ttl"]}}
        _allow(function, [f"dynamodb:{LEDGER_PRUNE}"], [store.ledger.table_arn], only)
    for name, (table, actions) in tables.items():
        if actions:
            _allow(function, [f"dynamodb:{action}" for action in actions], [table.table_arn])
            function.add_environment(f"{name.upper()}_TABLE", table.table_name)
    for path in access.indexes:
        name, index = path.split("/")
        _allow(function, ["dynamodb:Query"], [f"{tables[name][0].table_arn}/index/{index}"])
    if granted:
        writes = bool(granted & {"PutItem", "UpdateItem", "DeleteItem"})
        _give_key(function, store, _KEY_TO_WRITE if writes else _KEY_TO_READ, "dynamodb")


def _give_queue(function: lambda_.Function, queue_arn: str, store: Store) -> None:
    _allow(function, ["sqs:SendMessage"], [queue_arn])
    _give_key(function, store, ["kms:GenerateDataKey", "kms:Decrypt"], "sqs")


def _give_files(function: lambda_.Function, access: Access, store: Store, evidence: Evidence) -> None:
    """Files by folder. Listing lets S3 say that a file is not there, instead of that it is forbidden."""
    bucket = evidence.bucket
    for folder, actions in access.files.items():
        _allow(function, [f"s3:{action}" for action in actions], [bucket.arn_for_objects(f"{folder}/*")])
        evidence.acknowledge(cast(iam.Role, function.role), folder)
    _allow(function, ["s3:ListBucket"], [bucket.bucket_arn])
    writes = any("PutObject" in actions for actions in access.files.values())
    _give_key(function, store, ["kms:Decrypt", *(["kms:GenerateDataKey"] if writes else [])], "s3")
    function.add_environment("EVIDENCE_BUCKET", bucket.bucket_name)


def _give_key(function: lambda_.Function, store: Store, actions: Actions | list[str], service: str) -> None:
    """The key, through one service only: no function decrypts anything by itself."""
    via = f"{service}.{Stack.of(function).region}.amazonaws.com"
    _allow(function, actions, [store.key.key_arn], {"StringEquals": {"kms:ViaService": via}})


_SMS_IDENTITIES = ["phone-number", "pool", "sender-id", "configuration-set"]
_LIST_ACTIONS = ("DescribeOptedOutNumbers", "PutOptedOutNumber", "DeleteOptedOutNumber")


def _give_provider(function: lambda_.Function, service: str, actions: list[str], kinds: list[str]) -> None:
    """Senders are registered while the gate runs, so what they use cannot be named here."""
    stack = Stack.of(function)
    resources = [stack.format_arn(service=service, resource=kind, resource_name="*") for kind in kinds]
    _allow(function, [f"{service}:{action}" for action in actions], resources)
    account = f"<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>"
    for kind in kinds:
        Validations.of(cast(iam.Role, function.role)).acknowledge(
            Acknowledgment(
                id=f"AwsSolutions-IAM5[Resource::arn:{account}:{kind}/*]",
                reason="Senders are registered while the gate runs; few actions, in this account only.",
            )
        )


def _allow(
    function: lambda_.Function,
    actions: Actions | list[str],
    resources: list[str],
    conditions: Mapping[str, Mapping[str, str | list[str]]] | None = None,
) -> None:
    function.add_to_role_policy(
        iam.PolicyStatement(actions=list(actions), resources=resources, conditions=conditions)
    )
