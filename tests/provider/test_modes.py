"""Flexible sets are read by other operations than Uniform ones, and callers see no difference."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.clocks import within
from tests.provider.conftest import AT_ONCE, trust

from pulumi_vmss_health import (
    ExtensionSummary,
    Instance,
    InstanceView,
    MalformedBody,
    ScaleSetDeleted,
    ScaleSetId,
    ScaleSetNotFound,
    Status,
    StatusCount,
)
from vmss_emulator import Emulator
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.connection import Azure
from vmss_instance_view.reading.reader import ScaleSetReader


def reader(azure: Emulator, name: str = "web", **wanted: Any) -> ScaleSetReader:
    """A reader of a new set of this name."""
    return Azure(Settings(azure.environment)).reader(ScaleSetId.parse(azure.put_scale_set(name, **wanted)))


def flexible(azure: Emulator, name: str = "web", **wanted: Any) -> ScaleSetReader:
    return reader(azure, name, orchestration_mode="Flexible", **wanted)


def comparable(view: InstanceView) -> InstanceView:
    """A view without what a mode cannot tell, and without the order of its lists."""

    def counts(summary: tuple[StatusCount, ...]) -> tuple[StatusCount, ...]:
        return tuple(sorted(summary, key=lambda each: each.code or ""))

    return replace(
        view,
        virtual_machine=replace(view.virtual_machine, statuses_summary=counts(view.virtual_machine.statuses_summary)),
        statuses=tuple(Status(f"ProvisioningState/{each.state}", each.level) for each in view.statuses),
        extensions=tuple(
            sorted(
                (ExtensionSummary(each.name, counts(each.statuses_summary)) for each in view.extensions),
                key=lambda each: each.name or "",
            )
        ),
    )


EVENTS = st.one_of(
    st.fixed_dictionaries({"health": st.sampled_from(["unhealthy", "unknown", "initializing"])}),
    st.fixed_dictionaries({"power": st.sampled_from(["stopped", "deallocated", "starting"])}),
    st.fixed_dictionaries({"state": st.sampled_from(["failed/Any", "updating", "creating"])}),
    st.fixed_dictionaries(
        {"extension": st.sampled_from(["a", "b"]), "state": st.sampled_from(["failed/1", "transitioning", "creating"])}
    ),
)
IDS = st.sets(st.integers(0, 4), min_size=1)
LIVES = st.fixed_dictionaries(
    {
        "capacity": st.integers(0, 5),
        "extensions": st.lists(st.sampled_from(["a", "b"]), unique=True),
        "health": st.booleans(),
        "events": st.lists(
            st.tuples(EVENTS, st.sets(st.integers(0, 4), min_size=1)).map(
                lambda e: {**e[0], "instances": sorted(e[1])}
            ),
            max_size=3,
        ),
        "carries": st.sets(st.sampled_from(["extensions", "health"])),
    }
)


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Emulator, Azure]]:
    """One emulator and one client for all generated sets."""
    with Emulator({"scale_sets": {"*": AT_ONCE}}, page_size=2) as emulator, pytest.MonkeyPatch.context() as monkeypatch:
        trust(emulator, monkeypatch)
        yield emulator, Azure(Settings(emulator.environment))


NUMBERS = iter(range(1_000_000))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=LIVES)
def test_equal_sets_of_both_modes_give_equal_views_and_instances(
    shared: tuple[Emulator, Azure], life: dict[str, Any]
) -> None:
    emulator, client = shared
    known = [None, *life["extensions"]]
    events = [event for event in life["events"] if event.get("extension") in known]
    number = next(NUMBERS)
    emulator.load({"scale_sets": {"*": {**AT_ONCE, "events": events, "list_carries": sorted(life["carries"])}}})
    wanted = {key: life[key] for key in ("capacity", "extensions", "health")}
    ids = [
        emulator.put_scale_set(f"{mode}{number}", orchestration_mode=mode, **wanted) for mode in ("Uniform", "Flexible")
    ]
    one, other = (client.reader(ScaleSetId.parse(each)) for each in ids)
    end = time.monotonic() + 5  # one is older than the other, and at once is not instantly: a create may still run
    while (seen := views(one, other))[0] != seen[1] and time.monotonic() < end:
        pass
    assert seen[0] == seen[1]
    assert told(one) == told(other)


def views(*sets: ScaleSetReader) -> list[InstanceView]:
    for each in sets:
        each.model(within(10))  # by which a Flexible set's own status is known: one that was being created is read anew
    return [comparable(each.view(within(10))) for each in sets]


def told(web: ScaleSetReader) -> list[Any]:
    """What the instances say of themselves, ids aside."""
    instances = web.instances(within(10))
    views = [each.view for each in instances]
    return [
        (
            (view.status("ProvisioningState") or Status()).code,
            (view.status("PowerState") or Status()).code,
            sorted((each.name or "", each.statuses[0].code or "") for each in view.extensions),
            view.vm_health.code if view.vm_health else None,
        )
        for view in views
        if view is not None
    ]


def test_a_set_whose_model_does_not_name_its_mode_is_recognised_by_azures_refusal(azure: Emulator) -> None:
    azure.load({"scale_sets": {"*": {**AT_ONCE, "omit_mode": True}}})
    web = flexible(azure, capacity=3)
    assert web.model(within(5)).orchestration_mode is None
    assert not web.is_flexible
    assert len(web.instances(within(5))) == 3
    assert web.is_flexible


def test_the_view_of_a_flexible_set_can_be_read_without_its_model(azure: Emulator) -> None:
    view = flexible(azure, capacity=3).view(within(5))
    assert view.virtual_machine.statuses_summary == (StatusCount("ProvisioningState/succeeded", 3),)


def test_all_pages_of_both_lists_are_joined(azure: Emulator) -> None:
    instances = flexible(azure, capacity=5).instances(within(5))
    assert len({each.id for each in instances}) == 5
    assert all(each.view and each.view.status("PowerState") for each in instances)
    assert all(each.vm_id for each in instances)


def test_vms_in_a_standby_pool_do_not_count(azure: Emulator) -> None:
    azure.load({"scale_sets": {"*": {**AT_ONCE, "standby": 2}}})
    assert len(flexible(azure, capacity=3).instances(within(5))) == 3


def test_a_filter_that_matches_nothing_is_no_health(azure: Emulator) -> None:
    azure.load(
        {
            "scale_sets": {"*": AT_ONCE},
            "faults": [{"match": "GET */Microsoft.Compute/virtualMachines", "body": {"value": []}}],
        }
    )
    web = flexible(azure, capacity=3)
    assert web.view(within(5)).virtual_machine.statuses_summary == ()
    assert web.model(within(5)).capacity == 3


@pytest.mark.parametrize(
    ("mode", "of"),
    [
        ("Uniform", {"id": "{set}/virtualMachines/0"}),
        ("Flexible", {"properties": {"virtualMachineScaleSet": {"id": "{set}"}}}),
    ],
)
def test_a_list_that_shows_a_vm_of_another_set_is_refused(azure: Emulator, mode: str, of: Mapping[str, Any]) -> None:
    own = azure.put_scale_set("web", capacity=1, orchestration_mode=mode)
    web = Azure(Settings(azure.environment)).reader(ScaleSetId.parse(own))
    web.model(within(5))

    def listed(scale_set: str) -> tuple[Instance, ...]:
        vm = {"instanceId": "0", **json.loads(json.dumps(of).replace("{set}", scale_set))}
        page = {"value": [vm]}
        azure.load({"scale_sets": {"*": AT_ONCE}, "faults": [{"match": "GET */virtualMachines", "body": page}]})
        return web.instances(within(5))

    assert len(listed(own.upper())) == 1
    for other in (own.replace("/web", "/api"), f"{own}2", own.replace("/rg/", "/other/")):
        with pytest.raises(MalformedBody, match=r"of another scale set.*" + other.rpartition("/")[2]):
            listed(other)


def own_reads(azure: Emulator) -> int:
    """How many VMs were asked for their own views."""
    asked = [each.path for each in azure.requests if each.path.endswith("/instanceView")]
    return sum("/virtualMachines/" in path for path in asked)


@pytest.mark.parametrize("mode", ["Uniform", "Flexible"])
def test_what_the_list_leaves_out_is_asked_of_each_vm_and_kept_for_as_long_as_the_caller_likes(
    azure: Emulator, mode: str
) -> None:
    azure.load({"scale_sets": {"*": {**AT_ONCE, "list_carries": []}}})
    web = reader(azure, orchestration_mode=mode, capacity=3, extensions=["cse"], health=True)
    assert web.model(within(5)).capacity == 3
    began = time.monotonic()
    for since in (None, began, began):
        instances = web.instances(within(5), since=since)
        assert len(instances) == 3
        for instance in instances:
            assert instance.view is not None
            assert instance.view.vm_health is not None
            assert {each.name for each in instance.view.extensions} == {"cse", "health"}
    assert own_reads(azure) == 3
    assert began <= web.oldest <= time.monotonic()
    assert len(web.instances(within(5))) == 3
    assert own_reads(azure) == 6


def test_there_was_never_an_upgrade_where_azure_knows_of_none(azure: Emulator) -> None:
    assert reader(azure).rolling_upgrade(within(5)) is None
    assert flexible(azure, "flex").rolling_upgrade(within(5)) is None


@pytest.mark.parametrize("mode", ["Uniform", "Flexible"])
def test_a_set_that_vanishes_is_told_from_one_that_never_was(azure: Emulator, mode: str) -> None:
    web = reader(azure, capacity=3, orchestration_mode=mode)
    missing = {"faults": [{"match": "GET */resourceGroups/*", "status": 404, "code": "ResourceGroupNotFound"}]}
    azure.load(missing)
    with pytest.raises(ScaleSetNotFound) as never:
        web.model(within(5))
    assert not isinstance(never.value, ScaleSetDeleted)
    azure.load(None)
    assert web.model(within(5)).capacity == 3
    azure.load(missing)
    for read in (web.model, web.view, web.instances):
        with pytest.raises(ScaleSetDeleted, match="it was there before"):
            read(within(5))


@pytest.mark.parametrize("power", ["running", "deallocated"])
def test_vms_in_a_standby_pool_do_not_count_where_only_their_own_views_tell_of_it(azure: Emulator, power: str) -> None:
    life = {**AT_ONCE, "standby": 2, "standby_power": power, "list_carries": ["extensions", "health"]}
    azure.load({"scale_sets": {"*": life}})
    web = flexible(azure, capacity=3)
    web.model(within(5))
    assert len(web.instances(within(5))) == 3


def test_of_a_set_without_a_model_the_vms_own_views_tell_what_the_list_leaves_out(azure: Emulator) -> None:
    azure.load({"scale_sets": {"*": {**AT_ONCE, "attached": 2, "list_carries": []}}})
    web = flexible(azure, capacity=None)
    model = web.model(within(5))
    assert (model.has_profile, model.capacity) == (False, None)
    instances = web.instances(within(5))
    assert len(instances) == 2
    assert len([each for each in azure.requests if each.path.endswith("/instanceView")]) == 2


def test_a_flexible_vm_runs_the_latest_model_if_it_has_the_time_of_its_profile(azure: Emulator) -> None:
    web = flexible(azure, capacity=2)
    web.model(within(5))
    assert [each.latest_model_applied for each in web.instances(within(5))] == [True, True]
