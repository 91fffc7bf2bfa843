"""Does each function get what it needs, and nothing else?"""

from __future__ import annotations

import re

import pytest

from infra.access import ACCESS
from infra.layers import ROOT

FILES = sorted(path.stem for path in (ROOT / "functions").glob("*.py"))
TABLES = ("state", "messages", "ledger", "keys", "registry", "pages")
APPENDERS = [name for name, access in ACCESS.items() if "PutItem" in access.ledger]


def test_the_list_of_files_is_the_list_of_functions(template):
    assert sorted(template.functions()) == FILES


@pytest.mark.parametrize("function", ACCESS)
def test_every_function_is_alike(template, function):
    _, found = template.functions()[function]
    properties = found["Properties"]
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    assert len(properties["Layers"]) == 2
    assert "LogGroup" in properties["LoggingConfig"]
    variables = template.variables(function)
    assert variables["PYTHONTZPATH"] == ""
    assert variables["POWERTOOLS_SERVICE_NAME"] == f"izin-{function}"
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Izin"


@pytest.mark.parametrize("function", ACCESS)
def test_no_function_has_a_wildcard_in_an_action(template, function):
    assert not [a for actions in template.allowed(function).values() for a in actions if "*" in a]


@pytest.mark.parametrize("function", ACCESS)
def test_no_function_deletes_or_scans(template, function):
    actions = {a for actions in template.allowed(function).values() for a in actions}
    forbidden = re.compile(r"dynamodb:(Delete|Scan|BatchWrite|PartiQL)")
    erasing = ["dynamodb:DeleteItem"] if function == "retention" else []
    assert [a for a in actions if forbidden.match(a)] == erasing


def test_what_erases_deletes_keys_and_nothing_else(template):
    keys, _ = template.table("keys")
    allowed = template.allowed("retention")
    assert [where for where, actions in allowed.items() if "dynamodb:DeleteItem" in actions] == [keys]
    assert "dynamodb:GetItem" not in allowed[keys]


@pytest.mark.parametrize("function", ACCESS)
def test_the_ledger_is_only_appended_to(template, function):
    ledger, _ = template.table("ledger")
    allowed = template.allowed(function).get(ledger, set())
    pruning = {"dynamodb:UpdateItem"} if function == "retention" else set()
    exporting = {"dynamodb:ExportTableToPointInTime"} if function == "export" else set()
    assert allowed <= {"dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:Query"} | pruning | exporting


def test_of_an_event_only_the_end_of_its_keeping_can_be_set(template):
    (statement,) = (s for s in template.statements("retention") if s["Action"] == "dynamodb:UpdateItem")
    assert statement["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "seq", "ttl"]}
    }


def test_who_appends_to_the_ledger():
    assert set(APPENDERS) == {
        "consents",
        "dispatch",
        "imports",
        "inbound",
        "opt_outs",
        "page",
        "reconcile",
        "release",
        "retention",
        "rights",
        "whatsapp",
    }


@pytest.mark.parametrize("function", ACCESS)
@pytest.mark.parametrize("table", TABLES)
def test_a_variable_names_a_table_exactly_where_the_function_may_use_it(template, function, table):
    key, _ = template.table(table)
    granted = bool(template.allowed(function).get(key, set()) - {"dynamodb:ExportTableToPointInTime"})
    assert (f"{table.upper()}_TABLE" in template.variables(function)) == granted
    assert granted == bool(getattr(ACCESS[function], table))


@pytest.mark.parametrize("function", ACCESS)
@pytest.mark.parametrize(
    ("names", "action"),
    [
        ({"DISPATCH_QUEUE_URL", "DEAD_LETTER_QUEUE_URL"}, "sqs:SendMessage"),
        ({"PEPPER_SECRET_ARN"}, "secretsmanager:GetSecretValue"),
    ],
)
def test_a_variable_names_a_queue_or_the_pepper_exactly_where_the_function_may_use_it(
    template, function, names, action
):
    variables = template.variables(function)
    named = {
        value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
        for name, value in variables.items()
        if name in names
    }
    granted = {key for key, actions in template.allowed(function).items() if action in actions}
    assert named == granted


@pytest.mark.parametrize(
    ("function", "queue"), [("inbound", "Inbound"), ("receipts", "Receipts"), ("whatsapp", "Whatsapp")]
)
def test_what_cannot_be_read_goes_to_the_function_s_own_dead_letters(template, function, queue):
    dead = template.document["Outputs"][f"{queue}DeadLetterQueueUrl"]["Value"]
    assert template.variables(function)["DEAD_LETTER_QUEUE_URL"] == dead


def test_the_page_knows_nobody_s_number_and_sends_nothing(template):
    messages, _ = template.table("messages")
    pages, _ = template.table("pages")
    keys, _ = template.table("keys")
    allowed = template.allowed("page")
    assert allowed[pages] == {"dynamodb:GetItem"}
    assert allowed[keys] == {"dynamodb:GetItem", "dynamodb:BatchGetItem"}
    assert messages not in allowed
    actions = {action for actions in allowed.values() for action in actions}
    assert not {a for a in actions if a.startswith(("secretsmanager:", "sqs:", "sms-voice:"))}


