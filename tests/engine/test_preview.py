"""What a preview shows of a gate, and what it refuses: everything that can be known before anything is deployed."""

from __future__ import annotations

import pytest
from tests.engine.projects import Project

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

NEW_SET = """
import pulumi_azure_native as azure

web = azure.compute.VirtualMachineScaleSet("web", resource_group_name="rg", location="westeurope")
gate = vmss.ScaleSetHealthGate("web", scale_set=web)
view = vmss.ScaleSetInstanceView("view", scale_set=web)
azure.network.PublicIPAddress("after", resource_group_name="rg", tags={"id": gate.scale_set_id, "vms": view.capacity})
pulumi.export("healthy", gate.healthy)
pulumi.export("label", gate.statuses.apply(lambda statuses: statuses[0].display_status))
pulumi.export("capacity", view.capacity)
"""


def test_dependents_of_a_gate_are_pending_and_outputs_unknown_for_a_set_that_does_not_exist_yet(
    project: Project, azure: Emulator
) -> None:
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
    project.program(NEW_SET)
    ran = project.run("preview", "--non-interactive", "--diff")
    assert ran.code == 0, ran.output
    shown = " ".join(ran.output.split()).replace(" :", ":")
    assert "scaleSet: [unknown]" in shown
    assert "tags: { id: [unknown] vms: [unknown] }" in shown
    for output in ("healthy", "label", "capacity"):
        assert f"{output}: [unknown]" in shown
    assert not any("virtualMachineScaleSets" in request.path for request in azure.requests)


def test_a_wrong_policy_fails_the_preview_with_the_users_line_and_what_would_be_right(
    project: Project, azure: Emulator
) -> None:
    project.program(f"""
    asked = vmss.GatePolicy(timeout="5 parsecs")
    vmss.ScaleSetHealthGate("web", scale_set={azure.put_scale_set("web")!r}, policy=asked)
    """)
    ran = project.run("preview", "--non-interactive")
    assert ran.code != 0
    # The traceback around them is Pulumi's own: it shows one for whatever a program raises.
    assert 'asked = vmss.GatePolicy(timeout="5 parsecs")' in ran.output
    told = [line.strip() for line in ran.output.splitlines() if "ValueError:" in line]
    assert told == ["ValueError: timeout must look like '90s', '30m' or '1h30m' (units d, h, m, s), not '5 parsecs'"]
    assert "HealthGate" not in ran.output.replace("ScaleSetHealthGate", "")


WRONG = "'virtualMachineScaleSet' where 'virtualmachinescalesets' belongs in scale set id"


@pytest.mark.parametrize(
    ("resource", "scale_set", "told"),
    [
        ("ScaleSetHealthGate", "configured", WRONG),
        pytest.param("ScaleSetInstanceView", "configured", WRONG, marks=pytest.mark.rest),
        pytest.param(
            "ScaleSetHealthGate",
            "configured.apply(lambda _: None)",
            "scale set id must be a text, not NoneType",
            marks=pytest.mark.rest,
        ),
    ],
)
def test_an_id_that_only_an_output_knows_is_refused_in_preview_in_one_line(
    project: Project, azure: Emulator, resource: str, scale_set: str, told: str
) -> None:
    project.run("config", "set", "scaleSetId", azure.put_scale_set("web").replace("Sets/", "Set/"))
    project.program(f"""
    configured = pulumi.Output.from_input(pulumi.Config().require("scaleSetId"))
    vmss.{resource}("web", scale_set={scale_set})
    """)
    ran = project.run("preview", "--non-interactive")
    assert ran.code != 0
    errors = [line for line in ran.output.splitlines() if line.startswith("    error:")]
    # The SDK's word on a CLI that has stopped while the program goes on, as 3.274 does.
    (line,) = [line for line in errors if "Resource monitor has terminated" not in line]
    assert "property scaleSet" in line
    assert told in line
    assert line.endswith("/providers/Microsoft.Compute/virtualMachineScaleSets/{scale set}")
    assert "Traceback" not in ran.output
    assert azure.requests == ()
