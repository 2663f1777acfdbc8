"""What a program with a fleet is told before anything is deployed, and what the component declares."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pulumi
import pytest
from pulumi.output import UNKNOWN

import pulumi_vmss_health as vmss
from pulumi_vmss_health.testing import HealthyMocks

FOLDER = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets"
WEU, NEU = f"{FOLDER}/weu", f"{FOLDER}/neu"
SETS = {"web_weu": WEU, "web_neu": NEU}
FLEET = "pulumi-python:dynamic/vmss-health:FleetGate"


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


def inputs_of(mocks: HealthyMocks, **arguments: Any) -> Mapping[str, Any]:
    """Declare a fleet; what was registered of its gate."""
    value_of(lambda: vmss.FleetHealthGate("web", **{"scale_sets": SETS, **arguments}).healthy)
    assert [args.typ for args in mocks.declared] == ["vmss-health:index:FleetHealthGate", FLEET]
    return mocks.declared[-1].inputs


class Resource:
    """What azure-native declares of a scale set."""

    def __init__(self, id_: str = WEU) -> None:
        self.id = pulumi.Output.from_input(id_)
        self.etag = pulumi.Output.from_input('"7"')
        self.unique_id = pulumi.Output.from_input("b1")


def test_a_fleet_stores_what_was_asked_under_the_names_of_the_user_and_of_the_policy_what_was_set(
    mocks: HealthyMocks,
) -> None:
    inputs = inputs_of(mocks, scale_sets={"web_weu": Resource(), "neu": NEU + "/"}, policy={"min_healthy": "90%"})
    provider = inputs["__provider"]
    assert isinstance(provider, str), "an encrypted blob in every user's state"
    assert len(provider) < 100
    assert all(name in base64.b64decode(provider) for name in (b"pulumi_vmss_health.fleet_gate", b"FleetGateProvider"))
    assert {key: value for key, value in inputs.items() if key != "__provider" and value is not None} == {
        "scaleSets": {"web_weu": WEU, "neu": NEU},
        "policy": {"minHealthy": "90%"},
        "minHealthySets": "100%",
        "onSetFailure": "wait",
        "triggers": [],
        "setTriggers": {"web_weu": ['"7"', "b1"]},
        "recheck": "on_change",
        "onFailure": "fail",
        "skip": False,
    }


class Web(pulumi.CustomResource):
    etag: pulumi.Output[str]

    def __init__(self) -> None:
        super().__init__("azure-native:compute:VirtualMachineScaleSet", "web", {"etag": '"7"'})


def test_an_output_of_a_set_s_id_brings_the_triggers_of_the_set_and_any_other_id_none(mocks: HealthyMocks) -> None:
    def program() -> pulumi.Output[bool]:
        sets = {"a": Web().id, "b": pulumi.Output.from_input(NEU)}
        return vmss.FleetHealthGate("web", scale_sets=sets).healthy

    value_of(program)
    own = mocks.declared[-1].inputs["setTriggers"]
    assert {name: each for name, each in own.items() if each is not None} == {"a": ['"7"']}


def test_an_id_that_turns_out_to_be_none_is_no_set_left_out(mocks: HealthyMocks) -> None:
    nothing: pulumi.Output[Any] = pulumi.Output.from_input(None)
    assert inputs_of(mocks, scale_sets={"a": WEU, "b": nothing})["scaleSets"] == {"a": WEU, "b": ""}


def test_an_output_that_there_is_not_cannot_be_a_secret() -> None:
    opts = pulumi.ResourceOptions(additional_secret_outputs=["set"])
    with pytest.raises(ValueError, match=r"opts\.additional_secret_outputs has 'set', which is no output; there are"):
        vmss.FleetHealthGate("web", scale_sets=SETS, opts=opts)


@pytest.mark.parametrize("name", ["sets", "scale_set_ids", "scaleSetIds", "triggers"])
def test_outputs_and_arguments_may_be_secrets(mocks: HealthyMocks, name: str) -> None:
    opts = pulumi.ResourceOptions(additional_secret_outputs=[name])
    assert value_of(lambda: vmss.FleetHealthGate("web", scale_sets=SETS, opts=opts).healthy) is True


def test_a_switch_that_the_configuration_does_not_have_is_off(mocks: HealthyMocks) -> None:
    assert inputs_of(mocks, scale_sets=SETS, skip=None)["skip"] is False


def test_every_other_argument_reaches_the_gate(mocks: HealthyMocks) -> None:
    app = "acme:index:Extension"

    def program() -> pulumi.Output[bool]:
        return vmss.FleetHealthGate(
            "web",
            scale_sets=SETS,
            min_healthy_sets=1,
            on_set_failure="fail",
            triggers=["v2"],
            changed_by=[pulumi.CustomResource(app, "app", {})],
            recheck="always",
            on_failure="warn",
            skip=True,
        ).healthy

    assert value_of(program) is False
    inputs = mocks.declared[-1].inputs
    assert (inputs["minHealthySets"], inputs["onSetFailure"], inputs["recheck"]) == (1, "fail", "always")
    assert (inputs["onFailure"], inputs["skip"]) == ("warn", True)
    assert inputs["triggers"][0] == "v2"
    assert inputs["triggers"][1].startswith("app ")


def test_explicit_providers_are_told_once_by_the_name_of_a_set(
    mocks: HealthyMocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda text, _resource: told.append(text))

    def program() -> pulumi.Output[bool]:
        own = pulumi.ResourceOptions(provider=pulumi.ProviderResource("azure-native", "other", {}))
        kind = "azure-native:compute:VirtualMachineScaleSet"
        sets = {name: pulumi.CustomResource(kind, name, {}, own) for name in ("weu", "neu")}
        return vmss.FleetHealthGate("web", scale_sets={"api": WEU, **sets}).healthy

    value_of(program)
    (text,) = told
    assert text.startswith("scale_sets['weu'] has an explicit azure-native provider; ")


def test_sets_whose_resources_tell_no_change_are_named(mocks: HealthyMocks, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, _resource: told.append(text))

    def program() -> pulumi.Output[bool]:
        kind = "azure:compute/linuxVirtualMachineScaleSet:LinuxVirtualMachineScaleSet"
        sets = {name: pulumi.CustomResource(kind, name, {}) for name in ("weu", "neu")}
        vmss.FleetHealthGate("told", scale_sets=sets, triggers=["1"])
        vmss.FleetHealthGate("once", scale_sets={"api": WEU}, triggers=[])
        return vmss.FleetHealthGate("web", scale_sets={"api": WEU, **sets}).healthy

    value_of(program)
    (text,) = told
    assert text.startswith("no change of scale_sets['api'], scale_sets['weu'], scale_sets['neu'] would be noticed, for")


LATER = "; it is needed before any Output is known"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"scale_sets": {}}, "scale_sets must name at least one scale set, such as {'web-weu': web}"),
        ({"scale_sets": [WEU]}, "scale_sets must be a dict such as {'web-weu': weu, 'web-neu': neu}, not list"),
        (
            {"scale_sets": lambda: pulumi.Output.from_input(SETS)},
            "not Output; the names are needed before any Output is known",
        ),
        ({"scale_sets": {1: WEU}}, "scale_sets: the name 1 must be a text, not int"),
        ({"scale_sets": {"": WEU}}, "scale_sets: '' is no name: use letters, digits and dashes"),
        ({"scale_sets": {"a": "web"}}, "scale_sets['a']: no leading '/' in scale set id 'web'"),
        ({"scale_sets": {"a": WEU, "b": None}}, "scale_sets['b'] must be a scale set resource, its ARM id or an"),
        ({"scale_sets": {"a": WEU, "b": WEU}}, "scale_sets: 'a' and 'b' are the same scale set"),
        (
            {"scale_sets": {"a": WEU, "b": WEU.replace("/weu", "/WEU")}},
            "scale_sets: 'a' and 'b' are the same scale set",
        ),
        (
            {"scale_sets": lambda: {"net": pulumi.CustomResource("azure-native:network:VirtualNetwork", "net", {})}},
            "scale_sets['net'] must be a VirtualMachineScaleSet, not a VirtualNetwork",
        ),
        ({"min_healthy_sets": 3}, "min_healthy_sets (3) must not be more than the number of scale sets (2)"),
        ({"min_healthy_sets": 0}, "min_healthy_sets must be"),
        ({"min_healthy_sets": "120%"}, "min_healthy_sets"),
        ({"min_healthy_sets": True}, "min_healthy_sets must be"),
        (
            {"min_healthy_sets": 1.0},
            "min_healthy_sets must be a count such as 3 or a percentage such as '90%', not float",
        ),
        (
            {"min_healthy_sets": lambda: pulumi.Output.from_input(1)},
            f"not Output{LATER}",
        ),
        ({"on_set_failure": "stop"}, "on_set_failure must be 'wait' or 'fail', not 'stop'"),
        ({"policy": "90%"}, "policy must be a GatePolicy, or a dict of its fields, not str"),
        ({"policy": {"timout": "5m"}}, "policy has no field 'timout'; it has min_healthy, "),
        ({"changed_by": [WEU]}, "changed_by must be a list of resources, such as [app], not str"),
        ({"triggers": "v2"}, "triggers must be a list of values, not str"),
        ({"recheck": "sometimes"}, "recheck must be 'on_change' or 'always', not 'sometimes'"),
        ({"on_failure": "ignore"}, "on_failure must be 'fail' or 'warn', not 'ignore'"),
        ({"skip": "yes"}, "skip must be True or False, not str; pulumi.Config has get_bool"),
        (
            {"opts": pulumi.ResourceOptions(ignore_changes=["scale_set"])},
            "opts.ignore_changes has 'scale_set', which is no argument; there are scale_sets, policy, min_healthy_sets",
        ),
        (
            {"policy": {"hold": "10m"}, "opts": pulumi.ResourceOptions(custom_timeouts={"create": "5m"})},  # type: ignore[arg-type]
            "opts.custom_timeouts: hold (10m) must be shorter than timeout (5m)",
        ),
    ],
)
def test_a_wrong_argument_is_refused_by_name_before_anything_is_deployed(
    mocks: HealthyMocks, arguments: dict[str, Any], words: str
) -> None:
    made = {name: value() if callable(value) else value for name, value in arguments.items()}
    with pytest.raises((ValueError, TypeError)) as refused:
        vmss.FleetHealthGate("web", **{"scale_sets": SETS, **made})
    assert words in str(refused.value)
    assert [args.typ for args in mocks.declared if "vmss-health" in args.typ] == []


@pytest.mark.parametrize(
    "path", ["policy.timeout", "scaleSets", 'scale_sets["web_weu"]', "min_healthy_sets", "triggers"]
)
def test_paths_to_what_a_fleet_has_may_be_ignored(mocks: HealthyMocks, path: str) -> None:
    inputs_of(mocks, opts=pulumi.ResourceOptions(ignore_changes=[path], replace_on_changes=[path]))


def options_that_reach_the_gate(mocks: HealthyMocks, paths: list[str]) -> pulumi.ResourceOptions:
    """The options of a fleet's inner resource, where the user gave these paths."""
    seen: dict[str, pulumi.ResourceOptions] = {}

    def see(args: pulumi.ResourceTransformationArgs) -> None:
        seen[args.type_] = args.opts

    opts = pulumi.ResourceOptions(ignore_changes=paths, replace_on_changes=paths, transformations=[see])
    inputs_of(mocks, opts=opts)
    return seen[FLEET]


