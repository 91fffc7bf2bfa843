"""The API's description of itself: OpenAPI 3.1, made from the same models that judge requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from izin import api, registering
from izin.domain.reasons import Code

_REF = "#/components/schemas/{model}"
_HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: its route, the scope that its key needs, and the body it takes."""

    route: str
    summary: str
    scope: str | None
    body: type[BaseModel] | None = None
    statuses: tuple[int, ...] = (200,)
    content: str = "application/json"


OPERATIONS = (
    Operation("POST /v1/check", "What would the gate say now, or at an instant?", "check", api.Check),
    Operation("POST /v1/messages", "Submit a message under your own id", "send", api.Submission, (202, 200)),
    Operation("POST /v1/messages/batch", "Submit up to 100, each judged alone", "send", api.Batch),
    Operation("GET /v1/messages/{id}", "Look a message up", "read"),
    Operation("DELETE /v1/messages/{id}", "Cancel a message that still waits", "send"),
    Operation("POST /v1/consents", "Capture a consent with its evidence", "consent", api.ConsentBody),
    Operation("POST /v1/consents/batch", "Import up to 100 consents", "consent", api.ConsentImports),
    Operation("POST /v1/evidence", "Where to upload a file that proves it", "consent", api.EvidenceBody),
    Operation("POST /v1/opt-outs", "Record an opt-out that was no reply", "opt_out", api.OptOutBody),
    Operation("POST /v1/opt-outs/batch", "Record up to 100 opt-outs", "opt_out", api.OptOuts),
    Operation(
        "POST /v1/recipients/{recipient_id}/replies",
        "Say that an unclear reply was read and was no opt-out",
        "consent",
        api.ReadingBody,
    ),
    Operation("POST /v1/recipients/lookup", "From a number to a recipient_id", "read", api.LookupBody),
    Operation("GET /v1/recipients/{recipient_id}", "A person's standing with the brand", "read"),
    Operation(
        "GET /v1/recipients/{recipient_id}/certificate", "For a stranger: JSON, or HTML that prints", "read"
    ),
    Operation("GET /v1/recipients/{recipient_id}/ledger", "Every event, chained", "read"),
    Operation(
        "POST /v1/recipients/{recipient_id}/access",
        "Register that a person asks for their data, or that they got it",
        "rights",
        api.AccessBody,
        (202, 200),
    ),
    Operation("GET /v1/recipients/{recipient_id}/access", "Everything that is kept of a person", "rights"),
    Operation(
        "POST /v1/recipients/{recipient_id}/erasure",
        "Stop everything, and erase a person",
        "rights",
        api.ErasureBody,
        (202,),
    ),
    Operation("GET /v1/recipients/{recipient_id}/proof", "That the log holds them, for a stranger", "read"),
    Operation("PUT /v1/brands/{id}", "Register a brand", "admin", registering.BrandBody),
    Operation("GET /v1/brands/{id}", "A brand as registered", "read"),
    Operation("PUT /v1/senders/{id}", "Register a sender", "admin", registering.SenderBody),
    Operation("GET /v1/senders/{id}", "A sender as registered", "read"),
    Operation("PUT /v1/templates/{id}", "Register a template", "admin", registering.TemplateBody),
    Operation("GET /v1/templates/{id}", "A template as registered", "read"),
    Operation("PUT /v1/wordings/{id}", "Register what people are shown", "admin", registering.WordingBody),
    Operation("GET /v1/wordings/{id}", "A wording, the newest or `?version=`", "read"),
    Operation("GET /openapi.json", "This description", None),
    Operation("GET /p/{token}", "The person's page; changes nothing", None, content=_HTML),
    Operation("HEAD /p/{token}", "Whether there is such a page; changes nothing", None, content=_HTML),
    Operation("POST /p/{token}", "What the person chose on it: a form", None, statuses=(303,), content=_HTML),
)


def document() -> dict[str, Any]:
    """The whole description."""
    models = [o.body for o in OPERATIONS if o.body]
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        method, _, path = operation.route.partition(" ")
        paths.setdefault(path, {})[method.lower()] = _described(operation, path)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Izin", "version": "1", "summary": "The consent gate for SMS and WhatsApp"},
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {**schemas["$defs"], "Decision": _DECISION, "Problem": _PROBLEM},
        },
    }


def _described(operation: Operation, path: str) -> dict[str, Any]:
    described: dict[str, Any] = {"summary": operation.summary, "responses": _responses(operation)}
    described["security"] = [{"key": []}] if operation.scope else []
    if operation.scope:
        described["description"] = f"Needs a key with the scope `{operation.scope}`."
    described["parameters"] = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
        for part in path.split("/")
        if part.startswith("{")
    ]
    if operation.body:
        schema = {"$ref": _REF.format(model=operation.body.__name__)}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    judged = operation.route in ("POST /v1/check", "POST /v1/messages")
    schema = {"$ref": _REF.format(model="Decision")} if judged else {"type": "object"}
    if operation.content == _HTML:
        schema = _TEXT
    good = {"description": "the answer", "content": {operation.content: {"schema": schema}}}
    problem = {"$ref": _REF.format(model="Problem")}
    bad: dict[str, Any] = {
        "description": "refused",
        "content": {"application/problem+json": {"schema": problem}},
    }
    if operation.content == _HTML:
        bad = {"description": "a page that says what is wrong", "content": {_HTML: {"schema": _TEXT}}}
    return {**{str(status): good for status in operation.statuses}, "default": bad}


_TEXT = {"type": "string"}
_DECISION = {
    "type": "object",
    "required": ["verdict", "reasons", "recipient", "pack", "decided_at"],
    "properties": {
        "verdict": {"enum": ["allow", "defer", "deny"]},
        "until": {"type": "string", "format": "date-time"},
        "reasons": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "rule", "effect", "detail", "sources"],
                "properties": {
                    "code": {"enum": [str(code) for code in Code]},
                    "rule": _TEXT,
                    "effect": {"enum": ["defer", "deny"]},
                    "detail": _TEXT,
                    "sources": {"type": "array", "items": _TEXT},
                },
            },
        },
        "recipient": {"type": "object"},
        "pack": {"type": "object"},
        "decided_at": {"type": "string", "format": "date-time"},
        "opt_out": {
            "type": "object",
            "description": "where append_opt_out asked for it: how the text leads out, and how it travels",
            "properties": {
                "by": {"enum": ["link", "reply", "told", "none"]},
                "encoding": {"enum": ["GSM7", "UCS2"]},
                "units": {"type": "integer"},
                "segments": {"type": "integer"},
            },
        },
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "errors"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": _TEXT, "code": _TEXT, "message": _TEXT},
            },
        },
    },
}
