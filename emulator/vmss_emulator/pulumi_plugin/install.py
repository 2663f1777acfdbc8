"""Putting the stand-in where one Pulumi engine finds it, and no other."""

from __future__ import annotations

import shlex
import sys
from importlib import metadata
from pathlib import Path

NAME = "pulumi-resource-azure-native"
VERSION = "999.0.0"  # newer than any that a program asks for

_SCRIPT = """#!/bin/sh
# exec: the engine must be the parent of Python itself, whose end it is to notice.
exec {python} -I -u -c {program} "$@"
"""
_PROGRAM = "import sys; sys.path.append({root!r}); from vmss_emulator.pulumi_plugin.start import main; main()"


def sdk_version() -> str | None:
    """Return the version of the installed `pulumi_azure_native`; None without."""
    try:
        return metadata.version("pulumi-azure-native")
    except metadata.PackageNotFoundError:
        return None


def install(pulumi_home: Path) -> Path:
    """Write the stand-in into the plugin cache of a PULUMI_HOME; returns the folder it lies in."""
    folder = pulumi_home / "plugins" / f"resource-azure-native-v{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    root = str(Path(__file__).resolve().parents[2])  # what holds the package, wherever it is installed
    program = shlex.quote(_PROGRAM.format(root=root))
    script = folder / NAME
    script.write_text(_SCRIPT.format(python=shlex.quote(sys.executable), program=program), encoding="utf-8")
    script.chmod(0o755)
    return folder
