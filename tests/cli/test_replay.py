"""`vmss-health replay`: a recorded wait, judged by another policy."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.cli.here import ran_here
from tests.clocks import VirtualClock
from tests.gate.test_evidence import BOOTING, GOOD, Recorded, told
from tests.hostile import harm
from tests.sets import Vm, snapshot

from pulumi_vmss_health import GatePolicy, Unavailable
from pulumi_vmss_health.cli.main import _parser
from pulumi_vmss_health.evidence.recorder import file_text

SOME = snapshot(Vm(), Vm(), Vm(health="unhealthy"))
ALL = snapshot(Vm(), Vm(), Vm())


def saved(folder: Path, *recorded: Recorded) -> str:
    file = folder / "evidence.json"
    file.write_text(file_text([each.text for each in recorded]))
    return str(file)


def replay(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command where there is no Azure: it asks nobody."""
    return ran_here(os.environ, "replay", *arguments, text=text)


@pytest.mark.parametrize(
    ("story", "code", "first"),
    [
        ({0: SOME, 50: ALL}, 0, "scale set web is healthy after 52s: 3/3 VMs, appHealth 3/3"),
        ({0: snapshot(Vm(provisioning="failed/X"))}, 1, "scale set web is failing, given up after "),
        ({0: SOME}, 4, "scale set web is not healthy after 3m, which is the timeout of the policy: 3/3 VMs"),
    ],
)
def test_without_flags_a_wait_ends_as_it_did(tmp_path: Path, story: Mapping[float, Any], code: int, first: str) -> None:
    recorded = told(story, GatePolicy(hold="0s", timeout="3m"))
    ran = replay(saved(tmp_path, recorded))
    assert ran.returncode == code, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0] == recorded.wait["message"]
    assert lines[0].startswith(first)
    assert lines[-1].startswith(f"  recorded: {recorded.wait['ending']} after ")
    assert ran.stderr == ""


def test_flags_change_the_recorded_policy_and_a_file_takes_its_place(tmp_path: Path) -> None:
    file = saved(tmp_path, told({0: SOME, 50: ALL}, GatePolicy(hold="0s", timeout="3m")))
    ran = replay(file, "--min-healthy", "60%")
    assert (ran.returncode, ran.stdout.splitlines()[0]) == (
        0,
        "scale set web is healthy after 0s: 3/3 VMs, appHealth 2/3",
    )
    ran = replay(file, "--timeout", "20s")
    assert ran.returncode == 4
    assert "is not healthy after 20s, which is the timeout of the policy" in ran.stdout
    assert "instance 2: application health unhealthy" in ran.stdout
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"min_healthy": 2}))
    ran = replay(file, "--policy", str(policy))
    assert ran.stdout.startswith("scale set web is healthy after "), ran.stdout
    assert not ran.stdout.startswith("scale set web is healthy after 0s"), "its own hold is that of the extension"


def test_what_the_looks_do_not_tell_is_said_and_is_no_success(tmp_path: Path) -> None:
    file = saved(tmp_path, told({0: GOOD}, GatePolicy(hold="0s", rolling_upgrade="ignore")))
    ran = replay(file, "--hold", "10m")
    assert ran.returncode == 4
    assert ran.stdout.splitlines() == [
        "scale set web: not known: the recorded looks end after 0s, before this policy would have decided",
        "  recorded: healthy after 0s",
    ]
    ran = replay(file, "--rolling-upgrade", "wait")
    assert ran.returncode == 3
    assert "which the recorded wait did not read" in ran.stdout


def test_of_several_waits_the_worst_counts(tmp_path: Path) -> None:
    policy = GatePolicy(hold="0s", timeout="1m")
    file = saved(tmp_path, told({0: GOOD}, policy), told({0: BOOTING}, policy))
    ran = replay(file)
    assert ran.returncode == 4
    assert [line for line in ran.stdout.splitlines() if line.startswith("  recorded")] == [
        "  recorded: healthy after 0s",
        "  recorded: timedOut after 1m",
    ]


def test_a_policy_from_standard_input_holds_for_every_wait(tmp_path: Path) -> None:
    policy = GatePolicy(hold="0s", timeout="1m")
    file = saved(tmp_path, told({0: SOME}, policy), told({0: SOME}, policy))
    ran = replay(file, "--policy", "-", text='{"minHealthy": 2, "hold": "0s"}')
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count(" is healthy after 0s") == 2


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--min-healthy", "150%"], "--min-healthy must be more than 0% and at most 100%"),
        (["--hold", "2h"], "hold (2h) must be shorter than timeout (3m)"),
    ],
)
def test_wrong_usage_names_what_would_be_right(tmp_path: Path, flags: list[str], words: str) -> None:
    file = saved(tmp_path, told({0: GOOD}, GatePolicy(hold="0s", timeout="3m")))
    ran = replay(file, *flags)
    assert ran.returncode == 2
    assert words in ran.stderr
    assert ran.stdout == ""
    ran = replay(str(tmp_path / "absent.json"))
    assert ran.returncode == 2
    assert "absent.json is no evidence: No such file or directory" in ran.stderr


def test_evidence_of_no_wait_is_no_success(tmp_path: Path) -> None:
    ran = replay(saved(tmp_path))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "evidence.json is no evidence: $.waits: it is empty" in ran.stderr


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value of a JSON document."""
    yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(each, (*path, key))


def test_whatever_a_file_holds_it_is_replayed_or_refused_and_what_is_printed_harms_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = GatePolicy(hold="0s", timeout="9s")
    found = json.loads(file_text([told({0: BOOTING, 3: Unavailable("503"), 6: GOOD}, policy).text]))
    file = tmp_path / "evidence.json"
    options = _parser().parse_args(["replay", str(file)])
    refused = 0
    for *above, last in (path for path in places(found) if path):
        odds: tuple[Any, ...] = (None, 1e308, "##vso[x]\n::error::")
        for odd in odds:
            wrong = copy.deepcopy(found)
            parent = wrong
            for key in above:
                parent = parent[key]
            parent[last] = odd
            file.write_text(json.dumps(wrong))
            try:
                options.run(options, VirtualClock())
            except (ValueError, TypeError) as error:
                assert harm(str(error)) is None, (above, last, odd)  # noqa: PT017 - it is one of many
                refused += 1
    assert refused > 200
    for line in capsys.readouterr().out.splitlines():
        assert harm(line) is None
