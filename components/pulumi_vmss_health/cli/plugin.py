"""`vmss-health plugin`: give Pulumi programs in other languages the gate of this installation."""

from __future__ import annotations

import argparse
import os
from importlib import util
from pathlib import Path

from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.printing import result
from pulumi_vmss_health.plugin import install
from vmss_instance_view.clock import Clock

_WHAT = ("install", "uninstall")


def offer(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with the plugin."""
    parser.add_argument(
        "what", choices=_WHAT, metavar=f"{{{','.join(_WHAT)}}}", help="into, or out of, PULUMI_HOME (else ~/.pulumi)"
    )


def run(options: argparse.Namespace, _clock: Clock) -> Exit:
    """Install or remove it. Raises ValueError where it could not run."""
    home = install.pulumi_home()
    try:
        told = _uninstalled(home) if options.what == "uninstall" else _installed(home)
    except OSError as error:
        raise ValueError(f"{error.filename}: {error.strerror}") from None
    result(told)
    return Exit.HEALTHY


def _uninstalled(home: Path) -> str:
    return "removed" if install.uninstall(home) else f"there is none in {install.folder_in(home)}"


def _installed(home: Path) -> str:
    if os.name == "nt":
        raise ValueError("the plugin is a shell script, which Windows does not start")
    if util.find_spec("pulumi") is None:
        raise ValueError("the plugin needs Pulumi's Python SDK beside it, which pip installs with pulumi-vmss-health")
    return str(install.install(home))
