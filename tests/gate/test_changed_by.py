"""What makes a resource in `changed_by` a trigger: everything that it has, in a value that stays the same otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

import pulumi_vmss_health as vmss
from pulumi_vmss_health.testing import HealthyMocks

ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"


class Extension(pulumi.CustomResource):
    """What azure-native declares: inputs are properties, also those that Azure does not give back."""

    def __init__(self, **properties: Any) -> None:
        super().__init__("azure-native:compute:VirtualMachineScaleSetExtension", "app", properties)


def triggers_by(changed: Callable[[], pulumi.Resource]) -> Any:
    """The triggers of a gate whose set is changed by a resource."""
    mocks = HealthyMocks()
    pulumi.runtime.set_mocks(mocks)

    def program() -> pulumi.Output[bool]:
        return vmss.ScaleSetHealthGate("web", scale_set=ID, triggers=["mine"], changed_by=[changed()]).healthy

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]  # Pulumi has not typed it
    return mocks.declared[-1].inputs["triggers"]


def triggers_of(**properties: Any) -> Any:
    return triggers_by(lambda: Extension(**properties))


def test_a_resource_that_changes_the_set_is_a_trigger_by_everything_that_it_has() -> None:
    first = triggers_of(settings={"release": 1, "port": 80})
    assert first[0] == "mine"
    assert re.fullmatch("app [0-9a-f]{16}", first[1])
    assert triggers_of(settings={"port": 80, "release": 1}) == first
    assert triggers_of(settings={"port": 80, "release": 2}) != first
    assert triggers_of(settings={"port": 80, "release": 1}, protectedSettings={"key": "b"}) != first


def test_a_secret_of_such_a_resource_makes_the_triggers_one() -> None:
    triggers = triggers_of(protectedSettings=pulumi.Output.secret({"key": "b"}))
    assert triggers["value"][1].startswith("app ")
    assert triggers[pulumi.runtime.rpc._special_sig_key] == pulumi.runtime.rpc._special_secret_sig


@pytest.mark.parametrize(
    ("properties", "trigger"),
    [
        ({}, "app 248e2f96a7b380e8"),
        ({"settings": {"release": 1, "port": 80.5}}, "app fd0e66d396f7e7d6"),
        ({"settings": {"a": [1, "ü", None, {"b": True}], "c": {}}, "tags": ["x"], "no": None}, "app 2c68da751d51c4bc"),
        ({"script": lambda: pulumi.StringAsset("x")}, "app d634b25ad8784c42"),
        (
            {"settings": {"release": 1}, "protectedSettings": lambda: pulumi.Output.secret({"key": "b"})},
            "app 9ecc8e15801efad5",
        ),
    ],
)
def test_triggers_are_those_that_users_states_hold_for_others_would_run_every_gate_again(
    properties: dict[str, Any], trigger: str
) -> None:
    triggers = triggers_of(**{name: made() if callable(made) else made for name, made in properties.items()})
    assert (triggers["value"] if isinstance(triggers, dict) else triggers)[1] == trigger
