"""When is the night's export made, and of what? Of every table but the keys, which never leave."""

from __future__ import annotations

import json
import os
from typing import Any

from aws_lambda_powertools import Logger
from izin.aws import exporting
from izin.aws.exporting import Extent
from izin.aws.runtime import runtime

logger = Logger()


def handler(event: dict[str, Any], _context: object) -> None:
    """Start the exports that a schedule asks for: `{"extent": "full"}` or `{"extent": "incremental"}`."""
    rt, env = runtime(), os.environ
    for table, table_arn in json.loads(env["EXPORTED_TABLES"]).items():
        extent, export_arn = exporting.start(
            rt.dynamodb,
            table,
            table_arn,
            env["EXPORTS_BUCKET"],
            env["EXPORTS_KEY_ARN"],
            Extent(event["extent"]),
            rt.now(),
        )
        logger.info("export started", extra={"table": table, "extent": extent, "export": export_arn})
