"""What goes past a gate, and what makes it gate again: Pulumi's own ways around a resource."""

from __future__ import annotations

import json

import pytest
from tests.engine.gates import KINDS, Gate
from tests.engine.projects import AZURE_NATIVE, Project

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

QUICK = {"boot": "0s", "extension": "0s", "healthy": "0s"}
STOPPED = {"scale_sets": {"*": {**QUICK, "events": [{"instances": [1], "power": "stopped"}]}}}
RUNNING = {"scale_sets": {"*": QUICK}}

SETS = """
config = pulumi.Config()
release = {"release": config.get("release") or "1"}
group = AzureNative("resources:ResourceGroup", "rg", location="westeurope")
web = AzureNative(
    "compute:VirtualMachineScaleSet",
    "web",
    resourceGroupName=group.name,
    vmScaleSetName=config.get("name") or "web",
    sku={"name": "Standard_B1s", "capacity": 2},
    tags=release,
)
"""
BEHIND = """
after = pulumi.ResourceOptions(depends_on=[gate])
AzureNative("network:PublicIPAddress", "after", after, resourceGroupName=group.name, tags=release)
pulumi.export("healthy", gate.healthy)
"""
SET, AFTER = "**VirtualMachineScaleSet::web", "**PublicIPAddress::after"
GATE = "**dynamic/vmss-health:HealthGate::web"


@pytest.fixture(params=KINDS, ids=lambda gate: gate.kind)
def stack(project: Project, request: pytest.FixtureRequest) -> Stack:
    """A stack with a scale set, its gate, and something that depends on the gate."""
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
    return Stack(project, request.param)


class Stack:
    """What the tests here ask of a stack."""

    def __init__(self, project: Project, gate: Gate) -> None:
        self.project, self.gate = project, gate
        self.dynamic, self.component = f"**dynamic/vmss-health:{gate.kind}::web", f"**{gate.component}::web"
        declared = gate.declared("web", 'policy=vmss.GatePolicy(timeout="2s", hold="0s")')
        project.program(f"{AZURE_NATIVE}{SETS}gate = {declared}{BEHIND}")

    def up(self, *arguments: str, **config: str) -> bool:
        """Whether `pulumi up` succeeds, with this configuration from now on."""
        ran = self.project.up(*arguments, *(f"--config={key}={value}" for key, value in config.items()))
        assert "Traceback" not in ran.output
        return ran.code == 0

    def looks(self) -> int:
        """How often a view was read so far."""
        return sum(request.path.endswith("/instanceView") for request in self.project.azure.requests)

    def releases(self) -> tuple[str | None, str | None]:
        """The releases of the set, and of what depends on the gate."""
        state = self.project.state()
        found = [state.get(name) for name in ("VirtualMachineScaleSet/web", "PublicIPAddress/after")]
        first, second = (each and each["outputs"]["tags"]["release"] for each in found)
        return first, second

    def verdict(self) -> str:
        return str(self.gate.of(self.project)["outputs"]["state"])


@pytest.mark.rest  # how Pulumi lets people go around any resource; that a failed gate stays armed, test_gate.py has
def test_what_excludes_a_failed_gate_deploys_past_it_and_it_stays_armed(stack: Stack, azure: Emulator) -> None:
    azure.load(STOPPED)
    assert not stack.up()
    assert stack.releases() == ("1", None)

    looks = stack.looks()
    assert stack.up("--exclude", stack.dynamic, release="2")
    assert stack.releases() == ("2", "2")
    assert stack.project.outputs() == {"healthy": False}, "which still says that it has not passed"
    assert stack.looks() == looks
    assert stack.verdict() == "timedOut"

    assert not stack.up(release="3"), "the gate is armed"
    assert stack.releases() == ("3", "2")


@pytest.mark.rest  # the other way past it
def test_a_target_behind_a_failed_gate_is_deployed_and_the_gate_can_be_one(stack: Stack, azure: Emulator) -> None:
    azure.load(STOPPED)
    assert not stack.up()
    looks = stack.looks()
    assert stack.up("--target", AFTER)
    assert stack.releases() == ("1", "1"), "what was targeted alone goes past its gate"
    assert stack.project.outputs() == {"healthy": False}, "which still says that it has not passed"
    assert stack.up("--target", stack.component), "a component has no work of its own"
    assert stack.looks() == looks, "none of them looked"
    assert not stack.up("--target", stack.dynamic), "the gate itself can be targeted"


@pytest.mark.rest  # other targets than the test above
def test_a_targeted_set_leaves_its_gate_for_the_next_run_unless_dependents_are_targets_too(
    stack: Stack, azure: Emulator
) -> None:
    assert stack.up()
    looks = stack.looks()
    assert stack.up("--target", SET, release="2")
    assert (stack.releases(), stack.verdict()) == (("2", "1"), "healthy")
    assert stack.looks() == looks
    azure.load(STOPPED)
    assert not stack.up(), "the set's etag is another one than the gate has seen"
    azure.load(RUNNING)
    assert stack.up("--target", SET, "--target-dependents", release="3")
    assert (stack.releases(), stack.verdict()) == (("3", "3"), "healthy")
    azure.load(STOPPED)
    assert not stack.up("--replace", stack.dynamic), "a gate that is replaced gates"
    assert stack.project.outputs() == {"healthy": True}, "and what was known stays in the outputs of the stack"


