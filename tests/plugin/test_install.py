"""How the plugin gets to where the engine looks for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc
from tests.pages import ROOT
from yaml import safe_load

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


def test_the_folder_that_pulumi_runs_from_source_serves_this_version_and_needs_this_repository_alone() -> None:
    folder = ROOT / "plugin"
    assert safe_load((folder / "PulumiPlugin.yaml").read_text())["runtime"]["name"] == "python"
    (wanted,) = [each for each in (folder / "requirements.txt").read_text().splitlines() if not each.startswith("#")]
    assert (folder / wanted / "pyproject.toml").samefile(ROOT / "pyproject.toml")
    # The engine's address is the last argument: nobody serves this one, and the plugin asks it for nothing.
    started = subprocess.Popen([sys.executable, "-u", folder, "127.0.0.1:9"], stdout=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        with started.stdout, grpc.insecure_channel(f"127.0.0.1:{int(started.stdout.readline())}") as channel:
            info = provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(empty_pb2.Empty(), timeout=20)
    finally:
        started.terminate()
        started.wait(20)
    assert info.version == __version__


def test_the_root_of_the_repository_is_no_plugin_for_its_main_is_a_program() -> None:
    assert not (ROOT / "PulumiPlugin.yaml").exists()
