"""Shell commands of the documents: taken apart, and each checked by what knows its options."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator

from pip._internal.commands import create_command
from tests.pages import ROOT

from pulumi_vmss_health.cli import main as health
from vmss_emulator import cli

_SUBSTITUTION = re.compile(r"\$\(([^()]*)\)")
_BASH = shutil.which("bash") or "bash"
_JQ = shutil.which("jq")
_ENDS = re.compile(r"[;&|<>()]+")
_KEYWORDS = {"if", "then", "else", "fi", "do", "done", "!"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
# What every shell has, or every reader knows.
_ORDINARY = {"export", "echo", "cat", "cd", "ls", "bash", "exit", "test", "[", "curl", "git", "./my-tool", ".ci/run"}
# az is in no requirements file; `make clients` runs the first five, and others that gates print.
_AZ = {
    "vmss wait", "vmss list-instances", "vmss get-instance-view", "vmss list", "vmss update-instances",
    "login", "cloud register", "cloud set", "account show", "role definition create", "role assignment create",
}  # fmt: skip
_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
_STACK = {"type": "pulumi:pulumi:Stack"}
_GATE = {
    "type": "pulumi-python:dynamic/vmss-health:HealthGate",
    "outputs": {"state": "failing", "message": "m", "reasons": [{"message": "r"}], "evidence": {}},
}
_FLEET = {**_GATE, "type": "pulumi-python:dynamic/vmss-health:FleetGate"}


def simple_commands(script: str) -> Iterator[list[str]]:
    """The words of each simple command of a script, also of those in `$(…)`; redirections end a command."""
    script = script.replace("\\\n", " ")
    for inner in _SUBSTITUTION.findall(script):
        yield from simple_commands(inner)
    for line in _SUBSTITUTION.sub("SUBSTITUTED", script).splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        redirected = False
        for token in [*lexer, ";"]:
            if _ENDS.fullmatch(token):
                if words and not redirected:
                    yield words
                redirected, words = token.startswith((">", "<")), []
            elif words or not (token in _KEYWORDS or _ASSIGNMENT.fullmatch(token)):
                words.append(token)


def typed(console: str) -> str:
    """What a transcript shows as typed: the lines behind a prompt, and those that continue them."""
    lines, goes_on = [], False
    for line in console.splitlines():
        if line.startswith("$ ") or goes_on:
            lines.append(line.removeprefix("$ "))
            goes_on = line.endswith("\\")
    return "\n".join(lines)


def check(script: str) -> None:
    """Is each command one that exists, with options that it has? Raises AssertionError with the command."""
    subprocess.run([_BASH, "-n"], input=script, text=True, check=True)
    for words in simple_commands(script):
        check_words(words)


def check_words(words: list[str]) -> None:
    """As `check`, for the words of one command."""
    name = words[0]
    if name in _ORDINARY:
        return
    assert name in _CHECKS, f"nothing checks the command {shlex.join(words)}"
    _CHECKS[name](words[1:])


def _make(arguments: list[str]) -> None:
    targets = [each for each in arguments if not _ASSIGNMENT.fullmatch(each)]
    assert set(targets) <= _TARGETS, targets


def _emulator(arguments: list[str]) -> None:
    options = cli._parser().parse_args(arguments)
    if command := getattr(options, "command", None):
        check_words([each for each in command if each != "--"])


def _health(arguments: list[str]) -> None:
    health._parser().parse_args(arguments)


def _pip(arguments: list[str]) -> None:
    create_command(arguments[0]).parse_args(arguments[1:])


def _python(arguments: list[str]) -> None:
    match arguments:
        case ["-m", "pip", *rest]:
            _pip(rest)
        case ["-c", program]:
            compile(program, "a document", "exec")
        case _:
            assert arguments[:2] in (["-m", "certifi"], ["-m", "venv"]), arguments


def _shell(arguments: list[str]) -> None:
    assert arguments[0] == "-c", arguments
    check(arguments[1])


def _az(arguments: list[str]) -> None:
    named = " ".join(word for word in arguments if not word.startswith("-"))
    assert any(named == known or named.startswith(f"{known} ") for known in _AZ), arguments


def _jq(arguments: list[str]) -> None:
    if _JQ is None:
        return  # the same filters run on a real state in tests/engine/test_documents.py, which skips and says so
    words = [each for each in arguments if not each.endswith(".json")]
    is_of_gates = len(words) < len(arguments)
    sample = [_GATE["outputs"]] if is_of_gates else {"deployment": {"resources": [_STACK, _GATE, _FLEET]}}
    ran = subprocess.run([_JQ, *words], input=json.dumps(sample), text=True, capture_output=True, check=False)
    assert ran.returncode in (0, 1), ran.stderr  # 1: what --exit-status makes of false
    assert is_of_gates or ran.stdout.count('"failing"') == 2, "it leaves out the gate of one set, or that of a fleet"
    assert "failing" in ran.stdout or "m\n" in ran.stdout or ran.stdout == "false\n", ran.stdout


def _nothing(_arguments: list[str]) -> None:
    """Pulumi's own help knows them: tests/engine/test_documents.py."""


_CHECKS: dict[str, Callable[[list[str]], None]] = {
    "make": _make,
    "vmss-emulator": _emulator,
    "vmss-health": _health,
    "pip": _pip,
    "python": _python,
    "python3": _python,
    "pytest": _nothing,
    "sh": _shell,
    "az": _az,
    "jq": _jq,
    "pulumi": _nothing,
}
