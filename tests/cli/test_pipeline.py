"""What GitHub Actions and Azure Pipelines get of a wait. Neither was there: their documents say what they obey."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.cli.support import AT_ONCE, ILL, put, run
from tests.clocks import VirtualClock
from tests.gate.test_hostile_text import SETS, places, snapshot_of, with_text
from tests.hostile import EVERYTHING, harm

from pulumi_vmss_health import GatePolicy, evaluate
from pulumi_vmss_health.cli import wait
from pulumi_vmss_health.cli.console import pipeline
from pulumi_vmss_health.waiting.ending import Ending
from pulumi_vmss_health.waiting.memory import Progress
from pulumi_vmss_health.waiting.watch import Outcome
from vmss_emulator import Emulator
from vmss_instance_view import ScaleSetId

SERVICES = {
    "GitHub": ({"GITHUB_ACTIONS": "true"}, "::group::", "::endgroup::"),
    "Azure": ({"TF_BUILD": "True"}, "##[group]", "##[endgroup]"),
}
WEB = ScaleSetId("0b1f", "rg", "web")


@pytest.mark.parametrize("service", SERVICES)
def test_progress_is_one_group_and_results_come_after_it_in_the_order_that_was_asked_for(
    azure: Emulator, service: str
) -> None:
    given, begin, end = SERVICES[service]
    sets = [put(azure, name) for name in ("late", "bad", "good")]
    azure.load({"scale_sets": {"*": AT_ONCE, "late": {**AT_ONCE, "healthy": "2s"}, "bad": ILL["scale_sets"]["*"]}})
    ran = run(azure, "wait", *sets, "--hold", "0s", "--timeout", "4s", **given)
    assert ran.returncode == 4
    first, *lines, last = ran.stderr.splitlines()
    assert (first, last) == (f"{begin}waiting for 3 scale sets", end)
    assert all(re.match(r" +\d+s  (late|bad|good): ", line) for line in lines)
    assert sum(": ended: scale set " in line for line in lines) == 3
    headlines = [line for line in ran.stdout.splitlines() if line.startswith("scale set ")]
    assert [line.split()[2] for line in headlines] == ["late", "bad", "good"]


@pytest.mark.parametrize("service", SERVICES)
def test_quiet_opens_no_group(azure: Emulator, service: str) -> None:
    ran = run(azure, "wait", put(azure), "--hold", "0s", "--quiet", **SERVICES[service][0])
    assert (ran.returncode, ran.stderr) == (0, "")


def test_azure_pipelines_is_given_a_summary_that_lies_where_its_agent_cleans_up(
    azure: Emulator, tmp_path: Path
) -> None:
    good, bad = put(azure, "good"), put(azure, "bad")
    azure.load({"scale_sets": {"*": AT_ONCE, "bad": ILL["scale_sets"]["*"]}})
    ran = run(
        azure, "wait", good, bad, "--hold", "0s", "--timeout", "2s", TF_BUILD="True", AGENT_TEMPDIRECTORY=str(tmp_path)
    )
    assert ran.returncode == 4
    (file,) = tmp_path.iterdir()
    assert ran.stdout.splitlines()[-1] == f"##vso[task.uploadsummary]{file}"
    assert file.suffix == ".md"
    told = file.read_text().splitlines()
    assert [line.split(" | ")[:2] for line in told[2:4]] == [["| good", "yes"], ["| bad", "**no**"]]
    assert told[4:7] == ["", "**bad**", ""]
    assert told[7].startswith("- instance 1: application health unhealthy")
    assert any(line.startswith("- look closer: `az vmss list-instances -g rg -n bad ") for line in told)


@pytest.mark.parametrize("given", [{"GITHUB_STEP_SUMMARY": "/no/such/file"}, {"AGENT_TEMPDIRECTORY": "/no/such"}])
def test_a_summary_that_cannot_be_written_is_said_and_changes_no_exit_code(
    azure: Emulator, given: dict[str, str]
) -> None:
    ran = run(azure, "wait", put(azure), "--hold", "0s", TF_BUILD="True", **given)
    assert ran.returncode == 0
    assert "the job's summary could not be written: " in ran.stderr


def test_sets_of_one_name_are_told_apart_by_their_groups(azure: Emulator) -> None:
    one = put(azure)
    ran = run(azure, "wait", one, one.replace("/rg/", "/other/"), "--timeout", "1s")
    assert re.search(r"^ +\d+s  rg/web: ", ran.stderr, re.MULTILINE)
    assert re.search(r"^ +\d+s  other/web: ", ran.stderr, re.MULTILINE)


def outcomes() -> list[Outcome]:
    """The end of waits for sets in which every text of Azure's is hostile."""
    found = []
    for body in SETS.values():
        hostile = copy.deepcopy(body)
        for place in places(body):
            with_text(hostile, place, "{0}/{1}" if body is SETS["failing"] else "{1}", EVERYTHING)
        seen = snapshot_of(hostile)
        for ending in Ending:
            found.append(Outcome(ending, Progress(80, 1200, 9, seen, evaluate(seen, GatePolicy()))))
    return found


OUR_OWN = re.compile(
    r"::group::waiting for .*|::endgroup::|##\[group\]waiting for .*|##\[endgroup\]"
    r"|::error title=Scale set not healthy::(?P<github>.*)|##vso\[task\.logissue type=error\](?P<azure>.*)"
    r"|##vso\[task\.uploadsummary\]/\S+\.md"
)


def foreign(line: str) -> Sequence[str]:
    """The parts of a line that are not a command of ours: none of them may be one."""
    own = OUR_OWN.fullmatch(line)
    if not own:
        return [line]
    assert "::group" not in (own["github"] or "")[:7]
    return [*(own["github"] or "").split("%0A"), own["azure"] or ""]


@pytest.mark.parametrize("service", SERVICES)
def test_no_text_of_azures_is_a_command_of_the_pipeline(
    service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, value in SERVICES[service][0].items():
        monkeypatch.setenv(name, value)
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("AGENT_TEMPDIRECTORY", str(tmp_path))
    for outcome in outcomes():
        with wait._showing(["web", "api"], 1200, VirtualClock(), is_quiet=False) as shown:
            shown.report(0)(outcome.progress)
            shown.ended(0, outcome)
        lines = wait._result_lines(outcome, WEB, WEB.name, "https://portal.azure.com")
        print("\n  ".join(lines))
        pipeline.annotate(lines)
        pipeline.summarize([("web", outcome, lines)])
    printed = capsys.readouterr()
    for line in [*printed.out.splitlines(), *printed.err.splitlines()]:
        for part in foreign(line):
            assert harm(part) is None
    for line in summary.read_text().splitlines():
        assert harm(line.lstrip("- |")) is None
        assert line.startswith("|") or line.count("|") == line.count("\\|")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![x](http://evil)", r"\!\[x\](http://evil)"),
        ("<img src=x>|", r"\<img src=x\>\|"),
        ("next: `az vmss list -o table | cat`", r"next: `az vmss list -o table \| cat`"),
        ("` [x](u) ```", r"\` \[x\](u) \`\`\`"),
        ("a_b*c#~", r"a\_b\*c\#\~"),
    ],
)
def test_a_text_in_the_summary_shows_as_it_is(text: str, shown: str) -> None:
    assert pipeline._text(text) == shown
