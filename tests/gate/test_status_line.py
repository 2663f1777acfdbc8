"""How often a wait speaks: outside of a terminal each status is a line of the log."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from tests.clocks import VirtualClock
from tests.looks import Script
from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy, InstanceViewError, Snapshot, Throttled
from pulumi_vmss_health.judging.snapshot import Ask
from pulumi_vmss_health.telling.status import StatusLine
from pulumi_vmss_health.waiting.pace import CALM
from pulumi_vmss_health.waiting.watch import watch
from vmss_instance_view.pulumi.calls import Call

SLOW = snapshot(Vm(), Vm(provisioning="creating"))
SLOWER = snapshot(Vm(provisioning="creating"), Vm(provisioning="creating"))


class Engine(Call):
    """Keeps what was said, and when."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self.clock = clock
        self.said: list[tuple[float, str]] = []

    def status(self, text: str) -> None:
        self.said.append((self.clock.time, text))


class Whole(Script):
    """Looks at everything each time, so that nothing but the story changes."""

    def __call__(self, seconds: float, _ask: Ask) -> Snapshot:
        return super().__call__(seconds, Ask())


def said_of(story: Callable[[float], Snapshot | InstanceViewError]) -> list[tuple[float, str]]:
    """What half an hour's wait says."""
    clock = VirtualClock()
    engine = Engine(clock)
    watch(Whole(clock, story), GatePolicy(timeout="30m"), clock, StatusLine(engine.status, clock))
    assert clock.time >= 1800
    return engine.said


def pauses(said: list[tuple[float, str]]) -> list[float]:
    """How long after the one before a line came that says nothing new."""
    return [later - earlier for (earlier, one), (later, other) in pairwise(said) if one == other]


def test_a_quiet_wait_says_what_it_waits_for_and_then_twice_a_minute_that_it_still_does() -> None:
    said = said_of(lambda _: SLOW)
    assert {line for _, line in said} == {"1/2 VMs, appHealth 2/2, timeout 30m"}
    assert len(pauses(said)) == len(said) - 1
    assert all(30 <= pause < 30 + CALM for pause in pauses(said))


def test_a_wait_that_moves_says_each_change_once_and_between_changes_no_more_than_the_heartbeat() -> None:
    changes = [0, 7, 50, 200, 203, 900]

    def story(now: float) -> Snapshot:
        return SLOW if sum(now >= change for change in changes) % 2 else SLOWER

    said = said_of(story)
    assert len(said) - len(pauses(said)) == len(changes)
    assert min(pauses(said)) >= 30
    for change in changes:
        assert any(change <= moment <= change + CALM for moment, _ in said)


def test_the_same_refusal_again_and_again_is_one_change_whatever_its_correlation_id() -> None:
    def story(now: float) -> InstanceViewError:
        text = f"HTTP 429: wait 3s, until 12:00:{now:.0f} UTC (correlation id {now})"
        return Throttled(text, status=429, code="TooManyRequests", retry_after=3)

    said = said_of(story)
    assert "correlation id" in said[-1][1]
    assert all(later - earlier >= 30 for (earlier, _), (later, _) in pairwise(said))
