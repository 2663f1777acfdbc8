"""The requests that docs/operations.md says gates cost are those that a gate sends, on an Azure in memory."""

from __future__ import annotations

import re

import pytest
from tests.clocks import VirtualClock
from tests.gate.test_metered_waits import BOOTING
from tests.metered import Metered, ScaleSet, timeline, wait
from tests.pages import ROOT
from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy
from pulumi_vmss_health.waiting.ending import Ending

TABLE = (ROOT / "docs" / "operations.md").read_text().partition("## What gates cost in requests")[2]
ROWS = re.findall(r"^\| ((?:Uniform|Flexible).*?) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", TABLE, re.MULTILINE)
NOT_YET = {
    "a VM boots": snapshot(Vm(), Vm(), BOOTING),
    "an application is ill": snapshot(Vm(), Vm(), Vm(health="unhealthy")),
}
SECONDS = (60, 600, 3600)


def requests(name: str, seconds: int) -> int:
    """What a gate sends until a set is ready. name: of a row: the mode, perhaps bare lists, what is not ready."""
    mode, _, open_ = name.rpartition(": ")
    azure = Metered(VirtualClock())
    show = timeline({0: NOT_YET[open_], seconds: snapshot(Vm(), Vm(), Vm())})
    web = azure.add("web", ScaleSet(show, flexible=mode.startswith("Flexible"), bare=mode.endswith("bare lists")))
    waited = wait(azure.azure(), web, GatePolicy(hold="0s", timeout="2h"))
    assert waited.outcome.ending is Ending.HEALTHY
    return sum(azure.asked.values())


@pytest.mark.parametrize(("name", "told"), [(name, told) for name, *told in ROWS])
def test_a_row_is_what_a_gate_sends(name: str, told: list[str]) -> None:
    for seconds, number in zip(SECONDS[:2], told, strict=False):
        assert requests(name, seconds) == pytest.approx(int(number), rel=0.1)


@pytest.mark.rest
@pytest.mark.parametrize(("name", "told"), [(name, told) for name, *told in ROWS])
def test_an_hour_is_what_a_gate_sends_in_one(name: str, told: list[str]) -> None:
    assert requests(name, SECONDS[-1]) == pytest.approx(int(told[-1].replace(",", "")), rel=0.1)


def test_there_are_rows() -> None:
    assert len(ROWS) == 4
