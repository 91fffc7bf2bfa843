"""Is every call routed to its function, behind a key, and logged without naming anybody?"""

from __future__ import annotations

import json

import pytest

CALLS = {
    "POST /v1/check": "gate",
    "POST /v1/messages": "gate",
    "POST /v1/messages/batch": "gate",
    "GET /v1/messages/{id}": "gate",
    "DELETE /v1/messages/{id}": "gate",
    "POST /v1/consents": "consents",
    "POST /v1/consents/batch": "imports",
    "POST /v1/evidence": "uploads",
    "POST /v1/opt-outs": "opt_outs",
    "POST /v1/opt-outs/batch": "opt_outs",
    "POST /v1/recipients/{recipient_id}/replies": "opt_outs",
    "POST /v1/recipients/lookup": "recipients",
    "GET /v1/recipients/{recipient_id}": "recipients",
    "GET /v1/recipients/{recipient_id}/ledger": "recipients",
    "POST /v1/recipients/{recipient_id}/access": "rights",
    "GET /v1/recipients/{recipient_id}/access": "rights",
    "POST /v1/recipients/{recipient_id}/erasure": "rights",
    "GET /v1/recipients/{recipient_id}/proof": "recipients",
    "GET /v1/recipients/{recipient_id}/certificate": "recipients",
    "PUT /v1/brands/{id}": "registry",
    "GET /v1/brands/{id}": "registry",
    "PUT /v1/senders/{id}": "registry",
    "GET /v1/senders/{id}": "registry",
    "PUT /v1/templates/{id}": "registry",
    "GET /v1/templates/{id}": "registry",
    "PUT /v1/wordings/{id}": "registry",
    "GET /v1/wordings/{id}": "registry",
    "GET /openapi.json": "describe",
    "GET /p/{token}": "page",
    "HEAD /p/{token}": "page",
    "POST /p/{token}": "page",
}
PUBLIC = {call for call, function in CALLS.items() if function in ("describe", "page")}


@pytest.fixture(scope="module")
def routes(template):
    found = template.resources("AWS::ApiGatewayV2::Route").values()
    return {route["Properties"]["RouteKey"]: route["Properties"] for route in found}


def test_there_is_no_other_call(routes):
    assert set(routes) == set(CALLS)


@pytest.mark.parametrize(("call", "function"), CALLS.items())
def test_a_call_reaches_its_function(template, routes, call, function):
    integration = routes[call]["Target"]["Fn::Join"][1][1]["Ref"]
    properties = template.document["Resources"][integration]["Properties"]
    assert properties["PayloadFormatVersion"] == "2.0"
    assert properties["IntegrationUri"]["Fn::GetAtt"][0] == template.functions()[function][0]


@pytest.mark.parametrize("call", CALLS)
def test_every_call_but_the_description_and_the_page_asks_for_a_key(template, routes, call):
    (authorizer,) = template.resources("AWS::ApiGatewayV2::Authorizer")
    if call in PUBLIC:
        assert routes[call]["AuthorizationType"] == "NONE"
    else:
        assert routes[call]["AuthorizationType"] == "CUSTOM"
        assert routes[call]["AuthorizerId"] == {"Ref": authorizer}


def test_the_key_is_asked_of_our_authorizer_and_believed_for_ten_seconds(template):
    (found,) = template.resources("AWS::ApiGatewayV2::Authorizer").values()
    authorizer = found["Properties"]
    assert template.functions()["authorizer"][0] in json.dumps(authorizer["AuthorizerUri"])
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert authorizer["EnableSimpleResponses"] is True
    assert authorizer["AuthorizerPayloadFormatVersion"] == "2.0"
    assert authorizer["AuthorizerResultTtlInSeconds"] == 10


def test_the_log_names_the_route_and_never_the_path(template):
    (stage,) = template.resources("AWS::ApiGatewayV2::Stage").values()
    written = set(json.loads(stage["Properties"]["AccessLogSettings"]["Format"]).values())
    assert "$context.routeKey" in written
    assert not {value for value in written if "path" in value.lower() or "ip" in value.lower()}


def test_calls_are_throttled(template):
    (stage,) = template.resources("AWS::ApiGatewayV2::Stage").values()
    settings = stage["Properties"]["DefaultRouteSettings"]
    assert settings["ThrottlingRateLimit"] > 0
    assert settings["ThrottlingBurstLimit"] > 0


def test_the_page_is_throttled_by_itself(template):
    (stage,) = template.resources("AWS::ApiGatewayV2::Stage").values()
    of_routes = stage["Properties"]["RouteSettings"]
    assert set(of_routes) == {call for call, function in CALLS.items() if function == "page"}
    whole = stage["Properties"]["DefaultRouteSettings"]
    assert all(
        0 < one["ThrottlingRateLimit"] < whole["ThrottlingRateLimit"]
        and 0 < one["ThrottlingBurstLimit"] < whole["ThrottlingBurstLimit"]
        for one in of_routes.values()
    )


def test_a_stage_names_only_routes_that_are_there_already(template, routes):
    (stage,) = template.resources("AWS::ApiGatewayV2::Stage").values()
    made = {
        found["Properties"]["RouteKey"]
        for key, found in template.resources("AWS::ApiGatewayV2::Route").items()
        if key in stage["DependsOn"]
    }
    assert made == set(stage["Properties"]["RouteSettings"])
