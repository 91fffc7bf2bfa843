"""What do all functions import, and how does it get there? Two layers: our own code, and pinned wheels.

Neither needs Docker. On AWS both are built for Python 3.13 on arm64; a local stack runs its functions in
the interpreter at hand, so there both are built for that one instead.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import (
    AssetHashType,
    BundlingOptions,
    DockerImage,
    FileSystem,
    ILocalBundling,
    Validations,
)
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64
_VERSION = "3.13"
_WHEELS_FOR_LAMBDA = (
    "--platform=manylinux2014_aarch64",
    "--implementation=cp",
    f"--python-version={_VERSION}",
)

# Place names and carrier names of phone numbers: 20 MB that nothing here asks for. The modules that would
# read them go too, so that a later import fails at once and not on the first unusual number.
_UNUSED = (
    "phonenumbers/geodata",
    "phonenumbers/geocoder.py",
    "phonenumbers/carrierdata",
    "phonenumbers/carrier.py",
    "bin",
)

# The command, and what only it reads and writes.
_FOR_PEOPLE = ("commands", "exports", "lists", "queries")

_LAMBDA_LIMIT = 250 * 2**20  # both layers and the function, unpacked

Build = Callable[[Path], None]


class Layers(Construct):
    """`core`, our own package, and `deps`, the wheels in `layers/deps/requirements.txt`.

    `overlay` is a folder copied over the core layer, for a local stack only: it replaces modules, such as
    the clock, that a laptop must be able to steer.
    """

    def __init__(self, scope: Construct, id: str, *, local: bool, overlay: Path | None) -> None:
        super().__init__(scope, id)
        if overlay and not local:
            raise ValueError("core_overlay replaces modules of the gate: only a local stack may have one")
        python = sys.executable if local else _python_of_lambda()
        if python is None:
            self._warn_of_missing_bytecode()
        compiled = f"bytecode by {python and _identity(python)[0]}"
        flags = () if local else _WHEELS_FOR_LAMBDA

        def build_core(target: Path) -> None:
            shutil.copytree(
                ROOT / "layers/core/python/izin",
                target / "izin",
                ignore=shutil.ignore_patterns(
                    "__pycache__", "cli.py", "commands", "exports", "lists", "queries"
                ),
            )
            if overlay:
                shutil.copytree(
                    overlay, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
                )
            _compile(python, target)

        def build_deps(target: Path) -> None:
            requirements = ROOT / "layers/deps/requirements.txt"
            _install(requirements, target, flags)
            _refuse_unpinned(requirements, target)
            for name in _UNUSED:
                path = target / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            _compile(python, target)

        overlay_print = [FileSystem.fingerprint(str(overlay))] if overlay else []
        self.core = self._layer("core", build_core, [compiled, *overlay_print])
        self.deps = self._layer("deps", build_deps, [compiled, *flags, *_UNUSED])

    def _layer(self, name: str, build: Build, recipe: Sequence[str]) -> lambda_.LayerVersion:
        bundling = BundlingOptions(
            image=DockerImage.from_registry("never-started"),
            local=_Bundling(name, build),
            # The command is never run. It enters the hash of the asset, so another recipe is another asset.
            command=list(recipe),
        )
        return lambda_.LayerVersion(
            self,
            name.capitalize(),
            description=f"Izin: {name}",
            code=lambda_.Code.from_asset(
                str(ROOT / "layers" / name),
                asset_hash_type=AssetHashType.SOURCE,
                bundling=bundling,
                exclude=["**/__pycache__", "**/*.egg-info"],
            ),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
        )

    def _warn_of_missing_bytecode(self) -> None:
        message = (
            f"no Python {_VERSION} found: the layers carry no bytecode, and every cold start compiles what"
            f" it imports (about 1.5 s more). Put python{_VERSION} on the PATH."
        )
        print(f"WARNING: {message}", file=sys.stderr)
        Validations.of(self).add_warning("izin:no-bytecode", message)


@jsii.implements(ILocalBundling)
class _Bundling:
    """Builds a layer in place of a container. A failure is raised: answering False would start Docker."""

    def __init__(self, name: str, build: Build) -> None:
        self._name = name
        self._build = build

    def try_bundle(self, output_dir: str, *_args: Any, **_kwargs: Any) -> bool:
        target = Path(output_dir) / "python"
        target.mkdir()
        self._build(target)
        size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
        print(f"{self._name} layer: {size / 2**20:.1f} MB", file=sys.stderr)
        if size > _LAMBDA_LIMIT:
            raise RuntimeError(f"the {self._name} layer is larger than Lambda accepts")
        return True


def _install(requirements: Path, target: Path, flags: Sequence[str]) -> None:
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-compile", "--only-binary=:all:", f"--target={target}", *flags),
            f"--requirement={requirements}",
        ],
        check=True,
        stdout=sys.stderr,
    )


def _refuse_unpinned(requirements: Path, target: Path) -> None:
    """What pip added by itself would float: everything in the layer must be named in the requirements."""
    pinned = {_normal(line.split("==")[0]) for line in requirements.read_text().splitlines() if "==" in line}
    installed = {_normal(found.name) for found in distributions(path=[str(target)])}
    if installed != pinned:
        raise RuntimeError(f"installed but not pinned, or the reverse: {sorted(installed ^ pinned)}")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _compile(python: str | None, target: Path) -> None:
    """Bytecode that is trusted unchecked: the zip resets file times, and a layer cannot change anyway."""
    if python is None:
        return
    subprocess.run(
        [
            *(python, "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash"),
            *("-s", str(target), str(target)),
        ],
        check=True,
        stdout=sys.stderr,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def _python_of_lambda() -> str | None:
    """An interpreter of the minor version that Lambda runs: bytecode of any other is ignored there."""
    for candidate in (sys.executable, shutil.which(f"python{_VERSION}")):
        if candidate:
            version, path = _identity(candidate)
            if version == _VERSION:
                return path
    return None


def _identity(python: str) -> tuple[str, str]:
    """Its version and where it really is, both empty where it does not run.

    Asked of the interpreter itself: pyenv puts a `python3.13` on the PATH that runs only when it is told
    which version is meant.
    """
    code = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
    answer = subprocess.run(
        [python, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYENV_VERSION": _VERSION},
    )
    version, _, path = answer.stdout.strip().partition(" ")
    return version, path
