"""Generated worlds, each seen by one full look and judged: a verdict passes exactly where the oracle says so.

The whole lives of test_histories hold what a wait does with its verdicts against the same oracle; here each verdict is
one of its own, so that hundreds of times as many worlds are seen. `make soak` judges a hundred times as many.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gate.oracle import GOOD, Azure, History, World, is_met, wanted
from tests.gate.worlds import ECHO, FLAW, LOGS, MODE, POLICIES, POOL, SOURCE, agreed, context_of, gate_policy, of_mode

from pulumi_vmss_health import ConfigurationError, GatePolicy, Snapshot, Throttled, Unavailable, evaluate
from pulumi_vmss_health.judging.snapshot import Ask
from pulumi_vmss_health.waiting.look import Looker

pytestmark = pytest.mark.timeout(0)  # many worlds take minutes

WORLDS = int(os.environ.get("HISTORIES", "600"))
TIMEOUT = 2 * 3600.0  # longer than the longest hold; nobody waits here

OPERATION = st.sampled_from([*["succeeded"] * 6, "updating", "failed/Any", ECHO, "canceled", None])
LOST = st.sampled_from([*[None] * 12, "unavailable", "throttled", "capacity", "an instance"])
MACHINES = st.builds(
    lambda number, flaws, spread: tuple(
        replace(GOOD, **{"zone": "2" if spread and place % 2 else "1", **flaw})
        for place, flaw in zip(range(number), [*flaws, *[{}] * number], strict=False)
    ),
    st.integers(0, 4),
    st.lists(FLAW, max_size=2),
    st.booleans(),
)
ONE_OF_EIGHT = st.sampled_from([False] * 7 + [True])


@dataclass(frozen=True)
class Scene:
    """A world, what is asked of it, and how Azure tells of it. settled: whether a surplus has been there for long."""

    world: World
    policy: dict[str, Any]
    bare: bool
    tells_pool: bool
    settled: bool


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    machines = draw(MACHINES)
    capacity = max(len(machines) + draw(st.sampled_from([0] * 6 + [1, -1])), 0)
    world = World(machines, capacity, draw(OPERATION), draw(ONE_OF_EIGHT), manual=draw(st.booleans()))
    world = of_mode(replace(world, source=draw(SOURCE), logs=draw(LOGS)), draw(MODE))
    if world.flexible and not world.attached:
        world = replace(world, pool=tuple(draw(st.lists(POOL, max_size=2))))
    pinned = draw(st.sampled_from([None, None, None, capacity, capacity + 1, 1]))
    is_told = not world.attached or draw(ONE_OF_EIGHT)
    policy, world = agreed(draw(POLICIES), world, pinned if is_told else capacity)
    lost = draw(LOST)
    if lost != "an instance" or 0 < len(machines) == wanted(world, policy):  # one of a surplus nobody would miss
        world = replace(world, lost=lost)
    if not world.flexible and draw(ONE_OF_EIGHT):
        world = replace(world, view_of=replace(world, machines=draw(MACHINES), operation=draw(OPERATION), lost=None))
    return Scene(world, policy, draw(st.booleans()), draw(st.booleans()), draw(st.booleans()))


@given(scenes())
@settings(
    max_examples=WORLDS,
    derandomize="HISTORIES" not in os.environ,  # make test is the same everywhere, make soak never
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_a_look_passes_exactly_where_every_machine_is_truly_well(scene: Scene) -> None:
    world = scene.world
    is_well = is_met(world, scene.policy, surplus_allowed=scene.settled)
    policy = gate_policy(scene.policy, TIMEOUT)
    try:
        seen = look(scene, policy)
    except (Throttled, Unavailable):
        assert world.lost in ("throttled", "unavailable")
    except ConfigurationError:
        assert wanted(world, scene.policy) is None, "it refused a set whose capacity is known"
    else:
        passes = evaluate(seen, policy, replace(context_of(scene.policy), surplus_settled=scene.settled)).passes
        assert is_well or not passes
        assert passes or not is_well or has_a_view_of_other_machines(world)


def look(scene: Scene, policy: GatePolicy) -> Snapshot:
    """One full look, by the product's own reader."""
    azure = Azure.of(History(((0.0, scene.world),)), bare=scene.bare, tells_pool=scene.tells_pool)
    seen = Looker(azure.metered.azure(), azure.id, policy)(60, Ask())
    assert azure.metered.refused == []
    return seen


def has_a_view_of_other_machines(world: World) -> bool:
    """Whether the view counts machines of an older moment: it and the instances must agree, so that a look may wait."""
    return world.view_of is not None and world.view_of.machines != world.machines
