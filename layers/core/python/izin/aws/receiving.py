"""A carrier said what became of a message: which one is it, and is it news?"""

from __future__ import annotations

from izin.aws import messages
from izin.aws.dynamo import get
from izin.aws.messages import Status
from izin.aws.runtime import Runtime
from izin.domain.inbound import Malformed
from izin.domain.receipts import Outcome, Receipt

_MAY_BE_EARLY = 5
"""Deliveries after which a receipt that fits no message is no longer taken for an early one."""


class Early(Exception):
    """A receipt that came before the message it is about was recorded as sent: to be tried again."""


def receive(rt: Runtime, receipt: Receipt, deliveries: int) -> str:
    """Record a receipt; the key of the message that it is about.

    Raises Early while the message may still come, Malformed when it will not.
    """
    pk = _find(rt, receipt)
    if pk is None:
        if deliveries < _MAY_BE_EARLY:
            raise Early("no message is known by this reference yet")
        raise Malformed("unknown_message")
    note = receipt.event if receipt.outcome is Outcome.FAILED else None
    news = messages.receive(rt, pk, rt.now(), Status(receipt.outcome), receipt.carrier_ref, note)
    if not news and receipt.accepted_as:  # no news, but the name that the person's replies will use
        news = messages.rename(rt, pk, receipt.accepted_as, receipt.carrier_ref)
    if not news and get(rt, rt.messages_table, {"pk": pk}) is None:
        raise Malformed("unknown_message")
    return pk


def _find(rt: Runtime, receipt: Receipt) -> str | None:
    """The key of the message: as we called it, or by one of the names that the carrier has for it."""
    names = (receipt.carrier_ref, receipt.accepted_as)
    found = (messages.by_carrier_ref(rt, name) for name in names if name)
    return receipt.message or next(filter(None, found), None)