def test_a_set_that_is_replaced_outlives_its_successor_until_the_gate_has_passed(stack: Stack, azure: Emulator) -> None:
    assert stack.up()
    azure.load(STOPPED)
    assert not stack.up(name="next", release="2")
    assert stack.gate.of_the_set(stack.project)["scaleSetId"].endswith("/next")
    assert stack.releases()[1] == "1"
    assert "DELETE" not in {request.method for request in azure.requests}
    azure.load(RUNNING)
    assert stack.up()
    assert stack.releases() == ("2", "2")
    (deleted,) = [request for request in azure.requests if request.method == "DELETE"]
    assert deleted.path.endswith("/virtualMachineScaleSets/web")
    looks = [request for request in azure.requests if request.path.endswith("/next/instanceView")]
    assert looks[-1].started < deleted.started


NAMED = """
read = vmss.ScaleSetInstanceView("read", scale_set={other!r})
gate = vmss.ScaleSetHealthGate(
    {name!r},
    scale_set={id!r},
    policy=vmss.GatePolicy(hold="0s"),
    opts=pulumi.ResourceOptions(depends_on=[read], {options}),
)
"""


@pytest.mark.rest  # other ways to gate again than a change
def test_a_new_name_or_a_lost_state_gates_again_and_an_alias_or_protection_does_not(
    project: Project, azure: Emulator
) -> None:
    other, scale_set = azure.put_scale_set("other"), azure.put_scale_set("web", capacity=2)

    def looks() -> list[float]:
        return [request.started for request in azure.requests if request.path == f"{scale_set}/instanceView"]

    def looked_after(name: str, options: str) -> int:
        """How often this program made the gate look."""
        before = len(looks())
        project.program(NAMED.format(other=other, id=scale_set, name=name, options=options))
        ran = project.up()
        assert ran.code == 0, ran.output
        return len(looks()) - before

    assert looked_after("first", "") == 1
    read = [request.started for request in azure.requests if request.path == f"{other}/instanceView"]
    assert max(read) < min(looks()), "what the component depends on, its gate waits for"
    assert looked_after("second", "") == 1
    assert "HealthGate/first" not in project.state()
    assert looked_after("third", "aliases=[pulumi.Alias(name='second')], protect=True") == 0
    assert looked_after("third", "protect=False, retain_on_delete=True") == 0
    gate = project.state()["HealthGate/third"]["urn"]
    assert project.run("state", "delete", "--yes", gate).code == 0
    assert looked_after("third", "") == 1

    # Nothing of Azure's belongs to a gate: to destroy it takes neither Azure nor a credential.
    for variable in [name for name in project.environment if name.startswith(("ARM_", "AZURE_"))]:
        del project.environment[variable]
    asked = len(azure.requests)
    ran = project.run("destroy", "--yes", "--skip-preview", "--non-interactive")
    assert ran.code == 0, ran.output
    assert (project.state(), len(azure.requests)) == ({}, asked)


@pytest.mark.rest  # a mistake of Pulumi's own, pinned
def test_to_exclude_a_gate_that_never_ran_breaks_pulumis_own_state_unless_dependents_are_excluded_too(
    project: Project, azure: Emulator
) -> None:
    azure.load(STOPPED)
    project.program(f"""
    web = {azure.put_scale_set("web", capacity=2)!r}
    gate = vmss.ScaleSetHealthGate("web", scale_set=web, policy=vmss.GatePolicy(timeout="2s"))
    vmss.ScaleSetInstanceView("after", scale_set=web, opts=pulumi.ResourceOptions(depends_on=[gate]))
    """)
    assert project.up("--exclude", GATE, "--exclude-dependents").code == 0
    assert not {"HealthGate/web", "ScaleSetInstanceView/after"} & project.state().keys()
    ran = project.up("--exclude", GATE)
    assert ran.code != 0
    assert "snapshot integrity failure" in ran.output
    assert project.run("state", "repair", "--yes").code == 0
    assert json.loads(project.run("stack", "export").output)
    assert project.up().code != 0, "the gate gates"


GATED = """
web = {id!r}
gate = vmss.ScaleSetHealthGate("web", scale_set=web, policy=vmss.GatePolicy(timeout="2s", hold="0s"))
vmss.ScaleSetInstanceView(
    "after", scale_set=web, triggers=[{release!r}], opts=pulumi.ResourceOptions(depends_on=[gate])
)
"""


@pytest.mark.rest  # another way to gate again than a change
def test_a_tainted_gate_gates_again_as_a_new_one_unless_that_is_taken_back(project: Project, azure: Emulator) -> None:
    scale_set = azure.put_scale_set("web", capacity=2)
    project.program(GATED.format(id=scale_set, release="1"))
    assert project.up().code == 0
    first = project.state()["HealthGate/web"]
    before = len(azure.requests)
    for command in ("taint", "untaint"):
        assert project.run("state", command, "--yes", first["urn"]).code == 0
    assert project.up("--expect-no-changes").code == 0

    assert project.run("state", "taint", "--yes", first["urn"]).code == 0
    ran = project.run("preview", "--non-interactive", "--diff")
    assert ran.code == 0, ran.output
    assert "1 to replace" in ran.output
    assert len(azure.requests) == before, "none of this asks Azure"

    azure.load(STOPPED)
    project.program(GATED.format(id=scale_set, release="2"))
    assert project.up().code != 0
    new, old = [each["outputs"] for each in project.deployment()["resources"] if each["urn"] == first["urn"]]
    assert (new["state"], old["state"]) == ("timedOut", "healthy")
    assert "passedAt" not in new["evidence"], "the new one never passed"
    assert project.state()["ScaleSetInstanceView/after"]["outputs"]["triggers"] == ["1"]
    azure.load(RUNNING)
    assert project.up().code == 0
    state = project.state()
    assert state["HealthGate/web"]["id"] != first["id"]
    assert state["HealthGate/web"]["outputs"]["state"] == "healthy"
    assert state["ScaleSetInstanceView/after"]["outputs"]["triggers"] == ["2"]
