"""Which versions will do, and what is locked. Pure: no I/O beyond its arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass

Version = tuple[int, ...]

MINIMUM_CLI: Version = (3, 216, 0)
"""The oldest Pulumi CLI that is taken from PATH; it may be older than the SDK.

The SDK refuses only features that it misses; of those in use here, showing a provider's output on the stack's row is
the youngest (3.146). Only the locked version was tried.
"""

FIRST_GO_THAT_FETCHES: Version = (1, 21, 0)
"""From here on, go can download the toolchain that a go.mod asks for."""


def parse_version(text: str) -> Version:
    """The three numbers of the first version that begins a line ("v3.216.0", "go1.25"); empty if there is none."""
    found = re.search(r"^(?:devel )?(?:v|go)?(\d+)\.(\d+)(?:\.(\d+))?", text, re.MULTILINE)
    return tuple(int(part or 0) for part in found.groups()) if found else ()


def show(version: Version) -> str:
    """A version as people write it."""
    return ".".join(map(str, version))


def cli_problem(reported: str) -> str:
    """Why a CLI that reports this version cannot be used; empty if it can."""
    version = parse_version(reported)
    if not version:
        return f"it does not tell its version but {reported.strip()[:80]!r}"
    if version[0] != MINIMUM_CLI[0]:
        return f"it is {show(version)}, and the SDK wants a {MINIMUM_CLI[0]}.x"
    if version < MINIMUM_CLI:
        return f"it is {show(version)}, older than {show(MINIMUM_CLI)}"
    return ""


def locked(go_mod: str, module: str) -> str:
    """The version that a go.mod requires of a module, with its v; LookupError if it requires none."""
    found = re.search(rf"^(?:require)?\s*{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if not found:
        raise LookupError(f"{module} is not in go.mod")
    return found[1]


def go_wanted(go_mod: str) -> Version:
    """The Go version that a go.mod asks for."""
    found = re.search(r"^go (\S+)$", go_mod, re.MULTILINE)
    return parse_version(found[1]) if found else ()


@dataclass(frozen=True)
class Go:
    """What the go command says about itself."""

    version: Version
    toolchain: str
    """GOTOOLCHAIN: "auto" (Go's own default), "local" (many distributions'), or one of their relatives."""

    @property
    def fetches(self) -> bool:
        """Whether it downloads a newer toolchain when a go.mod asks for one."""
        return self.version >= FIRST_GO_THAT_FETCHES and (self.toolchain == "auto" or self.toolchain.endswith("+auto"))


def go_problem(go: Go | None, wanted: Version) -> str:
    """Why this Go cannot build what asks for `wanted`, and what to install; empty if it can."""
    if go is not None and (go.version >= wanted or go.fetches):
        return ""
    if go is not None and go.version >= FIRST_GO_THAT_FETCHES:
        return (
            f"Go {show(go.version)} is older than {show(wanted)}, and GOTOOLCHAIN={go.toolchain} keeps it from "
            f"fetching a newer one. Allow that (GOTOOLCHAIN=auto make setup) or install Go {show(wanted)} or later"
        )
    found = f"Go {show(go.version)} is too old" if go else "there is no go on PATH"
    return (
        f"{found}. Install Go {show(wanted)} or later, or any from {show(FIRST_GO_THAT_FETCHES[:2])} on, which fetches "
        "what it needs unless GOTOOLCHAIN=local (Debian, Ubuntu: apt install golang-go; macOS: brew install go)"
    )
