"""How the plugin gets to where the engine looks for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pulumi_vmss_health.cli.main import main
from pulumi_vmss_health.version import __version__


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home of pulumi"))
    return tmp_path / f"home of pulumi/plugins/resource-vmss-health-v{__version__}/pulumi-resource-vmss-health"


def test_the_plugin_is_installed_into_the_cache_of_pulumi_again_and_again_and_removed(
    plugin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(["plugin", "install"]) == 0
        assert capsys.readouterr().out.strip() == str(plugin)
        assert os.access(plugin, os.X_OK)
    assert main(["plugin", "uninstall"]) == 0
    assert not plugin.parent.exists()
    assert main(["plugin", "uninstall"]) == 0
    assert "there is none in" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_one_line(plugin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugin.parents[2].write_text("a file")
    with pytest.raises(SystemExit):
        main(["plugin", "install"])
    said = capsys.readouterr().err
    assert said.startswith("vmss-health plugin: ")
    assert said.count("\n") == 1
