"""What do the buckets of evidence, of the log and of the exports have in common?"""

from __future__ import annotations

from typing import cast

from aws_cdk import Acknowledgment, CfnElement, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

_LOCKED_FOR = Duration.days(5 * 365)


class Bucket(s3.Bucket):
    """Encrypted under the gate's key, versioned, kept when the stack goes, and every reading of it logged.

    `locked`: an object lies under Object Lock from the moment it is there. Governance mode: an erasure that
    the law demands can still be carried out. In compliance mode nobody could.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        key: kms.IKey,
        access_log: s3.IBucket,
        logged_under: str | None = None,
        locked: bool = True,
    ) -> None:
        super().__init__(
            scope,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=True,
            object_lock_enabled=locked or None,
            object_lock_default_retention=s3.ObjectLockRetention.governance(_LOCKED_FOR) if locked else None,
            server_access_logs_bucket=access_log,
            server_access_logs_prefix=logged_under,
            removal_policy=RemovalPolicy.RETAIN,
        )

    def acknowledge(self, role: iam.IRole | None, objects: str, reason: str) -> None:
        """Says to cdk-nag why a grant of `role` on `objects` ends in a wildcard."""
        if role is None:
            raise ValueError("a grant was given to what has no role")
        logical_id = Stack.of(self).get_logical_id(cast(CfnElement, self.node.default_child))
        finding = f"AwsSolutions-IAM5[Resource::<{logical_id}.Arn>/{objects}]"
        Validations.of(role).acknowledge(Acknowledgment(id=finding, reason=reason))
