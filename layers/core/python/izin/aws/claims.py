"""The right to call the carrier: taken in one transaction with the message, given back unused.

A claim is written under the version of the state that its decision was made from. Whatever
happened to the person in between, an opt-out above all, has moved that version, and the claim is
lost: read and decide again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from botocore.exceptions import ClientError

from izin.aws import messages, state
from izin.aws.dynamo import Item, back_off, cancellation, pack
from izin.aws.messages import Stored
from izin.aws.runtime import Runtime
from izin.aws.state import State
from izin.domain.consent import MARGIN, PERMIT
from izin.domain.gate import Decision
from izin.domain.history import Send
from izin.domain.message import Kind
from izin.domain.times import to_text

_CONDITION = "ConditionalCheckFailed"


class Lost(StrEnum):
    """Why a claim was not made."""

    RACE = "race"  # the state moved: read and decide again
    TAKEN = "taken"  # the message is no longer waiting


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to hand one message to the carrier until `permit_until`. `number` is unique per person."""

    number: int
    permit_until: datetime


def take(
    rt: Runtime,
    stored: Stored,
    before: State,
    made: Decision,
    now: datetime,
) -> Claim | Lost:
    """Count the send, record the permit and mark the message as sending, all or nothing.

    `before` is the state that the decision `made` came from. Between now and a margin after the
    permit the carrier may get the message: the permit ends so early that the decision holds all
    that time, and a cap counts from the last of it. Answers to the person's own acts are not counted.

    A claim whose answer is lost raises, and nobody acts on it: another worker's claim on the same
    message cannot be told from it. The sweep finds the message.
    """
    number = before.version + 1
    permit_until = min(now + PERMIT, made.valid_until - MARGIN if made.valid_until else now + PERMIT)
    message = stored.message
    counted = made.counted
    if made.capped and message.kind is Kind.SUBMISSION:
        counted = (*counted, Send(permit_until + MARGIN, message.purpose, message.channel, number))
    permits = before.permits.with_permit(message.purpose, permit_until)
    update = _state_write(
        rt,
        before,
        number,
        {
            "sends": [str(send) for send in counted],
            "permit_marketing": to_text(permits.marketing) if permits.marketing else None,
            "permit_other": to_text(permits.other) if permits.other else None,
        },
    )
    try:
        rt.dynamodb.transact_write_items(
            TransactItems=[
                {"Update": update},
                {"Update": messages.claim_write(rt, stored, number, permit_until, now)},
            ]
        )
    except ClientError as error:
        reasons = cancellation(error)
        if reasons is None:
            raise
        return Lost.TAKEN if reasons[1] == _CONDITION else Lost.RACE
    return Claim(number, permit_until)


_ATTEMPTS = 5


def give_back(rt: Runtime, stored: Stored, claim: Claim, now: datetime, at: datetime) -> bool:
    """Return a claim whose carrier call was not made, its cap slot included: due again at `at`.

    Whether that was done. If it was not, the sweep finds the message and calls its fate unknown.
    """
    for attempt in range(_ATTEMPTS):
        before = state.fetch(rt, stored.message.brand, stored.recipient_id)
        kept = [str(send) for send in before.sends if send.claim != claim.number]
        try:
            rt.dynamodb.transact_write_items(
                TransactItems=[
                    {"Update": _state_write(rt, before, before.version + 1, {"sends": kept})},
                    {"Update": messages.give_back_write(rt, stored, claim.number, now, at)},
                ]
            )
        except ClientError as error:
            reasons = cancellation(error)
            if reasons is None:
                raise
            if reasons[1] == _CONDITION:
                return False
            back_off(rt, attempt)
            continue
        return True
    return False


def _state_write(rt: Runtime, before: State, version: int, sets: Item) -> Item:
    present = {name: value for name, value in sets.items() if value is not None}
    return {
        "TableName": rt.state_table,
        "Key": pack({"pk": state.state_key(before.brand, before.recipient_id)}),
        "UpdateExpression": "SET version = :version" + "".join(f", {name} = :{name}" for name in present),
        "ConditionExpression": "version = :before AND joined = :true",
        "ExpressionAttributeValues": pack(
            {
                ":version": version,
                ":before": before.version,
                ":true": True,
                **{f":{name}": value for name, value in present.items()},
            }
        ),
    }
