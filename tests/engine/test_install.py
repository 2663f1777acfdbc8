"""The package as a user installs it, and what Pulumi takes it for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.engine.projects import TOOLCHAIN, Running

ROOT = Path(__file__).parents[2]
NOT_A_PLUGIN = "pulumi_vmss_health/pulumi-plugin.json"
# Of the development environment: this clone comes from a wheel, the emulator is no part of it, and azure-native's SDK
# does have a plugin to download.
LEFT_OUT = (
    "pulumi_vmss_health",
    "_editable_impl_pulumi_vmss_health",
    "vmss_emulator",
    "_editable_impl_vmss_emulator",
    "pulumi_azure_native",
)


@dataclass(frozen=True)
class UserProject:
    """A Pulumi project whose environment has the package."""

    folder: Path
    python: Path

    def pulumi(self, *arguments: str) -> str:
        """Run a command that may download plugins, and must not want to; what it printed."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
        environment |= {
            "PATH": os.pathsep.join([str(TOOLCHAIN), os.environ["PATH"]]),
            "PULUMI_PYTHON_CMD": str(self.python),
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "HTTPS_PROXY": "http://127.0.0.1:9",  # where nobody answers: a download fails at once
        }
        ran = Running(["pulumi", *arguments, "--non-interactive"], self.folder, environment).wait()
        assert ran.code == 0, ran.output
        return ran.output


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, by the build backend of this environment: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    pip(Path(sys.executable), "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def user(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> UserProject:
    """An empty project; its environment shares every package of this one but those that are left out."""
    if not (TOOLCHAIN / "pulumi").exists() and shutil.which("pulumi") is None:
        pytest.skip("there is no Pulumi CLI: run `make setup`, which gets or builds one")
    folder = tmp_path_factory.mktemp("user")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if not each.name.startswith(LEFT_OUT):
            (packages / each.name).symlink_to(each)
    pip(python, "install", "--no-index", "--no-deps", str(wheel))
    (folder / "Pulumi.yaml").write_text("name: user\nruntime: {name: python, options: {toolchain: pip}}\n")
    (folder / "__main__.py").write_text("import pulumi_vmss_health as vmss\nvmss.GatePolicy()\n")
    project = UserProject(folder, python)
    project.pulumi("stack", "init", "dev")
    return project


def pip(python: Path, *arguments: str) -> None:
    """Run pip; what it said, if it failed."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.engine
# The other half of `pulumi install` is pip's, and asks its index.
@pytest.mark.parametrize(
    "command", ["install --no-dependencies", pytest.param("plugin install", marks=pytest.mark.rest)]
)
def test_pulumi_installs_what_a_project_needs_without_asking_for_a_plugin_of_ours(
    user: UserProject, command: str
) -> None:
    assert "vmss-health" not in user.pulumi(*command.split())


@pytest.mark.rest  # another command of Pulumi's that looks for plugins
@pytest.mark.engine
def test_pulumi_tells_of_no_plugin_of_ours(user: UserProject) -> None:
    about = json.loads(user.pulumi("about", "--json"))
    assert "vmss-health" not in {plugin["name"] for plugin in about["plugins"]}
    assert "pulumi-vmss-health" in {package["name"] for package in about["dependencies"]}


@pytest.mark.rest  # whether Pulumi does, the two above show
@pytest.mark.engine
def test_a_program_finds_the_installed_package(user: UserProject) -> None:
    assert "user-dev create" in user.pulumi("preview")


def test_the_wheel_says_in_the_package_itself_that_no_plugin_belongs_to_it(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        assert json.loads(archive.read(NOT_A_PLUGIN)) == {"resource": False}


def test_the_wheel_holds_the_reader_the_gate_and_its_command_and_no_emulator(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packages = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" not in name}
        assert packages == {"vmss_instance_view", "pulumi_vmss_health"}
        (scripts,) = [archive.read(name).decode() for name in archive.namelist() if name.endswith("entry_points.txt")]
    assert scripts.split("\n", 1)[1].strip() == "vmss-health = pulumi_vmss_health.cli.main:main"


def test_an_editable_install_says_so_where_pulumi_imports_the_package_from() -> None:
    """Pulumi from 3.226 on looks there; before, only beside what pip wrote, where an editable install has nothing."""
    file = resources.files("pulumi_vmss_health") / "pulumi-plugin.json"
    assert json.loads(file.read_text()) == {"resource": False}


def test_the_source_distribution_holds_the_packages_and_their_documents_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        names = [name.split("/", 1)[1] for name in archive.getnames()]
    assert {name.split("/")[0] for name in names} <= {
        "components", "docs", "examples", "provider",
        ".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "SECURITY.md", "pyproject.toml",
    }  # fmt: skip
    assert f"components/{NOT_A_PLUGIN}" in names
