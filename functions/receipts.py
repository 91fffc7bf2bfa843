"""What did the carrier say became of a message? Delivery events, matched to the message they are about."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from izin.aws import batch, messages, queue
from izin.aws.dynamo import get
from izin.aws.messages import Status
from izin.aws.runtime import Runtime, runtime
from izin.domain import receipts
from izin.domain.inbound import Malformed, read_object
from izin.domain.receipts import Outcome

logger = Logger()

_MAY_BE_EARLY = 5
"""Deliveries after which a receipt that fits no message is no longer taken for an early one."""


class Early(Exception):
    """A receipt that came before the message it is about was recorded as sent: to be tried again."""


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
    except Malformed as error:
        queue.set_aside(rt, body, error.reason)
        logger.warning("receipt set aside", extra={"reason": error.reason})
        return
    pk = receipt.message or messages.by_carrier_ref(rt, receipt.carrier_ref)
    if pk is None:
        if deliveries < _MAY_BE_EARLY:
            raise Early("no message is known by this reference yet")
        queue.set_aside(rt, body, "unknown_message")
        return
    note = receipt.event if receipt.outcome is Outcome.FAILED else None
    news = messages.receive(rt, pk, rt.now(), Status(receipt.outcome), receipt.carrier_ref, note)
    if not news and get(rt, rt.messages_table, {"pk": pk}) is None:
        queue.set_aside(rt, body, "unknown_message")
