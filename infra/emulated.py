"""The emulator's process: ministack, corrected where it differs from AWS in what Izin's template relies on.

The emulator is corrected so that the template need not be. Each correction says what AWS does.
"""

import hashlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import athena, s3, sns
from ministack.services.cloudformation import provisioners


def take_loopback_for_tls() -> None:
    """The template denies plain HTTP on queues, topics and buckets; here everything stays on the loopback."""
    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _secure: pin(source_ip, True)


def authorize_batches_as_single_calls() -> None:
    """`SendMessageBatch` is allowed by `sqs:SendMessage`: the batch has no permission of its own."""
    action_of = iam_actions.extract_iam_action

    def single(*request: Any, **more: Any) -> Any:
        action = action_of(*request, **more)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = single


def stamp_milliseconds() -> None:
    """SNS states when it took a message to the millisecond: an answer is never older than its question."""

    def stamp(_format: str, _time: object) -> str:
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    sns.time = SimpleNamespace(time=time.time, gmtime=time.gmtime, strftime=stamp)


def unpack_layers_once() -> None:
    """A layer lies unpacked before a function starts; here every worker would unpack its own, for seconds."""
    unpacked = Path(tempfile.gettempdir(), "layers")
    lock = threading.Lock()

    class LayerZip(zipfile.ZipFile):
        def namelist(self) -> list[str]:
            """Nothing to check in a layer, which we zipped ourselves."""
            return [] if self._is_layer() else super().namelist()

        def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
            if not self._is_layer():
                super().extractall(path, members, pwd)
                return
            contents = repr([(info.filename, info.CRC) for info in self.infolist()])
            shared = unpacked / hashlib.sha256(contents.encode()).hexdigest()
            with lock:
                if not shared.exists():
                    super().extractall(shared, super().namelist())
            for entry in shared.iterdir():
                Path(path, entry.name).symlink_to(entry)

        def _is_layer(self) -> bool:
            return Path(str(self.filename)).name.startswith("layer_")

    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": LayerZip})


def lock_objects() -> None:
    """A bucket's template says how long it locks what it gets; here CloudFormation would leave that out."""
    apply = provisioners._s3_apply_configurations

    def apply_with_lock(name: str, properties: dict[str, Any], *before: Any) -> None:
        apply(name, properties, *before)
        rule = properties.get("ObjectLockConfiguration", {}).get("Rule", {})
        if retention := rule.get("DefaultRetention"):
            days = {"Mode": retention["Mode"], "Days": int(retention["Days"])}
            s3._bucket_object_lock[name] = {"enabled": True, "default_retention": days}

    provisioners._s3_apply_configurations = apply_with_lock


def name_roles_in_conditions() -> None:
    """Whoever has taken a role is, as `aws:PrincipalArn`, the role and not their session."""
    resolve = iam_evaluator._resolve_condition_key

    def resolve_role(key: str, context: Any) -> Any:
        found = resolve(key, context)
        if key.lower() == "aws:principalarn" and ":assumed-role/" in str(found):
            _, _, _, _, account, resource = found.split(":")
            return f"arn:aws:iam::{account}:role/{resource.split('/')[1]}"
        return found

    iam_evaluator._resolve_condition_key = resolve_role


def create_saved_queries() -> None:
    """CloudFormation creates the saved queries of Athena; here only its API would."""

    def create(_logical_id: str, properties: Any, _stack: str) -> tuple[str, dict[str, str]]:
        _, _, body = athena._create_named_query(properties)
        query_id = json.loads(body)["NamedQueryId"]
        return query_id, {"NamedQueryId": query_id}

    def delete(query_id: str, _properties: Any) -> None:
        athena._delete_named_query({"NamedQueryId": query_id})

    provisioners._RESOURCE_HANDLERS["AWS::Athena::NamedQuery"] = {"create": create, "delete": delete}


def follow_parent() -> None:
    """Ends this process when the pipe from its parent closes, however that came about."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    take_loopback_for_tls()
    authorize_batches_as_single_calls()
    stamp_milliseconds()
    unpack_layers_once()
    lock_objects()
    name_roles_in_conditions()
    create_saved_queries()
    threading.Thread(target=follow_parent, daemon=True).start()
    app.main()
