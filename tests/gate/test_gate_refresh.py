"""What a refresh makes of the pass of one set. In virtual time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.clocks import Simulation, VirtualClock
from tests.heard import Heard
from tests.metered import Metered, ScaleSet, Show, timeline
from tests.sets import Vm, snapshot

from pulumi_vmss_health import InstanceView, gating
from pulumi_vmss_health.gating import Asked, NotPassed
from vmss_instance_view.azure.wire import Answer

GOOD = snapshot(Vm(), Vm())
OLD = snapshot(Vm(), Vm(latest=False), upgrade_mode="Manual")
OLD_AND_ILL = snapshot(Vm(health="unhealthy"), Vm(latest=False), upgrade_mode="Manual")

GONE = Answer(404, {}, b'{"error": {"code": "ResourceNotFound", "message": "was not found"}}')
NO_GROUP = Answer(404, {}, b'{"error": {"code": "ResourceGroupNotFound", "message": "could not be found"}}')
BUSY = Answer(503, {}, b"")
PASSED = {"state": "healthy", "healthy": True}
ARMED = {"state": "failing", "healthy": False, "message": "it was ill"}


@dataclass
class Refreshed:
    """A refresh. outputs: those that it changed."""

    is_there: bool
    heard: Heard
    clock: VirtualClock
    azure: Metered
    lines: tuple[str, ...] = ()
    outputs: dict[str, Any] | None = None


def refreshed(show: Show, stored: dict[str, Any], *, flexible: bool = False, stop_at: float | None = None) -> Refreshed:
    """Refresh the gate of a set that shows this."""
    clock = VirtualClock()
    clock.stop_at = stop_at
    azure = Metered(clock)
    asked = Asked.by(str(azure.add("web", ScaleSet(show, flexible))), stored, None, "")
    ran = Refreshed(True, Heard(), clock, azure)
    try:
        ran.is_there = gating.refresh(azure.azure(), asked, stored, ran.heard)
    except NotPassed as failed:
        ran.lines, ran.outputs = tuple(failed.lines), dict(failed.outputs)
    return ran


def passed(show: Show, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what a gate stores that passes. before: the evidence of its last run."""
    azure = Metered(VirtualClock())
    asked = Asked.by(str(azure.add("web", ScaleSet(show))), {}, None, "")
    outputs = gating.wait(azure.azure(), asked, before or {}, Heard(status=True))
    assert outputs["healthy"]
    return outputs


def test_older_models_that_a_first_pass_allowed_do_not_take_it_back() -> None:
    stored = passed(timeline({0: OLD}))
    ran = refreshed(timeline({0: OLD}), stored)
    assert (ran.is_there, ran.lines, ran.heard.warnings) == (True, (), [])


def test_a_first_pass_that_allowed_older_models_is_taken_back_for_anything_else() -> None:
    ran = refreshed(timeline({0: OLD_AND_ILL}), passed(timeline({0: OLD})))
    assert ran.outputs is not None
    assert [(each["code"], each["state"]) for each in ran.outputs["reasons"]] == [
        ("ApplicationNotHealthy", "progressing"),
        ("OlderModelAllowed", "healthy"),
    ]


def test_a_model_that_vms_lack_since_the_pass_takes_it_back() -> None:
    ran = refreshed(timeline({0: OLD}), passed(timeline({0: GOOD})))
    assert "instance 1: model an older one, want latest" in ran.lines[1]


def test_an_armed_gate_is_told_what_its_next_run_will_not_allow() -> None:
    stored = {**passed(timeline({0: OLD})), "state": "progressing", "healthy": False, "message": "it was ill"}
    ran = refreshed(timeline({0: OLD}), stored)
    assert ran.lines[0] == "the next `pulumi up` runs this gate again: it was ill"
    assert ran.lines[1].startswith("instance 1: model an older one, want latest")
    assert ran.outputs == {}


@pytest.mark.parametrize(("warnings", "is_kept"), [(19, False), (20, True)])
def test_a_word_of_older_models_that_may_have_been_cut_off_counts_as_said(warnings: int, is_kept: bool) -> None:
    """So many reasons are stored that one more would have been cut off, or one fewer."""
    stored = {**passed(timeline({0: OLD})), "reasons": [{"code": "VmFailureAllowed"}] * warnings}
    assert (refreshed(timeline({0: OLD}), stored).lines == ()) is is_kept


