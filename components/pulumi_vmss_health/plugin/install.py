"""Put the plugin where a Pulumi engine finds it: a script in the cache of plugins that starts this Python."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from pulumi_vmss_health.version import __version__

NAME = "pulumi-resource-vmss-health"

_SCRIPT = """#!/bin/sh
# Written by `vmss-health plugin install`. exec: signals of the engine are meant for Python itself.
exec {python} -I -u -c {program} "$@"
"""
_PROGRAM = "import sys; sys.path += {roots!r}; from pulumi_vmss_health.plugin.server import main; main()"


def pulumi_home() -> Path:
    """Return where Pulumi keeps its plugins."""
    return Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")


def folder_in(home: Path) -> Path:
    """Return the folder of this version."""
    return home / "plugins" / f"resource-vmss-health-v{__version__}"


def install(home: Path) -> Path:
    """Write the plugin into the cache below a PULUMI_HOME; return the file."""
    import vmss_instance_view

    here, reader = Path(__file__).resolve().parents[2], Path(vmss_instance_view.__file__).resolve().parents[1]
    program = _PROGRAM.format(roots=list(dict.fromkeys([str(here), str(reader)])))
    folder = folder_in(home)
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / NAME
    script.write_text(_SCRIPT.format(python=shlex.quote(sys.executable), program=shlex.quote(program)), "utf-8")
    script.chmod(0o755)
    return script


def uninstall(home: Path) -> bool:
    """Remove this version's plugin; return whether there was one."""
    folder = folder_in(home)
    there_was = folder.exists()
    if there_was:
        shutil.rmtree(folder)
    return there_was
