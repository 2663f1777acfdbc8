"""The command on a terminal: the live panel, what it leaves behind, and what there is without rich."""

from __future__ import annotations

import os
import re
import signal
import sys

import pytest
from tests.cli.support import BROKEN, COMMAND, ILL, environment, put
from tests.cli.terminal import run_on_terminal

from vmss_emulator import Emulator

WITHOUT_EXTRA = [
    sys.executable,
    "-c",
    "import sys; sys.modules['rich'] = sys.modules['shtab'] = None\n"
    "from pulumi_vmss_health.cli.main import main; sys.exit(main())",
]
LOG = re.compile(r"^ +\d+s  web: ", re.MULTILINE)


def nothing(_process: int) -> None:
    """Only look."""


def test_a_wait_on_a_terminal_is_a_panel_and_leaves_its_result_alone(azure: Emulator) -> None:
    scale_set = put(azure)
    ran = run_on_terminal(
        [*COMMAND, "wait", scale_set, "--hold", "3s"],
        environment(azure),
        (lambda text: "healthy for" in text, nothing),
    )
    assert ran.code == 0
    titles, row, time = ran.seen[0].splitlines()
    assert titles.split() == ["scale", "set", "state", "VMs", "extensions", "app", "health"]
    assert re.fullmatch(r"web +healthy for \ds +3/3  all +3/3", row)
    assert re.fullmatch(r"\ds of 30m", time)
    assert re.fullmatch(r"scale set web is healthy after \ds: 3/3 VMs, appHealth 3/3", ran.screen.text)
    assert ran.screen.shows_cursor
    assert "32" in ran.screen.colours


def test_a_panel_says_which_instance_holds_a_set_up_and_the_result_is_broken_between_words(azure: Emulator) -> None:
    scale_set = put(azure)
    azure.load(BROKEN)
    ran = run_on_terminal(
        [*COMMAND, "wait", scale_set, "--confirm-failure", "2s"],
        environment(azure),
        (lambda text: "failing for" in text, nothing),
        columns=60,
    )
    assert ran.code == 1
    assert "\n  instance 2: extension app failed/1: no disk\n" in ran.seen[0]
    assert ran.screen.text.startswith("scale set web is failing, given up after ")
    prose = ran.screen.text.partition("  look closer:")[0].splitlines()
    assert len(prose) > 4
    assert all(row.startswith("  ") for row in prose[1:]), "a word that is broken goes on where a line begins"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_wipes_the_panel_away_and_gives_the_cursor_back(azure: Emulator, number: signal.Signals) -> None:
    scale_set = put(azure)
    azure.load(ILL)
    ran = run_on_terminal(
        [*COMMAND, "wait", scale_set],
        environment(azure),
        (lambda text: "instance 1: application health unhealthy" in text, lambda process: os.kill(process, number)),
    )
    assert ran.code == 130
    assert ran.screen.shows_cursor
    assert ran.screen.text.startswith("scale set web: cancelled after ")
    assert "app health" not in ran.screen.text
    assert "Traceback" not in ran.screen.text


def test_more_sets_than_rows_are_the_worst_and_how_many_more(azure: Emulator) -> None:
    sets = [put(azure, f"web{number:02}") for number in range(12)]
    azure.load({"scale_sets": {"*": {"boot": "0s", "extension": "0s"}, "web09": ILL["scale_sets"]["*"]}})
    ran = run_on_terminal(
        [*COMMAND, "wait", *sets, "--hold", "4s"],
        environment(azure),
        (lambda text: "and 11 more: 11 healthy" in text, lambda process: os.kill(process, signal.SIGINT)),
        columns=60,
        lines=6,
    )
    assert ran.code == 130
    rows = ran.seen[0].splitlines()
    assert len(rows) == 5
    assert rows[1].startswith("web09 ")
    assert rows[2].startswith("  instance 1: application health unhealthy")
    assert rows[-1].endswith("of 12 scale sets passed")
    assert ran.screen.text.count("scale set web") == 12


@pytest.mark.parametrize(
    ("command", "more"),
    [
        (WITHOUT_EXTRA, {}),
        (COMMAND, {"TERM": "dumb"}),
        pytest.param(COMMAND, {"GITHUB_ACTIONS": "true"}, marks=pytest.mark.rest),
    ],
    ids=["without rich", "TERM=dumb", "in a pipeline"],
)
def test_without_a_panel_there_are_lines(azure: Emulator, command: list[str], more: dict[str, str]) -> None:
    ran = run_on_terminal([*command, "wait", put(azure), "--hold", "0s"], environment(azure, **more))
    assert ran.code == 0
    assert LOG.search(ran.screen.text)
    assert "scale set web is healthy" in ran.screen.text
    assert "app health" not in ran.screen.text
    assert ran.screen.colours == set()
    assert "Traceback" not in ran.screen.text


def test_quiet_shows_the_result_alone(azure: Emulator) -> None:
    ran = run_on_terminal([*COMMAND, "wait", put(azure), "--hold", "0s", "--quiet"], environment(azure))
    assert ran.code == 0
    assert len(ran.screen.text.splitlines()) == 1


def test_no_color_leaves_the_panel_and_takes_its_colours(azure: Emulator) -> None:
    given = environment(azure, LANG="C.UTF-8")
    command = ["env", "NO_COLOR=1", *COMMAND, "wait", put(azure), "--hold", "2s"]
    ran = run_on_terminal(command, given, (lambda text: "healthy for" in text, nothing))
    assert ran.code == 0
    assert ran.screen.colours == set()


def test_completion_without_its_package_says_what_to_install(azure: Emulator) -> None:
    ran = run_on_terminal([*WITHOUT_EXTRA, "completion", "bash"], environment(azure))
    assert ran.code == 2
    assert "pip install 'pulumi-vmss-health[cli]'" in ran.screen.text.replace("\n", "")


def test_watch_draws_the_table_in_the_same_place_and_marks_what_changed(azure: Emulator) -> None:
    scale_set = put(azure)

    def heal(_process: int) -> None:
        azure.load(ILL)

    ran = run_on_terminal(
        [*COMMAND, "view", scale_set, "--instances", "--watch"],
        environment(azure),
        (lambda text: "Ctrl-C ends it" in text, heal),
        (lambda text: "unhealthy*" in text, lambda process: os.kill(process, signal.SIGINT)),
    )
    assert ran.code == 130
    assert ran.screen.text.count("scale set") == 1
    assert re.search(r"^1 +- +succeeded +running +unhealthy\* +yes$", ran.screen.text, re.MULTILINE)
    assert re.search(r"^\* changed at \d\d:\d\d:\d\d UTC; seen at .* UTC; next look in \ds;", ran.screen.text, re.M)
    assert ran.screen.shows_cursor
