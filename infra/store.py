"""Where is everything kept, and under which key? The tables, the pepper and the key that encrypts them."""

from __future__ import annotations

from typing import cast

from aws_cdk import Acknowledgment, RemovalPolicy, Stack, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

S = dynamodb.AttributeType.STRING
N = dynamodb.AttributeType.NUMBER


class Store(Construct):
    """Six tables on demand, one secret, one key.

    `ttl` only tidies up: DynamoDB may delete days late, so no reader trusts it for validity.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.key = kms.Key(
            self,
            "Key",
            description="Izin: tables, queues, topics, pepper and evidence",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self._let_services_use_the_key()

        self.state = self._table("State")
        _add_due_index(self.state, dynamodb.ProjectionType.KEYS_ONLY)
        # Whose records somebody must look at: those who left, and those whose consent expires.
        self.state.add_global_secondary_index(
            index_name="retain",
            partition_key=dynamodb.Attribute(name="retain_shard", type=S),
            sort_key=dynamodb.Attribute(name="retain_at", type=S),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )

        self.messages = self._table("Messages")
        _add_due_index(
            self.messages,
            dynamodb.ProjectionType.INCLUDE,
            ["status", "sender", "recipient_id", "due", "purpose"],
        )
        self.messages.add_global_secondary_index(
            index_name="carrier",
            partition_key=dynamodb.Attribute(name="carrier_ref", type=S),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )

        # Everything that one person was sent, for them to see, or to be called back.
        self.messages.add_global_secondary_index(
            index_name="recipient",
            partition_key=dynamodb.Attribute(name="recipient_id", type=S),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )

        self.ledger = self._table(
            "Ledger",
            sort_key=dynamodb.Attribute(name="seq", type=N),
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        )

        self.keys = self._table("Keys", recoverable=False)
        Validations.of(self.keys).acknowledge(
            Acknowledgment(
                id="AwsSolutions-DDB3",
                reason="Deleting a key erases a person; a backup could be restored and undo it.",
            )
        )

        self.registry = self._table("Registry")
        self.pages = self._table("Pages")

        self.pepper = secretsmanager.Secret(
            self,
            "Pepper",
            description="Izin: the secret under which an address becomes a recipient_id",
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template="{}",  # noqa: S106 - a template, not a secret
                generate_string_key="current",
                password_length=64,
                exclude_punctuation=True,
            ),
            removal_policy=RemovalPolicy.RETAIN,
        )
        # The same ARN as the secret's own reference, which the local emulator answers with the name.
        self.pepper_arn = cast(secretsmanager.CfnSecret, self.pepper.node.default_child).attr_id
        Validations.of(self.pepper).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SMG4",
                reason="Every recipient_id hangs on it: people renew it, and keep the old one beside it.",
            )
        )

    def _table(
        self,
        name: str,
        *,
        sort_key: dynamodb.Attribute | None = None,
        stream: dynamodb.StreamViewType | None = None,
        recoverable: bool = True,
    ) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            name,
            partition_key=dynamodb.Attribute(name="pk", type=S),
            sort_key=sort_key,
            stream=stream,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="ttl",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=recoverable
            ),
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )

    def _let_services_use_the_key(self) -> None:
        """Replies and receipts travel encrypted: from the carrier into a topic, from the topic into a queue.

        The statements are those of the AWS guides ("Topic policies for Amazon SNS topics" for the carrier),
        held to this account. A topic cannot be named: it names the key already.
        """
        stack = Stack.of(self)
        for service in ("sms-voice", "social-messaging", "sns"):
            self.key.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                    actions=["kms:GenerateDataKey", "kms:Decrypt"],
                    resources=["*"],
                    conditions={
                        "ArnLike": {"aws:SourceArn": stack.format_arn(service=service, resource="*")}
                    },
                )
            )


def _add_due_index(
    table: dynamodb.Table, projection: dynamodb.ProjectionType, attributes: list[str] | None = None
) -> None:
    """What falls due, in order of time. Only items that wait carry the attributes: the index stays small."""
    table.add_global_secondary_index(
        index_name="due",
        partition_key=dynamodb.Attribute(name="due_shard", type=S),
        sort_key=dynamodb.Attribute(name="wake_at", type=S),
        projection_type=projection,
        non_key_attributes=attributes,
    )
