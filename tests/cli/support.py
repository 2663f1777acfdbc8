"""The command `vmss-health` as a process of its own, on the offline Azure."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from vmss_emulator import Emulator

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


def run(azure: Emulator, *arguments: str, text: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(azure, **more),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def put(azure: Emulator, name: str = "web", **wanted: Any) -> str:
    return azure.put_scale_set(name, **{"capacity": 3, "extensions": ["app"], "health": True, **wanted})
