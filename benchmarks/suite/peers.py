"""The peers: whether they are on this machine, how they are started, and an offline Azure that they share with ours."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.emulator.clients.table import HERE, HOME, printed

from benchmarks.suite.processes import inherited
from benchmarks.suite.works import LeftOut
from vmss_emulator import Emulator
from vmss_emulator.running import az_login

ROOT = Path(__file__).resolve().parents[2]
AZ, SDK, JAVASCRIPT = "az", "azure-mgmt-compute", "@azure/arm-compute"
MADE = {AZ: HOME / "az" / "complete", SDK: HOME / "python" / "complete", JAVASCRIPT: HOME / "javascript" / "complete"}


def missing(peer: str) -> str | None:
    """Why a peer cannot be measured here; None: it can."""
    if peer == JAVASCRIPT and shutil.which("node") is None:
        return "there is no node on this machine"
    return None if MADE[peer].exists() else "not installed: `make clients` does it"


def left_out(name: str, *needs: str) -> list[LeftOut]:
    """The peer of this name, if something that it needs is missing."""
    return [LeftOut(name, why) for each in needs if (why := missing(each))][:1]


def sdk_python() -> str:
    """The Python that has azure-mgmt-compute and nothing else."""
    return str(HOME / "python" / "bin" / "python")


def sdk_view(name: str) -> list[str]:
    """The words that print a set's view with azure-mgmt-compute."""
    return [sdk_python(), str(HERE / "python" / "client.py"), "view", "rg", name]


def javascript_view(name: str) -> list[str]:
    """The words that print a set's view with @azure/arm-compute."""
    return [shutil.which("node") or "node", str(HOME / "javascript" / "client.js"), "view", "rg", name]


def our_view(name: str) -> list[str]:
    """The words that print a set's view with `get_instance_view`."""
    return [sys.executable, str(HERE / "ours.py"), name]


@dataclass(frozen=True)
class Ground:
    """An offline Azure, a folder that is thrown away, and the variables that lead every peer to that Azure."""

    azure: Emulator
    folder: Path
    environment: Mapping[str, str]

    @property
    def with_az(self) -> dict[str, str]:
        """The variables with `az` on PATH, for shells and for those who sign in through it."""
        started = self.folder / "bin" / "az"
        if not started.exists():
            started.parent.mkdir()
            started.write_text(f'#!/bin/sh\nexec {shlex.join(printed("az"))} "$@"\n')
            started.chmod(0o755)
        return {**self.environment, "PATH": f"{started.parent}{os.pathsep}{self.environment['PATH']}"}


@contextmanager
def ground(timeline: Mapping[str, Any], *, quota: bool = False) -> Iterator[Ground]:
    """Start an offline Azure, in which az is signed in. It tells nothing of its limits in headers."""
    with Emulator(timeline, quota=quota) as azure, tempfile.TemporaryDirectory(prefix="vmss-benchmarks-") as folder:
        config = Path(folder, "az")
        config.mkdir()
        given = (azure.tenant_id, azure.subscription_id, azure.client_id, azure.client_secret)
        az_login.write(config, azure.url, *given)
        yield Ground(azure, Path(folder), {**inherited(), **azure.environment, "AZURE_CONFIG_DIR": str(config)})
