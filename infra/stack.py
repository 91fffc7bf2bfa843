"""How do the areas fit together? One app, one stack, the same on AWS and on a laptop.

Context values: `dispatch_concurrency` (10), `page_url` (where people find their page, such as
https://go.example/p/, where a domain of yours leads to the API) and `local` (true on a laptop: layers are
built for the machine at hand), and with `local` also `sandbox_url` (where dispatch finds the sandbox carrier)
and `core_overlay` (a folder copied over the core layer). Without `local` neither of the two is accepted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aws_cdk import App, CfnOutput, Stack, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from infra.access import ACCESS, give_access
from infra.alarms import Alarms
from infra.api import ROUTES, Api
from infra.dispatch import Dispatch
from infra.event_log import EventLog
from infra.evidence import Evidence
from infra.exports import Auditing, Exports
from infra.function import function
from infra.intake import Intake
from infra.layers import Layers
from infra.queues import Queues
from infra.schedule import EVERY, EXPORTS, Schedule
from infra.store import Store

# Here and not in cdk.json, which only `cdk` reads: `python app.py` must give the same template.
_FEATURES = {
    "@aws-cdk/core:validateAgainstDefaultRules": True,
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
}


def izin_app(*, outdir: str | None = None, context: dict[str, Any] | None = None) -> App:
    """The app with its stack, not yet synthesized. Synthesis fails on a finding of cdk-nag."""
    app = App(outdir=outdir, analytics_reporting=False, context={**_FEATURES, **(context or {})})
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    Izin(app, "Izin")
    return app


class Izin(Stack):
    """The consent gate."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id, description="Izin: the consent gate for SMS and WhatsApp")
        local = str(self.node.try_get_context("local")).lower() == "true"
        overlay = self.node.try_get_context("core_overlay")
        sandbox_url = self.node.try_get_context("sandbox_url")
        if sandbox_url and not local:
            raise ValueError("sandbox_url turns real messages into pictures: only a local stack may have one")

        self.store = Store(self, "Store")
        self.queues = Queues(self, "Queues", key=self.store.key)
        self.evidence = Evidence(self, "Evidence", key=self.store.key)
        self.log = EventLog(self, "EventLog", key=self.store.key, access_log=self.evidence.access_log)
        layers = Layers(self, "Layers", local=local, overlay=Path(overlay) if overlay else None)

        functions = {name: function(self, name, layers) for name in ACCESS}
        for name, made in functions.items():
            give_access(made, name, self.store, self.queues, self.log, self.evidence)
        if sandbox_url:
            functions["dispatch"].add_environment("SANDBOX_URL", sandbox_url)

        self.api = Api(
            self,
            "HttpApi",
            functions={name: functions[name] for name in ROUTES},
            authorizer=functions["authorizer"],
        )
        page_url = self.node.try_get_context("page_url") or f"{self.api.api.api_endpoint}/p/"
        functions["gate"].add_environment("PAGE_URL", page_url)
        self.inbound = Intake(
            self,
            "InboundSms",
            service="sms-voice",
            key=self.store.key,
            work=self.queues.inbound,
            function=functions["inbound"],
        )
        self.receipts = Intake(
            self,
            "CarrierReceipts",
            service="sms-voice",
            key=self.store.key,
            work=self.queues.receipts,
            function=functions["receipts"],
        )
        self.whatsapp = Intake(
            self,
            "WhatsApp",
            service="social-messaging",
            key=self.store.key,
            work=self.queues.whatsapp,
            function=functions["whatsapp"],
        )
        Dispatch(
            self,
            "HandOver",
            work=self.queues.dispatch,
            function=functions["dispatch"],
            concurrency=int(self.node.try_get_context("dispatch_concurrency") or 10),
        )
        for name in EVERY:
            Schedule(
                self, f"{name.capitalize()}Schedule", name=name, function=functions[name], every=EVERY[name]
            )
        Alarms(self, "Alarms", queues=self.queues.by_name(), functions=functions)
        self.exports = Exports(
            self, "Exports", key=self.store.key, store=self.store, access_log=self.evidence.access_log
        )
        self.exports.give_access(functions["export"])
        for extent, every in EXPORTS.items():
            Schedule(
                self,
                f"{extent.capitalize()}Export",
                name=f"{extent} export",
                function=functions["export"],
                every=every,
                event={"extent": extent},
                attempts=5,
            )
        Auditing(self, "Auditing", exports=self.exports, key=self.store.key)
        self._tell({name: functions[name].function_name for name in EVERY})

    def _tell(self, scheduled: dict[str, str]) -> None:
        """What an operator and the local stack need to find their way in."""
        outputs = {
            "Api": self.api.api.api_endpoint,
            "InboundTopicArn": self.inbound.topic.topic_arn,
            "ReceiptsTopicArn": self.receipts.topic.topic_arn,
            "WhatsAppTopicArn": self.whatsapp.topic.topic_arn,
            **{f"{name.capitalize()}Function": function for name, function in scheduled.items()},
            "StateTable": self.store.state.table_name,
            "MessagesTable": self.store.messages.table_name,
            "LedgerTable": self.store.ledger.table_name,
            "KeysTable": self.store.keys.table_name,
            "RegistryTable": self.store.registry.table_name,
            "PagesTable": self.store.pages.table_name,
            "PepperSecretArn": self.store.pepper_arn,
            "EvidenceBucket": self.evidence.bucket.bucket_name,
            "ExportsBucket": self.exports.bucket.bucket_name,
            "LogBucket": self.log.bucket.bucket_name,
            "LogKeyArn": self.log.signing_key.key_arn,
        }
        for name, work in self.queues.by_name().items():
            outputs[f"{name.capitalize()}QueueUrl"] = work.queue.queue_url
            outputs[f"{name.capitalize()}DeadLetterQueueUrl"] = work.dead.queue_url
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
