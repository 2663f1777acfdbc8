"""Wrong usage: each mistake ends with 2, and one line names the flag and what would be right."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.here import run_here

from pulumi_vmss_health import GatePolicy, ScaleSetId
from pulumi_vmss_health.cli import main as command
from pulumi_vmss_health.cli import wait
from pulumi_vmss_health.cli.exits import Exit
from pulumi_vmss_health.cli.flags.policy import policy_of
from pulumi_vmss_health.cli.flags.scale_set import scale_sets

ID = "/subscriptions/0b1f/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/web"
AMOUNT = "must be a count such as 3 or a percentage such as '90%'"
DURATION = "must look like '90s', '30m' or '1h30m' (units d, h, m, s)"
WHICH = "'auto', 'required', 'ignored'"
POLICY = [
    (["--min-healthy", "most"], f"--min-healthy {AMOUNT}, not 'most'"),
    (["--min-healthy", "0"], "--min-healthy must be at least 1, not 0"),
    (["--min-healthy", "101%"], "--min-healthy must be more than 0% and at most 100%, not '101%'"),
    (["--min-healthy", "4", "--capacity", "3"], "--min-healthy (4) must not be more than --capacity (3)"),
    (["--min-healthy-per-zone", "-1"], "--min-healthy-per-zone must be at least 1, not -1"),
    (["--capacity", "three"], "--capacity must be a whole number or none, not 'three'"),
    (["--capacity", "-1"], "--capacity must be at least 0, not -1"),
    (["--extensions", ""], "--extensions names nothing: leave it out, or give names with commas between them"),
    (["--ignore-extensions", ", ,"], "--ignore-extensions names nothing"),
    (["--extensions", "a,b", "--ignore-extensions", "b"], "--extensions and --ignore-extensions both name b"),
    (["--ignore-failure-codes", "a/b"], "--ignore-failure-codes must hold the last part of a code, such as 'b'"),
    (["--set-status", "auto,required"], f"--set-status: invalid choice: 'auto,required' (choose from {WHICH})"),
    (["--application-health", "yes"], f"--application-health: invalid choice: 'yes' (choose from {WHICH})"),
    (["--power-state", "on"], "--power-state: invalid choice: 'on' (choose from 'running', 'ignored')"),
    (["--stale-instances", "no"], "--stale-instances: invalid choice: 'no' (choose from 'auto', 'fail', 'wait'"),
    (["--rolling-upgrade", "no"], "--rolling-upgrade: invalid choice: 'no' (choose from 'wait', 'ignore')"),
    (["--timeout", "40"], f"--timeout {DURATION}, not '40'"),
    (["--timeout", "0s"], "--timeout must be longer than 0s"),
    (["--hold", "short"], f"--hold {DURATION}, not 'short'; 'auto' is allowed, too"),
    (["--hold", "5m", "--timeout", "5m"], "--hold (5m) must be shorter than --timeout (5m)"),
    (["--hold", "1h"], "--hold (1h) must be shorter than timeout (30m)"),
    (["--confirm-failure", "soon"], f"--confirm-failure {DURATION}, not 'soon'; None is allowed, too"),
    (["--confirm-failure", "5m", "--timeout", "2m"], "--confirm-failure (5m) must be shorter than --timeout (2m)"),
    (["--policy", "absent.json"], "--policy absent.json: "),
    (["--policy", "text"], "--policy text: "),
    (["--policy", "list"], '--policy list: a JSON object is needed, such as {"min_healthy": "90%"}'),
    (["--policy", ""], "--policy: it is empty: leave the flag out, or give a value"),
    (["--policy", "deep"], "--policy deep: it is nested too deeply"),
    (["--policy", "long"], "--policy long: it is no JSON: Exceeds the limit (4300"),
    (["--policy", "unknown"], "--policy unknown: policy has no field 'min_health'; it has min_healthy, "),
    (["--policy", "twice"], "--policy twice: it names minHealthy twice: give one value"),
    (["--policy", "wrong"], f"--policy wrong: timeout {DURATION}, not 'soon'"),
]
IN_PROFILE = "the body is malformed at $.properties.virtualMachineProfile"
# Bodies in which something else stands than Azure documents, by the name of a file, and what is said of each.
MALFORMED: dict[str, tuple[object, str]] = {
    "statuses": ({"statuses": 5}, "the body is malformed at $.statuses: a list belongs here, not the number 5"),
    "instances": ({"statuses": [], "instances": {}}, "its instances are no list"),
    "properties": ({"properties": 5}, "the body is malformed at $.properties: an object belongs here"),
    "null": ({"sku": {}, "properties": None}, "the body is malformed at $.properties: an object belongs here"),
    "instance": ([{"properties": None}], "the body is malformed at $.properties: an object belongs here"),
    "profile": (
        {"sku": {}, "properties": {"virtualMachineProfile": 5}},
        f"{IN_PROFILE}: an object belongs here, not the number 5",
    ),
    "extension": (
        {"sku": {}, "properties": {"virtualMachineProfile": {"extensionProfile": {"extensions": [5]}}}},
        f"{IN_PROFILE}.extensionProfile.extensions[0]: an object belongs here, not the number 5",
    ),
}
MISTAKES = [
    ([], "a command is missing: view, wait, explain, capture,"),
    (["wiat"], "invalid choice: 'wiat' (choose from 'view', 'wait', 'explain'"),
    (["wait"], "a scale set is missing: give its id, or -g GROUP -n NAME"),
    (["wait", "web"], "no leading '/' in scale set id 'web'; it looks like /subscriptions/{subscription}/"),
    (["wait", ID, ID.upper()], "the scale set WEB is given twice"),
    (["wait", ID, "-n", "web"], "give either an id, or -g and -n"),
    (["wait", ID, "--subscription", "x"], "--subscription goes with -g and -n: an id has its own"),
    (["wait", ID, "--cloud", "mars"], "unknown cloud 'mars' in --cloud: use public"),
    (["--json", "view", ID], "--json stands before the command: it goes behind it, as in vmss-health view --json"),
    (
        ["--timeout", "5m", "wait", ID],
        "--timeout stands before the command: it goes behind it, as in vmss-health COMMAND",
    ),
    (["wait", ID, "--evidence", "-"], "--evidence writes a file, for results go to standard output: give its name"),
    (["plugin"], "required: {install,uninstall}"),
    (["wait", ID, "--evidence", ""], "--evidence: it is empty: leave the flag out, or give a value"),
    (["wait", ID, "--cloud="], "--cloud: it is empty: leave the flag out, or give a value"),
    (["view", "-g", "rg", "-n", "web", "--subscription", ""], "--subscription: it is empty"),
    (["wait", ID, "--quite"], "there is no place for '--quite' (did you mean --quiet?)"),
    (["wait", ID, "--time", "5m"], "there is no place for '--time' (did you mean --timeout?)"),
    (["wait", ID, "--min_healthy=3"], "there is no place for '--min_healthy' (did you mean --min-healthy?)"),
    (["wait", ID, "--timeout"], "--timeout: expected one argument"),
    (["wait", ID, "--quiet=yes"], "--quiet: ignored explicit argument 'yes'"),
    (["view"], "a scale set is missing: give its id, or -g GROUP -n NAME"),
    (["view", ID, ID], "there is no place for '/subscriptions/"),
    (["view", "-g", "rg"], "-n NAME and --subscription ID are missing"),
    (["view", "-n", "web", "--subscription", "x"], "-g GROUP is missing"),
    (["view", ID, "--metadata-host", "a/b"], "--metadata-host must be a host name, not 'a/b'"),
    (["view", ID, "--metadata-host"], "--metadata-host: expected one argument"),
    (["view", ID, "--watch", "--json"], "--json: not allowed with argument --watch"),
    (["view", ID, "--instance"], "there is no place for '--instance' (did you mean --instances?)"),
    (["view", ID, "--timeout", "3m"], "there is no place for '--timeout'"),
    (["explain"], "required: FILE"),
    (["explain", "absent.json"], "absent.json: "),
    (["explain", "text"], "text: "),
    (["explain", "number"], "number: it is not an instance view, a list of instances, a model or a rolling upgrade"),
    (["explain", "unknown"], "unknown: it is not an instance view, a list of instances, a model or a rolling upgrade"),
    (["explain", "view", "model", "view2"], "view2: an instance view was given already, in view: give one of a kind"),
    (["explain", "model", "model"], "model: a model was given already, in model: give one of a kind, of one set"),
    (["explain", "list", "view", "page"], "page: a list of instances was given already, in list: give one of a kind"),
    (["explain", "deep"], "deep: it is nested too deeply"),
    *((["explain", name], f"{name}: {words}") for name, (_, words) in MALFORMED.items()),
    (["completion"], "required: shell"),
    (["completion", "csh"], "shell: invalid choice: 'csh' (choose from 'bash', 'zsh', 'fish')"),
    *((["wait", ID, *given], words) for given, words in POLICY),
    *((["explain", "view", *given], words) for given, words in POLICY),
]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in {
        "text": "no JSON",
        "number": "5",
        "list": "[]",
        "unknown": json.dumps({"min_health": 3}),
        "wrong": json.dumps({"timeout": "soon"}),
        "deep": "[" * 200_000,
        "long": "1" * 5_000,
        "twice": '{"minHealthy": 1, "min_healthy": 2}',
        **{name: json.dumps(body) for name, (body, _) in MALFORMED.items()},
        "page": json.dumps({"value": []}),
        "model": json.dumps({"sku": {"capacity": 1}}),
        "view2": json.dumps({"virtualMachine": {"statusesSummary": []}}),
        "view": json.dumps({"virtualMachine": {"statusesSummary": []}}),
    }.items():
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    for name in ("ARM_SUBSCRIPTION_ID", "ARM_ENVIRONMENT", "AZURE_ENVIRONMENT", "ARM_METADATA_HOSTNAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=[" ".join(given)[:60] for given, _ in MISTAKES])
def test_a_mistake_is_named_in_one_line_with_what_would_be_right(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_here(*arguments)
    assert ended.value.code == Exit.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert unquoted(words) in unquoted(line)
    assert line.startswith("vmss-health")
    assert line.endswith("--help)")


def test_an_id_may_have_white_space_around_it_and_flags_may_undo_what_a_file_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[ScaleSetId], GatePolicy]] = []

    def run(options: argparse.Namespace, _clock: object) -> Exit:
        asked.append((scale_sets(options), policy_of(options)))
        return Exit.HEALTHY

    monkeypatch.setattr(wait, "run", run)
    strict = tmp_path / "strict.json"
    strict.write_text(json.dumps({"capacity": 3, "min_healthy_per_zone": 1, "confirm_failure": "30s"}))
    none = [word for flag in ("capacity", "min-healthy-per-zone", "confirm-failure") for word in (f"--{flag}", "None")]
    assert run_here("wait", f" {ID}\r", "--policy", str(strict), *none) == 0
    assert asked == [([ScaleSetId.parse(ID)], GatePolicy(confirm_failure=None))]


def unquoted(text: str) -> str:
    """The choices as argparse of any Python names them: newer ones set no quotes."""
    return re.sub("choose from .*", lambda choices: choices.group().replace("'", ""), text)


def flags(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """Each flag that takes a value, with its command."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, each in action.choices.items():
                yield from ((f"{name} {flag}", of) for flag, of in flags(each))
        elif action.option_strings and action.nargs != 0:
            yield action.option_strings[-1], action


FLAGS = dict(flags(command._parser()))


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_without_its_value_is_named(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_here(*flag.split())
    assert ended.value.code == Exit.USAGE
    assert f"{flag.split()[-1]}: expected " in capsys.readouterr().err


def test_every_field_of_the_policy_has_a_mistake_in_the_table() -> None:
    of_policy = {flag.split()[1] for flag, action in FLAGS.items() if action.dest.startswith("policy")}
    assert of_policy - {given[0] for given, _ in POLICY} == set()
