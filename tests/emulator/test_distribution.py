"""The emulator as a user installs it: alone, without Pulumi, and with nothing but what its wheel asks for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from zipfile import Path as ZipPath
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.engine.projects import TOOLCHAIN, python_with_known_packages

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "emulator"
# Signs in and asks as any client would, with Python's own library alone.
PROGRAM = """
import json, os, urllib.parse, urllib.request
azure, subscription = os.environ["VMSS_EMULATOR_URL"], os.environ["ARM_SUBSCRIPTION_ID"]

def ask(method, url, body=None, head={}):
    with urllib.request.urlopen(urllib.request.Request(url, body, head, method=method), timeout=10) as answer:
        return json.load(answer)

form = {"grant_type": "client_credentials", "client_id": os.environ["ARM_CLIENT_ID"],
        "client_secret": os.environ["ARM_CLIENT_SECRET"], "scope": azure + "/.default"}
sign_in = azure + "/" + os.environ["ARM_TENANT_ID"] + "/oauth2/v2.0/token"
token = ask("POST", sign_in, urllib.parse.urlencode(form).encode())["access_token"]
head = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
group = azure + "/subscriptions/" + subscription + "/resourceGroups/rg"
web = group + "/providers/Microsoft.Compute/virtualMachineScaleSets/web"
ask("PUT", group + "?api-version=2024-03-01", b'{"location": "westeurope"}', head)
body = {"location": "westeurope", "sku": {"name": "Standard_B1s", "capacity": 2}}
ask("PUT", web + "?api-version=2024-11-01", json.dumps(body).encode(), head)
view = ask("GET", web + "/instanceView?api-version=2024-11-01", head=head)
print(sum(status["count"] for status in view["virtualMachine"]["statusesSummary"]))
"""
TEST = """
def test_my_tool(vmss_emulator):
    assert vmss_emulator.put_scale_set("web", capacity=3).endswith("/virtualMachineScaleSets/web")
    assert list(vmss_emulator.scale_sets) == ["web"]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, by the build backend of this environment: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(PROJECT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a new environment with the wheel, pytest, and what both ask for, lent by this environment.

    pip installs the wheel without an index: should it ask for anything more, that fails.
    """
    folder = tmp_path_factory.mktemp("user") / "venv"
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    for distribution in needed([*requirements(wheel), "pytest"]):
        for name in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            (packages / name).symlink_to(str(distribution.locate_file(name)))
    pip("--python", str(folder / "bin" / "python"), "install", "--no-index", str(wheel))
    return folder / "bin"


def requirements(wheel: Path) -> list[str]:
    """What a wheel asks for, its extras included."""
    (described,) = (folder for folder in ZipPath(wheel).iterdir() if folder.name.endswith(".dist-info"))
    return metadata.PathDistribution(described).requires or []


def needed(wanted: list[str]) -> Iterator[metadata.Distribution]:
    """The installed distributions that these requirements lead to, each once."""
    open_, seen = [Requirement(each) for each in wanted], set()
    while open_:
        one = open_.pop()
        if (one.marker is None or one.marker.evaluate({"extra": ""})) and canonicalize_name(one.name) not in seen:
            seen.add(canonicalize_name(one.name))
            found = metadata.distribution(one.name)
            open_ += map(Requirement, found.requires or [])
            yield found


def pip(*arguments: str) -> None:
    """Run pip; what it said, if it failed."""
    told = ran(Path(sys.executable), "-m", "pip", "--disable-pip-version-check", *arguments)
    assert told.returncode == 0, told.stdout + told.stderr


def ran(
    command: Path, *arguments: str | Path, folder: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as somebody whose shell knows nothing of this clone."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PY", "PULUMI_"))} | more
    words = [str(command), *map(str, arguments)]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_nothing_of_pulumi_is_installed_with_it(alone: Path) -> None:
    script = "from importlib import metadata; print(*{each.name.lower() for each in metadata.distributions()})"
    names = set(ran(alone / "python", "-c", script).stdout.split())
    assert {"vmss-emulator", "starlette", "uvicorn"} <= names
    assert [name for name in names if name.startswith(("pulumi", "grpc", "azure", "requests"))] == []


def test_the_command_tells_the_version_of_the_wheel(alone: Path, wheel: Path) -> None:
    assert ran(alone / "vmss-emulator", "--version").stdout == f"vmss-emulator {wheel.name.split('-')[1]}\n"


def test_timelines_are_listed_and_checked(alone: Path, tmp_path: Path) -> None:
    ready = ran(alone / "vmss-emulator", "timelines", "flapping").stdout
    (tmp_path / "flapping.yaml").write_text(ready)
    (tmp_path / "wrong.yaml").write_text("scale_sets: {web: {boots: 1s}}\n")
    told = ran(alone / "vmss-emulator", "check", "flapping.yaml", "wrong.yaml", folder=tmp_path)
    assert told.returncode == 1
    assert told.stdout.startswith("flapping.yaml: no mistakes\nwrong.yaml:1: scale_sets.web.boots: unknown key")
    assert "$defs" in ran(alone / "vmss-emulator", "timelines", "--schema").stdout


def test_a_program_that_needs_no_pulumi_deploys_and_reads_a_scale_set(alone: Path) -> None:
    told = ran(alone / "vmss-emulator", "exec", "--", alone / "python", "-c", PROGRAM)
    assert (told.returncode, told.stdout) == (0, "2\n"), told.stderr


def test_the_fixture_is_there_for_pytest(alone: Path, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(TEST)
    told = ran(alone / "python", "-m", "pytest", "-W", "error", "test_mine.py", folder=tmp_path)
    assert "1 passed" in told.stdout, told.stdout + told.stderr


def test_the_stand_in_for_azure_native_says_what_to_install_where_pulumi_is_missing(alone: Path) -> None:
    start = 'exec "$PULUMI_HOME"/plugins/*/pulumi-resource-azure-native 127.0.0.1:1'
    told = ran(alone / "vmss-emulator", "exec", "--", "sh", "-c", start)
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (1, "", 1)
    install = f"{alone / 'python'} -m pip install pulumi requests"
    for part in ("stand-in for azure-native", "No module named", install):
        assert part in told.stderr


@pytest.mark.engine
def test_the_engine_shows_what_the_stand_in_says(alone: Path, tmp_path: Path) -> None:
    path = os.pathsep.join([str(TOOLCHAIN), os.environ["PATH"]])
    if shutil.which("pulumi", path=path) is None:
        pytest.skip("there is no Pulumi CLI: run `make setup`, which gets or builds one")
    (tmp_path / "Pulumi.yaml").write_text("name: user\nruntime: {name: python, options: {toolchain: pip}}\n")
    group = "'azure-native:resources:ResourceGroup', 'rg', {'location': 'westeurope'}"
    (tmp_path / "__main__.py").write_text(f"import pulumi\npulumi.CustomResource({group})\n")
    story = "pulumi stack init dev --non-interactive && pulumi up --yes --skip-preview --non-interactive"
    words, python = ("exec", "--", "sh", "-c", story), str(python_with_known_packages(tmp_path))
    told = ran(alone / "vmss-emulator", *words, folder=tmp_path, PATH=path, PULUMI_PYTHON_CMD=python)
    assert told.returncode != 0
    assert "pip install pulumi requests" in told.stdout + told.stderr


def test_what_the_wheel_asks_for_without_its_extra_is_nothing_of_pulumi(wheel: Path) -> None:
    always = {canonicalize_name(one.name) for one in map(Requirement, requirements(wheel)) if one.marker is None}
    assert always == {"pyyaml", "starlette", "trustme", "uvicorn"}


def test_the_wheel_holds_the_package_its_types_its_timelines_and_its_license(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"vmss_emulator"}
    for part in ("py.typed", "timeline.schema.json", "timelines/healthy.yaml", "pulumi_plugin/start.py"):
        assert f"vmss_emulator/{part}" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_the_source_distribution_holds_the_package_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        names = {name.split("/")[1] for name in archive.getnames()}
    assert names == {"vmss_emulator", ".gitignore", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}


def test_both_distributions_have_one_version_and_one_license() -> None:
    """The version stands three times, as hatchling fills in no requirement: twice as such, once in the extra."""
    gate, emulator = ((folder / "pyproject.toml").read_text() for folder in (ROOT, PROJECT))
    versions = [re.findall(r'^version = "(.*?)"', text, re.MULTILINE) for text in (gate, emulator)]
    assert versions[0] == versions[1]
    assert [f"vmss-emulator=={versions[0][0]}"] == re.findall(r'^emulator = \["(.*)"\]', gate, re.MULTILINE)
    assert (ROOT / "LICENSE").read_text() == (PROJECT / "LICENSE").read_text()
