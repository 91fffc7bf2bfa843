"""What does a function do with a batch from a queue? Each record alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from izin.aws import http


def each(
    logger: Logger, event: dict[str, Any], context: Any, act: Callable[[Mapping[str, Any]], None]
) -> Any:
    """Let `act` take every record of an SQS batch; those that it fails on go back to the queue alone."""

    def logged(record: Mapping[str, Any]) -> None:
        try:
            act(record)
        except Exception as error:
            logger.error("back to the queue", extra=http.described(error))
            raise

    return process_partial_response(
        event=event,
        record_handler=logged,
        processor=BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False),
        context=context,
    )
