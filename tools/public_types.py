"""`make types`: does pyright know the type of everything public? mypy's answer is part of `make check`.

pyright brings a JavaScript engine of 200 MB, so it lives in an environment of its own, for those who ask for it. It
looks at a copy of the packages, for it does not follow an editable install.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYRIGHT = "basedpyright==1.40.2"
PROGRAM = ROOT / "tests" / "gate" / "typed_program.py"
PACKAGES = (ROOT / "provider" / "vmss_instance_view", ROOT / "components" / "pulumi_vmss_health")


def main() -> int:
    """Verify both packages; return how many public types are unknown."""
    pyright = install(ROOT / ".toolchain" / "types")
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            shutil.copytree(package, Path(folder, package.name))
        unknown = sum(verify(pyright, package.name, Path(folder)) for package in PACKAGES)
        return unknown + check_program(pyright, Path(folder))


def install(folder: Path) -> Path:
    """Install a pinned pyright of our own, unless it is there already."""
    pyright = folder / "bin" / "basedpyright"
    if not pyright.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", PYRIGHT], check=True)
    return pyright


def check_program(pyright: Path, folder: Path) -> int:
    """Check a program that names everything public, as strictly as pyright can; whether it found a fault."""
    shutil.copy(PROGRAM, folder)
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(folder)]}
    Path(folder, "pyrightconfig.json").write_text(json.dumps(settings))
    python = ROOT / ".venv" / "bin" / "python"
    return subprocess.run([pyright, "--pythonpath", python, PROGRAM.name], cwd=folder, check=False).returncode


def verify(pyright: Path, package: str, folder: Path) -> int:
    """Print every public name of a package whose type pyright does not know; return how many."""
    python = ROOT / ".venv" / "bin" / "python"
    options = ["--verifytypes", package, "--ignoreexternal", "--outputjson", "--pythonpath", str(python)]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    ran = subprocess.run([pyright, *options], cwd=folder, env=environment, check=False, capture_output=True, text=True)
    found = json.loads(ran.stdout)["typeCompleteness"]
    unknown = [each for each in found["symbols"] if each["isExported"] and not each["isTypeKnown"] and _is_ours(each)]
    for each in unknown:
        print(f"{each['name']}: {'; '.join(_complaints(each))}")
    print(f"{package}: {len(found['symbols'])} public names, {len(unknown)} of unknown type")
    return len(unknown)


def _is_ours(symbol: dict[str, Any]) -> bool:
    """Return whether more is unknown than the base class: in this mode pyright does not look into pulumi's."""
    return any("base class" not in complaint and "metaclass" not in complaint for complaint in _complaints(symbol))


def _complaints(symbol: dict[str, Any]) -> list[str]:
    return [str(each["message"]) for each in symbol.get("diagnostics", [])]


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
