"""The vendor's installer, against a stub of the SDK that calls it: the real site was never tried."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.tools.support import comes_true, is_running, program
from tools.toolchain.cli import Way, get_cli, is_installed
from tools.toolchain.clone import Clone
from tools.toolchain.installer import install
from tools.toolchain.steps import Problem

STUB = """
import os, pathlib, subprocess, time

class PulumiCommand:
    @classmethod
    def install(cls, root, version):
        bin = pathlib.Path(root, "bin")
        bin.mkdir(parents=True)
        (bin / "pulumi").write_text(version)
        {then}
"""
WHOLE = "[(bin / name).touch() for name in ('pulumi-language-python', 'pulumi-resource-pulumi-python')]"


@pytest.fixture
def sdk(clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stub is written; the clone's Python finds it before the real SDK."""
    folder = tmp_path / "stub"
    (folder / "pulumi").mkdir(parents=True)
    (folder / "pulumi" / "__init__.py").touch()
    (folder / "semver.py").write_text("class VersionInfo:\n    parse = str\n")
    program(clone.venv_python, f'exec "{sys.executable}" "$@"')
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder / "pulumi" / "automation.py"


def test_what_the_installer_brought_is_put_in_place(clone: Clone, sdk: Path) -> None:
    sdk.write_text(STUB.format(then=WHOLE))
    get_cli(clone, [Way.INSTALLER])
    assert is_installed(clone, Way.INSTALLER)
    assert (clone.bin / "pulumi").read_text() == "3.259.0"
    assert [folder.name for folder in clone.toolchain.iterdir()] == ["bin"]


def test_a_failing_installer_is_quoted_and_leaves_nothing(clone: Clone, sdk: Path) -> None:
    sdk.write_text(STUB.format(then="subprocess.check_output(['sh', '-c', 'echo no curl here; exit 3'])"))
    with pytest.raises(Problem, match=r"no curl here\n(.*\n)*.*ended with exit code 3"):
        install(clone)
    assert list(clone.work.iterdir()) == []


def test_a_site_out_of_reach_is_called_that(clone: Clone, sdk: Path) -> None:
    sdk.write_text(STUB.format(then="raise OSError('Name or service not known')"))
    with pytest.raises(Problem, match="cannot be fetched: Name or service not known"):
        install(clone)


def test_an_installer_that_forgets_the_language_host_is_not_believed(clone: Clone, sdk: Path) -> None:
    sdk.write_text(STUB.format(then="pass"))
    with pytest.raises(Problem, match="without pulumi-language-python"):
        install(clone)
    assert list(clone.work.iterdir()) == []


def test_an_installer_that_hangs_is_ended_with_all_that_it_started(clone: Clone, sdk: Path, tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    command = f"['sh', '-c', 'echo half done; echo $$ > {noted}; exec sleep 100']"
    sdk.write_text(STUB.format(then=f"subprocess.run({command})"))
    with pytest.raises(Problem, match=r"did not end within 2 s:\n *half done"):
        install(clone, limit=2)
    assert comes_true(lambda: not is_running(int(noted.read_text())))
    assert list(clone.work.iterdir()) == []
