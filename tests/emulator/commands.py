"""`vmss-emulator` as a shell runs it, and the real Pulumi engine under it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.engine.projects import TOOLCHAIN, python_with_known_packages

COMMAND = [sys.executable, "-m", "vmss_emulator.cli"]
# Where a shell finds Pulumi, and Pulumi its Python.
ENGINE = {"PATH": os.pathsep.join([str(TOOLCHAIN), os.environ.get("PATH", "")]), "PULUMI_PYTHON_CMD": sys.executable}


def ran(
    *words: str | Path, environment: Mapping[str, str] | None = None, folder: Path | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [*COMMAND, *map(str, words)]
    inherited = {**os.environ, **(environment or {})}
    return subprocess.run(
        command, env=inherited, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False
    )


def execute(
    *words: str | Path, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `vmss-emulator exec` to its end."""
    return ran("exec", *words, environment=environment, folder=folder)


def on_the_engine(
    folder: Path, script: str, *options: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Let a shell run Pulumi in a project's folder, under `vmss-emulator exec` with these options."""
    words = ["exec", *options, "--", "sh", "-c", script]
    engine = {**ENGINE, "PULUMI_PYTHON_CMD": str(python_with_known_packages(folder))}
    return ran(*words, environment={**engine, **(environment or {})}, folder=folder, timeout=240)


def resources(exported: Path) -> dict[str, dict[str, Any]]:
    """The resources that `pulumi stack export` wrote to a file, by their names in the program."""
    found = json.loads(exported.read_text())["deployment"].get("resources", [])
    return {resource["urn"].split("::")[-1]: resource for resource in found}
