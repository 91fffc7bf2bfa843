"""May this key call? The SHA-256 of what came as `Authorization: Bearer …`, looked up."""

from __future__ import annotations

from typing import Any

from izin.aws import registry
from izin.aws.runtime import Runtime, runtime


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer an HTTP API request authorizer, payload 2.0, simple response."""
    return authorize(runtime(), event)


def authorize(rt: Runtime, event: dict[str, Any]) -> dict[str, Any]:
    """Let known keys through with their brand and scopes. Which scope a call needs, its function knows."""
    scheme, _, key = event.get("headers", {}).get("authorization", "").partition(" ")
    found = registry.api_key(rt, key.strip()) if scheme.lower() == "bearer" and key.strip() else None
    if found is None:
        return {"isAuthorized": False}
    return {
        "isAuthorized": True,
        "context": {"key": found["name"], "brand": found["brand"], "scopes": " ".join(found["scopes"])},
    }
