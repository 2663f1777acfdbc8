"""Bodies of every API version parse into the model, without loss of what the model names."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.recorded import OWN, RECORDED, own

from pulumi_vmss_health import (
    ExtensionProfile,
    ExtensionStatus,
    Instance,
    InstanceView,
    MalformedBody,
    RollingUpgrade,
    ScaleSet,
    Status,
    StatusCount,
    VirtualMachineInstanceView,
)
from vmss_instance_view.model import parse_time, state_of

# An object with every field set shows every key that the model names.
STATUS = Status("c", "l", "d", "m", "t")
FULL_VIEW = InstanceView.from_json(own("view_with_codes_nobody_knows"))
FULL_VM_VIEW = VirtualMachineInstanceView(
    (STATUS,), (ExtensionStatus("e", (STATUS,), (STATUS,)),), (STATUS,), STATUS, True
)
FULL_INSTANCE = Instance("0", "web_0", "vm", "Succeeded", True, ("1",), FULL_VM_VIEW, "id", "time", True, True, "time")
FULL_SET = ScaleSet(
    "id", "web", "westeurope", '"1"', "unique", "Succeeded", 3, "Uniform", "Manual", True, ("1",),
    (ExtensionProfile("h", "Microsoft.ManagedServices", "ApplicationHealthLinux", 5, 1, True, ("a",)),), "probe",
    "time", "Spot", True, True, True, "time", True, True, True, True, True, True, ("hook",),
)  # fmt: skip

Parse = Callable[[Mapping[str, object]], Any]
KINDS: dict[str, tuple[Parse, Any]] = {
    "view": (InstanceView.from_json, FULL_VIEW),
    "vm_view": (VirtualMachineInstanceView.from_json, FULL_VM_VIEW),
    "instance": (Instance.from_json, FULL_INSTANCE),
    "set": (ScaleSet.from_json, FULL_SET),
    "rolling": (RollingUpgrade.from_json, RollingUpgrade("c", "s", "a", "t", 1, 2, 3, 4, "e", "m")),
}


def kind_of(name: str) -> str | None:
    """What a recorded body is, by its name in the index."""
    if "vmss_iv" in name or name.startswith("view_"):
        return "view"
    if "vmssvm_iv" in name or "vm_iv" in name:
        return "vm_view"
    if name.startswith(("vmssvm_get", "vmssvm_put", "vmssvm_list", "doc_vmssvm_list", "vm_list", "instances")):
        return "instance"
    if name.startswith(("rolling_latest", "example_rolling", "rolling_upgrade")):
        return "rolling"
    return "set" if name.startswith(("vmss_get", "vmss_put", "vmss_list", "scale_set")) else None


def bodies() -> list[Any]:
    folders = [OWN, RECORDED] if RECORDED.exists() else [OWN]
    files = [file for folder in folders for file in sorted(folder.glob("*.json")) if kind_of(file.stem)]
    return [pytest.param(file, id=f"{file.parent.name}-{file.stem}") for file in files]


@pytest.mark.parametrize("file", bodies())
def test_a_body_loses_nothing_that_the_model_names(file: Any) -> None:
    parse, full = KINDS[kind_of(file.stem) or ""]
    body = json.loads(file.read_text())
    for one in body.get("value", [body]):
        assert normal(parse(one).to_json()) == normal(named(one, full.to_json()))


def named(body: Any, keys: Any) -> Any:
    """The part of a body that the model names."""
    if isinstance(keys, dict) and isinstance(body, dict):
        return {key: named(body[key], keys[key]) for key in keys if key in body}
    if isinstance(keys, list) and isinstance(body, list):
        return [named(each, keys[0]) for each in body]
    return body


def normal(body: Any) -> Any:
    """Without what is null or empty, and with counts as numbers."""
    if isinstance(body, dict):
        values = {key: int(value) if key == "count" else normal(value) for key, value in body.items()}
        return {key: value for key, value in values.items() if value not in (None, [], {})}
    return [normal(each) for each in body] if isinstance(body, list) else body


@pytest.mark.parametrize("name", [file.stem for file in OWN.glob("view_*.json")])
def test_what_was_read_comes_back_from_its_own_json(name: str) -> None:
    view = InstanceView.from_json(own(name))
    assert InstanceView.from_json(view.to_json()) == view


@pytest.mark.parametrize("health", [None, {}, {"status": None}, {"status": {}}, {"status": {"level": "Info"}}])
def test_a_health_status_without_a_code_is_no_report(health: Any) -> None:
    assert VirtualMachineInstanceView.from_json({"vmHealth": health}).vm_health is None


def test_every_element_of_the_2016_page_is_readable() -> None:
    view = InstanceView.from_json(own("view_2016_counts_are_texts"))
    assert view.virtual_machine.statuses_summary == (StatusCount("ProvisioningState/creating", 50),)
    status = view.statuses[0]
    assert (status.code, status.level, status.display_status) == ("ProvisioningState/failed", "Error", "failed")
    assert status.message == "The vault gave no secret ABC"
    assert view.extensions[0].name == "monitor"
    assert view.extensions[0].statuses_summary == (StatusCount("provisioningState/succeeded", 7),)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"virtualMachine": []}, "$.virtualMachine"),
        ({"virtualMachine": {"statusesSummary": {}}}, "$.virtualMachine.statusesSummary"),
        ({"virtualMachine": {"statusesSummary": [{"count": 1.5}]}}, "$.virtualMachine.statusesSummary[0].count"),
        ({"virtualMachine": {"statusesSummary": [{"count": "many"}]}}, "$.virtualMachine.statusesSummary[0].count"),
        ({"virtualMachine": {"statusesSummary": [{"count": True}]}}, "$.virtualMachine.statusesSummary[0].count"),
        ({"virtualMachine": {"statusesSummary": [{"count": -1}]}}, "$.virtualMachine.statusesSummary[0].count"),
        ({"statuses": [None]}, "$.statuses[0]"),
        ({"statuses": [{}, {"code": 7}]}, "$.statuses[1].code"),
        ({"extensions": "none"}, "$.extensions"),
        ([], "$"),
    ],
)
def test_a_wrong_shape_is_named_by_its_path(body: Any, path: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        InstanceView.from_json(body)
    assert refused.value.path == path
    assert path in str(refused.value)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("ProvisioningState/succeeded", "succeeded"),
        ("provisioningState/Succeeded", "succeeded"),
        ("ProvisioningState/failed/VMExtensionProvisioningError", "failed"),
        ("succeeded", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_code_names_its_state_in_the_second_segment(code: str | None, state: str) -> None:
    assert state_of(code) == state


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2022-08-10T16:22:15.973078-04:00", "2022-08-10T20:22:15.973078+00:00"),
        ("2017-06-02T14:34:20.4153913+00:00", "2017-06-02T14:34:20.415391+00:00"),
        ("2026-09-12T08:42:20Z", "2026-09-12T08:42:20+00:00"),
        ("4/3/2025 7:34:39 PM +00:00", "2025-04-03T19:34:39+00:00"),
        ("12/31/2025 12:00:01 AM +01:00", "2025-12-30T23:00:01+00:00"),
        ("04/03/2025 19:34:39 +00:00", "2025-04-03T19:34:39+00:00"),
    ],
)
def test_times_are_read_with_any_fraction_and_offset(text: str, utc: str) -> None:
    time = parse_time(text)
    assert time is not None
    assert time.isoformat() == utc


@pytest.mark.parametrize(
    "text",
    ["status-report-time", "", None, "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "13/1/2025 1:00:00 PM"],
)
def test_what_is_no_time_is_none(text: str | None) -> None:
    assert parse_time(text) is None


def test_the_health_extension_of_a_model_is_found_with_its_interval() -> None:
    model = ScaleSet.from_json(own("scale_set"))
    assert model.health_extension == ExtensionProfile(
        "health", "Microsoft.ManagedServices", "ApplicationHealthLinux", 5, 2
    )
    assert model.reports_health
    assert not ScaleSet(
        extensions=(ExtensionProfile("setup", "Microsoft.Azure.Extensions", "CustomScript"),)
    ).reports_health


def test_a_missing_capacity_is_not_zero() -> None:
    assert ScaleSet.from_json({"sku": {"name": "Standard_B2s"}}).capacity is None


@pytest.mark.parametrize("body", [{"capacity": 10**400}, {"capacity": 2**53 + 1}])
def test_a_number_that_no_other_reader_of_json_would_read_alike_is_refused(body: Any) -> None:
    with pytest.raises(MalformedBody, match=r"\$.sku.capacity: a whole number belongs here, not the number"):
        ScaleSet.from_json({"sku": body})


def test_half_of_a_surrogate_pair_is_replaced_wherever_a_text_is_read() -> None:
    half, mark = json.loads('"a\\ud83d"'), "a\N{REPLACEMENT CHARACTER}"
    status = {"code": half, "level": half, "displayStatus": half, "message": half, "time": half}
    said = InstanceView.from_json({"statuses": [status], "extensions": [{"name": half}]})
    assert said.statuses == (Status(mark, mark, mark, mark, mark),)
    assert said.extensions[0].name == mark
    assert ScaleSet.from_json({"zones": [half]}).zones == (mark,)


def test_other_texts_are_azures_own_control_characters_included() -> None:
    text = "\x1b[31m\n##vso[x] \N{GRINNING FACE}"
    assert InstanceView.from_json({"statuses": [{"message": text}]}).statuses[0].message == text


def test_a_wrong_shape_as_large_as_a_body_is_named_in_a_short_line() -> None:
    for value in ("x" * 10_000_000, int("9" * 4000)):
        with pytest.raises(MalformedBody) as refused:
            InstanceView.from_json({"statuses": value})
        assert len(str(refused.value)) < 200