@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("min_healthy_sets", "minHealthySets"),
        ("policy.min_healthy", "policy.minHealthy"),
        ('policy["min_healthy"]', 'policy["minHealthy"]'),
        ("scale_sets", "scaleSets"),
        ('scale_sets["web_weu"]', 'scaleSets["web_weu"]'),
        ('["scale_sets"]["web_weu"]', '["scaleSets"]["web_weu"]'),
        ("scaleSets.web_weu", "scaleSets.web_weu"),
        ("triggers[0].my_release", "triggers[0].my_release"),
        ("*", "*"),
    ],
)
def test_a_path_reaches_the_gate_in_the_names_of_state_and_with_the_user_s_own_keys_as_they_are(
    mocks: HealthyMocks, path: str, stored: str
) -> None:
    options = options_that_reach_the_gate(mocks, [path])
    assert (options.ignore_changes, options.replace_on_changes) == ([stored], [stored])


@pytest.mark.parametrize("path", ["triggers", '["triggers"]', "triggers[*]"])
def test_triggers_name_those_of_the_sets_too(mocks: HealthyMocks, path: str) -> None:
    options = options_that_reach_the_gate(mocks, [path, "skip"])
    assert options.ignore_changes == options.replace_on_changes == [path, "skip", "setTriggers"]


