"""Where may this file be uploaded, so that it can prove a consent? And nowhere else, nor any other file."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from izin.api import EvidenceBody
from izin.aws import asking, files, http, identity, state
from izin.aws.http import Answer
from izin.aws.runtime import Runtime, runtime
from izin.domain.times import shown

logger = Logger()


def handler(event: dict[str, Any], _context: object) -> Answer:
    """`POST /v1/evidence`."""
    return http.respond(logger, lambda: offer(runtime(), event))


def offer(rt: Runtime, event: http.Event) -> Answer:
    """A presigned upload, bound to the file's hash, size and type; none for a file that is there."""
    body = http.parse(EvidenceBody, http.raw_body(event))
    http.principal(event).demand("consent", body.brand)
    if body.address is None:
        key = files.brand_key(body.brand, body.sha256)
    else:
        recipient_id = identity.recipient(rt, asking.number(body.address, "address").e164)
        asking.refuse_erased(state.standing(rt, body.brand, recipient_id))
        key = files.person_key(body.brand, recipient_id, body.sha256)
    answer: dict[str, Any] = {"evidence": f"sha256:{body.sha256}", "uploaded": files.is_there(rt, key)}
    if not answer["uploaded"]:
        upload = files.upload(rt, key, body.size, body.type)
        answer["upload"] = {**upload, "expires_at": shown(rt.now() + files.UPLOAD_WITHIN)}
    return http.answer(HTTPStatus.OK, answer)
