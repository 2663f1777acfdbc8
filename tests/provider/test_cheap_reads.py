"""What a read costs: sign-ins, lists, and the reckoning for a large set whose list leaves everything out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from pulumi.output import Unknown
from tests.clocks import VirtualClock, within
from tests.metered import Metered, ScaleSet, Tokens
from tests.provider.conftest import AT_ONCE, vms
from tests.sets import Vm, snapshot

from pulumi_vmss_health import ScaleSetId, get_instance_view
from vmss_emulator import Emulator
from vmss_instance_view.azure.cloud import PUBLIC
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.wire import Answer
from vmss_instance_view.clock import Deadline
from vmss_instance_view.connection import Azure, Connection
from vmss_instance_view.model import Instance
from vmss_instance_view.reading.flexible import FlexibleReader
from vmss_instance_view.reading.reader import Part, ScaleSetReader
from vmss_instance_view.reading.retry import READ_TIMEOUT
from vmss_instance_view.reading.uniform import UniformReader
from vmss_instance_view.resource import InstanceViewProvider, ScaleSetInstanceView
from vmss_instance_view.viewing import read_outputs


def test_ten_views_take_one_sign_in_and_one_look_at_the_metadata(
    azure: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in azure.environment.items():
        monkeypatch.setenv(name, value)
    ids = [azure.put_scale_set(f"web{number}", capacity=number) for number in range(10)]
    assert [vms(get_instance_view(each)) for each in ids] == [*range(10)]
    assert azure.token_requests == 1
    assert sum(each.path == "/metadata/endpoints" for each in azure.requests) == 1


@pytest.mark.parametrize(
    ("flexible", "with_instances"),
    [(True, True), *(pytest.param(*each, marks=pytest.mark.rest) for each in ((True, False), (False, True)))],
)
def test_a_view_of_500_instances_whose_list_is_bare_takes_as_long_as_azures_limits_demand(
    flexible: bool, with_instances: bool
) -> None:
    clock = VirtualClock()
    metered = Metered(clock)
    shown = snapshot(*[Vm()] * 500)
    scale_set = metered.add("web", ScaleSet(lambda _now: shown, flexible=flexible, bare=True, latency=0.1))
    outputs = read_outputs(metered.azure(), scale_set, READ_TIMEOUT, with_instances=with_instances)
    assert outputs["virtualMachine"]["statusesSummary"] == [{"code": "ProvisioningState/succeeded", "count": 500}]
    instances = outputs["instances"] or []
    assert len(instances) == (500 if with_instances else 0)
    assert all(each["properties"]["instanceView"]["extensions"] for each in instances)
    assert metered.refused == []


@pytest.mark.parametrize("flexible", [False, True], ids=["uniform", "flexible"])
def test_a_view_goes_on_where_single_vms_failed(flexible: bool) -> None:
    metered, shown, asked = Metered(VirtualClock()), snapshot(*[Vm()] * 300), count()

    def fails(_now: float, _vm: str) -> int:
        return 503 if next(asked) % 40 == 0 else 0

    scale_set = metered.add("web", ScaleSet(lambda _: shown, flexible=flexible, bare=True, latency=0.1, fails=fails))
    outputs = read_outputs(metered.azure(), scale_set, READ_TIMEOUT, with_instances=True)
    assert all(each["properties"]["instanceView"]["extensions"] for each in outputs["instances"])
    assert metered.asked["vm" if flexible else "vmss vm"] < 320


def provider(azure: Emulator) -> InstanceViewProvider:
    found, read = InstanceViewProvider(), Azure(Settings(azure.environment))
    found._azure = lambda: read
    return found


@pytest.mark.parametrize(("mode", "lists"), [("Uniform", 1), ("Flexible", 2)])
def test_a_view_with_its_instances_lists_them_once(azure: Emulator, mode: str, lists: int) -> None:
    scale_set = azure.put_scale_set("web", capacity=2, orchestration_mode=mode)
    outputs = provider(azure)._read({"scaleSet": scale_set, "includeInstances": True}, READ_TIMEOUT)
    assert len(outputs["instances"]) == 2
    assert outputs["virtualMachine"]["statusesSummary"] == [{"code": "ProvisioningState/succeeded", "count": 2}]
    # A Flexible set's are the plain and the expanded one, which tell different things.
    assert sum(each.path.endswith("/virtualMachines") for each in azure.requests) == lists


@pytest.mark.parametrize("value", ["no", "yes", "", 0, 1, []])
def test_a_switch_that_is_neither_on_nor_off_is_refused_by_its_name(value: Any) -> None:
    scale_set = f"{GROUP}/virtualMachineScaleSets/web"
    told = f"include_instances must be True or False, not {type(value).__name__}"
    with pytest.raises(TypeError, match=told):
        ScaleSetInstanceView("view", scale_set=scale_set, include_instances=value)
    (failure,) = InstanceViewProvider().check({}, {"scaleSet": scale_set, "includeInstances": value}).failures
    assert failure.property == "includeInstances"
    assert failure.reason.startswith(told)


@pytest.mark.parametrize("value", [True, False, None, Unknown()])  # type: ignore[no-untyped-call]
def test_a_switch_that_is_on_off_or_unknown_is_taken(value: Any) -> None:
    scale_set = f"{GROUP}/virtualMachineScaleSets/web"
    assert InstanceViewProvider().check({}, {"scaleSet": scale_set, "includeInstances": value}).failures == []


GROUP = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.Compute"
OWN = {
    "statuses": [{"code": "ProvisioningState/succeeded"}],
    "extensions": [{"name": "cse"}],
    "vmHealth": {"status": {"code": "HealthState/healthy"}},
}


class Large:
    """A wire to a set of 1,000 instances whose lists leave out what the model promises."""

    def __init__(self, mode: str) -> None:
        extension = {"name": "cse", "properties": {"type": "CustomScript"}}
        profile = {"extensionProfile": {"extensions": [extension]}}
        properties = {"orchestrationMode": mode, "virtualMachineProfile": profile}
        self.model = {"name": "web", "location": "westeurope", "sku": {"capacity": 1000}, "properties": properties}
        self.list = {"value": [self._listed(str(number), mode) for number in range(1000)]}
        self.asked: Counter[str] = Counter()

    def _listed(self, number: str, mode: str) -> dict[str, Any]:
        is_uniform = mode == "Uniform"
        name = {"instanceId": number} if is_uniform else {}
        vm = f"{GROUP}/virtualMachine{f'ScaleSets/web/virtualMachines/{number}' if is_uniform else f's/web_{number}'}"
        return {"name": f"web_{number}", "id": vm, "properties": {"instanceView": {"statuses": []}}, **name}

    def get(self, what: str, url: str, token: str, deadline: Deadline) -> Answer:
        del what, token, deadline
        kind = "own" if "/virtualMachines/" in url else "list" if "/virtualMachines?" in url else "model"
        self.asked[kind] += 1
        return Answer(200, {}, json.dumps({"own": OWN, "list": self.list, "model": self.model}[kind]).encode())


@pytest.mark.parametrize(("mode", "kind"), [("Uniform", UniformReader), ("Flexible", FlexibleReader)])
def test_how_each_of_1000_bare_instances_is_asked_is_found_once_for_a_list(
    mode: str, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: Counter[str] = Counter()
    own_view: Callable[[Any, Instance], object] = kind.own_view

    def counted(self: Any, instance: Instance) -> object:
        found[instance.instance_id] += 1
        return own_view(self, instance)

    monkeypatch.setattr(kind, "own_view", counted)
    clock, wire = VirtualClock(), Large(mode)
    web: ScaleSetReader = Azure(Settings({}), clock, Connection(PUBLIC, wire, Tokens())).reader(
        ScaleSetId.parse(f"{GROUP}/virtualMachineScaleSets/web")
    )
    deadline = Deadline(100, clock)
    assert web.model(deadline).capacity == 1000
    assert len(web.instances(deadline)) == 1000
    for _ in range(10):
        assert web.oldest == 0
        assert len(web.charges([Part.INSTANCES])) > 50
        members = web.own_views(None, deadline, since=0)
        assert all(each.view and each.view.vm_health for each in members)
    assert wire.asked["own"] == 1000
    assert (len(found), max(found.values())) == (1000, 1)


def test_an_instance_that_is_read_again_shows_the_newer_of_its_views(azure: Emulator) -> None:
    azure.load({"scale_sets": {"*": {**AT_ONCE, "list_carries": []}}})
    web = Azure(Settings(azure.environment)).reader(ScaleSetId.parse(azure.put_scale_set("web", health=True)))
    assert web.model(within(5)).capacity == 3
    assert {each.view and each.view.vm_health and each.view.vm_health.state for each in web.instances(within(5))} == {
        "healthy"
    }
    sick = {**AT_ONCE, "list_carries": [], "events": [{"health": "unhealthy", "instances": [1]}]}
    azure.load({"scale_sets": {"*": sick}})
    seen = web.own_views(["1"], within(5), since=float("inf"))
    assert [each.view and each.view.vm_health and each.view.vm_health.state for each in seen] == [
        "healthy",
        "unhealthy",
        "healthy",
    ]
