"""Which Python sets the project up."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from tests.tools.support import REPOSITORY, program
from tools.setup import advice, choose, is_supported, version_of


def make(tmp_path: Path, version: str) -> str:
    name = "python" + "".join(version.split()[:2])
    return str(program(tmp_path / name, f"echo {version}"))


@pytest.mark.parametrize(
    ("version", "supported"), [((3, 9, 18), False), ((3, 10), True), ((3, 13, 9), True), ((3, 14), False)]
)
def test_only_tried_versions_are_supported(version: tuple[int, ...], supported: bool) -> None:
    assert is_supported(version) is supported


def test_the_python_that_was_asked_for_is_taken(tmp_path: Path) -> None:
    asked = make(tmp_path, "3 12 1")
    assert choose(asked, sys.executable, []) == asked


def test_an_unsuitable_python_that_was_asked_for_is_not_replaced_by_another(tmp_path: Path) -> None:
    assert choose(make(tmp_path, "3 9 18"), sys.executable, [sys.executable]) == ""


def test_the_usual_python3_is_kept_when_it_is_suitable(tmp_path: Path) -> None:
    assert choose("", sys.executable, [make(tmp_path, "3 13 0")]) == sys.executable


def test_the_newest_suitable_one_replaces_an_unsuitable_python3(tmp_path: Path) -> None:
    old, new, other = (make(tmp_path, version) for version in ("3 9 18", "3 12 1", "3 11 7"))
    assert choose("", old, [new, other]) == new


def test_a_command_that_promises_a_python_and_does_not_run_is_passed_over(tmp_path: Path) -> None:
    shim = str(program(tmp_path / "python3.13", "echo not installed >&2; exit 127"))
    assert version_of(shim) == ()
    assert choose("", shim, [make(tmp_path, "3 11 7")]).endswith("python311")


def test_without_a_suitable_python_one_message_names_the_package_and_the_variable(tmp_path: Path) -> None:
    text = advice(make(tmp_path, "3 9 18"))
    assert "3.10 to 3.13" in text
    assert "is 3.9.18" in text
    assert "python3-venv" in text
    assert "PYTHON=" in text


def test_a_python_that_does_not_exist_is_called_that() -> None:
    assert "/nowhere/python does not run" in advice("/nowhere/python")


def test_an_old_python_can_read_the_entry() -> None:
    ast.parse((REPOSITORY / "tools" / "setup.py").read_text(), feature_version=(3, 6))
