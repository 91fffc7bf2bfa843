"""What did the carrier say became of a message? Delivery events, matched to the message they are about."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from izin.aws import batch, queue, receiving
from izin.aws.runtime import Runtime, runtime
from izin.domain import receipts
from izin.domain.inbound import Malformed, read_object

logger = Logger()


def handler(event: dict[str, Any], context: Any) -> Any:
    """Take a batch of SNS notifications from SQS; what fails goes back to the queue alone."""
    rt = runtime()
    return batch.each(
        logger,
        event,
        context,
        lambda record: receive(rt, record["body"], int(record["attributes"]["ApproximateReceiveCount"])),
    )


def receive(rt: Runtime, body: str, deliveries: int) -> None:
    """Record one receipt. What cannot be read, or fits no message, is set aside with its reason."""
    try:
        receipt = receipts.parse(str(read_object(body).get("Message", "")))
        receiving.receive(rt, receipt, deliveries)
    except Malformed as error:
        queue.set_aside(rt, body, error.reason)
        logger.warning("receipt set aside", extra={"reason": error.reason})
