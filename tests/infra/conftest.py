"""The synthesized template, once for all tests here: offline, and without building the layers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.stack import izin_app

Resource = dict[str, Any]
Statement = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """A template, and the few questions that the tests ask of it."""

    path: Path
    document: dict[str, Any]

    def resources(self, kind: str) -> dict[str, Resource]:
        return {key: found for key, found in self.document["Resources"].items() if found["Type"] == kind}

    def functions(self) -> dict[str, tuple[str, Resource]]:
        """Logical id and resource of each function, by the name of its file."""
        return {
            found["Properties"]["Handler"].removesuffix(".handler"): (key, found)
            for key, found in self.resources("AWS::Lambda::Function").items()
        }

    def variables(self, function: str) -> dict[str, Any]:
        _, found = self.functions()[function]
        return dict(found["Properties"]["Environment"]["Variables"])

    def statements(self, function: str) -> list[Statement]:
        """What the function's role may do."""
        _, found = self.functions()[function]
        role = found["Properties"]["Role"]["Fn::GetAtt"][0]
        return [
            statement
            for policy in self.resources("AWS::IAM::Policy").values()
            if {"Ref": role} in policy["Properties"]["Roles"]
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        ]

    def allowed(self, function: str) -> dict[str, set[str]]:
        """Actions by what they are allowed on: a logical id, with `/index/…` or `/stream` behind it."""
        allowed: dict[str, set[str]] = {}
        for statement in self.statements(function):
            for resource in _listed(statement["Resource"]):
                allowed.setdefault(_named(resource), set()).update(_listed(statement["Action"]))
        return allowed

    def key(self, spec: str = "SYMMETRIC_DEFAULT") -> tuple[str, Resource]:
        """The only key of its kind."""
        ((key, found),) = (
            (key, found)
            for key, found in self.resources("AWS::KMS::Key").items()
            if found["Properties"].get("KeySpec", "SYMMETRIC_DEFAULT") == spec
        )
        return key, found

    def table(self, name: str) -> tuple[str, Resource]:
        """The table by its first word, as in the outputs: `ledger` for `LedgerTable`."""
        key = self.document["Outputs"][f"{name.capitalize()}Table"]["Value"]["Ref"]
        return key, self.document["Resources"][key]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named(resource: Any) -> str:
    if isinstance(resource, str):
        return resource
    if "Fn::GetAtt" in resource:
        name, attribute = resource["Fn::GetAtt"]
        return f"{name}/stream" if attribute == "StreamArn" else str(name)
    if "Fn::Join" in resource:
        return "".join(_named(part) for part in resource["Fn::Join"][1])
    return str(resource["Ref"])


def _synthesized(outdir: Path, **context: str) -> Template:
    app = izin_app(outdir=str(outdir), context={"aws:cdk:bundling-stacks": [], **context})
    app.synth()
    path = outdir / "Izin.template.json"
    return Template(path=path, document=json.loads(path.read_text()))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """What is deployed to AWS."""
    return _synthesized(tmp_path_factory.mktemp("cdk"))


@pytest.fixture(scope="session")
def local_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """What a laptop runs."""
    overlay = tmp_path_factory.mktemp("overlay")
    (overlay / "clock.py").write_text("")
    return _synthesized(
        tmp_path_factory.mktemp("local"),
        local="true",
        sandbox_url="http://127.0.0.1:9",
        core_overlay=str(overlay),
    )
