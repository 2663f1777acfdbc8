"""What is refused at the first look, for no further one can help."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.gate.azure import AT_ONCE, running, settled

from pulumi_vmss_health import ConfigurationError, GatePolicy, ScaleSetId
from pulumi_vmss_health.judging.snapshot import Ask
from pulumi_vmss_health.judging.verdict import evaluate
from pulumi_vmss_health.waiting.look import Looker
from vmss_emulator import Emulator
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.clock import SystemClock
from vmss_instance_view.connection import Azure


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with running(monkeypatch, {**AT_ONCE, "attached": 3}) as emulator:
        yield emulator


def look(azure: Emulator, policy: GatePolicy) -> Looker:
    scale_set = ScaleSetId.parse(settled(azure, capacity=None, orchestration_mode="Flexible"))
    return Looker(Azure(Settings(os.environ), SystemClock()), scale_set, policy)


def test_a_set_of_which_nobody_knows_the_capacity_is_refused_with_what_to_set(azure: Emulator) -> None:
    with pytest.raises(ConfigurationError, match=r"set policy\.capacity$"):
        look(azure, GatePolicy())(10, Ask())


def test_with_a_capacity_the_attached_vms_are_judged(azure: Emulator) -> None:
    policy = GatePolicy(capacity=3, stale_instances="fail")
    verdict = evaluate(look(azure, policy)(10, Ask()), policy)
    assert [each.code for each in verdict.reasons] == ["ApplicationHealthNotJudged"]
    assert verdict.passes
