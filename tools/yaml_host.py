"""`make yaml-host`: Pulumi's language host for YAML programs, beside a CLI that was built here.

The vendor's CLI brings one. The CLI that set-up builds does without: only the test that reads a gate from a program in
another language runs one, and is skipped where there is none.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tools.toolchain.__main__ import only_one
from tools.toolchain.clone import Clone, remove_tree
from tools.toolchain.source import compile_program
from tools.toolchain.steps import Problem, say, step
from tools.toolchain.versions import locked

ROOT = Path(__file__).resolve().parent.parent
NAME = "pulumi-language-yaml"
YAML = "github.com/pulumi/pulumi-yaml"


def main() -> int:
    """Build it unless there is one; the exit code."""
    clone = Clone(ROOT)
    if found := shutil.which(NAME):
        say(f"there is {found}")
        return 0
    try:
        with only_one(clone.toolchain / "lock"), step(f"{NAME}: building it from source (about 4 minutes on 2 cores)"):
            build(clone)
    except Problem as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    return 0


def build(clone: Clone) -> None:
    """Build it in the folder of caches, which goes afterwards."""
    module = clone.root / "tools" / "yaml-host"
    version = locked((module / "go.mod").read_text(), YAML)
    (clone.work / "tmp").mkdir(parents=True, exist_ok=True)
    made = clone.work / NAME
    compile_program(clone, module, f"{YAML}/cmd/{NAME}", made, f"-X {YAML}/pkg/version.Version={version}")
    clone.bin.mkdir(exist_ok=True)
    made.replace(clone.bin / NAME)
    remove_tree(clone.work)


if __name__ == "__main__":
    sys.exit(main())
