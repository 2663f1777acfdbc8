"""Signals come at any moment, also while the thread that they interrupt holds a lock."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator
from typing import cast

import pytest

from pulumi_vmss_health.cli import explain
from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.main import main
from vmss_instance_view.clock import Clock, SystemClock


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_interrupts_the_one_who_holds_the_lock_ends_the_command_and_hangs_nothing(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_options: argparse.Namespace, clock: Clock) -> Exit:
        with cast("SystemClock", clock)._stop._lock:
            signal.raise_signal(number)
        clock.wait(10)
        return Exit.HEALTHY

    monkeypatch.setattr(explain, "run", run)
    assert main(["explain", "view.json"]) == Exit.INTERRUPTED
