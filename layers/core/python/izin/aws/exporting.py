"""How is an export of a table asked for? DynamoDB writes it to the bucket in the name of whoever asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

_DAY = timedelta(days=1)


class Extent(StrEnum):
    """What an export holds."""

    FULL = "full"
    INCREMENTAL = "incremental"  # what changed on the day, by UTC, that ended last


def start(
    dynamodb: Any, table: str, table_arn: str, bucket: str, key_arn: str | None, extent: Extent, now: datetime
) -> tuple[Extent, str]:
    """Ask for an export of `table`; what was asked for, and its ARN.

    Asked again within a few hours it is the same export. A day from before the table, or its backups,
    began cannot be exported: then a full one is made instead, from which the next days go on.
    """
    request = _request(table, table_arn, bucket, key_arn, extent, now)
    try:
        answer = dynamodb.export_table_to_point_in_time(**request)
    except ClientError as error:
        if extent is Extent.FULL or error.response["Error"]["Code"] != "InvalidExportTimeException":
            raise
        return start(dynamodb, table, table_arn, bucket, key_arn, Extent.FULL, now)
    return extent, answer["ExportDescription"]["ExportArn"]


def _request(
    table: str, table_arn: str, bucket: str, key_arn: str | None, extent: Extent, now: datetime
) -> dict[str, Any]:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    request: dict[str, Any] = {
        "TableArn": table_arn,
        "S3Bucket": bucket,
        "S3Prefix": f"{extent}/{table}",
        "ExportFormat": "DYNAMODB_JSON",
        "ClientToken": f"{extent}-{table}-{today:%Y-%m-%d}",
    }
    if key_arn:
        request |= {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": key_arn}
    if extent is Extent.INCREMENTAL:
        request |= {
            "ExportType": "INCREMENTAL_EXPORT",
            "IncrementalExportSpecification": {
                "ExportFromTime": today - _DAY,
                "ExportToTime": today,
                "ExportViewType": "NEW_AND_OLD_IMAGES",
            },
        }
    return request
