"""What `make demo` and `make demo-broken` say, from what they read it, and what they leave behind."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.engine.processes import descendants, is_running
from tests.engine.projects import TOOLCHAIN
from tests.tools.support import REPOSITORY
from tests.waiting import until
from tools import proof

URN = f"urn:pulumi:dev::web::vmss-health:index:ScaleSetHealthGate${proof.GATE}::web"
SENTENCE = "Interrupted. Nothing real was deployed; nothing is left."


@dataclass
class Request:
    method: str
    path: str
    started: float


def a_run() -> proof.Run:
    """A scale set that was asked for 10 s ago and deployed after 3 s; 5 s later the autoscale setting was asked for."""
    now, booted = time.time(), time.monotonic()
    resources: list[dict[str, Any]] = [
        {"type": proof.SCALE_SET, "modified": go_time(now - 7)},
        {"type": proof.AUTOSCALE, "inputs": {"tags": {"release": "1"}}},
        {"type": "pulumi:pulumi:Stack", "outputs": {"healthy": True, "release": "1", "message": "web is healthy"}},
    ]
    events = [
        {"timestamp": 100, "resourcePreEvent": {"metadata": {"type": proof.GATE}}},
        {"timestamp": 101, "diagnosticEvent": {"urn": URN, "message": "debug", "severity": "debug"}},
        {
            "timestamp": 102,
            "diagnosticEvent": {"urn": URN, "message": "<{%reset%}>0/3<{%reset%}>\n", "ephemeral": True},
        },
        {"timestamp": 109, "diagnosticEvent": {"urn": URN, "message": "<{%reset%}><{%reset%}>\n", "ephemeral": True}},
    ]
    requests = [
        Request("PUT", "/rg/virtualMachineScaleSets/of-an-earlier-run", booted - 60),
        Request("PUT", "/rg/virtualMachineScaleSets/web", booted - 10),
        Request("PUT", "/rg/autoscaleSettings/web", booted - 2),
    ]
    return proof.Run({"deployment": {"resources": resources}}, map(json.dumps, events), requests, booted - 20)


def go_time(moment: float) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(moment))}.{int(moment % 1 * 1e9):09d}Z"


def test_what_was_held_is_told_from_the_state_the_event_log_and_the_requests() -> None:
    assert a_run().said == [(2, "0/3")]
    assert proof.held(a_run()) == (
        'Azure called the scale set deployed after 3s. The gate then saw "0/3", and held AutoscaleSetting for 5s more.'
    )
    assert proof.held_back(a_run()).endswith("after 3s all the same. Held back: AutoscaleSetting (still release 1).")
    assert "the last successful run: release 1, healthy true." in proof.old_outputs(a_run())


@pytest.mark.parametrize(("text", "seconds"), [("1970-01-01T00:01:00Z", 60), ("1970-01-01T00:00:00.5Z", 0.5)])
def test_times_of_the_state_are_read_with_as_many_decimals_as_they_have(text: str, seconds: float) -> None:
    assert proof.moment(text) == seconds


class Terminal:
    """A demonstration in a terminal of its own."""

    def __init__(self, which: str, environment: dict[str, str], columns: int = 120) -> None:
        self.output = ""
        self._terminal, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.demo", which], cwd=REPOSITORY, env=environment, start_new_session=True,
            stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, pattern: str) -> None:
        """Wait until this was written."""
        until(lambda: re.search(pattern, self.output) or self.process.poll() is not None, seconds=240)
        assert re.search(pattern, self.output), self.output

    def press_ctrl_c(self) -> None:
        os.write(self._terminal, b"\x03")

    def wait(self, seconds: float) -> int:
        code = self.process.wait(seconds)
        self._reader.join(10)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(10)
        os.close(self._terminal)

    def _read(self) -> None:
        with suppress(OSError):  # that is how a terminal ends
            while data := os.read(self._terminal, 65536):
                self.output += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", data.decode(errors="replace"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What makes trouble in other programs; temporary files lie in a folder of the test's own."""
    path = os.pathsep.join([str(TOOLCHAIN), os.environ["PATH"]])
    if shutil.which("pulumi", path=path) is None:
        pytest.skip("there is no Pulumi CLI: run `make setup`, which gets or builds one")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".netrc").write_text("machine 127.0.0.1 login a password b\ndefault login c password d\n")
    (tmp_path / "home" / ".netrc").chmod(0o600)
    (tmp_path / "tmp").mkdir()
    pulumi = {
        "PULUMI_ACCESS_TOKEN": "pul-0",
        "PULUMI_BACKEND_URL": "s3://nowhere",
        "PULUMI_PARALLEL": "1",
        "PULUMI_PYTHON_CMD": "/nowhere/python",
        "PULUMI_RUNTIME_VIRTUALENV": "/nowhere",
        "PULUMI_STACK": "prod",
    }
    own = {"PATH": path, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"), "TERM": "xterm-256color"}
    return {**os.environ, **pulumi, **own}


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """After each test the clone has the stacks' files that it had, and there are no temporary ones."""
    before = stacks_of_the_clone()
    yield
    assert stacks_of_the_clone() == before
    assert list(tmp_path.glob("tmp/*")) == []


def stacks_of_the_clone() -> dict[Path, bytes]:
    files = [*REPOSITORY.glob("Pulumi.*.yaml"), *REPOSITORY.glob("examples/*/Pulumi.*.yaml")]
    return {file: file.read_bytes() for file in files}


def demonstrate(which: str, environment: dict[str, str]) -> str:
    """Run a demonstration to its good end, without a terminal."""
    ran = subprocess.run(
        [sys.executable, "-m", "tools.demo", which], cwd=REPOSITORY, env=environment, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


@pytest.mark.rest  # `.ci/run` runs the demonstration itself, too; each thing that it proves is a test of its own
@pytest.mark.engine
@pytest.mark.timeout(600)
def test_the_demonstration_says_what_it_proves(environment: dict[str, str]) -> None:
    said = demonstrate("demo", environment)
    held = re.search(r"--> Azure called the scale set deployed after (\d+)s\. .*held AutoscaleSetting for (\d+)s", said)
    assert held, said
    assert 1 <= int(held[1]) < 60  # it boots and installs for two seconds
    assert 1 <= int(held[2]) < 120
    assert re.search(r"From this stack's own gate: scale set web\w+ is healthy after", said)
    assert said.count("--> Resources left in the stack's state: 0.") == 2


@pytest.mark.engine
@pytest.mark.rest
@pytest.mark.timeout(900)
def test_the_demonstration_of_failures_says_what_was_held_back(environment: dict[str, str]) -> None:
    said = demonstrate("broken", environment)
    assert said.count("Held back: AutoscaleSetting (still release 1).") == 2
    assert "--> Stack outputs are those of the last successful run: release 1, healthy true." in said
    assert "Let go: AutoscaleSetting (release 3 now)." in said
    assert "  - healthy" not in said  # no outputs that look removed


@pytest.mark.engine
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("pulumi stack init dev\n", id="between commands"),
        pytest.param("Previewing", id="in the preview", marks=pytest.mark.rest),
        # Pulumi reads the key itself then: it is a signal to nobody.
        pytest.param(r"HealthGate +web +creating \([1-9]", id="in the gate's wait", marks=pytest.mark.rest),
    ],
)
def test_ctrl_c_ends_a_demonstration_with_a_sentence(moment: str, environment: dict[str, str]) -> None:
    terminal = Terminal("demo", environment)
    try:
        terminal.until(moment)
        started = descendants(terminal.process.pid)
        terminal.press_ctrl_c()
        assert terminal.wait(60) == 130, terminal.output
    finally:
        terminal.close()
    assert terminal.output.rstrip().endswith(SENTENCE)
    assert "the demonstration expected" not in terminal.output
    assert {pid: command for pid, command in started.items() if is_running(pid)} == {}


@pytest.mark.engine
def test_ctrl_c_while_the_offline_azure_starts_is_heard(environment: dict[str, str], tmp_path: Path) -> None:
    terminal = Terminal("demo", environment)
    try:
        until(lambda: list(tmp_path.glob("tmp/vmss-demo-*")))
        terminal.press_ctrl_c()
        assert terminal.wait(60) == 130, terminal.output
    finally:
        terminal.close()
    assert terminal.output.strip() == f"^C\n{SENTENCE}"


@pytest.mark.engine
@pytest.mark.rest
def test_a_terminal_that_is_too_narrow_for_the_gates_status_is_told_where_to_see_it(
    environment: dict[str, str],
) -> None:
    terminal = Terminal("demo", environment, columns=80)
    try:
        terminal.until("stack init")
        terminal.press_ctrl_c()
        assert terminal.wait(60) == 130
    finally:
        terminal.close()
    assert "80 columns are too few for Pulumi to show what the gate waits for" in terminal.output
    assert max(map(len, terminal.output.splitlines())) <= 80
