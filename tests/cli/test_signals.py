"""Signals come at any moment, also while the thread that they interrupt holds a lock."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from tests.cli.support import COMMAND
from tests.waiting import until

from pulumi_vmss_health.cli import explain, view
from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.main import main
from vmss_instance_view.clock import Clock, SystemClock

ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"


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

    monkeypatch.setattr(view, "run", run)
    assert main(["view", ID]) == Exit.INTERRUPTED


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_command_that_is_still_being_imported(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulumi_vmss_health.cli.main.import_module", lambda _name: signal.raise_signal(number))
    assert main(["wait", ID]) == Exit.INTERRUPTED


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.rest)])
@pytest.mark.parametrize(
    "words",
    [
        ["explain", "fifo"],
        ["replay", "fifo"],
        ["report", "fifo", "-o", "report.html"],
        ["wait", ID, "--policy", "fifo"],
    ],
)
def test_a_signal_ends_a_command_that_reads_a_file_which_does_not_end(
    words: list[str], number: signal.Signals, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with started(tmp_path, *words) as process:
        written = os.open(fifo, os.O_WRONLY)  # returns as soon as the command has opened it
        until(lambda: asked_to_end(process, number), lambda code: code is not None)
        said = process.communicate(timeout=20)
        os.close(written)
    assert (process.returncode, *said) == (130, b"", b"")
    assert [*tmp_path.iterdir()] == [fifo]


@pytest.mark.parametrize("words", [["explain", "-"], ["wait", ID, "--policy", "-"]])
def test_a_signal_ends_a_command_whose_standard_input_is_held_open(words: list[str], tmp_path: Path) -> None:
    with started(tmp_path, *words) as process:
        assert process.stdin is not None
        process.stdin.write(b" " * 1_000_000)  # more than a pipe takes: the command reads
        process.stdin.flush()
        assert until(lambda: asked_to_end(process), lambda code: code is not None) == 130
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_a_second_signal_leaves_the_first_one_to_tidy_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tidied = []

    def run(_options: argparse.Namespace, _clock: Clock) -> Exit:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGTERM)
            tidied.append(True)
        return Exit.HEALTHY

    monkeypatch.setattr(explain, "run", run)
    assert main(["explain", str(tmp_path)]) == Exit.INTERRUPTED
    assert tidied


def asked_to_end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int | None:
    """Send a signal, again and again: one that comes just before a read, or between two of one call, ends none."""
    process.send_signal(number)
    return process.poll()


def started(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
