"""The scripts that complete words in a shell: each shell can read its own, and bash, asked for words, gives them."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.here import run_here

from pulumi_vmss_health.cli import main as command
from pulumi_vmss_health.cli.console.completion import SHELLS

SHELLS_HERE = [
    pytest.param(
        shell, marks=pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed on this machine")
    )
    for shell in SHELLS
]
# Asks bash for what it would offer at the end of a line, as its own completion does.
ASK = """
source "$1"; shift
compopt() { :; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
$(complete -p vmss-health | sed 's/.* -F \\([^ ]*\\) .*/\\1/') vmss-health
printf '%s\\n' "${COMPREPLY[@]}"
"""


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run_here("completion", shell) == 0
    return capsys.readouterr().out


@pytest.fixture
def bash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    file = tmp_path / "completion.bash"
    file.write_text(script("bash", capsys))
    return file


def offered(file: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    ran = subprocess.run(
        ["/bin/bash", "-c", ASK, "ask", str(file), "vmss-health", *words],
        capture_output=True, text=True, check=True, timeout=20, cwd=file.parent,
    )  # fmt: skip
    assert ran.stderr == ""
    return ran.stdout.split()


def words_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Every command and every long flag."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, each in action.choices.items():
                yield name
                yield from words_of(each)
        yield from (flag.lstrip("-") for flag in action.option_strings if flag.startswith("--"))


@pytest.mark.parametrize("shell", SHELLS_HERE)
def test_a_shell_can_read_its_script(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "completion"
    file.write_text(script(shell, capsys))
    subprocess.run([shell, "-n", str(file)], check=True, timeout=20)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_has_every_command_and_every_flag(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    wanted = set(words_of(command._parser()))
    assert {"view", "wait", "explain", "min-healthy", "watch"} <= wanted
    assert {word for word in wanted if word not in text} == set()


@pytest.mark.parametrize(
    ("words", "some", "never"),
    [
        (("",), {"view", "wait", "explain", "completion"}, {"--json"}),
        (("wa",), {"wait"}, {"view"}),
        (("view", "--"), {"--json", "--watch", "--instances", "--resource-group"}, {"--timeout"}),
        (("wait", "--min"), {"--min-healthy", "--min-healthy-per-zone"}, {"--json"}),
        (("wait", "/id", "--stale-instances", ""), {"auto", "fail", "wait", "ignore"}, {"running"}),
        (("wait", "--power-state", "r"), {"running"}, {"ignored"}),
        (("completion", ""), {"bash", "zsh", "fish"}, {"wait"}),
        (("wait", "--policy", "pol"), {"policy.json"}, {"--policy"}),
        (("explain", "v"), {"view.json"}, {"policy.json"}),
        (("replay", "v"), {"view.json"}, {"policy.json"}),
        (("report", "v"), {"view.json"}, {"policy.json"}),
    ],
)
def test_bash_completes_commands_flags_words_and_files(
    bash: Path, words: tuple[str, ...], some: set[str], never: set[str]
) -> None:
    for name in ("policy.json", "view.json"):
        (bash.parent / name).touch()
    found = set(offered(bash, *words))
    assert some <= found
    assert not never & found


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed on this machine")
def test_fish_completes_commands_and_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "completion.fish"
    file.write_text(script("fish", capsys))
    for line, some in (("vmss-health ", {"view", "wait"}), ("vmss-health wait --min", {"--min-healthy"})):
        ran = subprocess.run(
            [shutil.which("fish") or "", "--no-config", "-c", f"source {file}; complete -C '{line}'"],
            capture_output=True, text=True, check=True, timeout=20,
        )  # fmt: skip
        assert some <= {each.split("\t")[0] for each in ran.stdout.splitlines()}
