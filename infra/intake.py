"""How does what carriers say reach a function? Topic, queue, function: at least once, and never lost."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct

from infra.queues import WorkQueue


class Intake(Construct):
    """A topic that a `service` may publish to, drained by `function` through `work`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        service: str,
        key: kms.IKey,
        work: WorkQueue,
        function: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, id)
        self.topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CarrierPublishes",
                principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        # Not raw: the envelope carries the time, which a carrier's own payload lacks. What SNS cannot
        # deliver goes to the same dead letters, in the same form.
        sns.Subscription(
            self,
            "ToQueue",
            topic=self.topic,
            protocol=sns.SubscriptionProtocol.SQS,
            endpoint=work.queue.queue_arn,
            raw_message_delivery=False,
            dead_letter_queue=work.dead,
        )
        work.queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="TopicDelivers",
                principals=[iam.ServicePrincipal("sns.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[work.queue.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": self.topic.topic_arn}},
            )
        )
        function.add_event_source(SqsEventSource(work.queue, batch_size=10, report_batch_item_failures=True))
