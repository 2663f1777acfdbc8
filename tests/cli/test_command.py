"""The command `vmss-health`, as a shell or a pipeline runs it, on the offline Azure."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.cli.support import AT_ONCE, BROKEN, COMMAND, ILL, environment, put, run
from tests.emulator.support import ArmSession
from tests.hostile import COMMANDS, harm
from tests.pages import ROOT
from tests.waiting import until

from pulumi_vmss_health.cli.main import main
from vmss_emulator import Emulator


def test_view_shows_the_view_and_the_instances_in_a_table(azure: Emulator) -> None:
    ran = run(azure, "view", put(azure, capacity=2), "--instances")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "scale set         web (Uniform, capacity 2)",
        "status            Provisioning succeeded",
        "VMs               2 succeeded",
        "extension app     2 succeeded",
        "extension health  2 succeeded",
        "",
        "instance  zone  VM         power    health   latest model",
        "0         -     succeeded  running  healthy  yes",
        "1         -     succeeded  running  healthy  yes",
    ]


@pytest.mark.parametrize(("health", "hints"), [(True, 1), (False, 0)])
def test_view_says_where_the_health_is_that_azures_view_leaves_out(azure: Emulator, health: bool, hints: int) -> None:
    ran = run(azure, "view", put(azure, capacity=2, health=health))
    assert ran.returncode == 0, ran.stderr
    hint = "application health  not in the instance view: see --instances"
    assert ran.stdout.splitlines().count(hint) == hints


@pytest.mark.parametrize("mode", ["Uniform", "Flexible"])
def test_view_prints_azures_json_and_finds_a_set_by_its_names(azure: Emulator, mode: str) -> None:
    scale_set = put(azure, orchestration_mode=mode)
    _, _, subscription, _, group, *_, name = scale_set.split("/")
    ran = run(azure, "view", "-g", group, "-n", name, "--subscription", subscription, "--json")
    assert ran.returncode == 0, ran.stderr
    counted = [{"code": "ProvisioningState/succeeded", "count": 3}]
    assert json.loads(ran.stdout)["virtualMachine"]["statusesSummary"] == counted


def test_no_text_of_a_guest_is_a_command_of_the_pipeline_that_prints_the_json(azure: Emulator) -> None:
    said = " ".join(COMMANDS)
    event = {"instances": [2], "extension": "app", "state": "failed/1", "message": said}
    azure.load({"scale_sets": {"*": {**AT_ONCE, "events": [event]}}})
    ran = run(azure, "view", put(azure), "--instances", "--json")
    assert said in json.dumps(json.loads(ran.stdout))
    assert [told for told in map(harm, ran.stdout.splitlines()) if told] == []


def test_wait_ends_with_0_when_a_set_is_healthy_and_says_on_stderr_how_it_went(azure: Emulator) -> None:
    ran = run(azure, "wait", put(azure), "--hold", "0s")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("scale set web is healthy after ")
    assert "web: healthy, holding, 3/3 VMs" in ran.stderr
    quiet = run(azure, "wait", put(azure), "--hold", "0s", "--quiet")
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_wait_ends_with_1_and_the_guests_words_when_a_set_cannot_become_healthy(azure: Emulator) -> None:
    scale_set = put(azure)
    azure.load(BROKEN)
    ran = run(azure, "wait", scale_set, "--confirm-failure", "1s")
    assert ran.returncode == 1
    first, *others = ran.stdout.splitlines()
    assert first.startswith("scale set web is failing, given up after ")
    assert any("instance 2: extension app failed/1" in line and "no disk" in line for line in others)


def test_wait_ends_with_4_when_its_time_is_over(azure: Emulator) -> None:
    scale_set = put(azure)
    azure.load(ILL)
    ran = run(azure, "wait", scale_set, "--timeout", "2s", "--confirm-failure", "none")
    assert ran.returncode == 4
    assert "instance 1: application health unhealthy" in ran.stdout


def test_view_and_wait_end_with_3_when_a_set_cannot_be_read(azure: Emulator) -> None:
    ran = run(azure, "view", put(azure).replace("/web", "/wbe"))
    assert ran.returncode == 3
    assert "HTTP 404" in ran.stderr
    assert "Traceback" not in ran.stderr
    ran = run(azure, "wait", put(azure), ARM_CLIENT_SECRET="another")
    assert ran.returncode == 3
    assert "scale set web could not be read" in ran.stdout


def test_wait_takes_several_sets_and_ends_as_the_worst_of_them(azure: Emulator, tmp_path: Path) -> None:
    good, bad = put(azure, "good"), put(azure, "bad")
    azure.load({"scale_sets": {"good": AT_ONCE, "bad": ILL["scale_sets"]["*"]}})
    summary = tmp_path / "summary.md"
    asked = ("wait", good, bad, "--hold", "0s", "--timeout", "3s")
    ran = run(azure, *asked, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert ran.returncode == 4
    assert "scale set good is healthy" in ran.stdout
    (annotation,) = [line for line in ran.stdout.splitlines() if line.startswith("::error")]
    assert annotation.startswith("::error title=Scale set not healthy::scale set bad is not healthy after 3s")
    assert [line.split(" | ")[:2] for line in summary.read_text().splitlines()[2:4]] == [
        ["| good", "yes"],
        ["| bad", "**no**"],
    ]


def test_azure_pipelines_gets_an_error_of_its_own(azure: Emulator) -> None:
    scale_set = put(azure)
    azure.load(ILL)
    ran = run(azure, "wait", scale_set, "--timeout", "1s", TF_BUILD="True")
    assert "##vso[task.logissue type=error]scale set web is not healthy" in ran.stdout


def test_a_policy_can_be_a_file_and_flags_win_over_it(azure: Emulator, tmp_path: Path) -> None:
    scale_set = put(azure)
    azure.load(ILL)
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"minHealthy": "60%", "hold": "0s", "timeout": "2s"}))
    assert run(azure, "wait", scale_set, "--policy", str(policy)).returncode == 0
    assert run(azure, "wait", scale_set, "--policy", str(policy), "--min-healthy", "3").returncode == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_wait_at_once_with_130(azure: Emulator, number: signal.Signals) -> None:
    scale_set = put(azure)
    azure.load(ILL)
    with subprocess.Popen(
        [*COMMAND, "wait", scale_set], env=environment(azure), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        until(lambda: [each for each in azure.requests if each.path.endswith("/instanceView")], bool)
        running.send_signal(number)
        out, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert "scale set web: cancelled after" in out
    assert "Traceback" not in err


def test_a_wait_that_nobody_reads_ends_as_the_set_does(azure: Emulator, tmp_path: Path) -> None:
    scale_set = put(azure)
    azure.load(ILL)
    wait = shlex.join([*COMMAND, "wait", scale_set, "--timeout", "2s"])
    for closed in ("| :", "2>&1 >/dev/null | :"):
        command = ["/bin/bash", "-c", f"{wait} {closed}; exit ${{PIPESTATUS[0]}}"]
        ran = subprocess.run(command, env=environment(azure), capture_output=True, text=True, check=False, timeout=60)
        assert ran.returncode == 4, "who closes the pipe makes a failure a success"
        assert "Traceback" not in ran.stderr
    assert run(azure, "wait", scale_set, "--timeout", "1s", GITHUB_STEP_SUMMARY=str(tmp_path)).returncode == 4


def test_a_closed_pipe_is_no_fault(azure: Emulator) -> None:
    view = shlex.join([*COMMAND, "view", put(azure), "--instances", "--json"])
    command = ["/bin/bash", "-c", f"{view} | head -1; exit ${{PIPESTATUS[0]}}"]
    ran = subprocess.run(command, env=environment(azure), capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "{\n", "")


def test_watching_ends_when_nobody_reads_it_although_nothing_changes(azure: Emulator) -> None:
    watch = shlex.join([*COMMAND, "view", put(azure), "--watch"])
    command = ["/bin/bash", "-c", f"{watch} | head -1; exit ${{PIPESTATUS[0]}}"]
    ran = subprocess.run(command, env=environment(azure), capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith(" UTC\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["wait"], "a scale set is missing: give its id, or -g GROUP -n NAME"),
        (["wait", "web"], "no leading '/' in scale set id 'web'"),
        pytest.param(["view", "-g", "rg"], "-n NAME is missing", marks=pytest.mark.rest),
        pytest.param(["view", "/x", "-g", "rg"], "give either an id, or -g and -n", marks=pytest.mark.rest),
        (["wait", "ID", "ID"], "the scale set web is given twice"),
        pytest.param(
            ["wait", "ID", "--timeout", "soon"],
            "timeout must look like '90s', '30m' or '1h30m'",
            marks=pytest.mark.rest,
        ),
        (["wait", "ID", "--min-healthy", "150%"], "--min-healthy must be more than 0% and at most 100%"),
        (["wait", "ID", "--policy", "absent.json"], "--policy absent.json: "),
        pytest.param(["explain", "absent.json"], "absent.json: ", marks=pytest.mark.rest),
        (["explain", "-"], "-: "),
        (["explain", "-", "-"], "- is given twice: standard input can be read once"),
        pytest.param(
            ["explain", "-", "--policy", "-"], "- is given twice: standard input can be", marks=pytest.mark.rest
        ),
        pytest.param(["nothing"], "invalid choice", marks=pytest.mark.rest),
    ],
)
def test_wrong_usage_ends_with_2_and_names_what_would_be_right(
    azure: Emulator, arguments: list[str], words: str
) -> None:
    scale_set = put(azure)
    ran = run(azure, *[scale_set if each == "ID" else each for each in arguments], text="no JSON")
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize("words", [["view"], ["wait"], pytest.param(["capture"], marks=pytest.mark.rest)])
def test_what_is_wrong_with_the_environment_is_no_wrong_usage(
    azure: Emulator, tmp_path: Path, words: list[str]
) -> None:
    folder = [str(tmp_path / "captured")] if words == ["capture"] else []
    ran = run(azure, *words, put(azure), *folder, REQUESTS_CA_BUNDLE=str(tmp_path / "absent.pem"))
    assert ran.returncode == 3
    assert "no trusted authorities" in ran.stdout + ran.stderr
    assert "--help" not in ran.stderr


def test_an_unknown_cloud_is_wrong_usage_whatever_the_variables_say(azure: Emulator) -> None:
    ran = run(azure, "wait", put(azure), "--cloud", "mars", VMSS_EMULATOR_URL="")
    assert ran.returncode == 2
    assert "unknown cloud 'mars'" in ran.stderr
    assert azure.requests == ()


def snake(value: Any) -> Any:
    """JSON as an SDK for Python spells it."""
    if isinstance(value, list):
        return [snake(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    parts = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
    return {parts.sub("_", key).lower(): snake(each) for key, each in value.items()}


def flat(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource as az prints it."""
    properties = dict(resource["properties"])
    profile = properties.get("virtualMachineProfile", {}).get("extensionProfile", {})
    if profile:
        profile["extensions"] = [flat(each) for each in profile["extensions"]]
    return {**{key: value for key, value in resource.items() if key != "properties"}, **properties}


