"""Is the template sound as a whole, and the same on AWS and on a laptop?"""

from __future__ import annotations

import json
import re

import pytest
from aws_cdk import aws_sqs as sqs
from cfnlint.api import ManualArgs, lint

from infra.stack import izin_app


def test_cfn_lint_finds_nothing(template):
    # W3005: dependencies that CDK writes beside the references that imply them.
    config = ManualArgs(regions=["ap-southeast-3", "us-east-1"], ignore_checks=["W3005"])
    findings = lint(template.path.read_text(), config=config)
    assert [str(finding) for finding in findings] == []


def test_cdk_nag_stops_a_bad_stack_and_finds_nothing_in_ours(tmp_path):
    app = izin_app(outdir=str(tmp_path), context={"aws:cdk:bundling-stacks": []})
    sqs.Queue(app.node.find_child("Izin"), "Plain")
    with pytest.raises(RuntimeError, match="AwsSolutions-SQS4") as stopped:
        app.synth()
    assert set(re.findall(r"^ +(Izin/\S+)", str(stopped.value), re.MULTILINE)) == {"Izin/Plain/Resource"}


def test_nothing_local_reaches_aws(template):
    assert "SANDBOX_URL" not in template.path.read_text()


@pytest.mark.parametrize("context", [{"sandbox_url": "http://127.0.0.1:9"}, {"core_overlay": "."}])
def test_what_is_local_is_refused_without_the_word(context, tmp_path):
    with pytest.raises(ValueError, match="only a local stack"):
        izin_app(outdir=str(tmp_path), context=context)


def test_a_laptop_runs_the_same_template_but_for_the_layers_and_the_sandbox(template, local_template):
    ours, theirs = (_without_assets(document.document) for document in (template, local_template))
    dispatch, _ = local_template.functions()["dispatch"]
    variables = theirs["Resources"][dispatch]["Properties"]["Environment"]["Variables"]
    assert variables.pop("SANDBOX_URL") == "http://127.0.0.1:9"
    assert ours == theirs


def test_the_outputs_that_a_runner_reads(template):
    assert set(template.document["Outputs"]) >= {
        "Api",
        "InboundTopicArn",
        "ReceiptsTopicArn",
        "ReleaseFunction",
        "StateTable",
        "MessagesTable",
        "LedgerTable",
        "KeysTable",
        "RegistryTable",
        "PepperSecretArn",
        "DispatchQueueUrl",
        "DispatchDeadLetterQueueUrl",
        "InboundQueueUrl",
        "InboundDeadLetterQueueUrl",
        "ReceiptsQueueUrl",
        "ReceiptsDeadLetterQueueUrl",
    }


def _without_assets(document):
    """The layers hold other wheels on a laptop: their hash differs, and with it their logical ids."""
    text = json.dumps(document, sort_keys=True)
    for key, layer in document["Resources"].items():
        if layer["Type"] == "AWS::Lambda::LayerVersion":
            text = text.replace(key, layer["Properties"]["Description"])
            text = text.replace(layer["Properties"]["Content"]["S3Key"], "asset")
    return json.loads(text)
