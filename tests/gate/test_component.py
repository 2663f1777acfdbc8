"""What a user's program is told before anything is deployed, and what the component declares."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pulumi
import pytest

import pulumi_vmss_health as vmss
from vmss_instance_view.pulumi.options import custom_timeouts

ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"


class Recorder(pulumi.runtime.Mocks):
    """Keeps what was registered; gives every gate the outputs of a healthy one."""

    def __init__(self) -> None:
        self.registered: dict[str, pulumi.runtime.MockResourceArgs] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.registered[args.typ] = args
        return f"{args.name}-id", {
            **args.inputs,
            "healthy": True,
            "scaleSetId": ID,
            "scaleSetIds": {"web": ID},
            "sets": {},
        }

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        raise AssertionError(f"a gate calls no function, but {args.token} was called")


@pytest.fixture
def recorder() -> Recorder:
    mocks = Recorder()
    pulumi.runtime.set_mocks(mocks)
    return mocks


def declare(program: Callable[[], Any]) -> Any:
    """Run a program to its end; gives back the value of the Output that it returns."""

    return pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]  # Pulumi has not typed it


GATE = "pulumi-python:dynamic/vmss-health:HealthGate"


def test_the_resource_tokens_are_those_that_users_states_hold(recorder: Recorder) -> None:
    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=ID).healthy)
    declare(lambda: vmss.ScaleSetInstanceView("web", scale_set=ID).id)
    declare(lambda: vmss.RequireHealthy("web", gate=vmss.ScaleSetHealthGate("web", scale_set=ID)).id)
    assert set(recorder.registered) == {
        "vmss-health:index:ScaleSetHealthGate",
        GATE,
        "pulumi-python:dynamic/vmss-health:RequireHealthy",
        "pulumi-python:dynamic/vmss-health:ScaleSetInstanceView",
    }


def test_the_provider_is_stored_by_reference_in_few_bytes(recorder: Recorder) -> None:
    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=ID).healthy)
    declare(lambda: vmss.ScaleSetInstanceView("web", scale_set=ID).id)
    for args in recorder.registered.values():
        provider = args.inputs.get("__provider", "")
        assert isinstance(provider, str), "an encrypted blob in every user's state"
        assert len(provider) < 100


def test_triggers_are_whatever_pulumi_can_compare(recorder: Recorder) -> None:
    async def later() -> int:
        return 4

    triggers: list[Any] = [None, True, 1.5, "two", ["3", {"is": pulumi.Output.from_input(3)}], ("of", "two"), later()]
    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=ID, triggers=triggers).healthy)
    stored = recorder.registered[GATE].inputs["triggers"]
    assert stored == [None, True, 1.5, "two", ["3", {"is": 3}], ["of", "two"], 4]


def test_a_resource_brings_its_own_triggers(recorder: Recorder) -> None:
    class Resource:
        id = pulumi.Output.from_input(ID)
        etag = pulumi.Output.from_input('"7"')
        unique_id = pulumi.Output.from_input("b1")

    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=Resource(), triggers=["image-2"]).healthy)
    assert recorder.registered[GATE].inputs["triggers"] == ['"7"', "b1", "image-2"]
    assert recorder.registered[GATE].inputs["scaleSet"] == ID


def test_only_the_policy_fields_that_were_set_are_stored(recorder: Recorder) -> None:
    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=ID, policy=vmss.GatePolicy(timeout="5m")).healthy)
    assert recorder.registered[GATE].inputs["policy"] == {"timeout": "5m"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"scale_set": "web"}, "scale_set: no leading '/' in scale set id 'web'"),
        ({"scale_set": "web"}, "or give the resource itself, scale_set=web"),
        ({"scale_set": object()}, "scale_set must be a scale set resource, its ARM id or an Output of it, not object"),
        ({"scale_set": None}, "scale_set must be"),
        ({"scale_set": ID, "policy": "90%"}, "policy must be a GatePolicy, or a dict of its fields, not str"),
        (
            {"scale_set": ID, "policy": lambda: pulumi.Output.from_input({"timeout": "5m"})},
            "policy must be a GatePolicy, or a dict of its fields, not Output; it is needed before any Output is known",
        ),
        ({"scale_set": ID, "policy": {"timout": "5m"}}, "policy has no field 'timout'; it has min_healthy, "),
        ({"scale_set": ID, "policy": {"timeout": "soon"}}, "timeout must look like '90s', '30m' or '1h30m'"),
        (
            {"scale_set": ID, "changed_by": "app"},
            "changed_by must be a list of resources, such as [app], not str",
        ),
        ({"scale_set": ID, "changed_by": [ID]}, "changed_by must be a list of resources, such as [app], not str"),
        ({"scale_set": ID, "recheck": "sometimes"}, "recheck must be 'on_change' or 'always', not 'sometimes'"),
        ({"scale_set": ID, "on_failure": "ignore"}, "on_failure must be 'fail' or 'warn', not 'ignore'"),
        (
            {"scale_set": ID, "evidence_file": True},
            "evidence_file must be a path, such as 'web.json', not bool",
        ),
        (
            {"scale_set": ID, "evidence_file": b"x"},
            "evidence_file must be a path, such as 'web.json', not bytes",
        ),
        (
            {"scale_set": ID, "evidence_file": ""},
            "evidence_file must be a path, such as 'web.json', not an empty",
        ),
        ({"scale_set": ID, "evidence_file": "a\0b"}, "evidence_file must be a path without a NUL character"),
        (
            {"scale_set": ID, "evidence_file": lambda: pulumi.Output.from_input("x")},
            "not Output; it is needed before any Output is known",
        ),
        ({"scale_set": ID, "skip": "yes"}, "skip must be True or False, not str; pulumi.Config has get_bool"),
        ({"scale_set": ID, "triggers": "v2"}, "triggers must be a list of values, not str"),
        (
            {"scale_set": ID, "triggers": [1, datetime(2026, 1, 1, tzinfo=timezone.utc)]},
            "triggers[1] must be a text, a number, a list or a dict of such, or an Output, not datetime; give str(...)",
        ),
        ({"scale_set": ID, "triggers": [{"of": [b"x"]}]}, "triggers[0] must be a text, a number, "),
        ({"scale_set": ID, "triggers": [vmss.GatePolicy()]}, "triggers[0] must be a text, a number, "),
        (
            {"scale_set": ID, "triggers": [pulumi.FileAsset("app.sh")]},
            "not FileAsset; name the resource that takes it in changed_by, or give a hash of the file",
        ),
        ({"scale_set": ID, "opts": {"protect": True}}, "opts must be pulumi.ResourceOptions, not dict"),
        (
            {"scale_set": ID, "opts": pulumi.ResourceOptions(ignore_changes=["polcy"])},
            "opts.ignore_changes has 'polcy', which is no argument; there are scale_set, policy, triggers, ",
        ),
        (
            {"scale_set": ID, "opts": pulumi.ResourceOptions(replace_on_changes=["policy.timout"])},
            "opts.replace_on_changes has 'policy.timout', which is no field; policy has min_healthy, ",
        ),
        (
            {"scale_set": ID, "opts": pulumi.ResourceOptions(additional_secret_outputs=["mesage"])},
            "opts.additional_secret_outputs has 'mesage', which is no output; there are healthy, state, message, ",
        ),
        (
            {"scale_set": ID, "opts": pulumi.ResourceOptions(import_="web")},
            "opts.import_ must not be set: nothing of this resource is in Azure: declare it",
        ),
        (
            {"scale_set": ID, "opts": pulumi.ResourceOptions(id="web")},
            "opts.id must not be set: nothing of this resource is in Azure: declare it",
        ),
        (
            {"scale_set": ID, "opts": pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(update="soon"))},
            "opts.custom_timeouts: create must look like '90s', '30m' or '1h30m'",
        ),
        (
            {"scale_set": ID, "opts": pulumi.ResourceOptions(custom_timeouts={"craete": "5m"})},  # type: ignore[arg-type]
            "opts.custom_timeouts has no craete; it has create and update",
        ),
        (
            {"scale_set": ID, "opts": pulumi.ResourceOptions(custom_timeouts="5m")},  # type: ignore[arg-type]
            "opts.custom_timeouts must be a pulumi.CustomTimeouts, not str",
        ),
        (
            {
                "scale_set": ID,
                "policy": vmss.GatePolicy(hold="10m"),
                "opts": pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="5m")),
            },
            "opts.custom_timeouts: hold (10m) must be shorter than timeout (5m)",
        ),
    ],
)
def test_a_wrong_argument_is_refused_by_name_before_anything_is_deployed(
    recorder: Recorder, arguments: dict[str, Any], words: str
) -> None:
    made = {name: value() if callable(value) else value for name, value in arguments.items()}
    with pytest.raises((ValueError, TypeError)) as refused:
        vmss.ScaleSetHealthGate("web", **made)
    assert words in str(refused.value)
    assert not recorder.registered


@pytest.mark.parametrize(
    ("given", "create", "update"),
    [({"create": "5m"}, "5m", "5m"), ({"update": "7m"}, "7m", "7m"), ({"create": "5m", "update": "7m"}, "5m", "7m")],
)
@pytest.mark.parametrize("kind", [pulumi.CustomTimeouts, dict])
def test_time_outs_of_create_and_update_stand_in_for_each_other(
    given: dict[str, str], create: str, update: str, kind: Callable[..., Any]
) -> None:

    timeouts = custom_timeouts(kind(**given), vmss.GatePolicy().within)
    assert timeouts is not None
    assert (timeouts.create, timeouts.update) == (create, update)


@pytest.mark.parametrize(
    "path", ["triggers", "triggers[0]", "policy", "policy.min_healthy", 'policy["minHealthy"]', "scaleSet", "*"]
)
def test_paths_to_what_a_gate_has_may_be_ignored(recorder: Recorder, path: str) -> None:
    opts = pulumi.ResourceOptions(ignore_changes=[path], replace_on_changes=[path])
    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=ID, opts=opts).healthy)
    assert GATE in recorder.registered


@pytest.mark.parametrize("policy", [{"min_healthy": "90%", "confirm_failure": None}, {"minHealthy": "90%"}])
def test_a_policy_may_be_a_dict_in_python_s_spelling_or_in_that_of_configuration(
    recorder: Recorder, policy: dict[str, Any]
) -> None:
    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=ID, policy=policy).healthy)
    never = {"confirmFailure": "never"} if "confirm_failure" in policy else {}
    assert recorder.registered[GATE].inputs["policy"] == {"minHealthy": "90%", **never}


def test_an_id_may_be_awaited(recorder: Recorder) -> None:
    async def known_later() -> str:
        return ID

    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=known_later()).healthy)
    assert recorder.registered[GATE].inputs["scaleSet"] == ID


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("azure-native:network:VirtualNetwork", "scale_set must be a VirtualMachineScaleSet, not a VirtualNetwork"),
        (
            "azure-native:compute:VirtualMachineScaleSetExtension",
            "not a VirtualMachineScaleSetExtension; give its scale set, and the extension in changed_by",
        ),
    ],
)
def test_another_resource_of_azure_is_no_scale_set(recorder: Recorder, kind: str, words: str) -> None:
    with pytest.raises(TypeError) as refused:
        vmss.ScaleSetHealthGate("web", scale_set=pulumi.CustomResource(kind, "net", {}))
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "kind",
    [
        "azure-native:compute:VirtualMachineScaleSet",
        "azure-native:compute/v20241101:VirtualMachineScaleSet",
        "azure:compute/linuxVirtualMachineScaleSet:LinuxVirtualMachineScaleSet",
        "acme:shop:Shop",
    ],
)
def test_scale_sets_of_every_provider_are_taken(recorder: Recorder, kind: str) -> None:
    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=pulumi.CustomResource(kind, "set", {})).healthy)
    assert recorder.registered[GATE].inputs["scaleSet"] == "set-id"


CLASSIC = "azure:compute/linuxVirtualMachineScaleSet:LinuxVirtualMachineScaleSet"


class WithEtag(pulumi.CustomResource):
    etag: pulumi.Output[str]


@pytest.mark.parametrize(
    ("scale_set", "more", "warnings"),
    [
        (lambda: pulumi.CustomResource(CLASSIC, "web", {}), {}, 1),
        (lambda: pulumi.CustomResource(CLASSIC, "web", {}), {"triggers": [1]}, 0),
        (
            lambda: pulumi.CustomResource(CLASSIC, "web", {}),
            {"recheck": "always"},
            0,
        ),
        (lambda: WithEtag("azure-native:compute:VirtualMachineScaleSet", "web", {"etag": None}), {}, 0),
        (lambda: ID, {}, 1),
        (lambda: ID, {"triggers": []}, 0),
        (lambda: ID, {"skip": True}, 0),
        (lambda: pulumi.Output.from_input(ID), {}, 1),
        (lambda: pulumi.Output.from_input(ID), {"recheck": "always"}, 0),
        (lambda: pulumi.CustomResource(CLASSIC, "web", {}).id, {}, 1),
        (lambda: pulumi.CustomResource(CLASSIC, "web", {}).id, {"triggers": [1]}, 0),
        (lambda: WithEtag("azure-native:compute:VirtualMachineScaleSet", "web", {"etag": None}).id, {}, 0),
    ],
)
def test_a_resource_that_tells_no_change_of_its_set_is_told_of(
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    scale_set: Callable[[], Any],
    more: dict[str, Any],
    warnings: int,
) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, _resource: told.append(text))
    declare(lambda: vmss.ScaleSetHealthGate("web", scale_set=scale_set(), **more).healthy)
    assert [text.split(" would be noticed")[0] for text in told] == ["no change of the scale set"] * warnings


class Holder:
    def __init__(self, web: WithEtag) -> None:
        self.id = web.id


@pytest.mark.parametrize("declared", [vmss.ScaleSetHealthGate, vmss.ScaleSetInstanceView])
@pytest.mark.parametrize(
    "form",
    [
        lambda web: web,
        lambda web: web.id,
        lambda web: web.id.apply(str.upper),
        lambda web: pulumi.Output.from_input(web),
        lambda web: pulumi.Output.secret(web.id),
        Holder,
    ],
    ids=["resource", "id", "made of the id", "output of the resource", "secret", "object"],
)
def test_an_output_of_a_set_s_id_brings_the_triggers_of_the_set(
    recorder: Recorder, declared: Any, form: Callable[[WithEtag], Any]
) -> None:
    def program() -> Any:
        web = WithEtag("azure-native:compute:VirtualMachineScaleSet", "web", {"etag": '"7"'})
        return declared("web", scale_set=form(web), triggers=["image-2"]).scale_set_id

    declare(program)
    (gate,) = (args for kind, args in recorder.registered.items() if kind.startswith("pulumi-python"))
    assert gate.inputs["triggers"] == ['"7"', "image-2"]


@pytest.mark.parametrize(
    "given",
    [
        lambda web: vmss.ScaleSetHealthGate("gate", scale_set=web).scale_set_id,
        lambda web: vmss.FleetHealthGate("fleet", scale_sets={"web": web}).scale_set_ids["web"],
    ],
    ids=["gate", "fleet"],
)
@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_the_id_that_a_gate_gives_on_brings_the_triggers_of_the_set(
    given: Callable[[WithEtag], Any], preview: bool
) -> None:
    """In a preview as in an update: what one shows, the other does."""
    mocks = Recorder()
    pulumi.runtime.set_mocks(mocks, preview=preview)

    def program() -> Any:
        web = WithEtag("azure-native:compute:VirtualMachineScaleSet", "web", {"etag": '"7"'})
        return vmss.ScaleSetInstanceView("view", scale_set=given(web)).urn

    declare(program)
    view = mocks.registered["pulumi-python:dynamic/vmss-health:ScaleSetInstanceView"]
    assert view.inputs["triggers"] == ['"7"']


@pytest.mark.parametrize("declared", [vmss.ScaleSetHealthGate, vmss.ScaleSetInstanceView])
@pytest.mark.parametrize(
    ("owner", "by_its_id"), [("the scale set", False), ("the scale set", True), ("the parent", False)]
)
def test_an_explicit_provider_of_the_set_or_a_parent_is_told_for_another_identity_reads(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, declared: Any, owner: str, by_its_id: bool
) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda text, _resource: told.append(text))

    def program() -> Any:
        provider = pulumi.ProviderResource("azure-native", "other", {})
        opts = pulumi.ResourceOptions(providers=[provider])
        parent = pulumi.ComponentResource("acme:shop:Shop", "shop", None, opts)
        kind = "azure-native:compute:VirtualMachineScaleSet"
        web = pulumi.CustomResource(kind, "web", {}, pulumi.ResourceOptions(provider=provider))
        if owner == "the scale set":
            return declared("web", scale_set=web.id if by_its_id else web).scale_set_id
        return declared("web", scale_set=ID, opts=pulumi.ResourceOptions(parent=parent)).scale_set_id

    declare(program)
    (text,) = told
    assert text.startswith(f"{owner} has an explicit azure-native provider; ")
    assert "needs the role Reader" in text


def test_a_view_stores_only_the_options_that_were_set_for_older_states_lack_them(recorder: Recorder) -> None:
    view = "pulumi-python:dynamic/vmss-health:ScaleSetInstanceView"
    declare(lambda: vmss.ScaleSetInstanceView("web", scale_set=ID).id)
    assert not {"recheck", "skip"} & set(recorder.registered[view].inputs)
    declare(lambda: vmss.ScaleSetInstanceView("web", scale_set=ID, recheck="always", skip=True).id)
    assert recorder.registered[view].inputs["recheck"] == "always"
    assert recorder.registered[view].inputs["skip"] is True


def test_a_switch_that_the_configuration_does_not_have_is_off(recorder: Recorder) -> None:
    def program() -> Any:
        unset = pulumi.Config().get_bool("unset")
        gate = vmss.ScaleSetHealthGate("web", scale_set=ID, skip=unset)
        view = vmss.ScaleSetInstanceView("web", scale_set=ID, include_instances=unset, skip=unset)
        return pulumi.Output.all(gate.healthy, view.id)

    declare(program)
    assert recorder.registered[GATE].inputs["skip"] is False
    view = recorder.registered["pulumi-python:dynamic/vmss-health:ScaleSetInstanceView"].inputs
    assert (view["includeInstances"], "skip" in view) == (False, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"recheck": "sometimes"}, "recheck must be 'on_change' or 'always', not 'sometimes'"),
        ({"skip": 1}, "skip must be True or False, not int"),
        ({"include_instances": "yes"}, "include_instances must be True or False, not str"),
        (
            {"opts": pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="0s"))},
            "opts.custom_timeouts: ",
        ),
        (
            {"opts": pulumi.ResourceOptions(ignore_changes=["trigers"])},
            "opts.ignore_changes has 'trigers', which",
        ),
        (
            {"opts": pulumi.ResourceOptions(additional_secret_outputs=["extension"])},
            "opts.additional_secret_outputs has 'extension', which is no output; there are scale_set_id, statuses, ",
        ),
    ],
)
def test_a_view_s_wrong_argument_is_refused_by_name(recorder: Recorder, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, TypeError)) as refused:
        vmss.ScaleSetInstanceView("web", scale_set=ID, **arguments)
    assert words in str(refused.value)
    assert not recorder.registered


def test_a_program_for_type_checkers_names_everything_public() -> None:
    program = Path(__file__).with_name("typed_program.py").read_text()
    assert [name for name in vmss.__all__ if not re.search(rf"\bvmss\.{name}\b", program)] == []


def test_the_version_is_that_of_the_distribution() -> None:
    assert vmss.__version__ == importlib.metadata.version("pulumi-vmss-health")
