"""The requests that docs/operations.md says gates cost are those that a gate sends, on an Azure in memory."""

from __future__ import annotations

import re

import pytest
from benchmarks.detection import KINDS, ours
from tests.pages import ROOT

TABLE = (ROOT / "docs" / "operations.md").read_text().partition("## What gates cost in requests")[2]
ROWS = re.findall(r"^\| ((?:Uniform|Flexible).*?) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", TABLE, re.MULTILINE)
NAMED = {str(kind): kind for kind in KINDS}


SECONDS = (60, 600, 3600)


def requests(name: str, seconds: int) -> int:
    return ours(NAMED[name], float(seconds)).requests


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
