"""The clients: what each needs on the machine, how its environment is made, and how it is told to do an operation."""

from __future__ import annotations

import hashlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
HOME = Path(__file__).parents[3] / ".clients"
ALL = ("view", "show", "list", "restart")


@dataclass(frozen=True)
class Client:
    """A client of Azure.

    Attributes:
        name: of its package.
        command: the words that do an operation on a scale set (of resource group rg) by its name.
        operations: those that it can do.
        folder: of its program, here, and of its environment, below `.clients`.
        needs: programs that must be on the machine.
        steps: commands that make the environment, in order; what they install has exact versions.
        flat: it shows the properties of a resource beside its name.
    """

    name: str
    command: Callable[[str, str], list[str]]
    operations: tuple[str, ...] = ALL
    folder: str = ""
    needs: tuple[str, ...] = ()
    steps: tuple[list[str], ...] = ()
    flat: bool = False

    @property
    def missing(self) -> list[str]:
        """The programs that it needs and this machine lacks."""
        return [program for program in self.needs if shutil.which(program) is None]

    def prepare(self) -> None:
        """Make its environment anew, unless it was made by the same steps from the same files before."""
        if not self.steps:
            return
        home, program = HOME / self.folder, HERE / self.folder
        files = sorted(each for each in program.glob("*") if each.is_file())  # Python may have left its cache there
        made_by = hashlib.sha256(repr([self.steps, [file.read_bytes() for file in files]]).encode()).hexdigest()
        complete = home / "complete"
        if complete.exists() and complete.read_text(encoding="utf-8") == made_by:
            return
        print(f"making the environment of {self.name} ...", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for file in files:
            shutil.copy(file, home)
        for step in self.steps:
            # What a step says is told only if it fails: pip complains of all that this az is made without.
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                sys.exit(f"the environment of {self.name} cannot be made: {' '.join(step)}\n{done.stdout}{done.stderr}")
        complete.write_text(made_by, encoding="utf-8")


def _venv(folder: str, *installs: list[str]) -> tuple[list[str], ...]:
    """The steps to a Python environment."""
    pip = [_python(folder), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    return ([sys.executable, "-m", "venv", str(HOME / folder)], *([*pip, *packages] for packages in installs))


def _python(folder: str) -> str:
    return str(HOME / folder / "bin" / "python")


def az(line: str) -> list[str]:
    """The words of an az command that prints JSON."""
    return [*printed(f"az {line}"), "-o", "json"]


def printed(line: str) -> list[str]:
    """The words of an az command, as a shell would take it."""
    return [_python("az"), "-m", "azure.cli", *shlex.split(line)[1:]]


_AZ_LINES = {
    "view": "vmss get-instance-view -g rg -n {}",
    "show": "vmss show -g rg -n {}",
    "list": "vmss list-instances -g rg -n {} --expand instanceView",
    "restart": "vmss restart -g rg -n {} --instance-ids 0",
}
# az is put together from the packages that these commands need: the whole of it is three times as large.
_AZ = _venv(
    "az",
    ["azure-cli-core==2.91.0"],
    ["--no-deps", "azure-cli==2.91.0"],
    [
        *("antlr4-python3-runtime==4.13.2", "azure-common==1.1.28", "azure-mgmt-imagebuilder==2.0.0"),
        *("azure-mgmt-monitor==7.0.0", "azure-mgmt-resource==24.0.0", "azure-mgmt-resource-deployments==2.0.0"),
        *("azure-mgmt-resource-deploymentscripts==1.0.0b1", "azure-mgmt-resource-deploymentstacks==1.0.0"),
        *("azure-mgmt-resource-templatespecs==1.0.0", "jsondiff==2.2.1", "msrest==0.7.1"),
        *("python-dateutil==4.0.0", "semver==3.1.2", "six==1.17.0", "xmltodict==1.0.4"),
    ],
)
_JAVA, _GO, _JAVASCRIPT = str(HOME / "java"), str(HOME / "go"), str(HOME / "javascript")
_JARS = f"{_JAVA}/jars/*"
_RUN_JAVA = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{_JARS}:{_JAVA}", "Client"]
_COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

# Ours is the first: the others are compared with it.
CLIENTS = (
    Client(
        "vmss_instance_view",
        lambda operation, name: [sys.executable, str(HERE / "ours.py"), name],
        operations=("view",),
    ),
    Client(
        "az",
        lambda operation, name: az(_AZ_LINES[operation].format(name)),
        folder="az",
        steps=_AZ,
        flat=True,
    ),
    Client(
        "azure-mgmt-compute",
        lambda operation, name: [_python("python"), str(HOME / "python" / "client.py"), operation, "rg", name],
        folder="python",
        steps=_venv("python", ["azure-mgmt-compute==39.0.0", "azure-identity==1.27.0"]),
    ),
    Client(
        "@azure/arm-compute",
        lambda operation, name: ["node", f"{_JAVASCRIPT}/client.js", operation, "rg", name],
        folder="javascript",
        needs=("node", "npm"),
        steps=(["npm", "ci", "--prefix", _JAVASCRIPT, "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],),
    ),
    Client(
        "armcompute (Go)",
        lambda operation, name: [f"{_GO}/client", operation, "rg", name],
        folder="go",
        needs=("go",),
        steps=(
            # Modules of its own, which `make clean` can remove.
            [
                *("env", f"GOMODCACHE={_GO}/modules", "go", "build", "-C", _GO),
                *("-mod=readonly", "-modcacherw", "-buildvcs=false", "-o", "client", "."),
            ],
        ),
    ),
    Client(
        "azure-resourcemanager",
        lambda operation, name: [*_RUN_JAVA, operation, "rg", name],
        folder="java",
        needs=("java", "javac", "mvn"),
        steps=(
            [
                *("mvn", "-q", "-B", "-Dstyle.color=never", "-f", f"{_JAVA}/pom.xml", _COPY_JARS),
                *(f"-Dmaven.repo.local={_JAVA}/repository", f"-DoutputDirectory={_JAVA}/jars"),
            ],
            ["javac", "-cp", _JARS, "-d", _JAVA, f"{_JAVA}/Client.java"],
        ),
    ),
)
