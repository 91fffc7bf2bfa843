"""How do ledger, messages and states reach auditors? Exported to a bucket by night, and tables over them."""

from __future__ import annotations

import json

from aws_cdk import Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct
from izin.queries import catalog

from infra.bucket import Bucket
from infra.store import Store

_RESULTS = "results"


class Exports(Construct):
    """The bucket of the exports. The table of keys has no place in it: it is never exported."""

    def __init__(
        self, scope: Construct, id: str, *, key: kms.IKey, store: Store, access_log: s3.IBucket
    ) -> None:
        super().__init__(scope, id)
        self._key = key
        self._tables: dict[str, dynamodb.Table] = {
            "ledger": store.ledger,
            "messages": store.messages,
            "state": store.state,
        }
        self.bucket = Bucket(self, key=key, access_log=access_log, logged_under="exports/", locked=False)

    def give_access(self, function: lambda_.Function) -> None:
        """Let `function` ask for exports. DynamoDB writes them in its name, so it may write to the bucket."""
        arns = {name: table.table_arn for name, table in self._tables.items()}
        objects = self.bucket.arn_for_objects("*")
        services = [f"{name}.{Stack.of(self).region}.amazonaws.com" for name in ("dynamodb", "s3")]
        for statement in (
            iam.PolicyStatement(actions=["dynamodb:ExportTableToPointInTime"], resources=list(arns.values())),
            iam.PolicyStatement(actions=["s3:PutObject", "s3:AbortMultipartUpload"], resources=[objects]),
            iam.PolicyStatement(
                actions=["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"],
                resources=[self._key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": services}},
            ),
        ):
            function.add_to_role_policy(statement)
        function.add_environment("EXPORTED_TABLES", json.dumps(arns))
        function.add_environment("EXPORTS_BUCKET", self.bucket.bucket_name)
        function.add_environment("EXPORTS_KEY_ARN", self._key.key_arn)
        reason = "The exports' own bucket: DynamoDB chooses the names of what it writes there."
        self.bucket.acknowledge(function.role, "*", reason)


class Auditing(Construct):
    """Glue tables over the exports, and the auditors' queries in a workgroup of Athena.

    A full export is one partition, named by its id; the incremental ones lie together, as DynamoDB lays
    them. Only the data files are in the tables' places, never a manifest.
    """

    def __init__(self, scope: Construct, id: str, *, exports: Exports, key: kms.IKey) -> None:
        super().__init__(scope, id)
        bucket = exports.bucket
        self._database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=Stack.of(self).account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=catalog.DATABASE, description="Izin: exports of the ledger and the messages"
            ),
        )
        for table in catalog.schema():
            self._full(table, bucket)
            self._changes(table, bucket)
        workgroup = athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=catalog.DATABASE,
            description="Izin: the auditors' queries",
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{bucket.bucket_name}/{_RESULTS}/",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=key.key_arn
                    ),
                ),
            ),
        )
        for query in catalog.queries().values():
            if query.local:
                continue
            asks = ", ".join([*(f"id of an export of {name}" for name in query.reads), *query.parameters])
            saved = athena.CfnNamedQuery(
                self,
                "".join(part.capitalize() for part in query.name.split("-")),
                database=catalog.DATABASE,
                name=query.name,
                description=f"{query.title} Parameters: {asks}.",
                query_string=catalog.for_athena(query, catalog.DATABASE),
                work_group=workgroup.name,
            )
            saved.add_dependency(workgroup)

    def _full(self, table: str, bucket: s3.Bucket) -> None:
        place = f"s3://{bucket.bucket_name}/full/{table}/AWSDynamoDB"
        self._table(
            table,
            place,
            [("Item", catalog.item_type(table))],
            partitions=["export"],
            parameters={
                "projection.enabled": "true",
                "projection.export.type": "injected",  # every query names the export that it reads
                "storage.location.template": f"{place}/${{export}}/data",
            },
        )

    def _changes(self, table: str, bucket: s3.Bucket) -> None:
        item = catalog.item_type(table)
        columns = [
            ("Metadata", "struct<WriteTimestampMicros:struct<N:string>>"),
            ("Keys", "struct<pk:struct<S:string>,seq:struct<N:string>>"),
            ("OldImage", item),
            ("NewImage", item),
        ]
        place = f"s3://{bucket.bucket_name}/incremental/{table}/AWSDynamoDB/data"
        self._table(f"{table}_changes", place, columns, partitions=[], parameters={})

    def _table(
        self,
        name: str,
        place: str,
        columns: list[tuple[str, str]],
        *,
        partitions: list[str],
        parameters: dict[str, str],
    ) -> None:
        made = glue.CfnTable(
            self,
            "".join(part.capitalize() for part in name.split("_")),
            catalog_id=Stack.of(self).account,
            database_name=catalog.DATABASE,
            table_input=glue.CfnTable.TableInputProperty(
                name=name,
                table_type="EXTERNAL_TABLE",
                parameters={"classification": "json", "compressionType": "gzip", **parameters},
                partition_keys=[_column(partition, "string") for partition in partitions],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[
                        glue.CfnTable.ColumnProperty(name=column, type=kind) for column, kind in columns
                    ],
                    location=f"{place}/",
                    input_format="org.apache.hadoop.mapred.TextInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.openx.data.jsonserde.JsonSerDe"
                    ),
                ),
            ),
        )
        made.add_dependency(self._database)


def _column(name: str, kind: str) -> glue.CfnTable.ColumnProperty:
    return glue.CfnTable.ColumnProperty(name=name, type=kind)
