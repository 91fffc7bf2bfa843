"""What does the gate do by itself, and how often? One schedule for each function that nothing else wakes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

EVERY = {
    "release": "rate(1 minute)",
    "retention": "rate(1 hour)",
    "reconcile": "rate(5 minutes)",
}


# By UTC: all of it on Sundays, and each night what changed on the day that has just ended.
EXPORTS = {"full": "cron(30 0 ? * SUN *)", "incremental": "cron(30 1 * * ? *)"}


class Schedule(Construct):
    """Wakes a function, with `event` if it takes one.

    A missed time is not repeated, where the next one finds the same work; else `attempts` are made
    within an hour.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        function: lambda_.IFunction,
        every: str,
        event: Mapping[str, str] | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(scope, id)
        # Written out, because the ready-made target may also call every version of the function.
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
        role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn])
        )
        schedule = scheduler.CfnSchedule(
            self,
            "Every",
            description=f"Izin: {name}",
            schedule_expression=every,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function_arn,
                role_arn=role.role_arn,
                input=json.dumps(event) if event else None,
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=60 if attempts == 1 else 3600,
                    maximum_retry_attempts=attempts - 1,
                ),
            ),
        )
        schedule.node.add_dependency(role)
