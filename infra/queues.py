"""Where does work wait, and where does it end up when it cannot be done?"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.function import TIMEOUT


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """A queue, and the dead letters of what was tried too often."""

    queue: sqs.Queue
    dead: sqs.Queue


class Queues(Construct):
    """One queue per function that works from one, named like it.

    Replies and receipts carry personal data: no queue keeps anything longer than 14 days.
    """

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self._key = key
        self.dispatch = self._work_queue("dispatch")
        self.inbound = self._work_queue("inbound")
        self.receipts = self._work_queue("receipts")
        self.whatsapp = self._work_queue("whatsapp")

    def by_name(self) -> dict[str, WorkQueue]:
        return {
            "dispatch": self.dispatch,
            "inbound": self.inbound,
            "receipts": self.receipts,
            "whatsapp": self.whatsapp,
        }

    def _work_queue(self, name: str) -> WorkQueue:
        dead = self._queue(f"{name.capitalize()}DeadLetters", retention_period=Duration.days(14))
        queue = self._queue(
            name.capitalize(),
            retention_period=Duration.days(4),
            # Lambda asks for six times the timeout: a throttled batch is tried again within it.
            visibility_timeout=Duration.seconds(6 * TIMEOUT[name]),
            # Many attempts: a lost race and a throttled table send work back too, and neither is a fault.
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=10),
        )
        return WorkQueue(queue=queue, dead=dead)

    def _queue(
        self,
        id: str,
        *,
        retention_period: Duration,
        visibility_timeout: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            id,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=self._key,
            enforce_ssl=True,
            retention_period=retention_period,
            visibility_timeout=visibility_timeout,
            dead_letter_queue=dead_letter_queue,
        )