def test_the_gate_only_reads_what_a_person_said(template):
    state, _ = template.table("state")
    ledger, _ = template.table("ledger")
    assert template.allowed("gate")[state] == {"dynamodb:GetItem", "dynamodb:BatchGetItem"}
    assert ledger not in template.allowed("gate")


def test_only_dispatch_reaches_a_carrier(template):
    reaching = {
        function
        for function in ACCESS
        if any("sms-voice:SendTextMessage" in actions for actions in template.allowed(function).values())
    }
    assert reaching == {"dispatch"}


@pytest.mark.parametrize(
    ("function", "indexes"),
    [("release", {"messages/due", "state/due"}), ("receipts", {"messages/carrier"})],
)
def test_indexes_are_queried_by_name(template, function, indexes):
    expected = {
        f"{template.table(table)[0]}/index/{index}" for table, index in (path.split("/") for path in indexes)
    }
    allowed = {key: actions for key, actions in template.allowed(function).items() if "/index/" in key}
    assert allowed == {key: {"dynamodb:Query"} for key in expected}


def test_only_the_log_s_writer_creates_and_signs_and_nobody_replaces(template):
    bucket = template.document["Outputs"]["LogBucket"]["Value"]["Ref"]
    allowed = {function: template.allowed(function) for function in ACCESS}
    touching = {function for function in ACCESS if any(bucket in key for key in allowed[function])}
    assert touching == {"log", "recipients"}
    assert allowed["log"][f"{bucket}/*"] == {"s3:GetObject", "s3:PutObject"}
    assert allowed["recipients"][f"{bucket}/*"] == {"s3:GetObject"}
    assert {function for function in ACCESS if "kms:Sign" in str(allowed[function])} == {"log"}


def test_the_log_s_writer_reads_the_stream_and_not_the_ledger(template):
    ledger, _ = template.table("ledger")
    assert f"{ledger}/stream" in template.allowed("log")
    assert ledger not in template.allowed("log")


def test_describe_may_do_nothing_but_log(template):
    assert {a for actions in template.allowed("describe").values() for a in actions} == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }


@pytest.mark.parametrize("function", ACCESS)
def test_the_key_is_used_through_a_service_only(template, function):
    """Except to read from a queue, where CDK writes the grant: to decrypt, and no more."""
    key, _ = template.key()
    signing, _ = template.key("ECC_NIST_P256")
    free = [
        s["Action"]
        for s in template.statements(function)
        if "kms:" in str(s["Action"])
        and "kms:ViaService" not in str(s.get("Condition"))
        and signing not in str(s["Resource"])
    ]
    assert free == (["kms:Decrypt"] if function in ("inbound", "receipts", "whatsapp", "dispatch") else [])
    signs = {k for k, actions in template.allowed(function).items() if "kms:" in str(actions)} - {key}
    assert signs == ({signing} if function == "log" else set())


@pytest.mark.parametrize("function", ACCESS)
def test_the_code_of_a_function_is_its_one_file(template, function):
    _, found = template.functions()[function]
    digest = found["Properties"]["Code"]["S3Key"].removesuffix(".zip")
    folder = template.path.parent / f"asset.{digest}"
    assert [path.name for path in folder.iterdir()] == [f"{function}.py"]


FILES_OF = {
    "consents": {"recipients": {"s3:GetObject"}},
    "imports": {"recipients": {"s3:GetObject"}},
    "registry": {"brands": {"s3:GetObject"}},
    "retention": {"recipients": {"s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"}},
    "uploads": {
        "recipients": {"s3:GetObject", "s3:PutObject"},
        "brands": {"s3:GetObject", "s3:PutObject"},
    },
}


def _evidence_bucket(template):
    return template.document["Outputs"]["EvidenceBucket"]["Value"]["Ref"]


@pytest.mark.parametrize("function", ACCESS)
def test_who_may_touch_which_evidence(template, function):
    bucket = _evidence_bucket(template)
    allowed = {key: actions for key, actions in template.allowed(function).items() if bucket in key}
    folders = {f"{bucket}/{name}/*": actions for name, actions in FILES_OF.get(function, {}).items()}
    lists = "s3:ListBucketVersions" if function == "retention" else "s3:ListBucket"
    assert allowed == (folders | {bucket: {lists}} if folders else {})
    assert ("EVIDENCE_BUCKET" in template.variables(function)) == bool(folders)


def test_only_erasure_may_pass_the_lock(template):
    bucket = _evidence_bucket(template)
    passing = {
        role["Ref"]
        for policy in template.resources("AWS::IAM::Policy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if re.search("s3:(Bypass|Delete|PutObjectRetention|PutObjectLegalHold)", str(statement["Action"]))
        for role in policy["Properties"]["Roles"]
    }
    _, retention = template.functions()["retention"]
    (role,) = passing
    assert retention["Properties"]["Role"] == {"Fn::GetAtt": [role, "Arn"]}
    (denial,) = (
        statement
        for policy in template.resources("AWS::S3::BucketPolicy").values()
        if policy["Properties"]["Bucket"] == {"Ref": bucket}
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "s3:BypassGovernanceRetention" in statement["Action"]
    )
    assert (denial["Effect"], denial["Principal"]) == ("Deny", {"AWS": "*"})
    assert set(denial["Action"]) == {
        "s3:BypassGovernanceRetention",
        "s3:DeleteObjectVersion",
        "s3:PutObjectRetention",
    }
    assert denial["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": [role, "Arn"]}}}
