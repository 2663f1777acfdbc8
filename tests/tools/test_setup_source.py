"""Building the CLI from locked modules, with a go that builds in no time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.tools.support import program
from tools.toolchain import source
from tools.toolchain.cli import Way, get_cli, is_installed
from tools.toolchain.clone import Clone
from tools.toolchain.steps import Problem

PROGRAMS = [
    "pulumi",
    "pulumi-language-python",
    "pulumi-language-python-exec",
    "pulumi-language-python.real",
    "pulumi-resource-pulumi-python",
    "pulumi-resource-pulumi-python.real",
]


def test_a_build_leaves_the_programs_and_nothing_else(clone: Clone, go: Path) -> None:
    get_cli(clone, [Way.SOURCE])
    assert sorted(file.name for file in clone.bin.glob("pulumi*")) == PROGRAMS
    assert [folder.name for folder in clone.toolchain.iterdir()] == ["bin"]


def test_a_build_keeps_its_caches_in_the_clone_and_to_the_lock(clone: Clone, go: Path, tmp_path: Path) -> None:
    get_cli(clone, [Way.SOURCE])
    for line in (tmp_path / "go.log").read_text().splitlines():
        assert line.count(str(clone.work)) == 4  # three caches and the output
        assert " off build -mod=readonly" in line


def test_an_interrupted_build_is_redone_and_nobody_finds_the_half_of_it(clone: Clone, go: Path) -> None:
    whole = go.read_text()
    program(
        go, whole.replace("touch", "case $2 in *real) touch; touch").replace('"$2" ;;', '"$2" ;; *) exit 1; esac ;;')
    )
    with pytest.raises(Problem, match="go build ended with exit code 1"):
        get_cli(clone, [Way.SOURCE])
    assert not clone.bin.exists()
    go.write_text(whole)
    get_cli(clone, [Way.SOURCE])
    assert is_installed(clone, None)


def test_too_little_room_is_said_before_anything_is_downloaded(
    clone: Clone, go: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(source, "SPACE", 1e18)
    with pytest.raises(Problem, match="GB of disk"):
        source.build(clone)
    assert not (tmp_path / "go.log").exists()


def test_go_is_asked_for_its_version_where_no_module_makes_it_switch(clone: Clone, path: Path) -> None:
    program(path / "go", """[ "$PWD" = / ] && echo '{"GOVERSION": "go1.22.1", "GOTOOLCHAIN": "auto"}'""")
    assert source.problem(clone) == ""


def test_a_folder_with_read_only_folders_inside_is_removed(clone: Clone, go: Path) -> None:
    modules = clone.work / "modules"
    (modules / "toolchain").mkdir(parents=True)
    (modules / "toolchain" / "go").touch()
    (modules / "toolchain").chmod(0o500)
    get_cli(clone, [Way.SOURCE])
    assert not clone.work.exists()
    assert os.access(clone.bin / "pulumi-language-python", os.X_OK)
