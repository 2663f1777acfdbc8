"""What makes a gate look again, what does not, and what its arguments let pass."""

from __future__ import annotations

from typing import Any

import pytest
from tests.emulator.support import ArmSession
from tests.engine.projects import AZURE_NATIVE, UNHEALTHY, Project, looks

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine


OWNED = """
group = AzureNative("resources:ResourceGroup", "rg", resourceGroupName="rg", location="westeurope", tags={tags!r})
web = AzureNative(
    "compute:VirtualMachineScaleSet",
    "web",
    resourceGroupName=group.name,
    vmScaleSetName="web",
    sku={{"name": "Standard_B1s", "capacity": {capacity}}},
    upgradePolicy={{"mode": "Automatic"}},
    virtualMachineProfile={{}},
)
gate = vmss.ScaleSetHealthGate("web", scale_set=web, policy=vmss.GatePolicy(hold="0s"))
"""


def owned(*, capacity: int = 2, **tags: str) -> str:
    return AZURE_NATIVE + OWNED.format(capacity=capacity, tags=tags)


def gate(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = project.state()["HealthGate/web"]
    return found


def recreate(azure: Emulator) -> None:
    """Delete the set behind Pulumi's back and create it again, the same in everything but its unique id."""
    arm = ArmSession(azure)
    model = arm.get(arm.set_id)
    arm.finish(arm.ask("DELETE", arm.set_id))
    arm.put(arm.set_id, {key: model[key] for key in ("location", "sku", "properties", "tags") if key in model})
    arm.close()


def test_a_gate_looks_again_when_its_set_changed_and_not_when_something_else_did_also_with_an_output_of_its_id(
    project: Project, azure: Emulator
) -> None:
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
    project.program(owned())
    assert project.up().code == 0

    def by_id(capacity: int) -> str:
        return owned(capacity=capacity, owner="somebody else").replace("scale_set=web", "scale_set=web.id")

    before = looks(azure)
    project.program(by_id(2))
    ran = project.up()
    assert "ResourceGroup rg updated" in ran.output
    assert "HealthGate" not in ran.output, "the id tells what the resource tells"
    assert looks(azure) == before

    project.program(by_id(3))
    assert "HealthGate web update" in project.run("preview", "--non-interactive").output
    assert "HealthGate web updated" in project.up().output
    assert looks(azure) > before
    assert gate(project)["outputs"]["capacity"] == 3


@pytest.mark.rest  # the gate of one set above
def test_a_fleet_that_got_outputs_of_ids_looks_again_at_the_set_that_changed_and_without_a_change_shows_none(
    project: Project, azure: Emulator
) -> None:
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
    other = azure.put_scale_set("other", resource_group="others", capacity=1)

    def declared(capacity: int) -> str:
        sets = f'{{"web": web.id, "other": pulumi.Output.from_input({other!r})}}'
        fleet = f'vmss.FleetHealthGate("fleet", scale_sets={sets}, policy={{"hold": "0s", "timeout": "5s"}})'
        return owned(capacity=capacity).replace(OWNED.splitlines()[-1], fleet)

    project.program(declared(2))
    assert project.up().code == 0
    assert project.up("--expect-no-changes").code == 0
    assert [*project.state()["FleetGate/fleet"]["inputs"]["setTriggers"]] == ["web"]

    azure.load(UNHEALTHY)
    project.program(declared(3))
    ran = project.up()
    assert ran.code != 0
    assert "web: instance 1: application health unhealthy" in ran.told


@pytest.mark.rest  # another change of the set
def test_a_gate_looks_again_when_its_set_was_recreated_and_a_preview_knows_nothing_of_a_set_that_will_change(
    project: Project, azure: Emulator
) -> None:
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
    project.program(owned())
    assert project.up().code == 0
    first = gate(project)["outputs"]

    recreate(azure)
    ran = project.up("--refresh")
    assert ran.code == 0, ran.output
    assert "HealthGate web updated" in ran.output
    second = gate(project)["outputs"]
    assert first["triggers"][0] == second["triggers"][0], "the etags differ: this shows nothing"
    assert first["triggers"][1] != second["triggers"][1]

    project.program(owned(capacity=3))
    ran = project.run("preview", "--non-interactive", "--diff")
    assert "[unknown]" in ran.output


READ = """
web = AzureNative("compute:VirtualMachineScaleSet", "web", pulumi.ResourceOptions(id={id!r}))
vmss.ScaleSetHealthGate("web", scale_set=web, policy=vmss.GatePolicy(hold="0s"))
"""


@pytest.mark.rest  # another way to a set that does not change
def test_a_gate_on_a_set_that_the_program_only_reads_is_no_change_in_a_preview(
    project: Project, azure: Emulator
) -> None:
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
    if project.run("version").output.startswith("v3.259."):
        pytest.skip("this CLI takes all that a program reads for unknown in previews")
    project.program(AZURE_NATIVE + READ.format(id=azure.put_scale_set("web", capacity=2)))
    assert project.up().code == 0
    ran = project.run("preview", "--non-interactive", "--expect-no-changes")
    assert ran.code == 0, ran.output


GATED = """
gate = vmss.ScaleSetHealthGate("web", scale_set={id!r}, {arguments})
after = vmss.ScaleSetInstanceView("after", scale_set={id!r}, opts=pulumi.ResourceOptions(depends_on=[gate]))
for name in ("healthy", "state", "message", "reasons"):
    pulumi.export(name, getattr(gate, name))
"""


@pytest.mark.rest  # test_failure.py changes triggers; what the engine may be told to do with them
def test_triggers_gate_again_where_they_are_not_ignored_and_replace_the_gate_where_the_user_wants_that(
    project: Project, azure: Emulator
) -> None:
    program = GATED.format(
        id=azure.put_scale_set("web", capacity=2),
        arguments='triggers=[{trigger!r}], policy=vmss.GatePolicy(hold="0s", min_healthy={least!r}),'
        "opts=pulumi.ResourceOptions({options})",
    )
    project.program(program.format(trigger="a", least="100%", options=""))
    assert project.up().code == 0
    first = gate(project)

    ignored = "ignore_changes=['triggers', 'policy.min_healthy'], custom_timeouts=pulumi.CustomTimeouts(create='9m')"
    before = looks(azure)
    project.program(program.format(trigger="b", least="50%", options=ignored))
    assert project.up("--expect-no-changes").code == 0
    assert looks(azure) == before

    project.program(program.format(trigger="b", least="50%", options=""))
    assert "HealthGate web updated" in project.up().output
    updated = gate(project)
    assert looks(azure) > before
    assert (updated["id"], updated["inputs"]["triggers"]) == (first["id"], ["b"])

    project.program(program.format(trigger="c", least="50%", options="replace_on_changes=['triggers']"))
    assert "HealthGate web created replacement" in project.up().output
    assert gate(project)["id"] != first["id"]


def test_a_gate_that_rechecks_always_looks_in_every_update(project: Project, azure: Emulator) -> None:
    project.program(
        GATED.format(
            id=azure.put_scale_set("web", capacity=2), arguments='recheck="always", policy=vmss.GatePolicy(hold="0s")'
        )
    )
    assert project.up().code == 0
    before = looks(azure)
    ran = project.up()
    assert "HealthGate web updated" in ran.output
    assert looks(azure) > before


@pytest.mark.rest  # what else the rechecks of the test above do
def test_a_gate_that_rechecks_always_is_a_change_in_every_run_and_never_a_replacement(
    project: Project, azure: Emulator
) -> None:
    program = GATED.format(
        id=azure.put_scale_set("web", capacity=2),
        arguments='recheck="always", policy=vmss.GatePolicy(hold="0s"), triggers=[{trigger!r}],'
        'opts=pulumi.ResourceOptions(replace_on_changes=["triggers"])',
    )
    project.program(program.format(trigger="a"))
    assert project.up().code == 0
    for command in (["preview"], ["refresh", "--yes", "--skip-preview"]):
        ran = project.run(*command, "--non-interactive", "--expect-no-changes")
        assert ran.code != 0
        assert "no changes were expected" in ran.output
    project.program(program.format(trigger="b"))
    assert "HealthGate web updated" in project.up().output, "a change by itself is never a replacement"


def test_what_the_user_lets_pass_tells_the_truth(project: Project, azure: Emulator) -> None:
    program = GATED.format(
        id=azure.put_scale_set("web", capacity=2, health=True),
        arguments='policy=vmss.GatePolicy(hold="0s", timeout="2s"), triggers=[], {arguments}',
    )
    azure.load(UNHEALTHY)
    project.program(program.format(arguments="skip=True"))
    ran = project.up()
    assert ran.code == 0, ran.output
    outputs = project.outputs()
    assert (outputs["healthy"], outputs["state"], outputs["reasons"]) == (False, "skipped", [])
    assert outputs["message"] == "scale set web: skipped, not judged"
    assert "ScaleSetInstanceView/after" in project.state()

    project.program(program.format(arguments='on_failure="warn"'))
    ran = project.up()
    assert ran.code == 0, ran.output
    row, _, told = ran.told.partition("HealthGate (web):")[2].partition("warning: ")
    assert not row.strip(), ran.output
    headline = "scale set web is not healthy after 2s, which is the timeout of the policy: 2/2 VMs, appHealth 1/2\n"
    assert told.startswith(headline)
    assert "instance 1: application health unhealthy, want healthy" in told
    outputs = project.outputs()
    assert (outputs["healthy"], outputs["state"]) == (False, "warned")
    assert [reason["code"] for reason in outputs["reasons"]] == ["ApplicationNotHealthy"]
    before = looks(azure)
    assert project.up("--expect-no-changes").code == 0, "what was warned of once passed"
    assert looks(azure) == before


@pytest.mark.rest  # one after the other, what the tests above and test_failure.py have
def test_what_the_user_lets_pass_no_longer_gates(project: Project, azure: Emulator) -> None:
    program = GATED.format(
        id=azure.put_scale_set("web", capacity=2, health=True),
        arguments='policy=vmss.GatePolicy(hold="0s", timeout="2s"), {arguments}',
    )
    azure.load(UNHEALTHY)
    project.program(program.format(arguments='on_failure="warn"'))
    assert project.up().code == 0
    project.program(program.format(arguments=""))
    assert project.up().code != 0
    assert project.outputs()["state"] == "warned", "the outputs of the last update that completed"
    project.program(program.format(arguments="skip=True"))
    assert project.up().code == 0
    assert project.outputs()["state"] == "skipped"


SEPARATE = """
from pulumi_azure_native import compute

extension = compute.VirtualMachineScaleSetExtension(
    "app",
    resource_group_name="rg",
    vm_scale_set_name="web",
    vmss_extension_name="app",
    publisher="Microsoft.Azure.Extensions",
    type="CustomScript",
    type_handler_version="2.1",
    settings={"release": RELEASE},
    protected_settings=pulumi.Output.secret({"commandToExecute": COMMAND}),
    opts=pulumi.ResourceOptions(depends_on=[web]),
)
vmss.ScaleSetHealthGate(
    "app", scale_set=web, changed_by=[extension], policy=vmss.GatePolicy(hold="0s", timeout="90s")
)
"""


def release(project: Project, number: int, command: str = "install") -> str:
    """Deploy a release through the separate extension; what Pulumi printed."""
    project.program(owned() + SEPARATE.replace("RELEASE", repr(number)).replace("COMMAND", repr(f"{command} hunter2")))
    ran = project.up()
    assert ran.code == 0, ran.output
    assert "hunter2" not in ran.output + str(project.deployment())
    return ran.output


@pytest.mark.rest  # another trigger; tests/gate/test_component.py has what `changed_by` takes
def test_a_release_through_a_separate_extension_is_gated_where_the_gate_knows_of_it(
    project: Project, azure: Emulator
) -> None:
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
    azure.load({"scale_sets": {"*": {"boot": "0s", "extension": "1s"}}})

    def evidence(name: str) -> Any:
        return project.state()[f"HealthGate/{name}"]["outputs"]["evidence"]["endedAt"]

    created = release(project, 1)
    first = {name: evidence(name) for name in ("web", "app")}
    assert project.state()["HealthGate/app"]["outputs"]["extensions"][0]["name"] == "app", "it did not wait for it"
    assert created.index("VirtualMachineScaleSetExtension app created") < created.index(":HealthGate app creating")

    assert "HealthGate app updated" in release(project, 2)
    assert evidence("app") > first["app"]
    assert evidence("web") == first["web"], "a gate that does not know of the extension looked again"


FOLDER = """
copied = pulumi.Stash("app", input=pulumi.FileArchive("app"))
vmss.ScaleSetHealthGate("web", scale_set={id!r}, changed_by=[copied], policy=vmss.GatePolicy(hold="0s"))
"""


@pytest.mark.rest  # tests/gate/test_changed_by.py has what counts of a file
def test_a_release_in_a_folder_is_gated_when_a_file_in_it_changed_as_a_preview_says(
    project: Project, azure: Emulator
) -> None:
    project.program(FOLDER.format(id=azure.put_scale_set("web", capacity=2)))
    file = project.folder / "app" / "main"
    file.parent.mkdir()
    file.write_text("v1")
    assert project.up().code == 0
    assert project.up("--expect-no-changes").code == 0

    before = looks(azure)
    file.write_text("v2")
    ran = project.run("preview", "--non-interactive")
    assert "HealthGate web update" in ran.output
    assert looks(azure) == before
    assert "HealthGate web updated" in project.up().output
    assert looks(azure) > before


@pytest.mark.rest  # another change of the extension, and none
def test_a_change_of_what_azure_does_not_give_back_is_gated_once(project: Project, azure: Emulator) -> None:
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
    azure.load({"scale_sets": {"*": {"boot": "0s", "extension": "1s"}}})
    release(project, 1)
    assert "HealthGate app updated" in release(project, 1, "reinstall")
    before = looks(azure)
    assert "HealthGate" not in release(project, 1, "reinstall")
    assert looks(azure) == before


HOOKED = """
def noted(what):
    return pulumi.ResourceHook(what, lambda args: print(what, args.name, file=open("hooks", "a")) or None)

hooks = pulumi.ResourceHookBinding(after_create=[noted("created")], after_update=[noted("updated")])
opts = pulumi.ResourceOptions(hooks=hooks)
vmss.ScaleSetHealthGate("web", scale_set={web!r}, policy={{"hold": "0s"}}, triggers=[{trigger}], opts=opts)
"""


def test_hooks_run_once_whenever_the_gate_has_run(project: Project, azure: Emulator) -> None:
    web = azure.put_scale_set("web", capacity=1)
    for trigger in (1, 2):
        project.program(HOOKED.format(web=web, trigger=trigger))
        ran = project.up()
        assert ran.code == 0, ran.output
    assert (project.folder / "hooks").read_text().split("\n") == ["created web", "updated web", ""]
