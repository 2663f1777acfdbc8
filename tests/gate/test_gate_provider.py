"""The provider's methods as the engine calls them, without an engine: every undocumented mechanism is missing here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.output import UNKNOWN

from pulumi_vmss_health.gate import HealthGateProvider
from vmss_emulator import Emulator
from vmss_instance_view.engine import CallFailed, PartialFailure

ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"
AT_ONCE = {"boot": "0s", "extension": "0s", "healthy": "0s"}


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with Emulator({"scale_sets": {"*": AT_ONCE}}) as emulator:
        for name in os.environ:
            if name.startswith("ARM_"):
                monkeypatch.delenv(name)
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        yield emulator


@pytest.fixture
def provider() -> HealthGateProvider:
    gate = HealthGateProvider()
    gate.configure(ConfigureRequest(Config({}, "project")))
    return gate


def test_what_cannot_work_is_refused_in_check_by_the_name_of_its_input(provider: HealthGateProvider) -> None:
    result = provider.check({}, {"scaleSet": "web", "policy": {"timeout": "soon"}})
    assert {failure.property for failure in result.failures} == {"scaleSet", "policy"}


def test_what_is_not_known_yet_is_not_checked_yet(provider: HealthGateProvider) -> None:
    assert not provider.check({}, {"scaleSet": UNKNOWN, "policy": {}}).failures


@pytest.mark.parametrize("state", ["healthy", "warned", "skipped"])
def test_a_gate_that_passed_leaves_the_comparison_to_the_engine(provider: HealthGateProvider, state: str) -> None:
    assert provider.diff("id", {"state": state}, {}).changes is None


@pytest.mark.parametrize("state", ["failing", "timedOut", "unreadable", "deleted", "cancelled", "progressing", None])
def test_a_gate_that_did_not_pass_is_a_change_by_itself(provider: HealthGateProvider, state: str | None) -> None:
    assert provider.diff("id", {"state": state}, {}).changes is True


def test_a_gate_may_be_asked_to_gate_in_every_update(provider: HealthGateProvider) -> None:
    assert provider.diff("id", {"state": "healthy"}, {"recheck": "always"}).changes is True


def test_without_an_engine_a_gate_still_passes(provider: HealthGateProvider, azure: Emulator) -> None:
    inputs = {"scaleSet": azure.put_scale_set("web"), "policy": {"hold": "0s"}, "__provider": "x"}
    outputs = provider.create(inputs).outs
    assert outputs is not None
    assert (outputs["healthy"], outputs["state"]) == (True, "healthy")
    assert outputs["policy"] == {"hold": "0s"}


def test_without_an_engine_a_gate_still_fails_with_its_reasons(provider: HealthGateProvider, azure: Emulator) -> None:
    unhealthy = {"instances": [1], "health": "unhealthy"}
    azure.load({"scale_sets": {"*": {**AT_ONCE, "events": [unhealthy]}}})
    inputs = {"scaleSet": azure.put_scale_set("web", health=True), "policy": {"timeout": "1s", "hold": "0s"}}
    with pytest.raises(PartialFailure) as failed:
        provider.create(inputs)
    assert "instance 1: application health unhealthy" in str(failed.value)


def test_a_skipped_gate_looks_at_nothing_and_says_so(provider: HealthGateProvider, azure: Emulator) -> None:
    outputs = provider.create({"scaleSet": ID, "skip": True}).outs
    assert outputs is not None
    assert (outputs["healthy"], outputs["state"]) == (False, "skipped")
    assert azure.requests == ()


def test_a_gate_that_only_warns_lets_the_stack_go_on_and_tells_the_truth(
    provider: HealthGateProvider, azure: Emulator
) -> None:
    azure.load({"scale_sets": {"*": {**AT_ONCE, "events": [{"power": "stopped"}]}}})
    inputs = {"scaleSet": azure.put_scale_set("web"), "policy": {"timeout": "1s", "hold": "0s"}, "onFailure": "warn"}
    outputs = provider.create(inputs).outs
    assert outputs is not None
    assert (outputs["healthy"], outputs["state"]) == (False, "warned")
    assert outputs["reasons"][0]["code"] == "VmNotRunning"


def test_an_id_that_turns_out_to_be_none_is_refused(provider: HealthGateProvider) -> None:
    with pytest.raises(CallFailed, match="no leading '/'"):
        provider.create({"scaleSet": "web"})


@pytest.mark.parametrize("stored", ["timedOut", "healthy"])
def test_a_refresh_drops_the_gate_of_a_set_that_is_gone(
    provider: HealthGateProvider, azure: Emulator, stored: str
) -> None:
    gone = azure.put_scale_set("web").replace("/web", "/gone")
    assert provider.read("id", {"scaleSet": gone, "state": stored}).id == ""


def test_a_refresh_that_sees_nothing_keeps_a_pass_and_keeps_a_failure(
    provider: HealthGateProvider, azure: Emulator
) -> None:
    inputs: dict[str, Any] = {"scaleSet": azure.put_scale_set("web")}
    azure.load({"faults": [{"match": "GET */virtualMachineScaleSets/*", "status": 503}]})
    passed = {**inputs, "state": "healthy"}
    assert provider.read("id", passed).outs == passed
    with pytest.raises(PartialFailure, match="the gate is armed"):
        provider.read("id", {**inputs, "state": "failing"})
