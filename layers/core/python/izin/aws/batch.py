"""What does a function do with a batch from a queue? Each record alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response


def each(event: dict[str, Any], context: Any, act: Callable[[Mapping[str, Any]], None]) -> Any:
    """Let `act` take every record of an SQS batch; those that it fails on go back to the queue alone."""
    return process_partial_response(
        event=event,
        record_handler=act,
        processor=BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False),
        context=context,
    )
