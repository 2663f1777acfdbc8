"""The deployments that docs/verdicts.md tells of: each is lived on the offline Azure, and says what the document says.

`UPDATE_DOCS=1 pytest tests/gate/test_worked_deployments.py` writes what they say into the document, to be read.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.clocks import VirtualClock
from tests.gate.azure import running

from pulumi_vmss_health import GatePolicy, ScaleSetId
from pulumi_vmss_health.judging.snapshot import Ask, Context, Snapshot
from pulumi_vmss_health.telling.failure import failure_lines
from pulumi_vmss_health.telling.status import status_text
from pulumi_vmss_health.waiting.look import Looker
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import watch
from vmss_emulator import Emulator
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.clock import Deadline
from vmss_instance_view.connection import Azure
from vmss_instance_view.durations import format_seconds
from vmss_instance_view.limits.quota import Room

DOCUMENT = Path(__file__).parents[2] / "docs" / "verdicts.md"
STORY = re.compile(r"### (?P<title>.+?)\n.*?```yaml\n(?P<told>.*?)```\n\n```text\n(?P<said>.*?)```", re.DOTALL)
STORIES = {match["title"]: match for match in STORY.finditer(DOCUMENT.read_text())}


@dataclass
class Deployment:
    """A deployment as the document's YAML tells it.

    create, change: what Azure is asked for; the gate waits after the last of them. meanwhile: changes by others,
    with the second of the wait at which they come.
    """

    create: dict[str, Any]
    timeline: dict[str, Any]
    change: dict[str, Any] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=dict)
    meanwhile: list[dict[str, Any]] = field(default_factory=list)


class Story:
    """One deployment that is being lived, in virtual time."""

    def __init__(self, azure: Emulator, clock: VirtualClock, told: Deployment) -> None:
        self.azure, self.clock, self.told = azure, clock, told
        self.azure_of_the_gate = Azure(Settings(os.environ), clock)
        self.said: list[str] = []
        self.id = self.deploy(told.create)
        if told.change:
            self.deploy(told.change)
        self.began = clock.time

    def put(self, wanted: dict[str, Any]) -> str:
        self.told.create = {**self.told.create, **wanted}
        return self.azure.put_scale_set("web", **self.told.create)

    def deploy(self, wanted: dict[str, Any]) -> str:
        """What azure-native does: a PUT, which ends when Azure calls the operation ended."""
        scale_set = self.put(wanted)
        reader = Azure(Settings(os.environ), self.clock).reader(ScaleSetId.parse(scale_set))
        while (reader.model(Deadline(10, self.clock)).provisioning_state or "").lower() != "succeeded":
            self.clock.time += 1
            assert self.clock.time < 3600, "the operation did not end well: no gate would be reached"
        return scale_set

    def gate(self) -> str:
        """What the gate says: each change of its status line, and how it ends."""
        policy = GatePolicy(**self.told.policy)
        looker = Looker(self.azure_of_the_gate, ScaleSetId.parse(self.id), policy)
        context = Context(before_first_pass=not self.told.change)
        outcome = watch(Meanwhile(self, looker), policy, self.clock, self.report, context)
        told = failure_lines(outcome, ScaleSetId.parse(self.id))
        lines = takewhile(lambda line: not line.startswith("look closer"), told)
        return "\n".join([*self.said, *lines]).replace(self.azure.subscription_id, "…") + "\n"

    def report(self, progress: Progress) -> None:
        text = status_text(progress)
        if not self.said or not self.said[-1].endswith(f"  {text}"):
            self.said.append(f"{format_seconds(progress.elapsed):>6}  {text}")


@dataclass
class Meanwhile:
    """A looker beside whom others change the set."""

    story: Story
    looker: Looker

    def __call__(self, limit: float, ask: Ask) -> Snapshot:
        waited = self.story.clock.time - self.story.began
        while self.story.told.meanwhile and self.story.told.meanwhile[0]["at"] <= waited:
            change = self.story.told.meanwhile.pop(0)
            self.story.put({key: value for key, value in change.items() if key != "at"})
        return self.looker(limit, ask)

    def room(self, ask: Ask) -> Room:
        return self.looker.room(ask)

    def turn(self, ask: Ask) -> float:
        return self.looker.turn(ask)

    def turn_now(self, ask: Ask) -> bool:
        return self.looker.turn_now(ask)


def lived(title: str, monkeypatch: pytest.MonkeyPatch, **otherwise: Any) -> str:
    """What the gate says of a deployment. otherwise: what Azure is asked for besides."""
    clock, began = VirtualClock(), time.time()
    told = Deployment(**yaml.safe_load(STORIES[title]["told"]))
    told.create = {**told.create, **otherwise}
    with running(monkeypatch, told.timeline, lambda: began + clock.time) as azure:
        return Story(azure, clock, told).gate()


@pytest.mark.parametrize("title", STORIES)
def test_a_worked_deployment_says_what_the_document_says(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = lived(title, monkeypatch)
    if os.environ.get("UPDATE_DOCS"):
        old = STORIES[title].group(0)
        DOCUMENT.write_text(DOCUMENT.read_text().replace(old, old.replace(STORIES[title]["said"], said)))
    else:
        assert said == STORIES[title]["said"]


# What a Flexible set cannot say of a deployment, by the beginning of the line, and why.
UNSAID_IN_FLEXIBLE = {
    # The state of orchestration services is in the set's instance view, which Azure refuses for a Flexible set.
    "Repairs were suspended": "AutomaticRepairs is suspended",
}


def ending(said: str) -> list[str]:
    """How a wait ended, and why: without its status lines, when it ended, and the names of instances (but how many)."""
    lines = [line for line in said.splitlines() if not re.match(r" *(\d+[hms])+  ", line)]
    lines = [re.sub(r"(is healthy|given up) after (\d+[hms])+", r"\1 after …", line) for line in lines]
    return [re.sub(r"^instances? (.+?): ", lambda names: f"{number_of(names[1])} VMs: ", line) for line in lines]


def number_of(names: str) -> int:
    return len(re.split(", | and ", names))


@pytest.mark.rest
@pytest.mark.parametrize("title", [title for title in STORIES if not title.startswith("Flexible")])
def test_a_worked_deployment_ends_in_the_same_words_in_flexible_mode(
    title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsaid = UNSAID_IN_FLEXIBLE.get(title)
    expected = ending(STORIES[title]["said"])
    wanted = [line for line in expected if unsaid is None or not line.startswith(unsaid)]
    assert len(expected) - len(wanted) == (unsaid is not None)
    assert ending(lived(title, monkeypatch, orchestration_mode="Flexible")) == wanted


def test_the_document_tells_of_every_kind_of_deployment() -> None:
    kinds = ("create", "scale out", "Automatic", "Rolling", "Manual", "spot", "autoscale", "repairs", "Flexible")
    titles = " ".join(STORIES)
    assert [kind for kind in kinds if kind.lower() not in titles.lower()] == []
