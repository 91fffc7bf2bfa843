"""Where does the log of events lie, which key signs it, and how does it hear of an event?"""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.bucket import Bucket

BATCH = 1000
WINDOW = Duration.seconds(60)


class EventLog(Construct):
    """A bucket in which objects are created and never replaced, and the key that signs what is in it.

    The public half of the key is all that a stranger needs besides an export: `docs/verification.md`.
    """

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey, access_log: s3.IBucket) -> None:
        super().__init__(scope, id)
        self.bucket = Bucket(self, key=key, access_log=access_log, logged_under="event-log/")
        self.signing_key = kms.Key(
            self,
            "SigningKey",
            description="Izin: signs the checkpoints of the event log",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=RemovalPolicy.RETAIN,
        )

    def give_access(self, function: lambda_.Function, *, writes: bool) -> None:
        """Let `function` read the log, and where it `writes` also create objects and sign."""
        allow = function.add_to_role_policy
        actions = ["s3:GetObject", "s3:PutObject"] if writes else ["s3:GetObject"]
        allow(iam.PolicyStatement(actions=actions, resources=[self.bucket.arn_for_objects("*")]))
        allow(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket.bucket_arn]))
        function.add_environment("LOG_BUCKET", self.bucket.bucket_name)
        reason = "The log's own bucket: every object in it belongs to the log."
        self.bucket.acknowledge(function.role, "*", reason)
        if writes:
            allow(
                iam.PolicyStatement(
                    actions=["kms:Sign", "kms:GetPublicKey"], resources=[self.signing_key.key_arn]
                )
            )
            function.add_environment("LOG_KEY", self.signing_key.key_arn)


def follow(table: dynamodb.Table, function: lambda_.Function) -> None:
    """Let `function` read the stream of `table`, in order, and again until it succeeds.

    A batch is given after a minute or 1,000 events. It is never skipped: an event that comes late to
    the log is better than one that never does. The alarm on its age says when that lasts.
    """
    stream = table.table_stream_arn
    if stream is None:
        raise ValueError(f"{table.node.id} has no stream")
    reads = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    function.add_to_role_policy(
        iam.PolicyStatement(actions=[*reads, "dynamodb:ListStreams"], resources=[stream])
    )
    lambda_.EventSourceMapping(
        function,
        "Follows",
        target=function,
        event_source_arn=stream,
        starting_position=lambda_.StartingPosition.TRIM_HORIZON,
        batch_size=BATCH,
        max_batching_window=WINDOW,
    )
