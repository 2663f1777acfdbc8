"""What the pages for users of az and of the command line say of requests, of exit codes, and of the panel."""

from __future__ import annotations

import re

import pytest
from tests.cli.golden import FOLDER
from tests.cli.support import AT_ONCE, BROKEN, ILL, put, run
from tests.pages import ROOT, blocks

from vmss_emulator import Emulator

PAGE = ROOT / "docs" / "from-az-vmss-wait.md"
ROWS = [[cell.strip() for cell in row.split("|")[1:-1]] for row in PAGE.read_text().splitlines() if row[:2] == "| "]
COSTS = [
    (command, int(reads))
    for *_, told, reads in ROWS
    if reads.isdigit()
    for command in re.findall(r"`vmss-health ([a-z]+ ID[^`]*)`", told)
]


@pytest.mark.parametrize(("command", "reads"), COSTS)
def test_a_command_costs_the_reads_that_the_table_says(command: str, reads: int) -> None:
    with Emulator({"scale_sets": {"*": AT_ONCE}}) as azure:
        scale_set = put(azure)
        before = len(azure.requests)
        ran = run(azure, *[scale_set if word == "ID" else word for word in command.split()])
        asked = [each for each in azure.requests[before:] if each.path.startswith("/subscriptions/")]
    assert ran.returncode == 0, ran.stderr
    assert len(asked) == reads


def test_the_table_has_each_command_that_reads() -> None:
    assert {command.split()[0] for command, _ in COSTS} == {"view", "wait"}
    assert len(COSTS) == 4


@pytest.mark.parametrize(
    ("row", "timeline", "flags"),
    [
        ("machines, extensions and application are healthy", {"scale_sets": {"*": AT_ONCE}}, []),
        ("the operation succeeded, and an application is unhealthy", ILL, ["--timeout", "2s"]),
        ("later, an extension fails on an instance", BROKEN, ["--confirm-failure", "2s"]),
        ("time is over", ILL, ["--timeout", "1s"]),
    ],
)
def test_a_wait_ends_with_the_code_that_the_table_says(row: str, timeline: dict[str, object], flags: list[str]) -> None:
    (told,) = [cells[2] for cells in ROWS if cells[0] == row]
    with Emulator({"scale_sets": {"*": AT_ONCE}}) as azure:
        scale_set = put(azure)
        azure.load(timeline)
        assert run(azure, "wait", scale_set, *flags).returncode == int(told[0])


def test_the_frame_on_the_page_is_one_that_the_panel_draws() -> None:
    (frame,) = [text for language, text in blocks(ROOT / "docs" / "command-line.md") if language == "text"]
    assert frame == (FOLDER / "panel-60.txt").read_text()
