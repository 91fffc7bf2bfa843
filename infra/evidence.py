"""Where do screenshots and signed forms lie, so that nobody can change them?"""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.bucket import Bucket

PEOPLE, BRANDS = "recipients", "brands"
"""The folders: of what is about one person, and of what everybody is shown (`izin/aws/files.py`)."""


class Evidence(Construct):
    """A bucket under Object Lock, and the log of who read it.

    The bucket's policy refuses to all but the one role what would shorten or pass the lock.
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
        self.bucket = Bucket(self, key=key, access_log=self.access_log)

    def acknowledge(self, role: iam.Role, folder: str) -> None:
        """Says to cdk-nag why a grant on a folder ends in a wildcard."""
        reason = "Files are named by their person and their content, which nobody knows before."
        self.bucket.acknowledge(role, f"{folder}/*", reason)

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
