"""The instance view as outputs of a stack, and read by a second one."""

from __future__ import annotations

import pytest
from tests.engine.projects import Project

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

AT_ONCE = {"boot": "0s", "extension": "0s", "healthy": "0s"}


def test_the_view_is_typed_in_the_program_azures_json_in_stack_outputs_and_read_anew_by_a_refresh(
    project: Project, azure: Emulator
) -> None:
    scale_set = azure.put_scale_set("web", capacity=2, extensions=["cse"])
    project.program(f"""
    view = vmss.ScaleSetInstanceView("web", scale_set={scale_set!r}, include_instances=True)
    pulumi.export("label", view.statuses.apply(lambda statuses: statuses[0].display_status))
    pulumi.export("succeeded", view.virtual_machine.apply(lambda vms: vms.statuses_summary[0].count))
    pulumi.export("extensions", view.extensions)
    pulumi.export("instances", view.instances.apply(len))
    pulumi.export("mode", view.orchestration_mode)
    pulumi.export("capacity", view.capacity)
    """)
    ran = project.up()
    assert ran.code == 0, ran.output
    assert project.outputs() == {
        "label": "Provisioning succeeded",
        "succeeded": 2,
        "extensions": [{"name": "cse", "statusesSummary": [{"code": "ProvisioningState/succeeded", "count": 2}]}],
        "instances": 2,
        "mode": "Uniform",
        "capacity": 2,
    }

    azure.put_scale_set("web", capacity=3)
    assert project.refresh().code == 0
    assert project.state()["ScaleSetInstanceView/web"]["outputs"]["capacity"] == 3
    azure.load({"faults": [{"match": "GET */virtualMachineScaleSets/*", "status": 404, "code": "ResourceNotFound"}]})
    ran = project.refresh()
    assert ran.code == 0, ran.output
    assert "ScaleSetInstanceView/web" not in project.state()


def test_a_set_that_is_not_there_is_one_clear_line(project: Project, azure: Emulator) -> None:
    scale_set = azure.put_scale_set("web").replace("/web", "/wbe")
    project.program(f'vmss.ScaleSetInstanceView("web", scale_set={scale_set!r})')
    ran = project.up()
    assert ran.code != 0
    assert "model of scale set wbe (resource group rg): HTTP 404" in ran.output
    assert "Traceback" not in ran.output
    assert "ScaleSetInstanceView/web" not in project.state()


def test_the_function_reads_in_preview_where_the_id_is_known_and_holds_up_nothing(
    project: Project, azure: Emulator
) -> None:
    ids = [azure.put_scale_set(f"web{number}", capacity=2) for number in range(5)]
    azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [{"match": "GET */instanceView", "trickle": "3ms"}]})
    project.program(f"""
    views = [vmss.get_instance_view_output(id) for id in {ids!r}]
    pulumi.export("succeeded", pulumi.Output.all(*views).apply(
        lambda views: sum(view.virtual_machine.statuses_summary[0].count for view in views)
    ))
    """)
    ran = project.run("preview", "--non-interactive", "--diff")
    assert ran.code == 0, ran.output
    assert "succeeded: 10" in ran.output
    assert project.up().code == 0
    assert project.outputs() == {"succeeded": 10}
    reads = [each for each in azure.requests if each.path.endswith("/instanceView")][-5:]
    assert max(each.started for each in reads) < min(each.ended or 0 for each in reads), "they read one after another"


TRIGGERED = """
view = vmss.ScaleSetInstanceView("web", scale_set={id!r}, triggers=[{trigger!r}])
pulumi.export("capacity", view.capacity)
"""


@pytest.mark.rest  # test_failure.py has triggers of a gate
def test_a_trigger_reads_anew(project: Project, azure: Emulator) -> None:
    one = azure.put_scale_set("one", capacity=1)
    project.program(TRIGGERED.format(id=one, trigger="a"))
    assert project.up().code == 0
    azure.put_scale_set("one", capacity=3)
    assert project.up("--expect-no-changes").code == 0
    assert project.outputs()["capacity"] == 1
    project.program(TRIGGERED.format(id=one, trigger="b"))
    assert project.up().code == 0
    assert project.outputs()["capacity"] == 3


@pytest.mark.rest  # another change than a trigger's
def test_another_set_is_an_update(project: Project, azure: Emulator) -> None:
    one, other = azure.put_scale_set("one", capacity=1), azure.put_scale_set("other", capacity=2)
    project.program(TRIGGERED.format(id=one, trigger="b"))
    assert project.up().code == 0
    project.program(TRIGGERED.format(id=other, trigger="b"))
    ran = project.up()
    assert "ScaleSetInstanceView web updated" in ran.output
    assert project.outputs()["capacity"] == 2


@pytest.mark.rest  # test_quota.py gates Flexible sets, tests/provider reads them
def test_a_flexible_set_is_read_and_gated_like_any_other(project: Project, azure: Emulator) -> None:
    scale_set = azure.put_scale_set("web", capacity=3, extensions=["cse"], health=True, orchestration_mode="Flexible")
    project.program(f"""
    gate = vmss.ScaleSetHealthGate("web", scale_set={scale_set!r}, policy=vmss.GatePolicy(hold="0s"))
    view = vmss.ScaleSetInstanceView("web", scale_set=gate.scale_set_id)
    pulumi.export("healthy", gate.healthy)
    pulumi.export("mode", view.orchestration_mode)
    pulumi.export("virtualMachine", view.virtual_machine)
    """)
    ran = project.up()
    assert ran.code == 0, ran.output
    assert project.outputs() == {
        "healthy": True,
        "mode": "Flexible",
        "virtualMachine": {"statusesSummary": [{"code": "ProvisioningState/succeeded", "count": 3}]},
    }


@pytest.mark.rest  # test_changes.py has both of a gate
def test_a_view_can_be_read_in_every_update_and_not_be_read_at_all(project: Project, azure: Emulator) -> None:
    scale_set = azure.put_scale_set("web", capacity=1)
    program = """
    view = vmss.ScaleSetInstanceView("web", scale_set={id!r}, {arguments})
    pulumi.export("capacity", view.capacity)
    """

    def up(arguments: str) -> object:
        project.program(program.format(id=scale_set, arguments=arguments))
        ran = project.up()
        assert ran.code == 0, ran.output
        return project.outputs().get("capacity")

    assert up("skip=True") is None
    assert not [each for each in azure.requests if "virtualMachineScaleSets" in each.path]
    assert up("recheck='always'") == 1
    azure.put_scale_set("web", capacity=2)
    assert up("recheck='always'") == 2, "it was not read in an update that changes nothing"
    azure.put_scale_set("web", capacity=3)
    assert up("skip=True") == 2
    assert project.refresh().code == 0
    assert project.state()["ScaleSetInstanceView/web"]["outputs"]["capacity"] == 2
    assert up("") == 3


@pytest.mark.rest  # test_timeouts.py has them of a gate
def test_a_view_is_tried_for_as_long_as_its_custom_timeouts_say(project: Project, azure: Emulator) -> None:
    scale_set = azure.put_scale_set("web", capacity=1)
    azure.load({"faults": [{"match": "GET */virtualMachineScaleSets/*", "status": 503}]})
    project.program(f"""
    opts = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="5s"))
    vmss.ScaleSetInstanceView("web", scale_set={scale_set!r}, opts=opts)
    """)
    ran = project.up()
    assert ran.code != 0
    assert "HTTP 503" in ran.output
    reads = [each.started for each in azure.requests if "virtualMachineScaleSets" in each.path]
    assert len(reads) > 1
    assert max(reads) - min(reads) <= 5
