"""Works take turns, their results are checked, and what follows from their numbers is right."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from benchmarks import growth
from benchmarks.suite import peers
from benchmarks.suite.processes import Command, ended
from benchmarks.suite.works import Effort, NotDone, Work, in_turns, ratio, spread
from tests.benchmarks.stand_ins import lazy, row


def python(program: str, *, until_line: bool = False) -> Command:
    return Command([sys.executable, "-c", program], {}, lambda said: said == "well\n", until_line=until_line)


def test_works_take_turns_each_time_another_one_first_and_the_first_turn_does_not_count() -> None:
    order: list[str] = []

    def work(name: str) -> Work:
        def run() -> dict[str, float]:
            order.append(name)
            return {"wall": float(len(order))}

        return Work(name, run)

    measured = in_turns([work(name) for name in "abc"], runs=3)
    assert "".join(order) == "abc" + "abc" + "bca" + "cab"
    assert [each.samples["wall"] for each in measured] == [[4, 9, 11], [5, 7, 12], [6, 8, 10]]


def test_a_process_that_does_its_work_has_a_cost() -> None:
    cost = python("print('well')").cost()
    assert cost["processor"] > 0
    assert cost["wall"] > 0
    assert 1 < cost["memory"] < 1000  # MB


def test_a_server_is_measured_until_it_has_printed_a_line_and_then_ended() -> None:
    assert python("import time; print('well', flush=True); time.sleep(60)", until_line=True).cost()["wall"] < 60


def test_a_process_that_is_measured_can_be_interrupted_even_if_the_suite_runs_in_the_background() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        is_usual = "signal.getsignal(signal.SIGINT) is signal.default_int_handler"
        python(f"import signal; print('well' if {is_usual} else 'ill')").cost()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("until_line", [False, True])
def test_a_process_that_prints_something_else_fails_with_what_it_printed(until_line: bool) -> None:
    with pytest.raises(NotDone, match=r"exit code -?[09]: ill"):
        python("import time; print('ill', flush=True); time.sleep(0.1)", until_line=until_line).cost()


def test_a_process_that_fails_fails_with_its_errors() -> None:
    with pytest.raises(NotDone, match="exit code 3: well\nno such set"):
        python("import sys; print('well'); sys.stderr.write('no such set'); sys.exit(3)").cost()


def test_a_process_that_does_not_end_is_ended_with_all_below_it() -> None:
    with pytest.raises(NotDone, match=r"still running after 1 s: begun"):
        ended(["/bin/sh", "-c", "echo begun; sleep 60; true"], {"PATH": "/usr/bin:/bin"}, within=1)


def test_a_peer_that_does_not_do_its_work_fails_the_row() -> None:
    with pytest.raises(NotDone, match="Please run 'az login'"):
        list(row(lazy)(Effort()))


def test_a_peer_that_is_not_installed_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(peers.MADE, peers.AZ, tmp_path / "complete")
    (missing,) = peers.left_out("`az rest`", peers.AZ)
    assert (missing.name, missing.why) == ("`az rest`", "not installed: `make clients` does it")
    (tmp_path / "complete").touch()
    assert peers.left_out("`az rest`", peers.AZ) == []


def test_a_peer_in_a_language_that_this_machine_lacks_is_named_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (missing,) = peers.left_out("@azure/arm-compute", peers.JAVASCRIPT)
    assert missing.why == "there is no node on this machine"


def test_the_spread_is_of_all_runs_and_the_ratio_is_that_of_the_medians() -> None:
    numbers, ours = [4.0, 2.0, 6.0, 8.0, 10.0], [1.0, 2.0, 3.0, 4.0, 5.0]
    assert spread(numbers) == {"min": 2, "low": 4, "median": 6, "high": 8, "max": 10, "runs": 5}
    assert ratio(numbers, ours) == {"median": 2, "low": 2, "high": 2}
    assert ratio([6.0], ours) == {"median": 2}


@pytest.mark.parametrize("power", [0.0, 1.0, 1.5])
def test_the_exponent_is_the_power_of_the_size(power: float) -> None:
    assert growth.exponent({size: 7 * size**power for size in (1, 10, 100, 500)}) == pytest.approx(power)
