"""Records the state that this version writes, so that later versions are tested with it.

    mkdir tests/engine/states/v0_2_0    # with a program in it: __main__.py
    .venv/bin/python -m tests.engine.record_state v0_2_0

runs the program once against an offline Azure and keeps `pulumi stack export` beside it, in state.json. What tells of
the machine, the moment and the emulator's subscription is left out. Recorded states are never recorded anew.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.engine.projects import Project

from vmss_emulator import Emulator

STATES = Path(__file__).parent / "states"
SCALE_SET = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
    "/providers/Microsoft.Compute/virtualMachineScaleSets/web"
)
_OF_THE_MACHINE = ("sourcePosition", "stackTrace", "created", "modified")


def recorded(project: Project, version: str) -> dict[str, Any]:
    """The state that the program of a version leaves, of a scale set that is well."""
    web = project.azure.put_scale_set("web", capacity=3, extensions=["cse"], health=True, zones=["1", "2", "3"])
    project.program((STATES / version / "__main__.py").read_text())
    assert project.run("config", "set", "scaleSet", web).code == 0
    ran = project.up()
    assert ran.code == 0, ran.output
    exported = project.run("stack", "export").output.replace(project.azure.subscription_id, SCALE_SET.split("/")[2])
    state: dict[str, Any] = json.loads(exported)
    for resource in state["deployment"]["resources"]:
        for key in _OF_THE_MACHINE:
            resource.pop(key, None)
    del state["deployment"]["secrets_providers"]
    return state


def main(version: str) -> None:
    """Record one."""
    at_once = {"scale_sets": {"*": {"boot": "0s", "extension": "0s", "healthy": "0s"}}}
    with Emulator(at_once) as azure, tempfile.TemporaryDirectory() as folder:
        state = recorded(Project(Path(folder), azure), version)
    (STATES / version / "state.json").write_text(json.dumps(state, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