def test_outputs_are_typed_and_the_names_of_the_sets_stay_as_the_user_wrote_them(mocks: HealthyMocks) -> None:
    def output(name: str) -> Any:
        return value_of(lambda: getattr(vmss.FleetHealthGate("web", scale_sets=SETS), name))

    sets = output("sets")
    assert sets.keys() == SETS.keys()
    assert (sets["web_weu"].scale_set_id, sets["web_weu"].orchestration_mode) == (WEU, "Uniform")
    assert sets["web_weu"].passed_at.startswith("2026-")
    assert output("scale_set_ids") == SETS
    assert (output("healthy_sets"), output("required_sets"), output("healthy")) == (2, 2, True)


def test_the_components_own_outputs_in_state_have_the_names_that_the_user_gave(
    mocks: HealthyMocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: dict[str, Any] = {}
    monkeypatch.setattr(vmss.FleetHealthGate, "register_outputs", lambda _self, outputs: registered.update(outputs))

    def program(name: str) -> pulumi.Output[Any]:
        vmss.FleetHealthGate("web", scale_sets=SETS)
        return pulumi.Output.from_input(registered[name])

    assert value_of(lambda: program("scaleSetIds")) == SETS
    sets = value_of(lambda: program("sets"))
    assert sets.keys() == SETS.keys()
    assert sets["web_weu"]["scaleSetId"] == WEU
    assert type(sets["web_weu"]) is dict


def test_in_a_preview_the_ids_that_are_known_are_known_whatever_the_others_are() -> None:
    pulumi.runtime.set_mocks(HealthyMocks(), preview=True)
    seen: dict[str, Any] = {}

    def program() -> pulumi.Output[Any]:
        new: pulumi.Output[str] = pulumi.Output.from_input(UNKNOWN)  # type: ignore[arg-type]
        fleet = vmss.FleetHealthGate("web", scale_sets={"web_weu": WEU + "/", "new": new})
        for name in ("web_weu", "new"):
            fleet.scale_set_ids[name].apply(partial(seen.__setitem__, name))
        fleet.scale_set_ids.apply(lambda ids: seen.update(all=ids))
        return fleet.urn

    value_of(program)
    assert seen == {"web_weu": WEU}
