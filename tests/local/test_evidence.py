"""Do the files that prove a consent lie locked, and may one role alone erase them?"""

import hashlib
import http.client
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from infra import emulator
from infra.local import Stack
from infra.story import PERSON, PICTURE


@pytest.fixture(scope="module")
def key(stack: Stack) -> str:
    """The key of the picture that an app uploaded as the API said."""
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    body = {"brand": "shopx", "address": "+6281290054321", "sha256": sha256, "size": len(PICTURE)}
    status, answer = stack.call("POST", "/v1/evidence", {**body, "type": "image/png"})
    assert status == 200, answer
    url = urlsplit(answer["upload"]["url"])
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    connection.request("PUT", f"{url.path}?{url.query}", PICTURE, answer["upload"]["headers"])
    assert connection.getresponse().status == 200
    connection.close()
    return url.path.partition(stack.outputs["EvidenceBucket"] + "/")[2]


def test_a_file_is_locked_from_the_moment_it_is_there(stack: Stack, key: str) -> None:
    s3, bucket = stack.emulator.client("s3"), stack.outputs["EvidenceBucket"]
    found = s3.head_object(Bucket=bucket, Key=key)
    assert found["ObjectLockMode"] == "GOVERNANCE"
    assert (found["ObjectLockRetainUntilDate"] - found["LastModified"]).days == 5 * 365
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=key, VersionId=found["VersionId"])


def test_no_key_tells_a_number(stack: Stack, key: str) -> None:
    s3, bucket = stack.emulator.client("s3"), stack.outputs["EvidenceBucket"]
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert key in keys
    assert not [found for found in keys if PERSON[1:] in found or "81290054321" in found]


def test_the_eraser_erases_all_of_a_person(stack: Stack, key: str) -> None:
    s3, bucket = stack.emulator.client("s3"), stack.outputs["EvidenceBucket"]
    taken = stack.emulator.client("sts").assume_role(
        RoleArn=stack.outputs["EraserRoleArn"], RoleSessionName="erasure"
    )["Credentials"]
    eraser = boto3.client(
        "s3",
        endpoint_url=stack.emulator.url,
        region_name=emulator.REGION,
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
    )
    person = key.rpartition("/")[0].rpartition("/")[0] + "/"
    for version in eraser.list_object_versions(Bucket=bucket, Prefix=person)["Versions"]:
        named = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
        eraser.delete_object(**named, BypassGovernanceRetention=True)
    assert "Versions" not in s3.list_object_versions(Bucket=bucket, Prefix=person)
    with pytest.raises(ClientError, match="AccessDenied"):
        eraser.get_object(Bucket=bucket, Key=key)
