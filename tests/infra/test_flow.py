"""Does what arrives reach its function, and is what fails seen?"""

from __future__ import annotations

import json

import pytest

from infra.access import ACCESS

WORK = ("Dispatch", "Inbound", "Receipts", "Whatsapp")


def _queue(template, output):
    key = template.document["Outputs"][output]["Value"]["Ref"]
    return key, template.document["Resources"][key]["Properties"]


@pytest.mark.parametrize("name", WORK)
def test_every_queue_has_its_dead_letters(template, name):
    dead_id, dead = _queue(template, f"{name}DeadLetterQueueUrl")
    _, queue = _queue(template, f"{name}QueueUrl")
    assert queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] == dead_id
    assert queue["MessageRetentionPeriod"] == 4 * 24 * 3600
    assert dead["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_there_is_no_other_queue(template):
    assert len(template.resources("AWS::SQS::Queue")) == 2 * len(WORK)


def test_every_queue_and_topic_is_encrypted_with_the_key(template):
    key, _ = template.key()
    for kind in ("AWS::SQS::Queue", "AWS::SNS::Topic"):
        for found in template.resources(kind).values():
            assert key in str(found["Properties"]["KmsMasterKeyId"])


@pytest.mark.parametrize("kind", ["AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy"])
def test_nothing_is_spoken_to_in_the_clear(template, kind):
    policies = template.resources(kind)
    assert len(policies) == len(template.resources(kind.removesuffix("Policy")))
    for policy in policies.values():
        denials = [s for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [s["Condition"] for s in denials]


@pytest.mark.parametrize(("name", "function"), [(name, name.lower()) for name in WORK])
def test_every_queue_feeds_its_function_and_each_item_fails_alone(template, name, function):
    queue_id, queue = _queue(template, f"{name}QueueUrl")
    function_id, found = template.functions()[function]
    (mapping,) = (
        m["Properties"]
        for m in template.resources("AWS::Lambda::EventSourceMapping").values()
        if m["Properties"]["EventSourceArn"]["Fn::GetAtt"][0] == queue_id
    )
    assert mapping["FunctionName"] == {"Ref": function_id}
    assert mapping["BatchSize"] == 10
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queue["VisibilityTimeout"] >= 6 * found["Properties"]["Timeout"]


@pytest.mark.parametrize(
    ("topic", "queue"),
    [
        ("InboundTopicArn", "InboundQueueUrl"),
        ("ReceiptsTopicArn", "ReceiptsQueueUrl"),
        ("WhatsAppTopicArn", "WhatsappQueueUrl"),
    ],
)
def test_a_topic_feeds_its_queue_with_the_envelope_that_carries_the_time(template, topic, queue):
    topic_ref = template.document["Outputs"][topic]["Value"]
    queue_id, _ = _queue(template, queue)
    (subscription,) = (
        s["Properties"]
        for s in template.resources("AWS::SNS::Subscription").values()
        if s["Properties"]["TopicArn"] == topic_ref
    )
    assert subscription["Endpoint"]["Fn::GetAtt"][0] == queue_id
    assert not subscription.get("RawMessageDelivery")
    (policy,) = (
        p["Properties"]["PolicyDocument"]["Statement"]
        for p in template.resources("AWS::SQS::QueuePolicy").values()
        if {"Ref": queue_id} in p["Properties"]["Queues"]
    )
    (delivers,) = (s for s in policy if s["Effect"] == "Allow")
    assert delivers["Principal"] == {"Service": "sns.amazonaws.com"}
    assert delivers["Condition"] == {"ArnEquals": {"aws:SourceArn": topic_ref}}


def test_carriers_of_this_account_alone_may_publish(template):
    publishers = []
    for policy in template.resources("AWS::SNS::TopicPolicy").values():
        (allowed,) = (
            s for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"
        )
        publishers.append(allowed["Principal"]["Service"])
        assert allowed["Action"] == "sns:Publish"
        assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert sorted(publishers) == [
        "sms-voice.amazonaws.com",
        "sms-voice.amazonaws.com",
        "social-messaging.amazonaws.com",
    ]


def test_dispatch_keeps_to_its_number_of_workers(template):
    dispatch, _ = template.functions()["dispatch"]
    limits = {
        m["Properties"]["FunctionName"]["Ref"]: m["Properties"].get("ScalingConfig")
        for m in template.resources("AWS::Lambda::EventSourceMapping").values()
    }
    assert limits[dispatch] == {"MaximumConcurrency": 10}


@pytest.mark.parametrize(
    ("function", "every"),
    [("release", "rate(1 minute)"), ("retention", "rate(1 hour)"), ("reconcile", "rate(5 minutes)")],
)
def test_what_nothing_else_wakes_is_woken_by_a_schedule(template, function, every):
    function_id, _ = template.functions()[function]
    woken = {
        s["Properties"]["Target"]["Arn"]["Fn::GetAtt"][0]: s["Properties"]["ScheduleExpression"]
        for s in template.resources("AWS::Scheduler::Schedule").values()
    }
    assert woken[function_id] == every


@pytest.mark.parametrize("name", ["RightsSoon", "RightsLate", "RightsTroubled"])
def test_a_request_that_is_nearly_late_raises_an_alarm_on_the_metric_as_retention_writes_it(template, name):
    (alarm,) = (a for a in _alarms(template) if a["MetricName"] == name)
    variables = template.variables("retention")
    assert alarm["Namespace"] == variables["POWERTOOLS_METRICS_NAMESPACE"]
    assert alarm["Dimensions"] == [{"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}]


@pytest.mark.parametrize("name", WORK)
def test_a_dead_letter_raises_an_alarm(template, name):
    dead_id, _ = _queue(template, f"{name}DeadLetterQueueUrl")
    (alarm,) = (a for a in _alarms(template) if dead_id in json.dumps(a.get("Dimensions")))
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


@pytest.mark.parametrize("function", ACCESS)
def test_an_error_raises_an_alarm(template, function):
    function_id, _ = template.functions()[function]
    watching = [a for a in _alarms(template) if function_id in json.dumps(a.get("Dimensions"))]
    assert ("AWS/Lambda", "Errors") in [(alarm["Namespace"], alarm["MetricName"]) for alarm in watching]


def test_every_event_of_the_ledger_reaches_the_log_in_batches(template):
    ledger, _ = template.table("ledger")
    log, _ = template.functions()["log"]
    (mapping,) = (
        m["Properties"]
        for m in template.resources("AWS::Lambda::EventSourceMapping").values()
        if m["Properties"]["FunctionName"] == {"Ref": log}
    )
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": [ledger, "StreamArn"]}
    assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (1000, 60)
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert not {"MaximumRetryAttempts", "MaximumRecordAgeInSeconds"} & set(mapping)


@pytest.mark.parametrize("metric", ["LedgerOverwritten", "LedgerUnreadable"])
def test_a_changed_ledger_raises_an_alarm_on_the_metric_as_the_log_writes_it(template, metric):
    (alarm,) = (a for a in _alarms(template) if a["MetricName"] == metric)
    assert alarm["Dimensions"] == [
        {"Name": "service", "Value": template.variables("log")["POWERTOOLS_SERVICE_NAME"]}
    ]


def test_a_log_that_falls_behind_raises_an_alarm_long_before_the_stream_forgets(template):
    (alarm,) = (a for a in _alarms(template) if a["MetricName"] == "IteratorAge")
    assert (alarm["Threshold"], alarm["Statistic"]) == (15 * 60 * 1000, "Maximum")


def test_a_late_carrier_call_raises_an_alarm_on_the_metric_as_dispatch_writes_it(template):
    (alarm,) = (a for a in _alarms(template) if a["MetricName"] == "LateCarrierCall")
    variables = template.variables("dispatch")
    assert alarm["Namespace"] == variables["POWERTOOLS_METRICS_NAMESPACE"]
    assert alarm["Dimensions"] == [{"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}]


def _alarms(template):
    return [a["Properties"] for a in template.resources("AWS::CloudWatch::Alarm").values()]
