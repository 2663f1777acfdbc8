"""The vendor's own installer, for networks that reach it.

Written and tested against a stub: it was not tried against the real site, which the authors' network does not reach.
"""

from __future__ import annotations

from pathlib import Path

from tools.toolchain.clone import Clone, remove_tree
from tools.toolchain.source import cli_version
from tools.toolchain.steps import Problem, run, step

LIMIT = 600.0
"""Seconds for some 150 MB; a site that does not answer at all is given up sooner, by vendor.py."""


def install(clone: Clone, limit: float = LIMIT) -> Path:
    """Install the locked CLI into a folder of its own and return where its programs are.

    Raises Problem with the installer's output if it fails or takes too long; nothing of it is left behind then.
    """
    root = clone.work / "installer"
    version = cli_version(clone).removeprefix("v")
    remove_tree(root)
    try:
        with step(f"Pulumi CLI {version}: the vendor's installer, for at most {limit / 60:.0f} minutes"):
            # A child: what it does in the vendor's code can then be ended, with all that it has started.
            command: list[str | Path] = [clone.venv_python, "-m", "tools.toolchain.vendor", root, version]
            run("the vendor's installer", command, cwd=clone.root, limit=limit)
            _require_whole(root / "bin")
    except BaseException:
        remove_tree(root)
        raise
    return root / "bin"


def _require_whole(folder: Path) -> None:
    for name in ("pulumi", "pulumi-language-python", "pulumi-resource-pulumi-python"):
        if not (folder / name).exists():
            raise Problem(f"the vendor's installer ended without an error and without {name}")
