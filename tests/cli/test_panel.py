"""The frames of the live panel: what they show in little room, and that no text of others gets out of its line."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console
from tests.cli import golden
from tests.clocks import VirtualClock
from tests.gate.test_hostile_text import PLACES, SETS, bodies, snapshot_of, vm, with_text
from tests.hostile import EVERYTHING, harm

from pulumi_vmss_health import GatePolicy, State, Unavailable, evaluate
from pulumi_vmss_health.cli.console.panel import Panel
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import Outcome

WIDTHS = (60, 80, 120)
NAMES = ("good", "held", "bad", "slow", "prod-westeurope-payments-frontend-01", "lost", "new")


def told(body: Any) -> Any:
    """A body whose guests say what guests say."""
    for each in body["instances"]:
        view = each["properties"]["instanceView"]
        view["extensions"][0]["statuses"][0]["message"] = "exit status=1"
        view["extensions"][0]["substatuses"][0]["message"] = "mkdir: /srv/app: No space left on device"
        view["vmHealth"]["status"]["message"] = "/healthz answers 503"
    return body


def progress(body: Any, *transitions: tuple[float, State], error: Unavailable | None = None) -> Progress:
    seen = snapshot_of(body)
    return Progress(80, 1800, 9, seen, evaluate(seen, GatePolicy()), error, transitions=transitions)


STATES = {
    "good": progress(bodies(vm(0), vm(1))),
    "held": progress(bodies(vm(0), vm(1)), (60, State.PROGRESSING), (68, State.HEALTHY)),
    "bad": progress(told(bodies(vm(0), vm(1, extension="failed/1"), vm(2, stale=""))), (20, State.FAILING)),
    "slow": progress(bodies(vm(0, provisioning="creating", extension="transitioning"), vm(1, power="starting"))),
    "prod-westeurope-payments-frontend-01": progress(told(bodies(*(vm(n, health="unhealthy") for n in range(12))))),
    "lost": progress(bodies(vm(0)), error=Unavailable("view of set lost: HTTP 503 ServiceUnavailable: busy")),
}


def panel(*names: str, width: int = 80, height: int = 40) -> tuple[Panel, io.StringIO]:
    """A panel of these sets, 80 seconds after it began."""
    clock, drawn = VirtualClock(), io.StringIO()
    console = Console(file=drawn, width=width, height=height, color_system=None, legacy_windows=False)
    made = Panel(names, 1800, clock, console)
    for index, name in enumerate(names):
        if name in STATES:
            made.report(index)(STATES[name])
        if name == "good":
            made.ended(index, Outcome(Ending.HEALTHY, STATES[name]))
    clock.sleep(80)
    return made, drawn


def frame(*names: str, width: int = 80, height: int = 40) -> list[str]:
    made, drawn = panel(*names, width=width, height=height)
    made._live.console.print(made)
    lines = drawn.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) < height, "the cursor needs a line of its own"
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_frame_of_several_sets(width: int) -> None:
    golden.check(f"panel-{width}", "\n".join(frame(*NAMES, width=width)))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_frame_of_one_set(width: int) -> None:
    golden.check(f"panel-one-{width}", "\n".join(frame("bad", width=width)))


@pytest.mark.parametrize("height", [8, 12])
def test_a_frame_in_few_rows(height: int) -> None:
    golden.check(f"panel-{height}-rows", "\n".join(frame(*NAMES, height=height)))


@pytest.mark.parametrize("height", range(1, 40))
def test_a_frame_fits_any_height_and_names_or_counts_every_set(height: int) -> None:
    made, drawn = panel(*NAMES, height=max(height, 4))
    made._live.console.print(made)
    lines = drawn.getvalue().splitlines()
    assert len(lines) <= max(height, 4)
    shown = sum(any(line.startswith(name[:4]) for line in lines) for name in NAMES)
    more = [int(line.split()[1]) for line in lines if line.startswith("and ")]
    assert shown + sum(more) == len(NAMES)


def test_sets_keep_their_places_while_there_is_room_for_all() -> None:
    assert [line.split()[0] for line in frame(*NAMES, width=120) if not line.startswith(" ")][1:-1] == [*NAMES]


def hostile() -> Iterator[Any]:
    for name, place in PLACES:
        body = copy.deepcopy(SETS[name])
        with_text(body, place, "{0}/{1}", EVERYTHING)
        yield body
    for body in SETS.values():
        everywhere = copy.deepcopy(body)
        for name, place in PLACES:
            if SETS[name] is body:
                with_text(everywhere, place, "{1}", EVERYTHING)
        yield everywhere


def test_whatever_texts_azure_passes_on_a_frame_is_harmless_lines_of_its_width() -> None:
    for body in hostile():
        made, drawn = panel("web")
        made.report(0)(progress(body, error=None))
        made._live.console.print(made)
        for line in drawn.getvalue().splitlines():
            assert harm(line) is None
            assert len(line) <= 80
