"""Where does an evidence file lie, and is it there?

Keys: `recipients/<recipient_id>/<brand>/<sha256>` for what is about one person, so that all of it can
be found and erased by their id, and `brands/<brand>/<sha256>` for what everybody was shown. Neither
tells a number. The bucket locks what it gets; S3 itself refuses content of another hash or size.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from izin.aws.runtime import Runtime
from izin.domain import capture
from izin.domain.capture import Problem

UPLOAD_WITHIN = timedelta(minutes=15)


def person_key(brand: str, recipient_id: str, sha256: str) -> str:
    """The key of a file about one person."""
    return f"recipients/{recipient_id}/{brand}/{sha256}"


def brand_key(brand: str, sha256: str) -> str:
    """The key of a file that is about nobody, such as the page that everybody is shown."""
    return f"brands/{brand}/{sha256}"


def is_there(rt: Runtime, key: str) -> bool:
    """Whether the file was uploaded, with the content that its key names."""
    try:
        found = rt.s3.head_object(Bucket=rt.evidence_bucket, Key=key, ChecksumMode="ENABLED")
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        return False
    return bool(found.get("ChecksumSHA256") == _checksum(key))


def missing(rt: Runtime, brand: str, recipient_id: str, evidence: Mapping[str, str]) -> Iterator[Problem]:
    """The files among `evidence` that nobody uploaded; one call for each that it names."""
    for name, sha256 in capture.files(evidence).items():
        if not is_there(rt, person_key(brand, recipient_id, sha256)):
            yield capture.not_uploaded(name)


def upload(rt: Runtime, key: str, size: int, media_type: str) -> dict[str, Any]:
    """The one request that uploads this file and no other, within a quarter of an hour."""
    bound = {"ContentLength": size, "ContentType": media_type, "ChecksumSHA256": _checksum(key)}
    url = rt.s3.generate_presigned_url(
        "put_object",
        Params={"Bucket": rt.evidence_bucket, "Key": key, "IfNoneMatch": "*", **bound},
        ExpiresIn=int(UPLOAD_WITHIN.total_seconds()),
        HttpMethod="PUT",
    )
    headers = {
        "content-length": str(size),
        "content-type": media_type,
        "if-none-match": "*",
        "x-amz-checksum-sha256": _checksum(key),
    }
    return {"method": "PUT", "url": url, "headers": headers}


def erase(rt: Runtime, recipient_id: str) -> None:
    """Delete every version of every file about a person, passing the lock."""
    request: dict[str, Any] = {"Bucket": rt.evidence_bucket, "Prefix": f"recipients/{recipient_id}/"}
    while True:
        found = rt.s3.list_object_versions(**request)
        for version in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
            rt.s3.delete_object(
                Bucket=rt.evidence_bucket,
                Key=version["Key"],
                VersionId=version["VersionId"],
                BypassGovernanceRetention=True,
            )
        if not found["IsTruncated"]:
            return
        request |= {"KeyMarker": found["NextKeyMarker"], "VersionIdMarker": found["NextVersionIdMarker"]}


def _checksum(key: str) -> str:
    """The hash in which a key ends, as S3 writes it."""
    return base64.b64encode(bytes.fromhex(key.rpartition("/")[2])).decode()
