"""Building the language host for YAML, with a go that builds in no time."""

from __future__ import annotations

from pathlib import Path

from tools.toolchain.clone import Clone
from tools.yaml_host import NAME, YAML, build


def test_it_is_built_of_its_locked_version_beside_the_cli_and_leaves_no_caches(
    clone: Clone, go: Path, tmp_path: Path
) -> None:
    build(clone)
    assert (clone.bin / NAME).exists()
    assert not clone.work.exists()
    assert f"-X {YAML}/pkg/version.Version=v1." in (tmp_path / "go.log").read_text()


def test_what_it_is_built_of_does_not_make_an_installed_cli_outdated(clone: Clone) -> None:
    assert not list(clone.modules.glob("yaml*"))
    assert (clone.root / "tools" / "yaml-host" / "go.sum").exists()
