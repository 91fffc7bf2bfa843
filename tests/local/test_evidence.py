"""Do the files that prove a consent lie locked, and may nothing but an erasure take them away?"""

import hashlib
import http.client
import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from infra.local import Stack
from infra.story import PERSON, PICTURE


@pytest.fixture(scope="module")
def key(stack: Stack) -> str:
    """The key of the picture that an app uploaded as the API said."""
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    body = {"brand": "shopx", "address": "+6281290054331", "sha256": sha256, "size": len(PICTURE)}
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


def test_an_erasure_takes_the_files_of_a_person_and_no_others(stack: Stack, key: str) -> None:
    s3, bucket = stack.emulator.client("s3"), stack.outputs["EvidenceBucket"]
    shown = "brands/shopx/" + key.rpartition("/")[2]
    s3.put_object(Bucket=bucket, Key=shown, Body=PICTURE)
    body = {"brand": "shopx", "address": "+6281290054331", "source": "app"}
    assert stack.call("POST", "/v1/opt-outs", body)[0] == 200
    recipient_id = key.split("/")[1]
    asked = {"id": "erase-1", "brand": "shopx", "source": "letter"}
    assert stack.call("POST", f"/v1/recipients/{recipient_id}/erasure", asked)[0] == 202
    stack.move_clock(stack.now() + timedelta(minutes=21))
    functions = stack.emulator.client("lambda")
    (retention,) = (
        found["FunctionName"]
        for found in functions.list_functions()["Functions"]
        if found["Handler"] == "retention.handler"
    )
    answer = functions.invoke(FunctionName=retention, Payload=b"{}")
    assert json.loads(answer["Payload"].read())["erased"] == 1
    versions = s3.list_object_versions(Bucket=bucket)
    assert not [found for found in versions["Versions"] if recipient_id in found["Key"]]
    assert shown in [found["Key"] for found in versions["Versions"]]
