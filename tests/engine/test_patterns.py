"""The examples of whole releases, as they stand: what happens when a release is bad, and how it goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.emulator.support import ArmSession
from tests.engine.projects import AT_ONCE, Project, Ran, looks
from tests.pages import ROOT
from tests.waiting import until

from vmss_emulator import Emulator

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]  # several deployments each

EXAMPLES = ROOT / "examples"
ILL = {"instances": [1], "health": "unhealthy"}
QUICK = {"hold": "0s", "timeout": "6s"}


@pytest.fixture
def arm(azure: Emulator) -> Iterator[ArmSession]:
    session = ArmSession(azure)
    yield session
    session.close()


def take(project: Project, example: str, **config: Any) -> None:
    """Let the project be this example, with this configuration."""
    for file in (EXAMPLES / example).glob("*.py"):
        shutil.copy(file, project.folder)
    configure(project, sshPublicKey="ssh-rsa AAAA", **config)


def configure(project: Project, **config: Any) -> None:
    """Set configuration values; the others stay."""
    file = project.folder / "Pulumi.dev.yaml"
    stack = yaml.safe_load(file.read_text())
    own = {f"{project.name}:{key}": value for key, value in config.items()}
    stack["config"] = {"azure-native:location": "westeurope", **stack.get("config", {}), **own}
    file.write_text(yaml.safe_dump(stack))


def ill(name: str, *, put: int = 1) -> dict[str, Any]:
    """A timeline in which one machine of a set is unhealthy from its so many-th deployment on."""
    return {"scale_sets": {"*": AT_ONCE, name: {**AT_ONCE, "events": [{**ILL, "put": put}]}}}


def writes(azure: Emulator, kind: str, name: str = "") -> list[str]:
    """The requests that would change resources of a kind, by their methods and names."""
    found = []
    for each in azure.requests:
        _, _, below = each.path.partition(f"/{kind}/{name}")
        if below and each.method in ("PUT", "PATCH", "DELETE", "POST"):
            found.append(f"{each.method} {name}{below}")
    return found


# Blue and green.


class Release:
    """The example `blue_green`, with release 1 on blue, which serves."""

    def __init__(self, project: Project, azure: Emulator, arm: ArmSession) -> None:
        self.project, self._azure, self._arm = project, azure, arm
        take(project, "blue_green", candidate="blue", **QUICK)
        ran = project.up()
        assert ran.code == 0, ran.output
        assert self.served_by == "blue"
        self._before = len(azure.requests)
        configure(project, candidate="green", greenRelease="2")

    @property
    def served_by(self) -> str:
        """The set that traffic goes to, as Azure has it."""
        record = self._arm.get(self.project.state()["RecordSet/web"]["id"])
        return str(record["properties"]["cnameRecord"]["cname"]).removesuffix(".example.com")

    @property
    def gate(self) -> dict[str, Any]:
        """What the gate stored."""
        return dict(self.project.state()["HealthGate/candidate"]["outputs"])

    def assert_blue_was_never_touched(self) -> None:
        """Nothing was deleted at all, and blue was not even asked to change; it has all of its machines."""
        asked = self._azure.requests[self._before :]
        assert not [each.path for each in asked if each.method == "DELETE"]
        assert writes(self._azure, "virtualMachineScaleSets", "blue") == [f"PUT {self._name('blue')}"], "its create"
        blue = self.project.state()["VirtualMachineScaleSet/blue"]["id"]
        assert self._arm.get(blue)["sku"]["capacity"] == 2
        assert len(self._arm.get(f"{blue}/virtualMachines")["value"]) == 2

    def seconds_from_verdict_to_traffic(self) -> float:
        """From the end of the gate's last look to Azure's answer to the change of the record."""
        moved = [each for each in self._azure.requests if each.method == "PUT" and "/CNAME/" in each.path][-1]
        looked = [
            each.ended
            for each in self._azure.requests
            if each.method == "GET" and "/virtualMachineScaleSets/" in each.path
            if each.ended is not None and each.ended < moved.started
        ]
        assert moved.ended is not None
        return moved.ended - max(looked)

    def _name(self, colour: str) -> str:
        return str(self.project.state()[f"VirtualMachineScaleSet/{colour}"]["outputs"]["name"])


@pytest.fixture
def release(project: Project, azure: Emulator, arm: ArmSession) -> Release:
    return Release(project, azure, arm)


def assert_it_failed_with_the_gates_reasons(ran: Ran) -> None:
    assert ran.code != 0
    assert "Traceback" not in ran.output
    _, found, told = ran.told.partition("dynamic/vmss-health:RequireHealthy (candidate):")
    assert found, ran.output
    causes = [line.strip() for line in told.splitlines() if line.strip().startswith("* ")]
    assert causes[0].startswith("* the gate did not pass: scale set green")
    assert "is not healthy after 6s, which is the timeout of the policy" in causes[0]
    assert causes[1].startswith("* instance 1: application health unhealthy, want healthy")
    assert causes[2].startswith("* next: check the application's log on the instance")
    assert causes[3].startswith("* next: mend it, then run `pulumi up` again")


@pytest.mark.parametrize("updates", [1, pytest.param(2, marks=pytest.mark.rest)])
def test_a_candidate_that_never_gets_healthy_gets_no_traffic_and_fails_every_update(
    release: Release, project: Project, azure: Emulator, updates: int
) -> None:
    azure.load(ill("green", put=2))
    for _ in range(updates):
        before = looks(azure)
        assert_it_failed_with_the_gates_reasons(project.up())
        assert looks(azure) > before, "the second update did not gate again"
        assert (release.gate["healthy"], release.gate["state"]) == (False, "warned")
        assert release.served_by == "blue"
    before_it = project.state()["RequireHealthy/candidate"]["dependencies"]
    assert project.state()["RecordSet/web"]["urn"] in before_it, "the update may fail before the traffic has moved"
    release.assert_blue_was_never_touched()


@pytest.mark.rest  # another moment for the candidate to fail
def test_traffic_is_back_soon_after_the_candidate_fails_and_returns_when_it_has_healed(
    release: Release, project: Project, azure: Emulator
) -> None:
    ran = project.up()
    assert ran.code == 0, ran.output
    assert release.served_by == "green"

    azure.load(ill("green"))
    assert_it_failed_with_the_gates_reasons(project.up())
    assert release.served_by == "blue"
    assert release.seconds_from_verdict_to_traffic() < 10
    release.assert_blue_was_never_touched()

    azure.load({"scale_sets": {"*": AT_ONCE}})
    ran = project.up()
    assert ran.code == 0, ran.output
    assert release.served_by == "green"
    assert project.outputs()["live"] == "green"


@pytest.mark.rest  # another moment for Ctrl-C
def test_ctrl_c_while_traffic_moves_back_loses_nothing_and_the_next_update_gates_again(
    release: Release, project: Project, azure: Emulator
) -> None:
    assert project.up().code == 0
    assert release.served_by == "green"

    # The answer to the change of the record comes byte by byte.
    azure.load({**ill("green"), "faults": [{"match": "PUT */CNAME/*", "trickle": "10ms"}]})
    moves = len(writes(azure, "CNAME"))
    running = project.start_up()
    until(lambda: len(writes(azure, "CNAME")), lambda moved: moved > moves)
    running.interrupt()
    ran = running.wait()
    assert ran.code != 0
    assert "Traceback" not in ran.of_resources
    assert "RequireHealthy candidate" not in ran.output, "it was interrupted too late: this shows nothing"

    azure.load(ill("green"))
    before = looks(azure)
    assert_it_failed_with_the_gates_reasons(project.up())
    assert looks(azure) > before
    assert release.served_by == "blue"
    release.assert_blue_was_never_touched()
    assert "pending_operations" not in project.deployment()


@pytest.mark.rest  # a failure of Azure's own, before the gate
def test_traffic_stays_where_it_is_if_azure_refuses_the_change_of_the_candidate(
    release: Release, project: Project, azure: Emulator
) -> None:
    refused = {"match": "PUT */virtualMachineScaleSets/green*", "status": 409, "code": "OperationNotAllowed"}
    azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [refused]})
    before = looks(azure)
    ran = project.up()
    assert ran.code != 0
    assert "OperationNotAllowed" in ran.output
    assert looks(azure) == before
    assert release.served_by == "blue"
    release.assert_blue_was_never_touched()


WARNED = """
policy = vmss.GatePolicy(hold="0s", timeout="2s")
gate = vmss.ScaleSetHealthGate("web", scale_set={id!r}, policy=policy, on_failure="warn", skip={skip})
vmss.RequireHealthy("web", gate=gate)
"""


@pytest.mark.rest  # the candidate above fails by it; how it goes on without a pattern
def test_required_health_repeats_what_the_gate_said_until_it_passes_or_is_skipped(
    project: Project, azure: Emulator
) -> None:
    azure.load(ill("web"))
    scale_set = azure.put_scale_set("web", capacity=2, health=True)
    project.program(WARNED.format(id=scale_set, skip=False))
    assert project.up().code != 0, "nothing was there before"
    azure.load({"scale_sets": {"*": AT_ONCE}})
    # The gate has had its last word until an input changes: it has no recheck="always".
    before = len(azure.requests)
    ran = project.up()
    assert ran.code != 0
    assert "the gate did not pass: scale set web is not healthy after 2s" in ran.told
    assert "Traceback" not in ran.output
    assert len(azure.requests) == before

    project.program(WARNED.format(id=scale_set, skip=True))
    ran = project.up()
    assert ran.code == 0, ran.output
    assert len(azure.requests) == before


@pytest.mark.rest  # what else may come between
def test_required_health_passes_previews_and_refreshes_and_is_no_change_once_it_has_passed(
    project: Project, azure: Emulator
) -> None:
    azure.load(ill("web"))
    scale_set = azure.put_scale_set("web", capacity=2, health=True)
    project.program(WARNED.format(id=scale_set, skip=False))
    ran = project.run("preview", "--non-interactive")
    assert ran.code == 0, ran.output
    assert project.up().code != 0
    azure.load({"scale_sets": {"*": AT_ONCE}})
    ran = project.refresh()
    assert ran.code == 0, ran.output
    before = len(azure.requests)
    assert project.up().code != 0
    ran = project.run("preview", "--non-interactive")
    assert ran.code == 0, ran.output
    assert "RequireHealthy web update" in ran.output

    project.program(WARNED.format(id=scale_set, skip=True))
    assert project.up().code == 0
    assert project.up("--expect-no-changes").code == 0
    assert len(azure.requests) == before


# Rings.

RINGS = [
    {"name": "canary", "regions": ["westeurope"], "capacity": 2, **QUICK},
    {"name": "first", "regions": ["westeurope"], "capacity": 2, **QUICK},
    {"name": "rest", "regions": ["northeurope", "eastus2"], "capacity": 2, **QUICK},
]
SETS = ("canary-westeurope", "first-westeurope", "rest-northeurope", "rest-eastus2")


def ringed(project: Project) -> None:
    """The example `rings`, with release 1 everywhere, and release 2 to come."""
    take(project, "rings", rings=RINGS)
    ran = project.up()
    assert ran.code == 0, ran.output
    configure(project, release="2")


def releases(project: Project) -> dict[str, str]:
    """The release that each set has, by the state."""
    found = {}
    for name in SETS:
        text = json.dumps(project.state()[f"VirtualMachineScaleSet/{name}"]["outputs"])
        found[name] = text.partition("echo 'release ")[2].partition("'")[0]
    return found


@pytest.mark.rest  # a long one: gates one behind the other
def test_a_bad_canary_keeps_the_release_from_all_others_and_a_mended_one_lets_it_through(
    project: Project, azure: Emulator
) -> None:
    ringed(project)
    azure.load(ill("canary-westeurope", put=2))
    before = len(writes(azure, "virtualMachineScaleSets"))
    ran = project.up()
    assert ran.code != 0
    assert "scale set canary-westeurope" in ran.told
    assert "instance 1: application health unhealthy, want healthy" in ran.told
    assert releases(project) == dict(zip(SETS, "2111", strict=True))
    assert len(writes(azure, "virtualMachineScaleSets")) == before + 1

    azure.load({"scale_sets": {"*": AT_ONCE}})
    ran = project.up()
    assert ran.code == 0, ran.output
    assert releases(project) == dict.fromkeys(SETS, "2")


@pytest.mark.rest  # another ring
def test_a_bad_second_ring_keeps_the_release_from_the_third_and_a_revert_touches_only_what_had_it(
    project: Project, azure: Emulator
) -> None:
    ringed(project)
    azure.load(ill("first-westeurope", put=2))
    ran = project.up()
    assert ran.code != 0
    assert "HealthGate canary-westeurope updated" in ran.output
    assert "scale set first-westeurope" in ran.told
    assert "instance 1: application health unhealthy, want healthy" in ran.told
    assert releases(project) == dict(zip(SETS, "2211", strict=True))

    azure.load({"scale_sets": {"*": AT_ONCE}})
    configure(project, release="1")
    before = looks(azure)
    ran = project.up()
    assert ran.code == 0, ran.output
    assert releases(project) == dict.fromkeys(SETS, "1")
    assert looks(azure) > before
    assert "HealthGate rest-" not in ran.output
    assert [each.split()[0] for each in writes(azure, "virtualMachineScaleSets", "rest-")] == ["PUT", "PUT"]


# Many stacks.


@pytest.mark.rest  # tests/tools/test_demo.py runs the example with stacks that are well
def test_a_stack_gates_what_others_deployed_and_names_the_one_that_is_not_well(
    project: Project, azure: Emulator
) -> None:
    for name in ("north", "south"):
        scale_set = azure.put_scale_set(name, capacity=2, health=True)
        other = project.neighbour(name)
        other.program(f"""
        gate = vmss.ScaleSetHealthGate("web", scale_set={scale_set!r}, policy={QUICK!r})
        pulumi.export("healthy", gate.healthy)
        pulumi.export("scaleSetId", {scale_set!r})
        """)
        ran = other.up()
        assert ran.code == 0, ran.output
    stacks = [f"organization/{name}/dev" for name in ("north", "south")]
    take(project, "many_stacks", stacks=stacks, **QUICK)
    ran = project.up()
    assert ran.code == 0, ran.output

    # One becomes ill without a deployment: its stack's outputs still say that it is well.
    azure.load(ill("south"))
    ran = project.up()
    assert ran.code != 0
    assert "HealthGate (organization/south/dev):" in ran.output
    assert "scale set south is not healthy after 6s" in ran.told
    assert "HealthGate (organization/north/dev):" not in ran.output
    assert project.outputs()["healthyThen"] == dict.fromkeys(stacks, True)
    states = {name: project.state()[f"HealthGate/{name}"]["outputs"]["state"] for name in stacks}
    assert list(states.values()) == ["healthy", "timedOut"]

    azure.load({"scale_sets": {"*": AT_ONCE}})
    ran = project.up()
    assert ran.code == 0, ran.output
