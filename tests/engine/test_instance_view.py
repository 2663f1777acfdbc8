"""The instance view as outputs of a stack, and read by a second one."""

from __future__ import annotations

import pytest
from tests.engine.projects import Project

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine


def test_the_view_is_typed_in_the_program_and_azures_json_in_stack_outputs(project: Project, azure: Emulator) -> None:
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


def test_a_set_that_is_not_there_is_one_clear_line(project: Project, azure: Emulator) -> None:
    scale_set = azure.put_scale_set("web").replace("/web", "/wbe")
    project.program(f'vmss.ScaleSetInstanceView("web", scale_set={scale_set!r})')
    ran = project.up()
    assert ran.code != 0
    assert "model of scale set wbe (resource group rg): HTTP 404" in ran.output
    assert "Traceback" not in ran.output
    assert "ScaleSetInstanceView/web" not in project.state()


def test_a_refresh_reads_anew_and_drops_what_is_gone(project: Project, azure: Emulator) -> None:
    scale_set = azure.put_scale_set("web", capacity=2)
    project.program(f'vmss.ScaleSetInstanceView("web", scale_set={scale_set!r})')
    assert project.up().code == 0
    azure.put_scale_set("web", capacity=3)
    assert project.run("refresh", "--yes", "--skip-preview", "--non-interactive").code == 0
    assert project.state()["ScaleSetInstanceView/web"]["outputs"]["capacity"] == 3
    azure.load({"faults": [{"match": "GET */virtualMachineScaleSets/*", "status": 404, "code": "ResourceNotFound"}]})
    ran = project.run("refresh", "--yes", "--skip-preview", "--non-interactive")
    assert ran.code == 0, ran.output
    assert "ScaleSetInstanceView/web" not in project.state()
