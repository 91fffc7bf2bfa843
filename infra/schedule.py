"""What does the gate do by itself, and how often? One schedule for each function that nothing else wakes."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

EVERY = {
    "release": "rate(1 minute)",
    "retention": "rate(1 hour)",
    "reconcile": "rate(5 minutes)",
}


class Schedule(Construct):
    """Wakes a function of `EVERY`. A missed time is not repeated: the next one finds the same work."""

    def __init__(self, scope: Construct, id: str, *, name: str, function: lambda_.IFunction) -> None:
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
            schedule_expression=EVERY[name],
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function_arn,
                role_arn=role.role_arn,
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=60, maximum_retry_attempts=0
                ),
            ),
        )
        schedule.node.add_dependency(role)
