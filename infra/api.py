"""Which calls does the gate answer, and who may make them?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_authorizers import HttpLambdaAuthorizer, HttpLambdaResponseType
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

ROUTES: dict[str, tuple[str, ...]] = {
    "gate": (
        "POST /v1/check",
        "POST /v1/messages",
        "POST /v1/messages/batch",
        "GET /v1/messages/{id}",
        "DELETE /v1/messages/{id}",
    ),
    "consents": ("POST /v1/consents",),
    "imports": ("POST /v1/consents/batch",),
    "opt_outs": (
        "POST /v1/opt-outs",
        "POST /v1/opt-outs/batch",
        "POST /v1/recipients/{recipient_id}/replies",
    ),
    "uploads": ("POST /v1/evidence",),
    "recipients": (
        "POST /v1/recipients/lookup",
        "GET /v1/recipients/{recipient_id}",
        "GET /v1/recipients/{recipient_id}/ledger",
        "GET /v1/recipients/{recipient_id}/proof",
        "GET /v1/recipients/{recipient_id}/certificate",
    ),
    "rights": (
        "POST /v1/recipients/{recipient_id}/access",
        "GET /v1/recipients/{recipient_id}/access",
        "POST /v1/recipients/{recipient_id}/erasure",
    ),
    "registry": (
        "PUT /v1/brands/{id}",
        "GET /v1/brands/{id}",
        "PUT /v1/senders/{id}",
        "GET /v1/senders/{id}",
        "PUT /v1/templates/{id}",
        "GET /v1/templates/{id}",
        "PUT /v1/wordings/{id}",
        "GET /v1/wordings/{id}",
    ),
    "describe": ("GET /openapi.json",),
    "page": ("GET /p/{token}", "HEAD /p/{token}", "POST /p/{token}"),
}

# Without a key, and why.
PUBLIC: dict[str, str] = {
    "GET /openapi.json": "The description of the API is public: the same for everybody, and nobody's data.",
    **dict.fromkeys(
        ROUTES["page"], "The person has no key: the token in their message, 83 bits, stands for it."
    ),
}

# Calls a second, and at once: people open pages as a campaign arrives, and what guesses tokens gets nowhere.
PAGE_RATE, PAGE_BURST = 50, 100

# The route as it is written above, never the path as it was called: paths name messages and recipients.
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "responseLatency": "$context.responseLatency",
    "integrationError": "$context.integrationErrorMessage",
    "authorizerError": "$context.authorizer.error",
}


class Api(Construct):
    """The HTTP API. Every route asks for a key unless it is listed as public."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        functions: Mapping[str, lambda_.IFunction],
        authorizer: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, id)
        self.api = apigatewayv2.HttpApi(
            self,
            "Api",
            description="Izin: the send-gate",
            create_default_stage=False,
            default_authorizer=HttpLambdaAuthorizer(
                "Authorizer",
                authorizer,
                response_types=[HttpLambdaResponseType.SIMPLE],
                identity_source=["$request.header.Authorization"],
                # The answer is kept for the key alone, across routes: it names the key's scopes and each
                # function checks its own. A revoked key works for these seconds longer.
                results_cache_ttl=Duration.seconds(10),
            ),
        )
        stage = self._add_stage()
        for name, routes in ROUTES.items():
            integration = HttpLambdaIntegration(name, functions[name])
            for route in routes:
                made = self._add_route(route, integration)
                if name == "page":
                    stage.add_dependency(cast(apigatewayv2.CfnRoute, made.node.default_child))

    def _add_stage(self) -> apigatewayv2.CfnStage:
        log = logs.LogGroup(
            self,
            "AccessLog",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        stage = apigatewayv2.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            auto_deploy=True,
            # A hundred calls a second are ten thousand messages a second in batches.
            throttle=apigatewayv2.ThrottleSettings(rate_limit=100, burst_limit=200),
        )
        low = cast(apigatewayv2.CfnStage, stage.node.default_child)
        low.access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=log.log_group_arn, format=json.dumps(_ACCESS_LOG)
        )
        # Of their own, so that whoever floods the page takes nothing from the gate.
        limits = {"ThrottlingRateLimit": PAGE_RATE, "ThrottlingBurstLimit": PAGE_BURST}
        low.route_settings = dict.fromkeys(ROUTES["page"], limits)
        return low

    def _add_route(self, route: str, integration: HttpLambdaIntegration) -> apigatewayv2.HttpRoute:
        method, path = route.split()
        made = self.api.add_routes(
            path=path,
            methods=[apigatewayv2.HttpMethod(method)],
            integration=integration,
            authorizer=apigatewayv2.HttpNoneAuthorizer() if route in PUBLIC else None,
        )
        if route in PUBLIC:
            Validations.of(made[0]).acknowledge(Acknowledgment(id="AwsSolutions-APIG4", reason=PUBLIC[route]))
        return made[0]
