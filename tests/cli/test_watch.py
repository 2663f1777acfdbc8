"""`view --watch` in virtual time: how often it asks, when it prints, and what it marks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.cli.support import AT_ONCE, ILL, put
from tests.clocks import VirtualClock
from tests.provider.conftest import trust

from pulumi_vmss_health import ScaleSetId
from pulumi_vmss_health.capturing.reads import Reads
from pulumi_vmss_health.cli import view
from pulumi_vmss_health.cli.console.sheet import Sheet
from vmss_emulator import Emulator
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.clock import Stopped
from vmss_instance_view.connection import Azure


class Clock(VirtualClock):
    """Virtual time on which something happens between two looks."""

    def __init__(self) -> None:
        super().__init__()
        self.then: list[tuple[float, Callable[[], object]]] = []

    def wait(self, seconds: float) -> None:
        super().wait(seconds)
        while self.then and self.time >= self.then[0][0]:
            self.then.pop(0)[1]()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def azure(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An offline Azure on the same clock, which allows no more than Azure documents."""
    with Emulator(
        {"scale_sets": {"*": AT_ONCE}}, quota=True, token_lifetime=100_000, clock=lambda: 1_700_000_000 + clock.time
    ) as emulator:
        trust(emulator, monkeypatch)
        yield emulator


def watch(azure: Emulator, scale_set: str, clock: Clock, until: float, *, has_instances: bool = True) -> None:
    """Watch from the second minute, when the set has been created, until so many seconds have passed."""
    clock.sleep(60)
    clock.stop_at = until
    connected = Azure(Settings(azure.environment), clock)
    seen = view._View(connected, ScaleSetId.parse(scale_set), Reads(), has_instances=has_instances)
    with pytest.raises(Stopped):
        view._watch(seen, clock)


@pytest.mark.parametrize("has_instances", [pytest.param(False, marks=pytest.mark.rest), True])
@pytest.mark.parametrize("mode", ["Uniform", "Flexible"])
def test_watching_is_never_refused_and_never_faster_than_every_two_seconds(
    azure: Emulator, clock: Clock, mode: str, *, has_instances: bool
) -> None:
    scale_set = put(azure, orchestration_mode=mode)
    before = len(azure.requests)
    watch(azure, scale_set, clock, 660, has_instances=has_instances)
    assert {each.status for each in azure.requests[before:]} <= {200, 409}, "409: how Azure says Flexible"
    assert min(clock.waits) >= 2
    assert len(clock.waits) > 50


def test_views_of_single_instances_are_read_again_once_a_minute_where_the_list_leaves_them_out(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = {"scale_sets": {"*": AT_ONCE}}
    with Emulator(timeline, list_carries=(), quota=True, clock=lambda: 1_700_000_000 + clock.time) as azure:
        trust(azure, monkeypatch)
        scale_set = put(azure, orchestration_mode="Flexible")
        watch(azure, scale_set, clock, 300)
        own = [each for each in azure.requests if "/virtualMachines/" in each.path]
        assert 3 * 4 <= len(own) <= 3 * 5, "three VMs, in four minutes"
        assert len(clock.waits) > 40


def test_a_log_gets_a_new_table_only_when_something_changed(
    azure: Emulator, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    scale_set = put(azure)
    clock.then = [(100, lambda: azure.load(ILL)), (200, lambda: azure.load({"scale_sets": {"*": AT_ONCE}}))]
    watch(azure, scale_set, clock, 300)
    first, ill, well = capsys.readouterr().out.split("\n\n00:")
    assert first.startswith("00:01:00 UTC\nscale set         web (Uniform, capacity 3)\n")
    assert "*" not in first
    assert [line for line in ill.splitlines() if "*" in line] == [
        "1         -     succeeded  running  unhealthy*  yes",
        "* changed",
    ]
    assert "1         -     succeeded  running  healthy*  yes\n" in well


def test_a_log_says_what_cannot_be_read_and_goes_on(
    azure: Emulator, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    scale_set = put(azure)
    busy = {"faults": [{"match": "GET */instanceView", "status": 503}]}
    clock.then = [
        (80, lambda: azure.load({"scale_sets": {"*": AT_ONCE}, **busy})),
        (250, lambda: azure.load(ILL)),
    ]
    watch(azure, scale_set, clock, 330, has_instances=False)
    said = capsys.readouterr()
    assert said.err.startswith("00:01:2"), "at once"
    assert 5 < said.err.count("UTC  cannot read: ") < 40, "less and less often"
    assert said.out.count("scale set ") == 1


def sheet(*instances: tuple[str, ...], vms: str = "2 succeeded") -> Sheet:
    return Sheet((("VMs", vms),), instances)


def vm(name: str, health: str = "healthy") -> tuple[str, ...]:
    return (name, "-", "succeeded", "running", health, "yes")


def test_what_is_new_what_changed_and_what_is_gone_is_marked() -> None:
    now = sheet(vm("0", "unhealthy"), vm("2"), vms="3 succeeded").marked(sheet(vm("0"), vm("1")))
    assert now.lines(80) == [
        "VMs  3 succeeded*",
        "",
        "instance  zone  VM         power    health      latest model",
        "0         -     succeeded  running  unhealthy*  yes",
        "2*        -     succeeded  running  healthy     yes",
        "gone: 1*",
        "* changed",
    ]


@pytest.mark.parametrize("height", range(8, 30))
def test_a_table_that_does_not_fit_shows_what_is_not_well_and_counts_the_others(height: int) -> None:
    rows = [vm(str(number), "unhealthy" if number == 17 else "healthy") for number in range(20)]
    lines = sheet(*rows).lines(80, height, "seen at 12:00:00 UTC")
    assert len(lines) <= height
    assert any(line.startswith("17 ") for line in lines)
    shown = sum(line.endswith("  yes") for line in lines)
    more = [int(line.split()[1]) for line in lines if line.startswith("and ")]
    assert shown + sum(more) == 20
    assert lines[-1] == "seen at 12:00:00 UTC"
