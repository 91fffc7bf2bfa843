"""Do exports reach the auditors: by night, of every table but one, with tables and queries over them?"""

from __future__ import annotations

import json

import pytest
from izin.queries import catalog


def test_each_night_and_all_of_it_on_sundays(template):
    found = {
        json.loads(schedule["Properties"]["Target"]["Input"])["extent"]: schedule["Properties"]
        for schedule in template.resources("AWS::Scheduler::Schedule").values()
        if "Input" in schedule["Properties"]["Target"]
    }
    assert {extent: properties["ScheduleExpression"] for extent, properties in found.items()} == {
        "full": "cron(30 0 ? * SUN *)",
        "incremental": "cron(30 1 * * ? *)",
    }
    assert all(
        properties["Target"]["RetryPolicy"]["MaximumRetryAttempts"] > 0 for properties in found.values()
    )


def test_the_function_exports_every_table_but_the_keys(template):
    (statement,) = (
        statement
        for statement in template.statements("export")
        if statement["Action"] == "dynamodb:ExportTableToPointInTime"
    )
    exported = {resource["Fn::GetAtt"][0] for resource in statement["Resource"]}
    assert exported == {template.table(name)[0] for name in ("ledger", "messages", "state")}
    assert template.table("keys")[0] not in json.dumps(template.variables("export"))


def test_no_other_function_may_write_to_the_bucket(template):
    ((bucket, _),) = (
        (key, found)
        for key, found in template.resources("AWS::S3::Bucket").items()
        if key.startswith("Exports")
    )
    policies = template.resources("AWS::IAM::Policy").items()
    assert [key for key, found in policies if bucket in json.dumps(found)] == [
        key for key in dict(policies) if key.startswith("ExportRole")
    ]


@pytest.mark.parametrize("table", catalog.schema())
def test_only_data_files_lie_in_a_table(template, table):
    inputs = {
        found["Properties"]["TableInput"]["Name"]: json.dumps(found["Properties"]["TableInput"])
        for found in template.resources("AWS::Glue::Table").values()
    }
    assert f"/full/{table}/AWSDynamoDB/${{export}}/data" in inputs[table]
    assert f"/incremental/{table}/AWSDynamoDB/data/" in inputs[f"{table}_changes"]
    assert "sealed" not in inputs[table]


def test_every_query_is_saved_in_the_workgroup(template):
    saved = {
        found["Properties"]["Name"]: found["Properties"]
        for found in template.resources("AWS::Athena::NamedQuery").values()
    }
    assert set(saved) == {name for name, query in catalog.queries().items() if not query.local}
    for name, properties in saved.items():
        assert properties["QueryString"] == catalog.for_athena(catalog.queries()[name], "izin")
        assert properties["WorkGroup"] == "izin"
    ((_, workgroup),) = template.resources("AWS::Athena::WorkGroup").items()
    configuration = workgroup["Properties"]["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["ResultConfiguration"]["EncryptionConfiguration"]["EncryptionOption"] == "SSE_KMS"
