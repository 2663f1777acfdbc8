"""What was measured on: the versions of everybody, the machine, its load."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tests.emulator.clients.table import HOME
from tests.engine.projects import TOOLCHAIN

from benchmarks.suite.peers import ROOT
from pulumi_vmss_health.version import __version__


def versions() -> dict[str, str]:
    """Of everybody who was measured, or what is measured with; without those that are not here."""
    found = {
        "vmss-health": __version__,
        "commit": _said("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"),
        "Python": platform.python_version(),
        "az": _in_environment("az", "azure_cli"),
        "azure-mgmt-compute": _in_environment("python", "azure_mgmt_compute"),
        "azure-mgmt-compute (models)": _installed("azure-mgmt-compute"),
        "azure-identity": _in_environment("python", "azure_identity"),
        "MSAL": _installed("msal"),
        "@azure/arm-compute": _of_node("arm-compute"),
        "node": _said("node", "--version"),
        "Pulumi CLI": _said(str(TOOLCHAIN / "pulumi") if (TOOLCHAIN / "pulumi").exists() else "pulumi", "version"),
        "pulumi (Python)": _installed("pulumi"),
        "pulumi-azure-native": _installed("pulumi-azure-native"),
    }
    return {name: each for name, each in found.items() if each}


def machine() -> dict[str, Any]:
    """Cores, model, memory, system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = re.search(r"^model name\s*: (.*)$", _text(Path("/proc/cpuinfo")), re.MULTILINE)
    return {
        "cores": os.cpu_count(),
        "model": model[1] if model else platform.processor() or platform.machine(),
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.release()}",
    }


def load() -> list[float]:
    """How many processes wanted a processor, over one, five and fifteen minutes."""
    return [round(each, 2) for each in os.getloadavg()]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _in_environment(folder: str, package: str) -> str:
    """The version of a package in the environment of a client."""
    found = next((HOME / folder).glob(f"lib/python*/site-packages/{package}-*.dist-info"), None)
    return found.name.removesuffix(".dist-info").rpartition("-")[2] if found else ""


def _of_node(package: str) -> str:
    told = _text(HOME / "javascript" / "node_modules" / "@azure" / package / "package.json")
    return str(json.loads(told)["version"]) if told else ""


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _said(*words: str) -> str:
    if shutil.which(words[0]) is None:
        return ""
    ran = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - versions
    return ran.stdout.strip().removeprefix("v") if ran.returncode == 0 else ""
