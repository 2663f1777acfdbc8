"""Waits under Azure's limits, which no header tells: a gate must not throttle itself until it can no longer pass.

`make soak` (WAITS=all) runs them at full length on the documented buckets; by default they are a tenth as long, on
buckets so small that Azure refuses reads now and then.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from tests.engine.projects import Project

from vmss_emulator import Emulator

ALL = os.environ.get("WAITS") == "all"
SLOWER = 10 if ALL else 1
TINY = {"size": 8, "per_minute": 60}
QUOTA: Any = True if ALL else dict.fromkeys(("view", "set", "instance", "vm"), TINY)

PROGRAM = """
import pulumi
import pulumi_vmss_health as vmss

gate = vmss.ScaleSetHealthGate("web", scale_set={id!r}, policy=vmss.GatePolicy(hold={hold!r}, timeout={timeout!r}))
pulumi.export("elapsed", gate.evidence["elapsedSeconds"])
"""


def seconds(value: float) -> str:
    return f"{value * SLOWER:.0f}s"


WAITS: dict[str, tuple[dict[str, Any], dict[str, Any], str, float]] = {
    "Flexible, the application gets healthy late": (
        {"orchestration_mode": "Flexible"},
        {"healthy": seconds(13), "list_carries": []},
        "auto",
        13,
    ),
    "Uniform, the application gets healthy late": ({}, {"healthy": seconds(13)}, "auto", 13),
    "Uniform, a long hold": ({}, {}, seconds(24), 24),
    "Flexible, a VM joins later": (
        {"orchestration_mode": "Flexible", "capacity": 2},
        {"list_carries": [], "boot": seconds(2), "extension": "1s", "healthy": seconds(1)},
        "auto",
        4,
    ),
}


IN_THE_OTHER_MODE = ("Uniform, the application gets healthy late", "Flexible, a VM joins later")


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[pytest.mark.rest] if each in IN_THE_OTHER_MODE else []) for each in WAITS]
)
def test_a_wait_under_azures_limits_passes_in_time(project: Project, azure: Emulator, name: str) -> None:
    wanted, life, hold, least = WAITS[name]
    at_once = {"boot": "0s", "extension": "0s", "healthy": "0s"}
    timeline: dict[str, Any] = {"scale_sets": {"*": {**at_once, **life}}}
    azure.load(timeline)
    scale_set = azure.put_scale_set("web", health=True, **{"capacity": 3, **wanted})
    azure.load({**timeline, "quota": QUOTA})
    project.program(PROGRAM.format(id=scale_set, hold=hold, timeout=seconds(60)))
    running = project.start_up()
    if "joins" in name:
        running.until("2/2 VMs", timeout=60 * SLOWER)
        azure.put_scale_set("web", health=True, **{**wanted, "capacity": 3})
    ran = running.wait(timeout=120 * SLOWER)
    assert ran.code == 0, ran.output
    refused = [request for request in azure.requests if request.status == 429]
    reads = [request for request in azure.requests if "/virtualMachineScaleSets/web" in request.path]
    assert len(refused) <= (0 if ALL else max(len(reads) / 3, 5))
    assert project.outputs()["elapsed"] <= (least + 25) * SLOWER