def test_what_the_view_lacks_is_not_kept_from_before_when_a_pass_is_taken_back() -> None:
    stored = passed(timeline({0: GOOD}))
    assert stored["virtualMachine"]["statusesSummary"][0]["count"] == 2
    empty = replace(snapshot(capacity=2), view=InstanceView())
    ran = refreshed(timeline({0: empty}), stored)
    assert ran.outputs is not None
    assert {key: ran.outputs[key] for key in ("statuses", "virtualMachine", "extensions")} == {
        "statuses": [],
        "virtualMachine": {"statusesSummary": []},
        "extensions": [],
    }


@pytest.mark.parametrize("stored", [PASSED, ARMED])
def test_a_set_that_two_looks_in_a_row_do_not_find_takes_its_gate_out_of_the_state(stored: dict[str, Any]) -> None:
    ran = refreshed(timeline({0: GONE}), stored)
    assert not ran.is_there
    assert ran.azure.asked == {"model": 2}
    assert 5 <= ran.clock.time <= 6


def test_a_set_that_is_found_by_the_second_look_is_judged_by_it() -> None:
    ran = refreshed(timeline({0: GONE, 1: GOOD}), PASSED)
    assert (ran.is_there, ran.lines, ran.heard.warnings) == (True, (), [])
    assert refreshed(timeline({0: GONE, 1: GOOD}), ARMED).lines[1] == "the set is healthy now"
    assert "any more" in refreshed(timeline({0: GONE, 1: OLD_AND_ILL}), PASSED).lines[0]


@pytest.mark.parametrize("flexible", [False, True])
@pytest.mark.parametrize("show", [{0: GOOD, 0.1: GONE}, {0: GONE, 1: GOOD, 5.3: GONE}, {0: GOOD, 0.1: GONE, 1: BUSY}])
def test_a_set_whose_model_was_read_is_not_gone_but_not_readable(show: dict[float, Any], flexible: bool) -> None:
    ran = refreshed(timeline(show), PASSED, flexible=flexible)
    assert (ran.is_there, ran.lines) == (True, ())
    assert ran.heard.warnings[0].startswith("could not check whether the set is still healthy: ")
    armed = refreshed(timeline(show), ARMED, flexible=flexible)
    assert armed.lines[0] == "the next `pulumi up` runs this gate again: it was ill"


def test_a_second_look_that_fails_otherwise_does_not_say_that_the_set_is_gone() -> None:
    ran = refreshed(timeline({0: GONE, 1: BUSY}), PASSED)
    assert ran.is_there
    assert len(ran.heard.warnings) == 1


def test_a_resource_group_that_is_not_found_says_nothing_of_the_set() -> None:
    for show in (timeline({0: NO_GROUP}), timeline({0: GONE, 1: NO_GROUP})):
        ran = refreshed(show, PASSED)
        assert ran.is_there
        assert "could not check" in ran.heard.warnings[0]


def test_a_set_that_comes_back_between_the_parts_of_a_look_is_judged() -> None:
    ran = refreshed(timeline({0: GOOD, 0.1: GONE, 2: GOOD}), PASSED)
    assert (ran.is_there, ran.lines, ran.heard.warnings) == (True, (), [])


def test_a_stop_during_the_pause_keeps_the_gate() -> None:
    ran = refreshed(timeline({0: GONE}), PASSED, stop_at=2.0)
    assert ran.is_there
    assert "could not be read completely in time" in ran.heard.warnings[0]


def test_many_gates_that_the_engine_refreshes_side_by_side_throttle_nobody() -> None:
    simulation = Simulation()
    azure = Metered(simulation.clock())
    connection = azure.azure()
    ids = [str(azure.add(f"web{number}", ScaleSet(timeline({0: GOOD})))) for number in range(100)]
    heard = Heard()

    def steps_of_the_engine() -> None:
        while ids:
            stored = {**PASSED, "scaleSet": ids.pop()}
            gating.refresh(connection, Asked.by(stored["scaleSet"], stored, None, ""), stored, heard)

    simulation.run([steps_of_the_engine] * 16)
    assert azure.refused == []
    assert heard.warnings == []
