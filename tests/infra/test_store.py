"""Are the tables, the pepper, the key and the evidence kept as the design asks?"""

from __future__ import annotations

import pytest

TABLES = ("state", "messages", "ledger", "keys", "registry", "pages")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_encrypted_protected_and_on_demand(template, name):
    _, table = template.table(name)
    properties = table["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["SSESpecification"]["SSEType"] == "KMS"
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize("name", TABLES)
def test_an_erased_key_cannot_be_restored_and_everything_else_can(template, name):
    _, table = template.table(name)
    recovery = table["Properties"]["PointInTimeRecoverySpecification"]
    assert recovery["PointInTimeRecoveryEnabled"] is (name != "keys")


def test_only_the_ledger_has_a_stream(template):
    with_stream = {name for name in TABLES if "StreamSpecification" in template.table(name)[1]["Properties"]}
    assert with_stream == {"ledger"}


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("state", [("pk", "S")]),
        ("messages", [("pk", "S")]),
        ("ledger", [("pk", "S"), ("seq", "N")]),
        ("keys", [("pk", "S")]),
        ("registry", [("pk", "S")]),
        ("pages", [("pk", "S")]),
    ],
)
def test_the_primary_keys(template, name, keys):
    properties = template.table(name)[1]["Properties"]
    types = {a["AttributeName"]: a["AttributeType"] for a in properties["AttributeDefinitions"]}
    assert [(k["AttributeName"], types[k["AttributeName"]]) for k in properties["KeySchema"]] == keys


@pytest.mark.parametrize(
    ("name", "index", "keys", "projection"),
    [
        ("state", "due", ["due_shard", "wake_at"], {"ProjectionType": "KEYS_ONLY"}),
        (
            "messages",
            "due",
            ["due_shard", "wake_at"],
            {
                "ProjectionType": "INCLUDE",
                "NonKeyAttributes": ["status", "sender", "recipient_id", "due", "purpose"],
            },
        ),
        ("messages", "carrier", ["carrier_ref"], {"ProjectionType": "KEYS_ONLY"}),
    ],
)
def test_the_indexes(template, name, index, keys, projection):
    indexes = template.table(name)[1]["Properties"]["GlobalSecondaryIndexes"]
    found = next(i for i in indexes if i["IndexName"] == index)
    assert [k["AttributeName"] for k in found["KeySchema"]] == keys
    assert found["Projection"] == projection


def test_there_is_one_key_and_it_rotates(template):
    _, key = template.key()
    assert key["Properties"]["EnableKeyRotation"] is True
    assert key["DeletionPolicy"] == "Retain"


def test_the_log_is_signed_with_a_key_of_its_own(template):
    _, key = template.key("ECC_NIST_P256")
    assert key["Properties"]["KeyUsage"] == "SIGN_VERIFY"
    assert key["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize("service", ["sms-voice.amazonaws.com", "sns.amazonaws.com"])
def test_carriers_and_topics_may_use_the_key_for_this_account(template, service):
    _, key = template.key()
    (statement,) = (
        s for s in key["Properties"]["KeyPolicy"]["Statement"] if s["Principal"].get("Service") == service
    )
    assert set(statement["Action"]) == {"kms:GenerateDataKey", "kms:Decrypt"}
    assert "AWS::AccountId" in str(statement["Condition"]["ArnLike"]["aws:SourceArn"])


def test_the_pepper_is_made_by_aws_and_kept(template):
    (secret,) = template.resources("AWS::SecretsManager::Secret").values()
    made = secret["Properties"]["GenerateSecretString"]
    assert (made["GenerateStringKey"], made["SecretStringTemplate"]) == ("current", "{}")
    assert made["PasswordLength"] == 64
    assert made["ExcludePunctuation"] is True
    assert secret["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize("output", ["EvidenceBucket", "LogBucket"])
def test_evidence_and_log_cannot_be_changed(template, output):
    bucket = template.document["Resources"][template.document["Outputs"][output]["Value"]["Ref"]]
    properties = bucket["Properties"]
    assert properties["ObjectLockEnabled"] is True
    retention = properties["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert retention == {"Mode": "GOVERNANCE", "Days": 5 * 365}
    assert properties["VersioningConfiguration"]["Status"] == "Enabled"
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    by_default = encryption["ServerSideEncryptionByDefault"]
    assert by_default["SSEAlgorithm"] == "aws:kms"
    assert by_default["KMSMasterKeyID"]["Fn::GetAtt"][0] in template.resources("AWS::KMS::Key")
    assert "LoggingConfiguration" in properties
    assert all(properties["PublicAccessBlockConfiguration"].values())
