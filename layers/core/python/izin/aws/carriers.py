"""Handing a message over: one attempt, within the permit, and an honest word on what became of it.

No carrier here takes an idempotency key, so a call is never repeated by the client: every retry
is a new claim. Where it cannot be known whether the carrier has the message, the answer is
`Unclear`, never a guess.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from izin.aws.runtime import Runtime
from izin.domain.message import Filled, Purpose
from izin.domain.registry import Carrier, Sender
from izin.domain.whatsapp import is_user_id

CONNECT_SECONDS, READ_SECONDS = 1, 2
"""Together with a stall and the clocks' difference they stay below `consent.MARGIN`."""

_SHORTEST_TTL, _LONGEST_TTL = 5, 259_200  # seconds, AWS End User Messaging SMS


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is handed over. `reference` comes back with the receipts; `ttl` is in seconds.

    `template` is the one that the text was made from, where the platform wants that instead.
    """

    reference: str
    purpose: Purpose
    ttl: int
    to: str = field(repr=False)
    text: str = field(repr=False)
    template: Filled | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier has the message and calls it `carrier_ref`."""

    carrier_ref: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier does not have it. `opted_out`: because the person told the carrier to stop.

    `later`: for a passing reason, so that the message may be offered again.
    """

    code: str
    later: bool = False
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Unclear:
    """The carrier may have it, and may not."""

    code: str


Outcome = Accepted | Refused | Unclear


def get_ready(rt: Runtime) -> None:
    """Build the clients before anybody's permit runs."""
    if not rt.sandbox_url and not rt.sms:
        _client("pinpoint-sms-voice-v2")
        _client("socialmessaging")


def send(rt: Runtime, sender: Sender, outgoing: Outgoing) -> Outcome:
    """Hand one message to the sender's carrier. Makes at most one call and raises nothing."""
    match sender.carrier:
        case Carrier.SANDBOX:
            return _sandbox(rt, sender, outgoing)
        case Carrier.AWS_SMS:
            return _aws_sms(rt, sender, outgoing)
        case Carrier.AWS_SOCIAL:
            return _aws_social(rt, sender, outgoing)


@cache
def _http() -> urllib3.PoolManager:
    return urllib3.PoolManager(timeout=urllib3.Timeout(CONNECT_SECONDS, READ_SECONDS), retries=False)


def _sandbox(rt: Runtime, sender: Sender, outgoing: Outgoing) -> Outcome:
    if not rt.sandbox_url:
        return Refused("sandbox_not_here")
    body = {
        "channel": str(sender.channel),
        "from": sender.address,
        "to": outgoing.to,
        "text": outgoing.text,
        "message_ref": outgoing.reference,
        "ttl_seconds": outgoing.ttl,
    }
    try:
        answer = _http().request("POST", f"{rt.sandbox_url}/send", json=body)
        carrier_ref = str(json.loads(answer.data)["message_id"]) if answer.status == 200 else ""
    except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
        return Refused("carrier_unreachable", later=True)
    except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError):
        return Unclear("no_answer")
    if answer.status == 200:
        return Accepted(carrier_ref)
    if answer.status == 429:
        return Refused("throttled", later=True)
    return Refused(f"status_{answer.status}") if answer.status < 500 else Unclear(f"status_{answer.status}")


@cache
def _client(service: str) -> Any:
    config = Config(
        connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1}
    )
    return boto3.client(service, config=config)


_PASSING = frozenset(
    {
        "ThrottlingException",
        "ThrottledRequestException",
        "ServiceQuotaExceededException",
        "AccessDeniedException",
    }
)
_OPTED_OUT = "DESTINATION_PHONE_NUMBER_OPTED_OUT"


def _aws_sms(rt: Runtime, sender: Sender, outgoing: Outgoing) -> Outcome:
    client = rt.sms or _client("pinpoint-sms-voice-v2")
    request = {
        "DestinationPhoneNumber": outgoing.to,
        "OriginationIdentity": sender.address,
        "MessageBody": outgoing.text,
        "MessageType": "PROMOTIONAL" if outgoing.purpose is Purpose.MARKETING else "TRANSACTIONAL",
        "TimeToLive": outgoing.ttl,
        "Context": {"message": outgoing.reference},
        **({"ConfigurationSetName": sender.configuration_set} if sender.configuration_set else {}),
    }
    return _asked(client.send_text_message, request, "MessageId")


META_API_VERSION = "v24.0"
"""Of Meta's Cloud API, which AWS passes the message on to."""


def _aws_social(rt: Runtime, sender: Sender, outgoing: Outgoing) -> Outcome:
    """WhatsApp takes no time-to-live: how long it tries is fixed with the template."""
    client = rt.social or _client("socialmessaging")
    request = {
        "originationPhoneNumberId": sender.phone_number_id,
        "message": json.dumps(whatsapp_message(outgoing), ensure_ascii=False).encode(),
        "metaApiVersion": META_API_VERSION,
    }
    return _asked(client.send_whatsapp_message, request, "messageId")


def whatsapp_message(outgoing: Outgoing) -> dict[str, Any]:
    """A message as Meta's Cloud API takes it. Source: its reference of messages and templates."""
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "recipient" if is_user_id(outgoing.to) else "to": outgoing.to,
        "biz_opaque_callback_data": outgoing.reference,
    }
    if outgoing.template is None:
        return {**body, "type": "text", "text": {"preview_url": False, "body": outgoing.text}}
    filled = outgoing.template
    values = [{"type": "text", "text": value} for value in filled.values]
    components: list[dict[str, Any]] = [{"type": "body", "parameters": values}] if values else []
    if filled.button:  # every button of a code is one that opens an address, and repeats the code
        components.append({"type": "button", "sub_type": "url", "index": "0", "parameters": values})
    template = {
        "name": filled.name,
        "language": {"code": filled.language.replace("-", "_")},
        "components": components,
    }
    return {**body, "type": "template", "template": template}


def _asked(call: Callable[..., dict[str, Any]], request: dict[str, Any], reference: str) -> Outcome:
    """Make the one call, and say what it came to."""
    try:
        answer = call(**request)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if error.response.get("Reason") == _OPTED_OUT:
            return Refused("opted_out_at_carrier", opted_out=True)
        if code in _PASSING:
            return Refused(code, later=True)
        return Unclear(code) if status >= 500 or code == "DependencyException" else Refused(code)
    except (ConnectTimeoutError, EndpointConnectionError) as error:
        return Refused(type(error).__name__, later=True)
    except BotoCoreError as error:
        return Unclear(type(error).__name__)
    if reference not in answer:  # an answer that is none, from something in between
        return Unclear("no_message_id")
    return Accepted(str(answer[reference]))


def time_to_live(seconds: float) -> int:
    """The carrier's time-to-live that ends no later than `seconds` from now, as far as it allows."""
    return max(_SHORTEST_TTL, min(_LONGEST_TTL, int(seconds)))
