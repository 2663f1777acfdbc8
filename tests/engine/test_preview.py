"""What a preview shows of a gate, and what it refuses: everything that can be known before anything is deployed."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from tests.engine.projects import AZURE_NATIVE, HEALTHY, Project

from vmss_emulator import Emulator

pytestmark = pytest.mark.engine

NEW_SET = """
web = AzureNative("compute:VirtualMachineScaleSet", "web", resourceGroupName="rg", location="westeurope")
gate = vmss.ScaleSetHealthGate("web", scale_set=web)
view = vmss.ScaleSetInstanceView("view", scale_set=web)
tags = {"id": gate.scale_set_id, "vms": view.capacity}
AzureNative("network:PublicIPAddress", "after", resourceGroupName="rg", tags=tags)
pulumi.export("healthy", gate.healthy)
pulumi.export("label", gate.statuses.apply(lambda statuses: statuses[0].display_status))
pulumi.export("capacity", view.capacity)
"""


def test_dependents_of_a_gate_are_pending_and_outputs_unknown_for_a_set_that_does_not_exist_yet(
    project: Project, azure: Emulator
) -> None:
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
    project.program(AZURE_NATIVE + NEW_SET)
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


WRONG = "'virtualMachineScaleSet' instead of 'virtualmachinescalesets' in scale set id"


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


DEPENDENT = """
import pathlib
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

class Traffic(ResourceProvider):
    def create(self, props):
        return CreateResult("traffic", props)
    def diff(self, id, olds, news):
        replaced = [key for key in ("target",) if olds.get(key) != news.get(key)]
        return DiffResult(changes=bool(replaced), replaces=replaced)

class TrafficThing(Resource, module="acme", name="Traffic"):
    def __init__(self, name, target, opts=None):
        super().__init__(Traffic(), name, {{"target": target}}, opts)

web = pulumi.Output.from_input({scale_set!r})
gate = vmss.{gate}, triggers=[{release}], policy=vmss.GatePolicy(hold="0s", timeout="2s"))
gate.{id}.apply(lambda id: pathlib.Path("moved").write_text(id) if not pulumi.runtime.is_dry_run() else None)
TrafficThing("web", gate.{id}, pulumi.ResourceOptions(protect={protect}))
"""

BOOTING: dict[str, Any] = {"scale_sets": {"*": {"boot": "1h"}}}


@pytest.mark.parametrize(
    ("gate", "id_"),
    [
        ('ScaleSetHealthGate("web", scale_set=web', "scale_set_id"),
        pytest.param('FleetHealthGate("web", scale_sets={"a": web}', 'scale_set_ids["a"]', marks=pytest.mark.rest),
    ],
    ids=["single", "fleet"],
)
def test_a_dependent_that_takes_the_id_is_not_replaced_in_a_preview_and_waits_in_the_update(
    project: Project, azure: Emulator, gate: str, id_: str
) -> None:
    scale_set = azure.put_scale_set("web", capacity=1)
    program = functools.partial(DEPENDENT.format, scale_set=scale_set, protect=True, gate=gate, id=id_)
    azure.load(BOOTING)
    moved = project.folder / "moved"

    project.program(program(release=1))
    ran = project.up("--continue-on-error")
    assert ran.code != 0
    assert "Traffic/web" not in project.state(), "made behind a gate that failed"
    assert not moved.exists(), "the program went on past a gate that failed"

    azure.load(HEALTHY)
    assert project.up().code == 0
    assert moved.read_text() == project.state()["Traffic/web"]["outputs"]["target"] == scale_set

    project.program(program(release=2))
    ran = project.run("preview", "--non-interactive", "--diff")
    assert ran.code == 0, ran.output
    assert "Gate: (update)" in ran.output
    assert "acme:Traffic" not in ran.output, "the preview changes a dependent that the update leaves alone"
    moved.unlink()
    azure.load(BOOTING)
    assert project.up("--continue-on-error").code != 0
    assert not moved.exists()


@pytest.mark.rest  # test_gate.py has another dependent
def test_a_dependent_that_takes_the_id_of_a_failed_gate_is_not_made_where_the_update_ends_with_it(
    project: Project, azure: Emulator
) -> None:
    azure.load(BOOTING)
    gate = 'ScaleSetHealthGate("web", scale_set=web'
    scale_set = azure.put_scale_set("web", capacity=1)
    project.program(DEPENDENT.format(scale_set=scale_set, protect=True, gate=gate, id="scale_set_id", release=1))
    assert project.up().code != 0
    assert "Traffic/web" not in project.state()
    assert not (project.folder / "moved").exists()
