"""Examples of the documentation, written where tests can run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT_OPEN = "pytest.PytestUnraisableExceptionWarning"  # of the loops that Pulumi's inline programs do not close
TESTING = ROOT / "docs" / "testing.md"
PAGES = (
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "emulator/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
)


def blocks(page: Path) -> list[tuple[str, str]]:
    """The language and the text of each example on a page."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """A page without its blocks."""
    return re.sub(r"^```\w*\n.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def write_files(page: Path, folder: Path) -> list[str]:
    """Write the examples that are whole files, by the names in their first comments; gives back these names."""
    files = {text.split()[1]: text for _, text in blocks(page) if re.match(r"# \S+\.\w+\n", text)}
    for name, text in files.items():
        (folder / name).write_text(text)
    return list(files)


def run_pytest(folder: Path, *arguments: str, path: str = os.environ["PATH"]) -> str:
    """Run pytest in a folder as a user would, warnings as errors; what it printed, if all passed."""
    strict = ["-W", "error", "-W", f"ignore::{LEFT_OPEN}", "-p", "no:cacheprovider"]
    # Hypothesis is imported at the end; such a loop collected meanwhile upsets Python before 3.11.8 (cpython#106905).
    strict += ["-p", "no:hypothesispytest"]
    command = [sys.executable, "-m", "pytest", *strict, *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ARM_", "PULUMI_"))}
    environment = {**inherited, "PATH": path, "PULUMI_HOME": str(folder.with_name("home of pulumi"))}
    ran = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
