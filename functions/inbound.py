"""What did the person reply, and what follows? STOP, START, YA, HELP, and everything else people write."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from izin.aws import batch, queue, replying
from izin.aws.replying import Heard
from izin.aws.runtime import Runtime, runtime
from izin.domain import inbound, keywords
from izin.domain.inbound import Malformed, read_object
from izin.domain.message import Channel

logger = Logger()


def handler(event: dict[str, Any], context: Any) -> Any:
    """Take a batch of SNS notifications from SQS; what fails goes back to the queue alone."""
    rt = runtime()
    return batch.each(logger, event, context, lambda record: receive(rt, record["body"]))


def receive(rt: Runtime, body: str) -> None:
    """Act on one reply. What cannot be read is set aside on the dead-letter queue with its reason."""
    try:
        heard = _gather(rt, body)
    except Malformed as error:
        queue.set_aside(rt, body, error.reason)
        logger.warning("inbound message set aside", extra={"reason": error.reason})
        return
    replying.follow(rt, heard, keywords.read(heard.said.text, heard.country))


def _gather(rt: Runtime, body: str) -> Heard:
    """Read the notification, then who sent it and to whom. Raises Malformed."""
    envelope = read_object(body)
    said = inbound.parse(str(envelope.get("Message", "")), str(envelope.get("MessageId", "")))
    try:
        given_at = rt.carrier_time(str(envelope.get("Timestamp")))
    except (ValueError, OverflowError):
        raise Malformed("missing_Timestamp") from None
    return replying.gather(rt, said, Channel.SMS, given_at, ("originationNumber", "destinationNumber"))
