"""Unit tests of users' programs: Pulumi's mocks, with the outputs that this package gives for them."""

from __future__ import annotations

import inspect
import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from tests.gate.azure import running
from tests.pages import TESTING, run_pytest, write_files

import pulumi_vmss_health as vmss
from pulumi_vmss_health.fleet_gate import FleetGateProvider
from pulumi_vmss_health.gate import HealthGateProvider
from pulumi_vmss_health.testing import HealthyMocks, healthy_outputs

EXAMPLES = Path(__file__).parents[2] / "examples"
ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"
GATE = "pulumi-python:dynamic/vmss-health:HealthGate"
FLEET = "pulumi-python:dynamic/vmss-health:FleetGate"
# Of one run, not of one set.
OWN = {"elapsedSeconds", "endedAt", "limitSeconds", "looks", "passedAt", "readAt", "time", "transitions"}


@pytest.fixture
def mocks() -> HealthyMocks:
    mocks = HealthyMocks()
    pulumi.runtime.set_mocks(mocks)
    return mocks


def value_of(program: Callable[[], pulumi.Output[Any]]) -> Any:
    """Run a program to its end; the value of the Output that it returns."""
    seen: list[Any] = []
    pulumi.runtime.test(lambda: program().apply(seen.append))()  # type: ignore[no-untyped-call]
    return seen[0]


def test_every_output_of_a_gate_and_of_a_view_is_typed_as_in_a_deployment(mocks: HealthyMocks) -> None:
    gate = outputs_of(vmss.ScaleSetHealthGate)
    assert (gate["healthy"], gate["state"], gate["reasons"]) == (True, "healthy", [])
    assert gate["message"].startswith("scale set web is healthy")
    view = outputs_of(vmss.ScaleSetInstanceView)
    assert view["read_at"].startswith("2026-")
    for each in (gate, view):
        assert each["statuses"][0].display_status == "Provisioning succeeded"
        assert each["virtual_machine"].statuses_summary[0].count == each["capacity"] == 1
        assert each["orchestration_mode"] == "Uniform"
        assert each["scale_set_id"] == ID


def outputs_of(declared: Callable[..., Any]) -> dict[str, Any]:
    """The value of each output, one by one: Pulumi's `Output.all` takes the types away."""
    names = inspect.get_annotations(declared)

    def output(name: str) -> Any:
        return value_of(lambda: getattr(declared("web", scale_set=ID), name))

    return {name: output(name) for name in names}


def test_a_skipped_gate_is_not_healthy_and_gives_its_inputs(mocks: HealthyMocks) -> None:
    assert value_of(lambda: vmss.ScaleSetHealthGate("web", scale_set=ID, skip=True).healthy) is False
    assert [args.typ for args in mocks.declared] == ["vmss-health:index:ScaleSetHealthGate", GATE]
    assert mocks.declared[-1].inputs["skip"] is True


def test_a_scale_set_gets_an_id_that_a_gate_accepts_and_other_mocks_may_give_any(mocks: HealthyMocks) -> None:
    class ScaleSet(pulumi.CustomResource):
        def __init__(self) -> None:
            super().__init__("azure-native:compute/v20241101:VirtualMachineScaleSet", "web", {"sku": "B1"})

    known = value_of(lambda: vmss.ScaleSetHealthGate("web", scale_set=ScaleSet()).scale_set_id)
    assert vmss.ScaleSetId.parse(known).name == "web"
    any_id = pulumi.runtime.MockResourceArgs(GATE, "web", {"scaleSet": "web-id"})
    assert healthy_outputs(any_id)["scaleSetId"] == "web-id"
    assert healthy_outputs(pulumi.runtime.MockResourceArgs("azure-native:network:VirtualNetwork", "net", {})) == {}


@pytest.mark.parametrize(
    ("kind", "provider", "one"),
    [(GATE, HealthGateProvider(), "scaleSet"), (FLEET, FleetGateProvider(), "scaleSets")],
    ids=["single", "fleet"],
)
@pytest.mark.parametrize("skip", [False, True])
def test_mocked_outputs_have_the_form_of_those_that_a_gate_stores(
    monkeypatch: pytest.MonkeyPatch, kind: str, provider: Any, one: str, skip: bool
) -> None:
    with running(monkeypatch) as azure:
        scale_set = azure.put_scale_set("web", capacity=1)
        given = {one: {"a": scale_set} if kind == FLEET else scale_set, "skip": skip}
        provider.configure(pulumi.dynamic.ConfigureRequest(pulumi.dynamic.Config({}, "project")))
        stored = provider.create({**given, "policy": {"hold": "0s"}}).outs
    mocked = healthy_outputs(pulumi.runtime.MockResourceArgs(kind, "web", given))
    assert form(mocked) == form({key: stored[key] for key in stored if key not in (*given, "policy")})


def form(value: Any) -> Any:
    """The names and types in a value, without what one run alone tells."""
    if isinstance(value, dict):
        return {key: form(inner) for key, inner in value.items() if key not in OWN and inner not in (None, [])}
    return [form(each) for each in value] if isinstance(value, list) else type(value)


def test_importing_it_loads_neither_pytest_nor_an_http_client() -> None:
    program = "import sys, pulumi_vmss_health.testing; print({'pytest', 'requests', 'azure'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


RING = {"name": "first", "regions": ["westeurope"], "capacity": 1, "hold": "1m", "timeout": "5m"}


@pytest.mark.parametrize(
    ("example", "settings", "told"),
    [
        ("rings", {"rings": json.dumps([RING, {**RING, "regions": []}])}, "rings[1]: regions must be a list"),
        ("rings", {"rings": json.dumps([{**RING, "regions": "westeurope"}])}, "rings[0]: regions must be a list"),
        ("rings", {"rings": json.dumps([{"name": "first", "regions": ["westeurope"]}])}, "rings[0] needs capacity,"),
        ("blue_green", {"candidate": "Green"}, "candidate must be 'blue' or 'green', not 'Green'"),
    ],
)
def test_a_mistake_in_the_configuration_of_an_example_is_told_in_a_line(
    example: str, settings: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pulumi_azure_native", reason="the extra azure-native is not installed")
    pulumi.runtime.set_mocks(HealthyMocks(), project="p")
    pulumi.runtime.set_all_config({f"p:{name}": value for name, value in settings.items()})
    monkeypatch.syspath_prepend(EXAMPLES / example)
    monkeypatch.delitem(sys.modules, "machines", raising=False)
    try:
        with pytest.raises(pulumi.RunError) as refused:
            runpy.run_path(str(EXAMPLES / example / "__main__.py"))
    finally:
        pulumi.runtime.set_all_config({})
    assert str(refused.value).startswith(told)


def test_the_examples_of_the_documentation_run_as_they_stand(tmp_path: Path) -> None:
    files = write_files(TESTING, tmp_path)
    without_engine = ["test_unit.py", "test_warned.py", "test_policy.py", "test_tool.py"]
    assert set(without_engine) < set(files)
    assert "6 passed" in run_pytest(tmp_path, *without_engine)
