"""What is every function alike in? One file of `functions/`, two layers, a role and a log of its own."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Duration, IgnoreMode, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.layers import ARCHITECTURE, ROOT, RUNTIME, Layers

METRICS = "Izin"

# Seconds. A caller of the API waits for its function; the others work through a batch. What a function
# calls has far shorter time-outs of its own.
TIMEOUT = {
    "authorizer": 10,
    "gate": 10,
    "consents": 10,
    "imports": 30,  # as long as API Gateway waits: a hundred events, one after the other
    "opt_outs": 30,
    "uploads": 10,
    "recipients": 10,
    "registry": 10,
    "describe": 10,
    "rights": 29,  # the longest that the API waits: a long life with a brand is read whole
    "retention": 300,
    "page": 10,
    "inbound": 10,  # six times that is how soon a STOP that failed once is read again
    "receipts": 60,
    "whatsapp": 10,  # a STOP is among what it reads
    "log": 300,  # after an outage it looks through a day of its own entries
    "export": 60,
    "release": 60,
    "reconcile": 240,
    "dispatch": 60,
}

# Memory buys processor time, and most of a cold start is imports: at half the memory a start takes twice
# as long at the same price. A permit to call the carrier lasts 5 s, so slow starts are not free.
_MEMORY_MB = 1024


def function(scope: Construct, name: str, layers: Layers) -> lambda_.Function:
    """The Lambda of `functions/<name>.py`. What it may touch comes from `infra/access.py`."""
    if not (ROOT / "functions" / f"{name}.py").is_file():
        raise FileNotFoundError(f"functions/{name}.py")
    pascal = name.replace("_", " ").title().replace(" ", "")
    log = logs.LogGroup(
        scope,
        f"{pascal}Log",
        # Logs carry recipient ids and never an address: kept long enough to look into a complaint.
        retention=logs.RetentionDays.THREE_MONTHS,
        removal_policy=RemovalPolicy.DESTROY,
    )
    # A role of our own: the managed one may write to every log of the account.
    role = iam.Role(scope, f"{pascal}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log.grant_write(role)
    made = lambda_.Function(
        scope,
        pascal,
        description=f"Izin: {name}",
        runtime=RUNTIME,
        architecture=ARCHITECTURE,
        # The one file: a change to a function is then a change to that function only.
        code=lambda_.Code.from_asset(
            str(ROOT / "functions"), exclude=["*", f"!{name}.py"], ignore_mode=IgnoreMode.GIT
        ),
        handler=f"{name}.handler",
        layers=[layers.core, layers.deps],
        memory_size=_MEMORY_MB,
        timeout=Duration.seconds(TIMEOUT[name]),
        log_group=log,
        role=role,
        environment={
            # Empty: time zones come from the pinned tzdata wheel, never from the older system database.
            "PYTHONTZPATH": "",
            "POWERTOOLS_SERVICE_NAME": f"izin-{name}",
            "POWERTOOLS_METRICS_NAMESPACE": METRICS,
            "POWERTOOLS_LOG_LEVEL": "INFO",
        },
    )
    Validations.of(made).acknowledge(
        Acknowledgment(
            id="AwsSolutions-L1",
            reason="The layers are built for Python 3.13: one version, raised on purpose.",
        )
    )
    return made