@pytest.mark.parametrize("spelling", ["rest", "az", "sdk"])
@pytest.mark.parametrize(("state", "code"), [pytest.param("healthy", 0, marks=pytest.mark.rest), ("progressing", 1)])
def test_explain_judges_saved_bodies_of_every_spelling_as_the_gate_does(
    azure: Emulator, tmp_path: Path, spelling: str, state: str, code: int
) -> None:
    azure.load({"scale_sets": {"*": AT_ONCE}} if state == "healthy" else ILL)
    put(azure)
    arm = ArmSession(azure)
    until(lambda: arm.get(arm.set_id), lambda body: body["properties"]["provisioningState"] == "Succeeded")
    model, view = arm.get(arm.set_id), arm.get(f"{arm.set_id}/instanceView")
    instances = arm.get(f"{arm.set_id}/virtualMachines", expand="instanceView")["value"]
    arm.close()
    if spelling != "rest":
        model, instances = flat(model), [flat(each) for each in instances]
    bodies = {"model": model, "view": view, "instances": instances}
    for name, body in bodies.items():
        (tmp_path / name).write_text(json.dumps(snake(body) if spelling == "sdk" else body))
    ran = run(azure, "explain", *(str(tmp_path / name) for name in bodies))
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert ran.stdout.startswith(f"{state}: ")
    assert ("instance 1: application health unhealthy" in ran.stdout) == (state != "healthy")


def test_explain_says_what_a_view_alone_leaves_unjudged(azure: Emulator) -> None:
    view = run(azure, "view", put(azure), "--json").stdout
    ran = run(azure, "explain", "-", "--capacity", "3", text=view)
    assert ran.returncode == 1
    assert ran.stdout.startswith("not judged: 3/3 VMs")
    assert "power" in ran.stdout.splitlines()[-2]
    assert ran.stdout.endswith("\n  next: give, too: the list of instances, with their views; the model\n")


@pytest.mark.parametrize(
    ("bodies", "lacking"),
    [
        (["instances"], "the instance view; the model"),
        (["view_without_extensions", "instances"], "the model"),
        (["scale_set"], "the instance view; the list of instances, with their views"),
        (["rolling_upgrade"], "the instance view; the list of instances, with their views; the model"),
        (["scale_set", "instances"], None),
    ],
)
def test_explain_says_which_bodies_would_let_the_rest_be_judged(
    bodies: list[str], lacking: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", *(str(ROOT / "tests" / "bodies" / f"{name}.json") for name in bodies)]) == 1
    told = [line for line in capsys.readouterr().out.splitlines() if "give, too" in line]
    assert told == ([f"  next: give, too: {lacking}"] if lacking else [])
