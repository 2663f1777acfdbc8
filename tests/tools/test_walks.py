"""CONTRIBUTING's walks lead to places that are there, and the check that it shows works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy, State, evaluate
from pulumi_vmss_health.judging import verdict

ROOT = Path(__file__).parents[2]
WALKS = (ROOT / "CONTRIBUTING.md").read_text().partition("## Where a change goes")[2]
PLACES = re.findall(r"`([\w./]+\.(?:py|md))`: `([^`]+)`", WALKS)


def test_there_are_four_walks() -> None:
    assert len(re.findall(r"^\*\*", WALKS, re.MULTILINE)) == 4
    assert len(PLACES) > 12


@pytest.mark.parametrize(("path", "name"), PLACES)
def test_each_place_of_a_walk_is_there(path: str, name: str) -> None:
    assert name in (ROOT / path).read_text()


def test_a_judge_and_a_row_are_a_whole_check(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", WALKS, re.DOTALL)[0], shown)  # noqa: S102 - it is this project's own
    monkeypatch.setattr(verdict, "INSTANCE_CHECKS", (*verdict.INSTANCE_CHECKS, shown["ROW"]))
    judged = evaluate(snapshot(Vm(), Vm(agent="unavailable")), GatePolicy())
    assert judged.state is State.PROGRESSING
    assert "instance 1: VM agent not ready, want ready (1 of 2 pass, 2 required)" in [
        each.message for each in judged.reasons
    ]
