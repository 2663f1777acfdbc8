"""What a look asks of Azure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.clocks import VirtualClock
from tests.gate.azure import running, settled
from tests.metered import Metered, ScaleSet, timeline, wait
from tests.sets import Vm, snapshot

from pulumi_vmss_health import ExtensionSummary, GatePolicy, ScaleSetId, Snapshot, StatusCount
from pulumi_vmss_health.judging.snapshot import Ask, Depth
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.look import Looker
from vmss_emulator import Emulator
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.connection import Azure
from vmss_instance_view.errors import Unavailable

FULL, VIEW = Ask(), Ask(Depth.VIEW)


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with running(monkeypatch) as emulator:
        yield emulator


def looker(azure: Emulator, policy: GatePolicy | None = None, **wanted: object) -> Looker:
    return looker_at(azure.put_scale_set("web", capacity=2, **wanted), policy)  # type: ignore[arg-type]


def looker_at(scale_set: str, policy: GatePolicy | None = None) -> Looker:
    return Looker(Azure(Settings(os.environ)), ScaleSetId.parse(scale_set), policy or GatePolicy())


def asked(azure: Emulator) -> list[str]:
    """The last part of each path below the scale set that was asked for."""
    return [each.path.rsplit("/", 1)[-1] for each in azure.requests if "/virtualMachineScaleSets/" in each.path]


def test_a_full_look_reads_each_part_once_and_the_model_first_where_the_mode_is_not_known(azure: Emulator) -> None:
    seen = looker(azure)(10, FULL)
    assert asked(azure)[0] == "web"
    assert sorted(asked(azure)) == ["instanceView", "latest", "virtualMachines", "web"]
    assert seen.scale_set is not None
    assert seen.instances is not None
    assert (seen.scale_set.capacity, len(seen.instances), seen.vms_seen) == (2, 2, 2)


def test_a_look_at_the_view_alone_is_one_request_and_carries_the_rest(azure: Emulator) -> None:
    look = looker_at(settled(azure, capacity=2))
    first = look(10, FULL)
    before = len(asked(azure))
    seen = look(10, VIEW)
    assert asked(azure)[before:] == ["instanceView"]
    assert (seen.scale_set, seen.instances) == (first.scale_set, first.instances)


def test_what_instances_said_beside_another_view_is_not_carried_on(azure: Emulator) -> None:
    look = looker(azure)
    look(10, FULL)
    azure.put_scale_set("web", capacity=1)
    assert look(10, VIEW).instances is None


def test_the_first_look_is_a_full_one_whatever_it_is_asked_to_be(azure: Emulator) -> None:
    assert looker(azure)(10, VIEW).instances is not None


def test_a_full_look_right_after_one_at_the_view_does_not_read_it_again(azure: Emulator) -> None:
    look = looker(azure)
    look(10, FULL)
    look(10, VIEW)
    before = len(asked(azure))
    assert look(10, FULL).instances is not None
    assert "instanceView" not in asked(azure)[before:]


@pytest.mark.parametrize(
    ("ask", "requests"),
    [
        (Ask(Depth.UPGRADE), ["latest"]),
        (Ask(Depth.INSTANCES), ["virtualMachines"]),
        (Ask(Depth.OWN_VIEWS, 0.0, ("1",)), ["instanceView"]),
    ],
)
def test_a_look_at_a_part_reads_that_part_alone(azure: Emulator, ask: Ask, requests: list[str]) -> None:
    look = looker(azure)
    look(10, FULL)
    before = len(asked(azure))
    look(10, replace(ask, since=float("inf")))
    assert asked(azure)[before:] == requests
    if ask.which:
        assert azure.requests[-1].path.endswith("/virtualMachines/1/instanceView")


def test_rolling_upgrades_are_not_asked_for_where_they_do_not_matter(azure: Emulator) -> None:
    looker(azure, GatePolicy(rolling_upgrade="ignore"))(10, FULL)
    assert "latest" not in asked(azure)


# --- On the metered Azure -------------------------------------------------------------------------------------------


def metered(seen: Snapshot, **of_the_set: object) -> tuple[Metered, Looker]:
    azure = Metered(VirtualClock())
    scale_set = azure.add("web", ScaleSet(timeline({0: seen}), **of_the_set))  # type: ignore[arg-type]
    return azure, Looker(azure.azure(), scale_set, GatePolicy())


@pytest.mark.parametrize(
    ("flexible", "bare", "asked"),
    [
        (False, False, {"model": 1, "upgrade": 1, "view": 1, "instances": 1}),
        (False, True, {"model": 1, "upgrade": 1, "view": 1, "instances": 1, "vmss vm": 3}),
        (True, False, {"model": 1, "upgrade": 1, "list": 1, "expanded list": 1}),
        (True, True, {"model": 1, "upgrade": 1, "list": 1, "expanded list": 1, "vm": 3}),
    ],
)
def test_both_modes_show_the_same_with_and_without_details_in_their_lists(
    flexible: bool, bare: bool, asked: dict[str, int]
) -> None:
    seen = snapshot(Vm(), Vm(), Vm(health="unhealthy"))
    azure, look = metered(seen, flexible=flexible, bare=bare)
    found = look(30, FULL)
    assert dict(azure.asked) == asked
    assert seen.instances is not None
    assert found.instances is not None
    assert [each.view for each in found.instances] == [each.view for each in seen.instances]
    assert found.view.virtual_machine == seen.view.virtual_machine
    assert (found.age, found.is_bare) == (0.0, bare)


@pytest.mark.parametrize("flexible", [False, pytest.param(True, marks=pytest.mark.rest)])
def test_a_thousand_own_views_are_read_over_several_looks_and_kept(flexible: bool) -> None:
    azure, look = metered(snapshot(*[Vm()] * 1000), flexible=flexible, bare=True, latency=0.3)
    began, own = azure.clock.time, "vm" if flexible else "vmss vm"
    seen = look(30, Ask(Depth.FULL, began))
    after_one = azure.asked[own]
    assert seen.age == float("inf")
    while seen.age == float("inf"):
        azure.clock.sleep(2.0)
        seen = look(30, Ask(Depth.OWN_VIEWS, began))
        assert azure.clock.time < 120
    assert 100 < after_one < azure.asked[own] == 1000, "none was read twice, and none was lost"
    assert azure.refused == []


@pytest.mark.parametrize("flexible", [False, True])
def test_after_one_vm_joined_later_all_own_views_are_still_read_for_one_and_the_same_look(flexible: bool) -> None:
    azure = Metered(VirtualClock())
    two, three = snapshot(Vm(), Vm(), capacity=3), snapshot(Vm(), Vm(), Vm())
    scale_set = ScaleSet(timeline({0: two, 25: three}), flexible=flexible, bare=True)
    look = Looker(azure.azure(), azure.add("web", scale_set), GatePolicy())
    for at in (0.0, 30.0, 61.0, 95.0):
        azure.clock.sleep(at - azure.clock.time)
        assert look(30, Ask(Depth.FULL, azure.clock.time)).age == 0.0


@pytest.mark.parametrize("flexible", [False, True])
@pytest.mark.parametrize("number", [3, 20])
def test_an_extension_that_the_policy_names_and_the_model_lacks_is_read_where_the_list_has_none(
    number: int, flexible: bool
) -> None:
    """Policies of Azure install extensions that are in no model."""
    vms = [Vm(extensions=(("MDE.Linux", "succeeded"),), health=None)] * number
    shown = snapshot(*vms, extensions=(), health=False)
    counts = (ExtensionSummary("MDE.Linux", (StatusCount("ProvisioningState/succeeded", number),)),)
    shown = replace(shown, view=replace(shown.view, extensions=counts))
    azure = Metered(VirtualClock())
    scale_set = azure.add("web", ScaleSet(lambda _now: shown, flexible=flexible, bare=True))
    waited = wait(azure.azure(), scale_set, GatePolicy(extensions=["MDE.Linux"], timeout="5m"))
    assert waited.outcome.ending is Ending.HEALTHY
    assert waited.outcome.progress.snapshot is not None
    assert waited.outcome.progress.snapshot.age == 0.0, "a view of a single VM was taken from an earlier look"


def test_of_several_open_instances_each_look_asks_another_one() -> None:
    azure, look = metered(snapshot(*[Vm(health="unhealthy")] * 3))
    look(30, FULL)
    before = azure.used.copy()
    for number in (1, 2, 3):
        azure.clock.sleep(3.0)
        look(30, Ask(Depth.OWN_VIEWS, azure.clock.time, ("0", "1", "2"), sample=1))
        assert azure.asked["vmss vm"] == number
    of_vms = {key: used for key, used in (azure.used - before).items() if key.startswith("vmss vm of web/")}
    assert [*of_vms.values()] == [1, 1, 1], of_vms


def test_once_one_of_the_sample_has_changed_all_open_instances_are_asked_in_the_same_look() -> None:
    ill, well = snapshot(*[Vm(health="unhealthy")] * 3), snapshot(*[Vm()] * 3)
    azure = Metered(VirtualClock())
    look = Looker(azure.azure(), azure.add("web", ScaleSet(timeline({0: ill, 10: well}))), GatePolicy())
    look(30, FULL)
    azure.clock.sleep(11.0)
    seen = look(30, Ask(Depth.OWN_VIEWS, azure.clock.time, ("0", "1", "2"), sample=1))
    assert azure.asked["vmss vm"] == 3
    assert seen.instances is not None
    assert [each.view.vm_health.state for each in seen.instances if each.view and each.view.vm_health] == [
        "healthy"
    ] * 3


def test_a_sample_is_reckoned_with_alone() -> None:
    azure, look = metered(snapshot(*[Vm(health="unhealthy")] * 3))
    look(30, FULL)
    ask = Ask(Depth.OWN_VIEWS, azure.clock.time, ("0", "1", "2"), sample=1)
    look(30, ask)  # of the first one
    full = look.room(ask).fraction
    assert full == 1.0, "the next one's bucket is full"
    assert look.room(replace(ask, sample=None)).fraction < full


def test_a_look_is_reckoned_with_by_what_it_takes() -> None:
    azure, look = metered(snapshot(Vm(), Vm(), Vm()))
    look(30, FULL)
    assert look.room(VIEW).refill == 6.0
    assert look.room(FULL).refill == 12.0
    assert look.room(Ask(Depth.UPGRADE)).refill == 5.0
    assert look.room(FULL).fraction == pytest.approx(28 / 30, abs=0.01)
    assert look.turn(FULL) == 0.0
    assert azure.left("high of web", azure.clock.time) == pytest.approx(28, abs=0.2)


def test_requests_that_nothing_answers_are_charged_all_the_same() -> None:
    azure = Metered(VirtualClock())
    scale_set = ScaleSet(timeline({0: snapshot(Vm())}), latency=lambda now: 60.0 if now >= 10 else 0.2)
    look = Looker(azure.azure(), azure.add("web", scale_set), GatePolicy())
    look(30, FULL)
    azure.clock.sleep(11.0)
    for _ in range(10):
        with pytest.raises(Unavailable):
            look(1, VIEW)
    left = azure.left("high of web", azure.clock.time)
    assert left < 25
    assert look.room(VIEW).fraction == pytest.approx(left / 30, abs=0.01)
