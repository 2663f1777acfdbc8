"""The command `vmss-health` on the offline Azure."""

from __future__ import annotations

import os
import sys
import time
from subprocess import CompletedProcess
from typing import Any

from tests.cli.here import ran_here

from vmss_emulator import Emulator
from vmss_emulator.machines.looks import BRIEF

AT_ONCE: dict[str, Any] = {"boot": "0s", "extension": "0s", "healthy": "0s"}
ILL = {"scale_sets": {"*": {**AT_ONCE, "events": [{"instances": [1], "health": "unhealthy"}]}}}
BROKEN = {
    "scale_sets": {
        "*": {**AT_ONCE, "events": [{"instances": [2], "extension": "app", "state": "failed/1", "message": "no disk"}]}
    }
}
COMMAND = [sys.executable, "-m", "pulumi_vmss_health.cli"]


def environment(azure: Emulator, **more: str) -> dict[str, str]:
    """What a pipeline has: credentials for the offline Azure, and nothing of this process's own."""
    own = ("ARM_", "AZURE_", "GITHUB_", "TF_BUILD", "IDENTITY_", "MSI_", "ACTIONS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return {**kept, **azure.environment, **more}


def run(azure: Emulator, *arguments: str, text: str = "", **more: str) -> CompletedProcess[str]:
    """Run the command to its end, with what a pipeline has."""
    return ran_here(environment(azure, **more), *arguments, text=text)


def put(azure: Emulator, name: str = "web", **wanted: Any) -> str:
    """Put a set, and wait for as long as the shortest operation takes."""
    made = azure.put_scale_set(name, **{"capacity": 3, "extensions": ["app"], "health": True, **wanted})
    time.sleep(BRIEF)
    return made
