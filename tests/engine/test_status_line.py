"""The status line in the log of a pipeline: on the gate's row, once for each change, and gone at the end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.engine.projects import HEALTHY, UNHEALTHY, Project, looked_at
from tests.waiting import until

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine


def test_a_run_without_a_terminal_prints_a_line_for_each_change_and_none_is_left_at_the_end(
    project: Project, azure: Emulator
) -> None:
    azure.load(UNHEALTHY)
    scale_set = azure.put_scale_set("web", capacity=3, health=True)
    project.program(f"""
    vmss.ScaleSetHealthGate("web", scale_set={scale_set!r}, policy=vmss.GatePolicy(timeout="2m", hold="4s"))
    """)
    project.environment["PULUMI_DEBUG_COMMANDS"] = "true"  # which alone allows an event log
    events = project.folder / "events.json"
    running = project.start_up("--event-log", str(events))
    running.until("appHealth 2/3, ")
    seen = len(looked_at(azure)["web"])
    until(lambda: len(looked_at(azure)["web"]), lambda looks: looks >= seen + 2)  # which show nothing new
    azure.load(HEALTHY)
    ran = running.wait()
    assert ran.code == 0, ran.output

    said = [each for each in map(status_of, events.read_text().splitlines()) if each is not None]
    assert all(each["urn"].endswith("HealthGate::web") and each["ephemeral"] for each in said)
    texts = [each["message"].strip() for each in said]
    counts = [text.rpartition(", ")[0] for text in texts]
    assert len(set(counts)) == len(counts), "the same was said twice"
    assert "appHealth 2/3, 3/3 VMs" in counts
    assert texts[-1] == "", "the last status was not cleared"
    rows = [line for line in ran.output.splitlines() if "dynamic/vmss-health:HealthGate web creating" in line]
    assert len(rows) == 1 + len(texts)
    assert any("appHealth 2/3, 3/3 VMs, timeout 2m" in row for row in rows), ran.output
    assert any("healthy, holding, 3/3 VMs, appHealth 3/3" in row for row in rows), ran.output


def status_of(event: str) -> dict[str, Any] | None:
    """What a gate said in an event of the engine, if it did."""
    said: dict[str, Any] | None = json.loads(event).get("diagnosticEvent")
    return said if said and said["severity"] == "info" else None
