"""What people read, at three widths: each file in `golden` is to be understood at first reading."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from tests.cli import golden
from tests.cli.here import run_here
from tests.cli.support import AT_ONCE, COMMAND, environment, run
from tests.cli.terminal import run_on_terminal
from tests.gate.test_hostile_text import bodies, snapshot_of, vm

from pulumi_vmss_health.cli.console.sheet import Sheet
from vmss_emulator import Emulator
from vmss_emulator.machines.looks import BRIEF

WIDTHS = (60, *(pytest.param(each, marks=pytest.mark.rest) for each in (80, 120)))
BODIES = Path(__file__).parents[1] / "bodies"
NO_SPACE = "Enable failed: command terminated with exit status=1 [stderr] mkdir: /srv/app: No space left on device"
FAULTY = {
    **AT_ONCE,
    "events": [
        {"instances": [1], "health": "unhealthy"},
        {"instances": [2], "extension": "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent", "state": "failed/1"},
        {"instances": [2], "extension": "app", "state": "failed/1", "message": NO_SPACE},
    ],
}


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Emulator, str]]:
    """A scale set with a failed extension, whose other one has a long name, and an unhealthy instance."""
    with monkeypatch.context() as patched:
        patched.setattr("uuid.uuid4", lambda: UUID(int=0x60AB48708EC446348EA47F8A1E2C49DF))
        azure = Emulator({"scale_sets": {"*": AT_ONCE}})
    with azure:
        extensions = ["app", "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"]
        scale_set = azure.put_scale_set(extensions=extensions, health=True)
        azure.load({"scale_sets": {"*": FAULTY}})
        time.sleep(BRIEF)
        yield azure, scale_set


def shown(azure: Emulator, columns: int, *arguments: str) -> str:
    return run_on_terminal([*COMMAND, *arguments], environment(azure), columns=columns).screen.text


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_view(faulty: tuple[Emulator, str], columns: int) -> None:
    azure, scale_set = faulty
    golden.check(f"view-{columns}", shown(azure, columns, "view", scale_set, "--instances"))


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_view_of_a_flexible_set(columns: int) -> None:
    body = bodies(vm(0), vm(1, stale=""), vm(2, health="unhealthy"))
    for each, name in zip(body["instances"], ("6e7507de", "0a6a6b9a", "caeb9b7c"), strict=True):
        each["instanceId"] = f"payments-frontend_{name}"
    body["model"]["properties"]["orchestrationMode"] = "Flexible"
    seen = snapshot_of(body)
    assert seen.scale_set
    sheet = Sheet.of("payments-frontend", seen.scale_set, seen.view, seen.instances)
    lines = sheet.lines(columns)
    assert max(map(len, lines)) <= columns
    golden.check(f"view-flexible-{columns}", "\n".join(lines))


def test_in_a_pipe_every_line_is_whole_whatever_columns_says(faulty: tuple[Emulator, str]) -> None:
    azure, scale_set = faulty
    golden.check("view-piped", run(azure, "view", scale_set, "--instances", COLUMNS="40").stdout)
    ran = run(azure, "wait", scale_set, "--confirm-failure", "3s", COLUMNS="40")
    golden.check("wait-piped-stderr", golden.timeless(ran.stderr))
    golden.check("wait-piped-stdout", golden.timeless(ran.stdout))


@pytest.mark.parametrize("columns", WIDTHS)
def test_the_result_of_a_wait_on_a_terminal(faulty: tuple[Emulator, str], columns: int) -> None:
    azure, scale_set = faulty
    text = shown(azure, columns, "wait", scale_set, "--confirm-failure", "3s", "--quiet")
    golden.check(f"wait-{columns}", golden.timeless(text))


@pytest.mark.parametrize("columns", WIDTHS)
def test_an_explanation_on_a_terminal(azure: Emulator, columns: int) -> None:
    saved = [str(BODIES / f"{name}.json") for name in ("view_failed_by_an_extension", "scale_set", "instances")]
    golden.check(f"explain-{columns}", shown(azure, columns, "explain", *saved))


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="argparse prints flags in another form since Python 3.13")
@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize(
    "command", ["", "view", "wait", "explain", "capture", "replay", "report", "completion", "plugin"]
)
def test_help(command: str, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as ended:
        run_here(*filter(None, [command]), "--help")
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= columns
    golden.check(f"help{'-' * bool(command)}{command}-{columns}", text)
