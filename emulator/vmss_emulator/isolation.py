"""The surroundings of a command that must reach the emulator and nothing else.

The command inherits the environment, less what could lead it to a real cloud or to another Pulumi backend: Azure's
and other clouds' credentials, all of Pulumi's settings but a few harmless ones, the login of the az CLI. It gets its
own backend, PULUMI_HOME and az configuration, all in a folder that is thrown away.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vmss_emulator.pulumi_plugin import install

_AZURE = ("ARM_", "AZURE_", "IDENTITY_", "MSI_", "IMDS_", "ACTIONS_ID_TOKEN_", "VMSS_EMULATOR_")
# Credentials that a Pulumi backend elsewhere would need.
_ELSEWHERE = ("AWS_", "GOOGLE_", "GCLOUD_", "GCP_", "CLOUDSDK_", "PULUMI_ACCESS_TOKEN")
# Settings of Pulumi that concern how it runs, not what it works on. Everything else is removed: new ones appear.
_HARMLESS = frozenset(
    {
        "PULUMI_CONSOLE_WIDTH",
        "PULUMI_DEBUG_GRPC",
        "PULUMI_DEBUG_PROMISE_LEAKS",
        "PULUMI_DISABLE_RESOURCE_REFERENCES",
        "PULUMI_PARALLEL",
        "PULUMI_PARALLEL_DIFF",
        "PULUMI_PYTHON_CMD",
        "PULUMI_RUNTIME_TOOLCHAIN",
        "PULUMI_RUNTIME_VIRTUALENV",
    }
)


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where the command's Pulumi keeps what it keeps.

    Attributes:
        home: the PULUMI_HOME; the az CLI's configuration lies in it, too.
        backend: the URL of the state's backend.
        own: is the backend this workspace's own? If not, the command also gets the credentials to reach it.
    """

    home: Path
    backend: str
    own: bool = True


@contextmanager
def workspace(state: Path | None = None, backend: str | None = None) -> Iterator[Workspace]:
    """A workspace for one command, removed afterwards.

    Args:
        state: a folder for the backend, made if it is missing and kept; None: a temporary one.
        backend: the URL of another backend instead.

    Raises:
        OSError: a folder cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix="vmss-emulator-", ignore_cleanup_errors=True) as folder:
        own = state or Path(folder, "state")
        home = Path(folder, "pulumi")
        home.mkdir()
        if backend is None:
            own.mkdir(parents=True, exist_ok=True)
        yield Workspace(home, backend or f"file://{own.resolve()}", backend is None)


def environment(inherited: Mapping[str, str], azure: Mapping[str, str], place: Workspace) -> dict[str, str]:
    """The whole environment of the command; `azure` is what leads to the emulator. Installs the stand-in provider."""
    removed = _AZURE if not place.own else (*_AZURE, *_ELSEWHERE)
    kept = {key: value for key, value in inherited.items() if not key.startswith(removed) and _harmless(key, place)}
    pulumi = {
        "PULUMI_HOME": str(place.home),
        "PULUMI_BACKEND_URL": place.backend,
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "AZURE_CONFIG_DIR": str(place.home / "azure"),
    }
    return {**kept, **_plugin(kept, place.home), **pulumi, **azure}


def _harmless(variable: str, place: Workspace) -> bool:
    if variable == "PULUMI_ACCESS_TOKEN":
        return not place.own
    return not variable.startswith("PULUMI_") or variable in _HARMLESS


def _plugin(inherited: Mapping[str, str], home: Path) -> dict[str, str]:
    """Install the stand-in where only this PULUMI_HOME leads.

    The engine takes the plugin of the SDK's version from there. It prefers one on PATH: so the stand-in is put first
    there, too, where a real one would be found, and where no SDK tells which version will be asked for.
    """
    version = install.sdk_version()
    folder = install.install(home, version or "99.0.0")
    path = inherited.get("PATH", os.defpath)
    if version is not None and shutil.which(install.NAME, path=path) is None:
        return {}
    return {"PATH": os.pathsep.join([str(folder), path])}
