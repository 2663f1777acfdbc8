"""Fleets on an Azure that counts, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.clocks import VirtualClock
from tests.heard import Heard
from tests.metered import SUBSCRIPTION, Metered, ScaleSet, Show, timeline
from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy
from pulumi_vmss_health.fleets.asked import AskedOfFleet
from pulumi_vmss_health.fleets.gating import refresh, wait
from pulumi_vmss_health.fleets.watch import Begin, Fleet, Goal, watch_fleet
from pulumi_vmss_health.waiting.look import Looker
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import WIDTH, Steps, steps
from vmss_instance_view.azure.wire import Answer

GOOD = snapshot(Vm(), Vm())
BOOTING = snapshot(Vm(), Vm(provisioning="creating", health=None, extensions=()))
ILL = snapshot(Vm(), Vm(health="unhealthy"))
GONE = Answer(404, {}, b'{"error": {"code": "ResourceNotFound", "message": "was not found"}}')
BROKEN = snapshot(Vm(), Vm(extensions=(("cse", "failed/1"),)))

AT_ONCE = timeline({0: GOOD})
NEVER = timeline({0: ILL})
FAILS = timeline({0: BROKEN})


def healthy_after(seconds: float) -> Show:
    return timeline({0: BOOTING, seconds: GOOD})


@dataclass
class Ran:
    """A fleet's wait.

    told: how many sets were healthy and failing after each look, of at most 100 sets. ended_at: the moment at which the
    wait of a set ended.
    """

    fleet: Fleet
    azure: Metered
    told: list[tuple[int, int]] = field(default_factory=list)
    ended_at: dict[str, float] = field(default_factory=dict)


def run(
    sets: Mapping[str, Show | ScaleSet],
    required: int | None = None,
    policy: GatePolicy | None = None,
    *,
    at_first_failure: bool = False,
    standing: tuple[str, ...] = (),
    stop_at: float | None = None,
    width: int = WIDTH,
    subscription_of: Callable[[str], str] = lambda _name: SUBSCRIPTION,
) -> Ran:
    """Wait for a fleet of these sets, by the product's own parts."""
    clock = VirtualClock()
    clock.stop_at = stop_at
    metered = Metered(clock)
    azure = metered.azure()
    asked = policy or GatePolicy(timeout="20m")
    told: list[tuple[int, int]] = []
    ended_at: dict[str, float] = {}

    def begin(name: str) -> Begin:
        shown = sets[name]
        scale_set = shown if isinstance(shown, ScaleSet) else ScaleSet(shown)
        look = Looker(azure, metered.add(name, scale_set, subscription_of(name)), asked)

        def began(report: Callable[[Progress], None]) -> Steps:
            outcome = yield from steps(look, asked, clock, report)
            ended_at[name] = clock.time
            return outcome

        return began

    goal = Goal(required or len(sets) + len(standing), asked.timeout_seconds, at_first_failure)
    fleet = watch_fleet(
        {name: begin(name) for name in sets},
        goal,
        clock,
        lambda fleet: told.append((len(fleet.healthy), len(fleet.failing))) if len(sets) <= 100 else None,
        standing,
        width,
    )
    return Ran(fleet, metered, told, ended_at)


class World:
    """A fleet's gate, run after run, whose sets show these, on one clock."""

    def __init__(self, **shows: Show) -> None:
        self.clock = VirtualClock()
        self.azure = Metered(self.clock)
        self.heard = Heard(status=True)
        ids = {name: str(self.azure.add(name, ScaleSet(show))) for name, show in shows.items()}
        self.inputs: dict[str, Any] = {"scaleSets": ids, "policy": {"timeout": "5m"}}

    def passed(self) -> dict[str, Any]:
        """Return what the fleet's gate stores when it has passed."""
        outputs = self.wait({})
        assert outputs["healthy"]
        return {**self.inputs, **outputs}

    def wait(self, stored: dict[str, Any]) -> dict[str, Any]:
        return wait(self.azure.azure(), self._asked, stored, self.inputs, self.heard)

    def refresh(self, stored: dict[str, Any]) -> Any:
        return refresh(self.azure.azure(), self._asked, stored, self.heard)

    @property
    def _asked(self) -> AskedOfFleet:
        return AskedOfFleet.by(self.inputs, None, "")
