"""What `explain` makes of saved bodies of every spelling, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.pages import ROOT

from pulumi_vmss_health.capturing.bodies import snapshot_of
from pulumi_vmss_health.cli.main import main
from vmss_instance_view.model import ScaleSet

BODIES = ROOT / "tests" / "bodies"
RUNNING = {"statuses": [{"code": "ProvisioningState/succeeded"}, {"code": "PowerState/running"}]}

OF_VIEWS = "it is a list of views of VMs: give the list of the instances, with their views"
OF_OTHERS = "it is no list of instances as REST, az or an SDK prints it: each has an instanceId, or a name and a vmId"


def vm(number: int, **changes: Any) -> dict[str, Any]:
    """A healthy VM, as az prints it, of which nothing says the application's health."""
    own = {"id": f"/rg/web/{number}", "instanceId": str(number), "latestModelApplied": True}
    return {**own, "provisioningState": "Succeeded", "instanceView": RUNNING, **changes}


def model(**changes: Any) -> dict[str, Any]:
    """The model of a set of three VMs, as az prints it."""
    own = {"name": "web", "sku": {"capacity": 3}, "provisioningState": "Succeeded", "orchestrationMode": "Uniform"}
    return {**own, "upgradePolicy": {"mode": "Automatic"}, "virtualMachineProfile": {}, **changes}


def with_extension(**spelt: str) -> dict[str, Any]:
    """The same with an extension, of which `ignore_extensions` leaves its health alone to be judged."""
    extension = {"name": "health", "publisher": "Microsoft.ManagedServices", **spelt}
    return model(virtualMachineProfile={"extensionProfile": {"extensions": [extension]}})


def explained(folder: Path, *bodies: Any) -> int:
    files = [folder / f"{number}.json" for number in range(len(bodies))]
    for file, body in zip(files, bodies, strict=True):
        file.write_text(json.dumps(body))
    return main(["explain", *map(str, files), "--ignore-extensions", "health"])


@pytest.mark.parametrize(
    "spelt",
    [
        {"type": "ApplicationHealthLinux"},
        {"typePropertiesType": "ApplicationHealthLinux"},
        {"type_properties_type": "ApplicationHealthLinux"},
        {"type1": "ApplicationHealthLinux"},
        {"type": "Microsoft.Compute/…/extensions", "typePropertiesType": "ApplicationHealthLinux"},
    ],
)
def test_a_health_extension_is_known_by_its_type_however_that_is_spelt(
    spelt: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explained(tmp_path, with_extension(**spelt), [vm(each) for each in range(3)]) == 1
    assert "application health not reported" in capsys.readouterr().out


def test_a_set_whose_model_has_no_source_of_health_passes(tmp_path: Path) -> None:
    assert explained(tmp_path, with_extension(type="CustomScript"), [vm(each) for each in range(3)]) == 0


def test_a_model_is_the_same_as_rest_sends_it_and_as_an_sdk_prints_it() -> None:
    sent = ScaleSet.from_json(json.loads((BODIES / "scale_set.json").read_text()))
    printed = snapshot_of([("printed", (BODIES / "scale_set_printed_by_an_sdk.json").read_text())]).scale_set
    assert printed == sent


@pytest.mark.parametrize("spelt", ["isVMInStandbyPool", "isVmInStandbyPool", "is_vm_in_standby_pool"])
def test_a_vm_of_a_standby_pool_is_no_member_however_that_is_spelt(
    spelt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = vm(2, instanceView={**RUNNING, spelt: True})
    assert explained(tmp_path, model(orchestrationMode="Flexible"), [vm(0), vm(1), waiting]) == 1
    assert "2/3 VMs" in capsys.readouterr().out


def test_what_azure_does_of_its_own_accord_is_known_in_every_spelling() -> None:
    on = {"enabled": True}
    printed = {
        "upgradePolicy": {"automatic_os_upgrade_policy": {"os_rolling_upgrade_deferral": True}},
        "resiliency_policy": {"resilient_vm_creation_policy": on, "resilientVmDeletionPolicy": on},
    }
    found = snapshot_of([("printed", json.dumps(model(**printed)))]).scale_set
    assert found
    assert (found.os_upgrade_deferral, found.resilient_creation, found.resilient_deletion) == (True, True, True)


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *bodies: Any) -> str:
    """What `explain` says of bodies that it does not take."""
    with pytest.raises(SystemExit) as ended:
        explained(folder, *bodies)
    assert ended.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("names", [{}, {"id": None}])
def test_a_vm_that_is_listed_twice_counts_once_as_it_was_listed_last(
    names: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    creating = {"provisioningState": "Creating", "instanceView": {"statuses": [{"code": "ProvisioningState/creating"}]}}
    assert explained(tmp_path, model(), [vm(0, **names), vm(1, **names), vm(1, **names)]) == 1
    assert "2/3 VMs" in capsys.readouterr().out
    every = [vm(0, **names), vm(1, **names), vm(2, **names, **creating), vm(2, **names)]
    assert explained(tmp_path, model(), every) == 0


def test_one_page_of_a_list_is_not_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = {"value": [vm(0), vm(1), vm(2)], "nextLink": ""}
    assert explained(tmp_path, model(), whole) == 0
    said = refused(capsys, tmp_path, model(), {**whole, "nextLink": "https://management.azure.com/page/2"})
    assert f"{tmp_path / '1.json'}: it is one page of a list: add the value of the other pages to its own" in said


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([{**RUNNING, "vmAgent": {}}] * 3, OF_VIEWS),
        ([RUNNING] * 3, OF_VIEWS),
        ([{"InstanceId": "0", "InstanceView": {}}], OF_OTHERS),
        ([{"id": "0", "state": "Succeeded"}], OF_OTHERS),
        ([{"id": "0", "name": "Pay as you go", "tenantId": "x"}], OF_OTHERS),
        ([{"instanceView": RUNNING}], OF_OTHERS),
    ],
)
def test_a_list_of_anything_but_instances_is_refused_by_what_it_is(
    body: list[Any], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, tmp_path, body)
    assert f"{tmp_path / '0.json'}: " in said
    assert words in said


def test_a_model_alone_tells_no_number_of_vms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(tmp_path, model()) == 1
    told = capsys.readouterr().out
    assert told.startswith("not judged: VMs not known\n")
    assert "not judged for lack of evidence: VMs, " in told
    assert explained(tmp_path, model(provisioningState="Failed")) == 1
    assert capsys.readouterr().out.startswith("failing: VMs not known\n")


SET = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets"
VMS = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines"


@pytest.mark.parametrize(
    "of_set",
    [
        lambda name: {"id": f"{SET}/{name}/virtualMachines/0"},
        lambda name: {"id": f"{VMS}/vm", "virtualMachineScaleSet": {"id": f"{SET}/{name}"}},
    ],
)
def test_bodies_of_two_sets_are_refused(
    of_set: Callable[[str], dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = model(id=f"{SET}/web", sku={"capacity": 1})
    assert explained(tmp_path, one, [vm(0, **of_set("WEB"))]) == 0
    said = refused(capsys, tmp_path, one, [vm(0, **of_set("api"))])
    assert f"{tmp_path / '1.json'}: it is of {SET}/api, but {tmp_path / '0.json'} is of {SET}/web" in said
    said = refused(capsys, tmp_path, [vm(0, **of_set("web")), vm(1, **of_set("api"))])
    assert f"{tmp_path / '0.json'}: it is of {SET}/api, but {tmp_path / '0.json'} is of {SET}/web" in said
