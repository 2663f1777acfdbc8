"""What README and the pages show of a gate at work is what a gate says on the offline Azure.

`UPDATE_DOCS=1 pytest tests/documents/test_captures.py` writes the failure into README, to be read.
"""

from __future__ import annotations

import os
import re
import time

import pytest
from tests.clocks import VirtualClock
from tests.gate.azure import running
from tests.gate.test_worked_deployments import Deployment, Story
from tests.pages import ROOT, blocks

from pulumi_vmss_health import GatePolicy, ScaleSetId
from pulumi_vmss_health.judging.snapshot import Context
from pulumi_vmss_health.telling.failure import failure_lines
from pulumi_vmss_health.telling.folding import folded
from pulumi_vmss_health.telling.status import status_line
from pulumi_vmss_health.waiting.look import Looker
from pulumi_vmss_health.waiting.watch import watch

README = ROOT / "README.md"
FULL = "[stderr] mkdir: cannot create directory '/srv/app': No space left on device"
DISK_FULL = {
    "put": 2,
    "at": "1s",
    "instances": [2],
    "extension": "app",
    "state": "failed/1",
    "message": f"Enable failed: command terminated with exit status=1 {FULL}",
}
ILL = {"put": 2, "at": "1s", "instances": [1], "health": "unhealthy"}
WELL = {"put": 2, "at": "20s", "heal": True}  # so that the wait ends


def app(release: int) -> dict[str, object]:
    """The extension that installs a release."""
    return {"name": "app", "properties": {"publisher": "p", "type": "t", "settings": {"release": release}}}


def said(monkeypatch: pytest.MonkeyPatch, *events: dict[str, object]) -> tuple[list[str], list[str]]:
    """Each status line of a gate that waits for a changed set of three VMs, and the folded lines of its failure."""
    clock, began = VirtualClock(), time.time()
    told = Deployment(
        create={"capacity": 3, "extensions": [app(1)], "health": True, "upgrade_mode": "Automatic"},
        timeline={"boot": "0s", "extension": "0s", "healthy": "0s", "events": list(events)},
        change={"extensions": [app(2)]},
    )
    statuses: list[str] = []
    with running(monkeypatch, told.timeline, lambda: began + clock.time) as azure:
        story = Story(azure, clock, told)
        clock.time += 5
        policy = GatePolicy(timeout="20m")
        looker = Looker(story.azure_of_the_gate, ScaleSetId.parse(story.id), policy)
        outcome = watch(looker, policy, clock, lambda progress: statuses.append(status_line(progress)), Context())
        return statuses, [folded(line) for line in failure_lines(outcome, ScaleSetId.parse(story.id))]


def capture(page: str, begin: str) -> str:
    (found,) = (text for _, text in blocks(ROOT / page) if text.startswith(begin))
    return found


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def pattern(shown: str) -> str:
    """What a text stands for: `…` for what is left out, and a duration for any."""
    escaped = re.escape(in_one_line(shown)).replace("…", ".*")
    return re.sub(r"(?<=after\\ )\w+(?=\\ of)", r"\\w+", escaped)


def test_the_failure_in_readme_is_what_a_gate_says(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = capture("README.md", "pulumi-python")
    _, lines = said(monkeypatch, DISK_FULL)
    head, *reasons = re.split(r"^    \* ", shown, flags=re.MULTILINE)
    assert len(reasons) == len(lines)
    if os.environ.get("UPDATE_DOCS"):
        new = [old if "`" in old else f"{line}\n" for old, line in zip(reasons, lines, strict=True)]
        README.write_text(README.read_text().replace(shown, "    * ".join([head, *new])))
        return
    assert f"error: {len(lines)} errors occurred:" in head
    for reason, line in zip(reasons, lines, strict=True):
        assert re.fullmatch(pattern(reason), in_one_line(line)), (reason, line)


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
def test_the_row_on_a_page_is_what_a_gate_says(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses, _ = said(monkeypatch, ILL, WELL)
    status = capture(page, " + ").rpartition(")  ")[2].strip()
    assert status in statuses
