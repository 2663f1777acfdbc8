"""Where the Pulumi CLI comes from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.tools.support import program
from tools.toolchain.cli import Way, asked_way, get_cli, is_installed, problem_on_path, ways_to_try
from tools.toolchain.clone import Clone
from tools.toolchain.steps import Problem


def install_pulumi(folder: Path, version: str = "v3.300.0") -> None:
    program(folder / "pulumi", f"echo {version}")
    program(folder / "pulumi-language-python", "")
    program(folder / "pulumi-resource-pulumi-python", "")


def test_a_new_enough_cli_on_path_is_used_and_nothing_is_made(clone: Clone, path: Path) -> None:
    install_pulumi(path)
    assert ways_to_try(clone, None, str(path)) == []
    assert not clone.toolchain.exists()


def test_an_outdated_cli_of_our_own_does_not_stay_in_front_of_the_one_on_path(clone: Clone, path: Path) -> None:
    install_pulumi(path)
    install_pulumi(clone.bin)
    assert ways_to_try(clone, None, str(path)) == []
    assert not clone.bin.exists()


def test_an_old_cli_on_path_is_not_used(path: Path) -> None:
    install_pulumi(path, "v3.100.0")
    assert "older than 3.216.0" in problem_on_path(str(path))


def test_a_cli_that_does_not_run_is_not_used(path: Path) -> None:
    install_pulumi(path)
    program(path / "pulumi", "echo no such version >&2; exit 1")
    assert "no such version" in problem_on_path(str(path))


@pytest.mark.parametrize("missing", ["pulumi-language-python", "pulumi-resource-pulumi-python"])
def test_a_cli_without_its_python_companions_is_not_used(path: Path, missing: str) -> None:
    install_pulumi(path)
    (path / missing).unlink()
    assert f"has no {missing}" in problem_on_path(str(path))


def test_companions_are_found_where_a_link_points_to(path: Path, tmp_path: Path) -> None:
    install_pulumi(tmp_path / "cellar")
    (path / "pulumi").symlink_to(tmp_path / "cellar" / "pulumi")
    assert problem_on_path(str(path)) == ""


def test_the_clones_own_bin_on_path_does_not_count_as_a_cli_on_path(clone: Clone, path: Path) -> None:
    install_pulumi(clone.bin)
    with pytest.raises(Problem, match="no pulumi on PATH"):
        ways_to_try(clone, Way.PATH, os.pathsep.join([str(clone.bin), str(path)]))


def test_without_one_on_path_the_installer_is_tried_and_then_the_source(clone: Clone, path: Path, go: Path) -> None:
    assert ways_to_try(clone, None, str(path)) == [Way.INSTALLER, Way.SOURCE]


def test_a_way_that_was_asked_for_is_the_only_one(clone: Clone, path: Path, go: Path) -> None:
    install_pulumi(path)
    assert ways_to_try(clone, Way.SOURCE, str(path)) == [Way.SOURCE]
    assert ways_to_try(clone, Way.INSTALLER, str(path)) == [Way.INSTALLER]


def test_an_unknown_way_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(Problem, match="only path, installer, source"):
        asked_way({"PULUMI_FROM": "brew"})
    assert asked_way({}) is None
    assert asked_way({"PULUMI_FROM": "path"}) is Way.PATH


def test_missing_go_is_said_before_anything_is_downloaded(
    clone: Clone, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Problem, match="golang-go"):
        ways_to_try(clone, Way.SOURCE, str(path))
    assert ways_to_try(clone, None, str(path)) == [Way.INSTALLER, Way.SOURCE]
    assert "the vendor's installer must work here, for a Pulumi CLI cannot be built" in capsys.readouterr().out


def test_where_the_installer_fails_the_cli_is_built(
    clone: Clone, path: Path, go: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(clone.venv_python, "echo the site is down; exit 1")
    get_cli(clone, [Way.INSTALLER, Way.SOURCE])
    assert "the site is down" in capsys.readouterr().out
    assert is_installed(clone, None)
    assert is_installed(clone, Way.SOURCE)
    assert not is_installed(clone, Way.INSTALLER)
    assert ways_to_try(clone, None, str(path)) == []


def test_a_cli_of_another_locked_version_is_replaced(clone: Clone, path: Path, go: Path) -> None:
    get_cli(clone, [Way.SOURCE])
    with (clone.modules / "cli" / "go.sum").open("a") as file:
        file.write("\n")
    assert not is_installed(clone, None)
    get_cli(clone, ways_to_try(clone, Way.SOURCE, str(path)))
    assert is_installed(clone, None)


def test_caches_that_a_killed_set_up_left_beside_a_whole_cli_are_removed(clone: Clone, path: Path, go: Path) -> None:
    get_cli(clone, [Way.SOURCE])
    clone.work.mkdir()
    ways_to_try(clone, None, str(path))
    assert not clone.work.exists()


def test_a_changed_launcher_is_renewed_without_a_build(clone: Clone, path: Path, go: Path) -> None:
    get_cli(clone, [Way.SOURCE])
    (clone.launchers / "pulumi-language-python").write_text("#!/bin/sh\n# changed\n")
    assert ways_to_try(clone, None, str(path)) == []
    assert "changed" in (clone.bin / "pulumi-language-python").read_text()
    assert os.access(clone.bin / "pulumi-language-python", os.X_OK)
