"""What `make lock` makes of what uv resolves, and what the repository has locked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hatchling.build import get_requires_for_build_editable, get_requires_for_build_wheel
from tests.tools.support import REPOSITORY
from tools.lock import parted, pins_in, renewed
from tools.setup import PROJECTS

COMPILED = """\
anyio==4.16.0 \\
    --hash=sha256:59bb \\
    --hash=sha256:c66a
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:0869
filelock==4.1.0 ; python_full_version < '3.11' \\
    --hash=sha256:1234
"""
ANYIO = "anyio==4.16.0 \\\n    --hash=sha256:59bb \\\n    --hash=sha256:c66a\n"
FILELOCK = "filelock==4.1.0 ; python_full_version < '3.11' \\\n    --hash=sha256:1234\n"


def test_a_pin_keeps_its_marker_and_all_its_hashes_and_those_for_windows_are_left_out() -> None:
    assert pins_in(COMPILED) == [ANYIO, FILELOCK]


def test_a_pin_is_the_emulators_or_the_others_and_keeps_the_marker_that_serves_both() -> None:
    only_there = FILELOCK.replace("3.11", "3.9")
    assert parted([ANYIO, FILELOCK], [only_there]) == ([FILELOCK], [ANYIO])


def test_a_renewed_file_keeps_its_words_and_none_of_its_old_pins() -> None:
    old = "# What it is for.\n-r requirements.txt\nanyio==4.0.0 \\\n    --hash=sha256:old\n"
    assert renewed(old, [ANYIO]) == "# What it is for.\n-r requirements.txt\n" + ANYIO


@pytest.mark.parametrize("file", sorted(REPOSITORY.glob("requirements*.txt")), ids=lambda file: file.name)
def test_everything_that_is_installed_is_locked_by_version_and_hash(file: Path) -> None:
    pins = [pin for pin in pins_in(file.read_text()) if not pin.startswith(("#", "-r"))]
    assert pins
    assert [pin for pin in pins if "==" not in pin.splitlines()[0] or "--hash=sha256:" not in pin] == []


@pytest.mark.parametrize("project", PROJECTS)
def test_all_that_installing_the_clone_needs_is_locked(project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY / project)
    wanted = ["hatchling", *get_requires_for_build_wheel(), *get_requires_for_build_editable()]
    pins = (REPOSITORY / "requirements.txt").read_text().splitlines()
    for name in {re.split(r"\W", each)[0] for each in wanted}:
        assert any(pin.startswith(f"{name}==") for pin in pins), name


def test_cli_and_sdk_are_locked_to_the_same_version() -> None:
    go_mod = (REPOSITORY / "tools" / "go" / "cli" / "go.mod").read_text()
    assert len(set(re.findall(r"pulumi/pulumi/(?:pkg|sdk)/v3 (\S+)", go_mod))) == 1
