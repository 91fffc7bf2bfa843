"""What must a person look at?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.function import METRICS
from infra.queues import WorkQueue

_RIGHTS = {
    "soon": "A person's request about their data must be answered within three days.",
    "late": "A person's request about their data is past its deadline.",
    "troubled": "An erasure, or the retention of somebody's records, failed and is tried again every hour.",
}

_OF_THE_LOG = {
    "LedgerOverwritten": "An event of a ledger was changed or removed. The log shows which one and when.",
    "LedgerUnreadable": "Something in the ledger's table is no event: it is in no log.",
}


class Alarms(Construct):
    """Dead letters, errors, a carrier call that returned past its permit, and a ledger that was changed."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        queues: Mapping[str, WorkQueue],
        functions: Mapping[str, lambda_.IFunction],
    ) -> None:
        super().__init__(scope, id)
        for name, work in queues.items():
            self._alarm(
                f"{name}-dead-letters",
                f"Something in the {name} queue failed for good and needs a person.",
                work.dead.metric_approximate_number_of_messages_visible(
                    period=Duration.minutes(1), statistic="Maximum"
                ),
            )
        for name, function in functions.items():
            self._alarm(
                f"{name}-errors",
                f"The function {name} ended in an error or a time-out.",
                function.metric_errors(period=Duration.minutes(5), statistic="Sum"),
            )
        for name, description in _RIGHTS.items():
            self._alarm(
                f"rights-{name}",
                description,
                cloudwatch.Metric(
                    namespace=METRICS,
                    metric_name=f"Rights{name.capitalize()}",
                    dimensions_map={"service": "izin-retention"},
                    period=Duration.hours(1),
                    statistic="Maximum",
                ),
            )
        self._alarm(
            "late-carrier-call",
            "A call to a carrier returned after its permit: the margin behind an opt-out is too small.",
            cloudwatch.Metric(
                namespace=METRICS,
                metric_name="LateCarrierCall",
                # Powertools adds the service to every metric; an alarm without it would watch nothing.
                dimensions_map={"service": "izin-dispatch"},
                period=Duration.minutes(1),
                statistic="Sum",
            ),
        )

        for name, description in _OF_THE_LOG.items():
            self._alarm(
                f"log-{name}",
                description,
                cloudwatch.Metric(
                    namespace=METRICS,
                    metric_name=name,
                    dimensions_map={"service": "izin-log"},
                    period=Duration.minutes(1),
                    statistic="Sum",
                ),
            )
        self._alarm(
            "log-behind",
            "Events of the ledger wait for the log; after a day the stream forgets them.",
            functions["log"].metric("IteratorAge", period=Duration.minutes(5), statistic="Maximum"),
            above=timedelta(minutes=15) / timedelta(milliseconds=1),
        )

    def _alarm(self, id: str, description: str, metric: cloudwatch.IMetric, above: float = 0) -> None:
        cloudwatch.Alarm(
            self,
            id,
            alarm_description=description,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
