"""How does the synthesized stack get into the emulator?

As it gets into an AWS account: its assets into the bucket that the CDK's bootstrap stack would have made,
then one CloudFormation stack from the template, unchanged.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import WaiterError

from infra.emulator import ACCOUNT, REGION, Emulator, LocalError

ROOT = Path(__file__).parent.parent
SOURCES = ("app.py", "infra", "functions", "layers", "requirements-dev.txt")
STACK = "Izin"
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "21"


def synthesize(assembly: Path, context: Mapping[str, str]) -> None:
    """Writes the template and its assets into `assembly`, unless they are there and nothing has changed."""
    made_from = assembly / "made-from"
    sources = _fingerprint(context)
    if made_from.exists() and made_from.read_text() == sources:
        return
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(assembly),
        "CDK_CONTEXT_JSON": json.dumps(context),
    }
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise LocalError(f"The stack does not synthesize:\n{done.stdout}{done.stderr}")
    made_from.write_text(sources)


def _fingerprint(context: Mapping[str, str]) -> str:
    """One hash over all that the assembly is made from."""
    fingerprint = hashlib.sha256(f"{sys.version} {ROOT} {sorted(context.items())}".encode())
    for source in SOURCES:
        files = [ROOT / source] if (ROOT / source).is_file() else sorted((ROOT / source).rglob("*"))
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                fingerprint.update(f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()}".encode())
    return fingerprint.hexdigest()


def deploy(emulator: Emulator, assembly: Path) -> dict[str, str]:
    """Creates the stack and answers its outputs."""
    s3 = emulator.client("s3")
    template_url = ""
    for bucket, key, file in _assets(assembly):
        if file == assembly / f"{STACK}.template.json":
            template_url = f"{emulator.url}/{bucket}/{key}"
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())
    emulator.client("ssm").put_parameter(Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String")

    cloudformation = emulator.client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK,
        TemplateURL=template_url,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    except WaiterError as error:
        raise LocalError(f"The stack was not created:\n{_failures(cloudformation)}") from error
    (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _assets(assembly: Path) -> list[tuple[str, str, Path]]:
    """(bucket, key, file) of everything that the template refers to, and of the template itself."""
    manifest = json.loads((assembly / f"{STACK}.assets.json").read_text())
    found = []
    for asset in manifest["files"].values():
        source = assembly / asset["source"]["path"]
        file = _zipped(source) if asset["source"]["packaging"] == "zip" else source
        for destination in asset["destinations"].values():
            found.append((_resolved(destination["bucketName"]), _resolved(destination["objectKey"]), file))
    return found


def _resolved(name: str) -> str:
    return name.replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)


def _zipped(folder: Path) -> Path:
    """A zip beside the asset; its name holds the content's hash, so one that is there is the right one."""
    archive = folder.with_name(folder.name + ".zip")
    if not archive.exists():
        unfinished = archive.with_suffix(".part")
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as target:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                target.write(file, file.relative_to(folder))
        unfinished.rename(archive)
    return archive


def _failures(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [e for e in reversed(events) if e["ResourceStatus"].endswith("FAILED")]
    return "\n".join(f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', '')}" for e in failed)
