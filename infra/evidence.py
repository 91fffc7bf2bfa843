"""Where do screenshots and signed forms lie, so that nobody can change them?"""

from __future__ import annotations

from typing import cast

from aws_cdk import Acknowledgment, CfnElement, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

PEOPLE, BRANDS = "recipients", "brands"
"""The folders: of what is about one person, and of what everybody is shown (`izin/aws/files.py`)."""


class Evidence(Construct):
    """A bucket under Object Lock, and the log of who read it.

    Governance mode: an erasure that the law demands can still be carried out. In compliance mode nobody
    could. The bucket's policy refuses to all but the one role what would shorten or pass the lock.
    """

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self.access_log = s3.Bucket(
            self,
            "AccessLog",
            # S3 delivers access logs only to buckets under its own encryption.
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(365))],
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.governance(Duration.days(5 * 365)),
            server_access_logs_bucket=self.access_log,
            removal_policy=RemovalPolicy.RETAIN,
        )

    def acknowledge(self, role: iam.Role, folder: str) -> None:
        """Says to cdk-nag why a grant on a folder ends in a wildcard."""
        logical_id = Stack.of(self).get_logical_id(cast(CfnElement, self.bucket.node.default_child))
        finding = f"AwsSolutions-IAM5[Resource::<{logical_id}.Arn>/{folder}/*]"
        reason = "Files are named by their person and their content, which nobody knows before."
        Validations.of(role).acknowledge(Acknowledgment(id=finding, reason=reason))

    def let_erase(self, role: iam.Role) -> None:
        """The one role that may delete what is about people; the bucket's policy refuses it to all others."""
        people = self.bucket.arn_for_objects(f"{PEOPLE}/*")
        erases = ["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]
        role.add_to_policy(iam.PolicyStatement(actions=erases, resources=[people]))
        self.acknowledge(role, PEOPLE)
        role.add_to_policy(
            iam.PolicyStatement(actions=["s3:ListBucketVersions"], resources=[self.bucket.bucket_arn])
        )
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:BypassGovernanceRetention", "s3:PutObjectRetention", "s3:DeleteObjectVersion"],
                resources=[self.bucket.arn_for_objects("*")],
                conditions={"ArnNotEquals": {"aws:PrincipalArn": role.role_arn}},
            )
        )
