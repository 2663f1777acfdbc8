"""What a look asks of Azure."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.gate.azure import running

from pulumi_vmss_health import ConfigurationError, GatePolicy, ScaleSetId
from pulumi_vmss_health.look import Looker
from pulumi_vmss_health.snapshot import Depth
from vmss_emulator import Emulator
from vmss_instance_view.clock import SystemClock
from vmss_instance_view.reader import Azure
from vmss_instance_view.settings import Settings


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with running(monkeypatch) as emulator:
        yield emulator


def looker(azure: Emulator, policy: GatePolicy | None = None, **wanted: object) -> Looker:
    scale_set = ScaleSetId.parse(azure.put_scale_set("web", capacity=2, **wanted))  # type: ignore[arg-type]
    return Looker(Azure(Settings(os.environ)), scale_set, policy or GatePolicy(), SystemClock())


def asked(azure: Emulator) -> list[str]:
    """The last part of each path below the scale set that was asked for."""
    return [each.path.rsplit("/", 1)[-1] for each in azure.requests if "/virtualMachineScaleSets/" in each.path]


def test_a_full_look_reads_the_view_last(azure: Emulator) -> None:
    seen = looker(azure)(10, Depth.FULL)
    assert asked(azure) == ["web", "latest", "virtualMachines", "instanceView"]
    assert seen.scale_set is not None
    assert seen.instances is not None
    assert (seen.scale_set.capacity, len(seen.instances), seen.vms_seen) == (2, 2, 2)


def test_a_look_at_the_view_alone_is_one_request_and_carries_the_model(azure: Emulator) -> None:
    look = looker(azure)
    look(10, Depth.FULL)
    before = len(asked(azure))
    seen = look(10, Depth.VIEW)
    assert asked(azure)[before:] == ["instanceView"]
    assert seen.instances is None
    assert seen.scale_set is not None


def test_the_first_look_is_a_full_one_whatever_it_is_asked_to_be(azure: Emulator) -> None:
    assert looker(azure)(10, Depth.VIEW).instances is not None


def test_a_full_look_right_after_one_at_the_view_does_not_read_it_again(azure: Emulator) -> None:
    look = looker(azure)
    look(10, Depth.FULL)
    look(10, Depth.VIEW)
    before = len(asked(azure))
    assert look(10, Depth.FULL).instances is not None
    assert "instanceView" not in asked(azure)[before:]


def test_rolling_upgrades_are_not_asked_for_where_they_do_not_matter(azure: Emulator) -> None:
    looker(azure, GatePolicy(rolling_upgrade="ignore"))(10, Depth.FULL)
    assert "latest" not in asked(azure)


@pytest.mark.parametrize("wanted", ["fail", "wait"])
def test_a_policy_that_insists_on_what_the_mode_cannot_tell_is_refused_by_name(azure: Emulator, wanted: str) -> None:
    look = looker(azure, GatePolicy(stale_instances=wanted), orchestration_mode="Flexible")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=f"stale_instances='{wanted}' needs to know which model each VM runs"):
        look(10, Depth.FULL)


def test_looks_are_accounted_for(azure: Emulator) -> None:
    look = looker(azure)
    look(10, Depth.FULL)
    assert look.cost.requests == 4
    assert 28.5 < look.cost.left < 30
