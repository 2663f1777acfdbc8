"""Set-up as a process: one at a time, and when it ends, all that it started ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.tools.support import comes_true, is_running, program
from tools.toolchain.__main__ import only_one
from tools.toolchain.clone import Clone, write_record
from tools.toolchain.environment import target
from tools.toolchain.steps import Problem, run


def test_a_second_set_up_waits_for_the_first(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    lock, order = clone.toolchain / "lock", []

    def second() -> None:
        with only_one(lock):
            order.append("second")

    with only_one(lock):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.2)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
    assert "waiting for it" in capsys.readouterr().out


def test_a_command_outliving_its_set_up_keeps_the_next_one_waiting(clone: Clone, path: Path) -> None:
    """What a killed set-up had started still writes into the clone."""
    lock = clone.toolchain / "lock"
    with only_one(lock):
        run("sh", ["sh", "-c", "sleep 1 &"])
    began = time.monotonic()
    with only_one(lock):
        assert time.monotonic() - began > 0.5


@pytest.fixture
def builds_for_long(clone: Clone, go: Path, tmp_path: Path) -> Clone:
    """A clone with everything but a CLI, and a go that notes its process and does not come to an end."""
    program(clone.venv_python, "")
    write_record(clone.venv / "setup.json", target(clone))
    go.write_text(go.read_text().replace("touch", f"echo $$ > '{tmp_path}/pid'; exec sleep 100; touch"))
    return clone


def heed_interrupts() -> None:
    """Undo what a shell does to the commands that it runs in the background, these tests perhaps among them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_set_up_that_is_ended_takes_its_children_with_it(
    builds_for_long: Clone, tmp_path: Path, ending: signal.Signals, code: int
) -> None:
    noted, entry = tmp_path / "pid", builds_for_long.root / "tools" / "setup.py"
    with subprocess.Popen(
        [sys.executable, entry], env=os.environ | {"PULUMI_FROM": "source"}, preexec_fn=heed_interrupts
    ) as process:
        assert comes_true(lambda: noted.exists() and noted.read_text() != "")
        process.send_signal(ending)
        assert process.wait(10) == code
    assert comes_true(lambda: not is_running(int(noted.read_text())))
    assert not builds_for_long.bin.exists()


def test_a_command_that_is_not_there_is_a_problem_not_a_traceback() -> None:
    with pytest.raises(Problem, match="gofmt-of-old: No such file"):
        run("gofmt-of-old", ["/nowhere/gofmt-of-old"])


def test_a_failing_command_is_quoted_from_the_end() -> None:
    with pytest.raises(Problem, match=r"count ended with exit code 1:\n    61\n") as caught:
        run("count", ["sh", "-c", "seq 100; exit 1"])
    assert str(caught.value).endswith("    100")
