"""An export is asked for as DynamoDB takes it; of a day from before the table a full one is made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from izin.aws import exporting
from izin.aws.exporting import Extent

NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
ARN = "arn:aws:dynamodb:ap-southeast-3:123456789012:table/Ledger"
COMMON = {
    "TableArn": ARN,
    "S3Bucket": "izin-exports",
    "ExportFormat": "DYNAMODB_JSON",
    "S3SseAlgorithm": "KMS",
    "S3SseKmsKeyId": "arn:key",
}
FULL = {**COMMON, "S3Prefix": "full/ledger", "ClientToken": "full-ledger-2026-11-24"}
INCREMENTAL = {
    **COMMON,
    "S3Prefix": "incremental/ledger",
    "ClientToken": "incremental-ledger-2026-11-24",
    "ExportType": "INCREMENTAL_EXPORT",
    "IncrementalExportSpecification": {
        "ExportFromTime": datetime(2026, 11, 23, tzinfo=UTC),
        "ExportToTime": datetime(2026, 11, 24, tzinfo=UTC),
        "ExportViewType": "NEW_AND_OLD_IMAGES",
    },
}
STARTED = {"ExportDescription": {"ExportArn": f"{ARN}/export/01"}}


def _start(dynamodb: Any, extent: Extent) -> tuple[Extent, str]:
    return exporting.start(dynamodb, "ledger", ARN, "izin-exports", "arn:key", extent, NOW)


@pytest.fixture
def dynamodb() -> Any:
    return boto3.client("dynamodb", "ap-southeast-3", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.mark.parametrize(("extent", "request_"), [(Extent.FULL, FULL), (Extent.INCREMENTAL, INCREMENTAL)])
def test_what_is_asked_for(dynamodb: Any, extent: Extent, request_: dict[str, Any]) -> None:
    with Stubber(dynamodb) as stub:
        stub.add_response("export_table_to_point_in_time", STARTED, request_)
        assert _start(dynamodb, extent) == (extent, f"{ARN}/export/01")


def test_a_day_from_before_the_table_becomes_a_full_export(dynamodb: Any) -> None:
    with Stubber(dynamodb) as stub:
        stub.add_client_error("export_table_to_point_in_time", "InvalidExportTimeException")
        stub.add_response("export_table_to_point_in_time", STARTED, FULL)
        assert _start(dynamodb, Extent.INCREMENTAL)[0] is Extent.FULL


def test_any_other_trouble_is_told(dynamodb: Any) -> None:
    with Stubber(dynamodb) as stub:
        stub.add_client_error("export_table_to_point_in_time", "LimitExceededException")
        with pytest.raises(ClientError):
            _start(dynamodb, Extent.INCREMENTAL)
