"""Whole waits on an Azure that counts, in virtual time: a gate never throttles itself, and notices in time.

`make test` has every kind of wait; `make soak` (WAITS=all) each with each, also of a thousand instances.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from statistics import mean, quantiles
from typing import Any

import pytest
from tests.clocks import Simulation, VirtualClock
from tests.metered import Metered, ScaleSet, Show, Waited, timeline, wait
from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy, Snapshot
from pulumi_vmss_health.telling.status import status_text
from pulumi_vmss_health.waiting.ending import Ending

ALL = os.environ.get("WAITS") == "all"
MANY = [100, 500] if ALL else [100]
BOOTING = Vm(provisioning="creating", health=None, extensions=())
ILL = Vm(health="unhealthy")
LEAVING = Vm(provisioning="deleting")


@dataclass(frozen=True)
class Case:
    """A wait. open: what is not ready before, `view` (a VM boots) or `health` (applications are ill)."""

    flexible: bool = False
    bare: bool = False
    ready: float = 60.0
    hold: str = "auto"
    instances: int = 3
    open: str = "view"
    headers: bool = False
    retry_after: int | None = None

    def __str__(self) -> str:
        mode = f"{'flexible' if self.flexible else 'uniform'}{' bare' if self.bare else ''}"
        told = f"{' headers' if self.headers else ''}{f' retry after {self.retry_after}' if self.retry_after else ''}"
        return f"{mode} x{self.instances} {self.open} after {self.ready:.0f}s hold {self.hold}{told}"

    @property
    def show(self) -> Show:
        good = snapshot(*[Vm()] * self.instances)
        before = {
            "view": snapshot(*[Vm()] * (self.instances - 1), BOOTING),
            "health": snapshot(*[ILL] * self.instances),
        }[self.open]
        return timeline({0: before, self.ready: good} if self.ready else {0: good})


def run(case: Case, show: Show | None = None, others: float = 0.0) -> tuple[Waited, Metered]:
    """The wait, which must pass without a refused request."""
    azure = Metered(VirtualClock(), headers=case.headers, retry_after=case.retry_after, others=others)
    scale_set = azure.add("web", ScaleSet(show or case.show, flexible=case.flexible, bare=case.bare))
    waited = wait(azure.azure(), scale_set, GatePolicy(timeout="2h", hold=case.hold))
    assert azure.refused == []
    assert waited.outcome.ending is Ending.HEALTHY
    return waited, azure


def further(case: Case) -> list[pytest.MarkDecorator]:
    """Which cases `make test` is spared: long waits but the longest hold and the latest VM, and large sets.

    Of a hundred instances a bare list takes the most requests; of a thousand, in Flexible mode, the most time.
    """
    is_late = case.ready == 1800 and (case.hold != "auto" or case.open == "health")
    is_long = case.hold == "30m" and case.ready != 60
    spared = {3: is_late or is_long, 100: not (case.bare and case.hold == "4m"), 1000: case.flexible or case.bare}
    return [pytest.mark.rest] if spared[case.instances] else []


def cases() -> list[Case]:
    """Every kind of wait once; each with each, if asked."""
    modes = list(product([False, True], [False, True]))
    readies, holds = [0.0, 60.0, 100.0, 300.0, 1800.0], ["auto", "4m", "30m"]
    told = list(product([False, True], [None, 1200]))
    if ALL:
        return [
            Case(*mode, ready, hold, instances, open_, *answers)
            for mode, ready, hold, instances, open_, answers in product(
                modes, readies, holds, [3, 100, 1000], ["view", "health"], told
            )
        ]
    small = [Case(*mode, ready, hold) for mode, ready, hold in product(modes, readies, holds)]
    ill = [Case(*mode, ready, open="health") for mode, ready in product(modes, readies)]
    hundred = [Case(*mode, 100.0, hold, 100, "health") for mode, hold in product(modes, ["auto", "4m"])]
    thousand = [Case(*mode, 0.0, "auto", 1000) for mode in modes]
    answers = [Case(*mode, 300.0, "4m", headers=h, retry_after=r) for mode in modes for h, r in told if h or r]
    return [*small, *ill, *hundred, *thousand, *answers]


@pytest.mark.parametrize("case", [pytest.param(each, id=str(each), marks=further(each)) for each in cases()])
def test_a_wait_passes_and_throttles_nobody(case: Case) -> None:
    waited, _ = run(case)
    hold = {"auto": 10.0, "4m": 240.0, "30m": 1800.0}[case.hold]
    allowed = {3: 20.0, 100: 60.0, 1000: 400.0}[case.instances]
    assert waited.outcome.progress.elapsed <= case.ready + hold + allowed


@pytest.mark.parametrize("mode", list(product([False, True], [False, True])))
@pytest.mark.parametrize(
    "life",
    [
        {0: (Vm(), Vm()), 25: (Vm(), Vm(), Vm())},
        {0: (Vm(), Vm()), 25: (Vm(), Vm(), BOOTING), 80: (Vm(), Vm(), Vm())},
        {0: (Vm(), Vm(), Vm(), Vm()), 130: (Vm(), Vm(), Vm())},
        {
            0: (Vm(), Vm(), Vm(provisioning="deleting")),
            40: (Vm(), Vm()),
            90: (Vm(), Vm(), ILL),
            200: (Vm(), Vm(), Vm()),
        },
        {0: (ILL, ILL, ILL), 130: (Vm(), Vm(), Vm())},
    ],
    ids=["one joins", "one boots", "one leaves", "one is replaced", "applications get healthy"],
)
def test_vms_that_join_leave_and_are_replaced_hold_up_nothing(
    mode: tuple[bool, bool], life: dict[float, tuple[Vm, ...]]
) -> None:
    shown = {at: snapshot(*vms, capacity=3) for at, vms in life.items()}
    for hold, seconds in (("auto", 10.0), ("4m", 240.0)):
        waited, _ = run(Case(*mode, hold=hold), timeline(shown))
        assert waited.outcome.progress.elapsed <= max(life) + seconds + 20


@pytest.mark.parametrize("flexible", [False, True], ids=["uniform", "flexible"])
def test_a_failed_operation_that_does_not_count_delays_nothing(flexible: bool) -> None:
    code = "failed/OSProvisioningTimedOut"
    shown = {at: snapshot(vm, Vm(code), status=code) for at, vm in ((0.0, ILL), (205.0, Vm()))}
    azure = Metered(VirtualClock())
    web = azure.add("web", ScaleSet(timeline(shown), flexible=flexible))
    outcome = wait(azure.azure(), web, GatePolicy(ignore_failure_codes=["OSProvisioningTimedOut"])).outcome
    assert outcome.ending is Ending.HEALTHY
    assert outcome.progress.elapsed <= 205 + 10 + 20


def wait_where(fails: Callable[[float, str], int], flexible: bool, vms: int, **policy: Any) -> Waited:
    azure = Metered(VirtualClock())
    shown = timeline({0: snapshot(*[Vm()] * vms)})
    web = azure.add("web", ScaleSet(shown, flexible=flexible, bare=True, fails=fails))
    return wait(azure.azure(), web, GatePolicy(timeout="6m", **policy))


BOTH_MODES = pytest.mark.parametrize("flexible", [False, True], ids=["uniform", "flexible"])


@BOTH_MODES
def test_views_of_single_vms_that_fail_now_and_then_keep_no_set_from_passing(flexible: bool) -> None:
    draw = random.Random(1)  # noqa: S311 - no secret
    waited = wait_where(lambda _now, _vm: 503 * (draw.random() < 0.01), flexible, 300)
    assert waited.outcome.ending is Ending.HEALTHY
    assert waited.outcome.progress.elapsed < 300


@BOTH_MODES
@pytest.mark.parametrize("status", [503, 409, 400])
def test_a_vm_whose_view_can_never_be_read_is_no_evidence_and_keeps_no_others_from_passing(
    flexible: bool, status: int
) -> None:
    def fails(_now: float, vm: str) -> int:
        return status * (vm == "7")

    assert wait_where(fails, flexible, 20, min_healthy="90%").outcome.ending is Ending.HEALTHY
    whole = wait_where(fails, flexible, 20).outcome
    assert whole.ending is Ending.TIMED_OUT
    assert whole.progress.verdict is not None
    told = next(each for each in whole.progress.verdict.reasons if each.code == "InstanceViewUnread")
    assert f"HTTP {status} Busy" in told.message
    assert told.instances == (("web_7" if flexible else "7"),)


@BOTH_MODES
def test_views_of_single_vms_of_which_none_can_be_read_are_an_error(flexible: bool) -> None:
    outcome = wait_where(lambda _now, _vm: 503, flexible, 20, min_healthy=1).outcome
    assert outcome.ending is Ending.UNREADABLE
    assert "HTTP 503 Busy" in str(outcome.progress.error)


def test_the_end_of_an_operation_is_noticed_beside_an_instance_that_is_not_needed() -> None:
    vms = (*[Vm()] * 9, ILL)
    shown = {0.0: snapshot(*vms, status="updating"), 100.0: snapshot(*vms)}
    azure = Metered(VirtualClock())
    web = azure.add("web", ScaleSet(timeline(shown), flexible=True))
    outcome = wait(azure.azure(), web, GatePolicy(min_healthy="90%")).outcome
    assert outcome.ending is Ending.HEALTHY
    assert outcome.progress.elapsed <= 100 + 10 + 20


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("hold", ["auto", pytest.param("4m", marks=pytest.mark.rest)])
def test_a_set_whose_list_has_many_pages_is_read_when_the_bucket_has_enough_for_all_of_them(
    bare: bool, hold: str
) -> None:
    azure = Metered(VirtualClock())
    pages = ScaleSet(Case(ready=1000.0, instances=100).show, bare=bare, page=10)
    outcome = wait(azure.azure(), azure.add("web", pages), GatePolicy(timeout="2h", hold=hold)).outcome
    assert azure.refused == []
    assert outcome.ending is Ending.HEALTHY


@pytest.mark.parametrize("flexible", [False, True], ids=["uniform", "flexible"])
@pytest.mark.parametrize(("page", "left"), [(20, 5), pytest.param(10, 2, marks=pytest.mark.rest)])
def test_a_list_that_was_refused_halfway_is_begun_again_when_there_is_enough_for_all_its_pages(
    flexible: bool, page: int, left: int
) -> None:
    """Others have taken the rest; no header tells of them, and so the first look is refused."""
    azure = Metered(VirtualClock())
    scale_set = ScaleSet(lambda _: snapshot(*[Vm()] * 200), flexible=flexible, page=page)
    web = azure.add("web", scale_set)
    bucket = "list of all" if flexible else "high of web"
    azure.take(bucket, 0.0, azure.left(bucket, 0.0) - left)
    outcome = wait(azure.azure(), web, GatePolicy(timeout="30m")).outcome
    assert outcome.ending is Ending.HEALTHY
    assert len(azure.refused) <= 1


@pytest.mark.parametrize("timeout", ["8m", *(pytest.param(each, marks=pytest.mark.rest) for each in ("10m", "11m"))])
def test_a_look_shortly_before_the_timeout_reads_everything_only_where_there_is_enough_for_it(timeout: str) -> None:
    azure = Metered(VirtualClock())
    shown = snapshot(*[Vm()] * 199, ILL)
    web = azure.add("web", ScaleSet(lambda _: shown, page=20))
    outcome = wait(azure.azure(), web, GatePolicy(timeout=timeout)).outcome
    assert azure.refused == []
    assert outcome.ending is Ending.TIMED_OUT
    assert outcome.progress.error is None


def test_a_large_flexible_set_whose_pages_take_long_is_read_within_one_look() -> None:
    azure = Metered(VirtualClock())
    ten_pages = ScaleSet(Case(ready=0.0, instances=100).show, flexible=True, page=10, latency=2.0)
    outcome = wait(azure.azure(), azure.add("web", ten_pages), GatePolicy()).outcome
    assert outcome.ending is Ending.HEALTHY
    assert outcome.progress.elapsed <= 80


@pytest.mark.parametrize("mode", list(product([False, True], [False, True])))
def test_a_failure_is_confirmed_in_time_however_the_set_is_read(mode: tuple[bool, bool]) -> None:
    clock = VirtualClock()
    azure = Metered(clock)
    broken = snapshot(Vm(), Vm(), Vm(extensions=(("cse", "failed/1"),)))
    show = timeline({0: snapshot(Vm(), Vm(), BOOTING), 100: broken})
    scale_set = azure.add("web", ScaleSet(show, flexible=mode[0], bare=mode[1]))
    outcome = wait(azure.azure(), scale_set, GatePolicy()).outcome
    assert outcome.ending is Ending.FAILING
    assert 160 <= outcome.progress.elapsed <= 185
    assert azure.refused == []


def lateness(case: Case, draws: int) -> list[float]:
    """How late waits notice, from the moment that the set is ready to a whole look that says so; hold excluded."""
    draw = random.Random(f"{case}")  # noqa: S311 - no secret
    late = []
    for _ in range(draws):
        ready = case.ready + draw.uniform(0, 20)
        waited, _ = run(replace(case, ready=ready, hold="0s"))
        late.append(waited.outcome.progress.elapsed - ready)
    return late


@pytest.mark.parametrize("draws", [3, *(pytest.param(each, marks=pytest.mark.rest) for each in (10, 25))])
@pytest.mark.parametrize("flexible", [False, True], ids=["uniform", "flexible"])
@pytest.mark.parametrize(("open_", "average", "almost_all"), [("view", 3.0, 6.5), ("health", 4.0, 9.0)])
def test_a_set_of_three_is_noticed_in_seconds(
    open_: str, average: float, almost_all: float, flexible: bool, draws: int
) -> None:
    kinds = product([False, True], [0.0, 60.0, 100.0, 300.0])
    late = [each for bare, ready in kinds for each in lateness(Case(flexible, bare, ready, open=open_), draws)]
    late += lateness(Case(flexible, ready=1800.0, open=open_), max(draws // 5, 1))
    assert mean(late) <= average
    assert quantiles(late, n=20)[-1] <= almost_all


@pytest.mark.parametrize("open_", ["view", "health"])
@pytest.mark.parametrize("bare", [False, True], ids=["whole", "bare"])
@pytest.mark.parametrize("flexible", [False, True], ids=["uniform", "flexible"])
@pytest.mark.parametrize("latest", ["model", "view", "instances", "list", "expanded list", "vm", "vmss vm"])
def test_a_set_that_gets_ready_between_two_reads_of_one_look_is_noticed_in_seconds(
    latest: str, flexible: bool, bare: bool, open_: str
) -> None:
    """As by the first look, which is a full one: the model from 0 to 0.2 s, then all else until 0.4 s."""
    for ready in (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65):
        case = Case(flexible, bare, ready, "0s", open=open_)
        azure = Metered(VirtualClock())
        web = azure.add("web", ScaleSet(case.show, flexible=flexible, bare=bare, latest=latest))
        waited = wait(azure.azure(), web, GatePolicy(timeout="2h", hold="0s"))
        assert waited.outcome.ending is Ending.HEALTHY
        assert waited.outcome.progress.elapsed < ready + 10, ready


@pytest.mark.parametrize("flexible", [False, True])
@pytest.mark.parametrize(("others", "refused"), [(1 / 3, 1), (0.6, 3)])
def test_where_others_take_what_comes_back_the_gate_learns_to_make_room_and_passes(
    flexible: bool, others: float, refused: int
) -> None:
    """No header tells of them: a refusal does, and each bucket is refused so often that it is known."""
    case = Case(flexible, ready=1800.0, hold="4m")
    azure = Metered(VirtualClock(), others=others)
    scale_set = azure.add("web", ScaleSet(case.show, flexible=flexible))
    waited = wait(azure.azure(), scale_set, GatePolicy(timeout="2h", hold="4m"))
    assert waited.outcome.ending is Ending.HEALTHY
    assert azure.refused
    assert all(number <= refused for number in Counter(bucket for _, bucket in azure.refused).values())
    assert waited.outcome.progress.elapsed <= 1800 + 240 + 120


def test_somebody_who_takes_half_a_dozen_reads_at_once_makes_nobody_wait() -> None:
    azure = Metered(VirtualClock())
    case = Case(ready=600.0)
    moments = [400.0]

    def show(now: float) -> Snapshot:
        while moments and now >= moments[0]:
            moments.pop(0)
            for _ in range(6):
                azure.take("high of web", now)
        seen = case.show(now)
        assert isinstance(seen, Snapshot)
        return seen

    waited = wait(azure.azure(), azure.add("web", ScaleSet(show)), GatePolicy(timeout="2h"))
    assert moments == []
    assert azure.refused == []
    assert waited.outcome.progress.elapsed <= 600 + 10 + 10


# --- Many gates ------------------------------------------------------------------------------------------------------


def gates(number: int, case: Case) -> tuple[Metered, list[float]]:
    """So many gates of one process at sets that get ready together: how long after that each has passed."""
    simulation = Simulation()
    azure = Metered(simulation.clock())
    shared = azure.azure()
    passed = []

    def gate(name: str) -> Callable[[], None]:
        scale_set = azure.add(name, ScaleSet(case.show, flexible=case.flexible, bare=case.bare))

        def wait_for_it() -> None:
            waited = wait(shared, scale_set, GatePolicy(timeout="2h"))
            assert waited.outcome.ending is Ending.HEALTHY
            passed.append(waited.outcome.progress.elapsed - case.ready)

        return wait_for_it

    simulation.run([gate(f"web{each}") for each in range(number)])
    assert len(passed) == number
    return azure, passed


def least(number: int, case: Case) -> float:
    """The least that Azure's limits allow, from full buckets on, until all have passed.

    After it got ready each set takes a look that notices, then two whole ones ten seconds apart (what its health
    extension takes to notice); what one set's own bucket sustains is a look in six seconds.
    """
    high, lists, reads = (0, 5, 10) if case.flexible else (5, 0, 9)
    shared = [(high * number - 1080) / 6, (lists * number - 900) / 5, (reads * number - 250) / 25]
    return 10.0 + max(6.0, *shared)


@pytest.mark.parametrize("flexible", [False, True], ids=["uniform", "flexible"])
@pytest.mark.parametrize("number", [1, 20, *(pytest.param(each, marks=pytest.mark.rest) for each in MANY)])
@pytest.mark.parametrize("ready", [0.0, 180.0, pytest.param(600.0, marks=pytest.mark.rest)])
def test_many_gates_throttle_nobody_and_pass_almost_as_soon_as_azures_limits_allow(
    flexible: bool, number: int, ready: float
) -> None:
    case = Case(flexible, ready=ready)
    azure, passed = gates(number, case)
    assert azure.refused == []
    assert max(passed) <= 1.5 * least(number, case)


@pytest.mark.parametrize("ready", [300.0, pytest.param(900.0, marks=pytest.mark.rest)])
def test_gates_at_sets_that_never_get_ready_share_what_there_is_and_keep_the_rest(ready: float) -> None:
    azure, _ = gates(60, Case(ready=ready))
    late = azure.clock.time
    assert azure.left("high of all", late) > 1080 * 2 / 3
    looks = azure.asked["view"]
    assert looks < 60 * ready / 6 * 1.2


@pytest.mark.parametrize(("bare", "tells_pool"), [(True, False), (False, False), (False, True)])
def test_a_vm_that_leaves_its_standby_pool_is_a_member_of_the_set(bare: bool, tells_pool: bool) -> None:
    clock = VirtualClock()
    azure = Metered(clock)
    before = snapshot(Vm(), Vm(health="initializing"), Vm(pool=True), capacity=2)
    after = snapshot(Vm(), Vm(), Vm(), capacity=3)
    show = timeline({0: before, 60: after})
    scale_set = azure.add("web", ScaleSet(show, flexible=True, bare=bare, tells_pool=tells_pool))
    waited = wait(azure.azure(), scale_set, GatePolicy(timeout="5m"))
    assert waited.outcome.ending is Ending.HEALTHY
    assert waited.outcome.progress.elapsed < 150
    assert "appHealth 1/2, 2/2 VMs, 1 more VM in the standby pool" in {status_text(each) for each in waited.looks}
    assert "standby" not in status_text(waited.outcome.progress)


@pytest.mark.parametrize(("flexible", "before"), [(False, 2), (True, 10)])
def test_a_capacity_that_is_raised_meanwhile_is_read_anew_as_soon_as_there_are_more_vms(
    flexible: bool, before: int
) -> None:
    """Without that the new VM counts as a surplus until the model is read again, a minute later."""
    azure = Metered(VirtualClock())
    slow = [Vm(health="initializing")] * before
    booting = Vm(provisioning="creating", health=None, extensions=())
    show = timeline({0: snapshot(*slow), 1: snapshot(*slow, booting), 20: snapshot(*[Vm()] * (before + 1))})
    waited = wait(azure.azure(), azure.add("web", ScaleSet(show, flexible=flexible)), GatePolicy(timeout="5m"))
    assert waited.outcome.ending is Ending.HEALTHY
    assert min(each.elapsed for each in waited.looks if "holding" in status_text(each)) < 27
    assert azure.refused == []


def test_a_running_vm_of_a_standby_pool_fills_no_gap_also_where_nothing_else_is_asked_of_the_vms() -> None:
    """While a set grows out of its pool, members and pool together are often as many as the capacity."""
    clock = VirtualClock()
    azure = Metered(clock)
    plain: dict[str, Any] = {"capacity": 3, "extensions": (), "health": False}
    short = snapshot(*(Vm(extensions=()),) * 2, Vm(extensions=(), pool=True), **plain)
    show = timeline({0: short, 60: snapshot(*(Vm(extensions=()),) * 3, **plain)})
    waited = wait(azure.azure(), azure.add("web", ScaleSet(show, flexible=True, bare=True)), GatePolicy(timeout="5m"))
    assert waited.outcome.ending is Ending.HEALTHY
    assert 60 <= waited.outcome.progress.elapsed < 90


def test_a_vm_of_a_standby_pool_is_no_member_also_where_the_model_tells_no_capacity() -> None:
    azure = Metered(VirtualClock())
    seen = snapshot(Vm(), Vm(), Vm(pool=True))
    assert seen.scale_set is not None
    untold = replace(seen, scale_set=replace(seen.scale_set, capacity=None))
    scale_set = azure.add("web", ScaleSet(lambda _: untold, flexible=True, tells_pool=False))
    waited = wait(azure.azure(), scale_set, GatePolicy(timeout="5m", capacity=3))
    assert waited.outcome.ending is Ending.TIMED_OUT
    assert status_text(waited.outcome.progress).startswith("2/3 VMs, ")


def test_the_own_views_that_are_read_beside_a_list_are_reckoned_with() -> None:
    """One VM's list entry lacks what its own view has, so that own views are read; another VM is what is waited for."""
    azure = Metered(VirtualClock())
    seen = snapshot(Vm(), Vm(health=None), Vm(extensions=(("cse", "transitioning"),)))
    assert seen.scale_set is not None
    attached = replace(seen, scale_set=replace(seen.scale_set, extensions=(), has_profile=False, capacity=None))
    scale_set = azure.add("web", ScaleSet(lambda _: attached, flexible=True))
    waited = wait(azure.azure(), scale_set, GatePolicy(timeout="20m", capacity=4))
    assert waited.outcome.ending is Ending.TIMED_OUT
    assert azure.refused == []
