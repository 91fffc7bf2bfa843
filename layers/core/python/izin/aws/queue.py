"""The dispatch queue: the fast path. What it loses or repeats, the due index and the claims mend."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from izin.aws.runtime import Runtime

LONGEST_DELAY = 900  # seconds, Amazon SQS


@dataclass(frozen=True, slots=True)
class Ticket:
    """What dispatch needs to read everything else in one trip: no number, no text."""

    pk: str
    recipient_id: str
    sender: str
    delay: int = 0  # seconds

    def body(self) -> str:
        """The message's body in the queue."""
        return json.dumps({"message": self.pk, "recipient_id": self.recipient_id, "sender": self.sender})

    @property
    def brand(self) -> str:
        """The brand that the message's key begins with."""
        return self.pk.partition("#")[0]


def ticket(body: str) -> Ticket:
    """The ticket in a queue message. Raises KeyError or ValueError where there is none."""
    fields = json.loads(body)
    return Ticket(fields["message"], fields["recipient_id"], fields["sender"])


def enqueue(rt: Runtime, tickets: Iterable[Ticket]) -> list[Ticket]:
    """Put tickets into the dispatch queue; those that it took."""
    taken: list[Ticket] = []
    for batch in _tens(list(tickets)):
        answer = rt.sqs.send_message_batch(
            QueueUrl=rt.dispatch_queue_url,
            Entries=[
                {"Id": str(i), "MessageBody": t.body(), "DelaySeconds": max(0, min(t.delay, LONGEST_DELAY))}
                for i, t in enumerate(batch)
            ],
        )
        taken += [batch[int(entry["Id"])] for entry in answer.get("Successful", [])]
    return taken


def _tens(tickets: list[Ticket]) -> Iterable[list[Ticket]]:
    return (tickets[i : i + 10] for i in range(0, len(tickets), 10))


def set_aside(rt: Runtime, body: str, reason: str, attributes: Mapping[str, str] | None = None) -> None:
    """Put what cannot be handled on the dead-letter queue, with the reason as an attribute."""
    named = {"reason": reason, **(attributes or {})}
    rt.sqs.send_message(
        QueueUrl=rt.dead_letter_queue_url,
        MessageBody=body,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in named.items()
        },
    )
