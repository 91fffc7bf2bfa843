"""How many messages are handed over at once?"""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct

from infra.queues import WorkQueue


class Dispatch(Construct):
    """The dispatch queue, drained by at most `concurrency` workers (2 to 1000) at the same time."""

    def __init__(
        self, scope: Construct, id: str, *, work: WorkQueue, function: lambda_.IFunction, concurrency: int
    ) -> None:
        super().__init__(scope, id)
        function.add_event_source(
            SqsEventSource(
                work.queue, batch_size=10, report_batch_item_failures=True, max_concurrency=concurrency
            )
        )
