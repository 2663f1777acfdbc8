"""The surroundings of a command that must reach the emulator and nothing else.

The command inherits only variables that are known to be harmless (paths, locale, terminal, Python's, proxies, CI, a few
of Pulumi's) and those that its user names: credentials come in variables of any name, and new ones appear. It gets its
own backend, PULUMI_HOME and az configuration, all in a folder that is thrown away. It is no sandbox: HOME, other files
and the network are within its reach.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vmss_emulator.pulumi_plugin import install

# Variables that may not be passed on, because they could only lead to another Azure.
_AZURE = ("ARM_", "AZURE_", "IDENTITY_", "MSI_", "IMDS_", "ACTIONS_ID_TOKEN_", "VMSS_EMULATOR_")
# Credentials that a Pulumi backend elsewhere would need.
_ELSEWHERE = ("AWS_", "GOOGLE_", "GCLOUD_", "GCP_", "CLOUDSDK_", "PULUMI_ACCESS_TOKEN")
_REAL = "resource-azure-native-v"
_HARMLESS_PREFIXES = ("LC_", "XDG_", "PYTHON", "PYTEST_", "COVERAGE_", "COV_CORE_", "GRPC_")
_HARMLESS = frozenset(
    {
        # Of the machine and its user.
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "TMPDIR", "TMP", "TEMP", "TZ", "LANG", "LANGUAGE"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        # Of the terminal.
        *("TERM", "TERM_PROGRAM", "COLORTERM", "COLUMNS", "LINES"),
        *("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"),
        # Of the languages that programs are written in.
        *("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "NODE_PATH", "NODE_OPTIONS", "JAVA_HOME", "DOTNET_ROOT"),
        *("GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "GOFLAGS"),
        # The way to other hosts, and whom to trust there.
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"),
        # Whether this is a pipeline: tools behave otherwise there.
        *("CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD"),
        # Settings of Pulumi that concern how it runs, not what it works on.
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
    """Yield a workspace for one command, removed afterwards.

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


def environment(
    inherited: Mapping[str, str], azure: Mapping[str, str], place: Workspace, passed: Collection[str] = ()
) -> dict[str, str]:
    """Return the whole environment of the command. Installs the stand-in provider.

    Args:
        inherited: where harmless variables come from.
        azure: what leads to the emulator.
        place: the command's Pulumi.
        passed: more variables that the command inherits.

    Raises:
        ValueError: a variable of `passed` is not there, or leads away from the emulator.
    """
    kept = {key: value for key, value in inherited.items() if _harmless(key, place)}
    pulumi = {
        "PULUMI_HOME": str(place.home),
        "PULUMI_BACKEND_URL": place.backend,
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # A program may ask for another version than that of the SDK here: a newer plugin does for it, too.
        "PULUMI_ENABLE_LEGACY_PLUGIN_SEARCH": "true",
        "AZURE_CONFIG_DIR": str(place.home / "azure"),
        # Pulumi asks pip for the installed packages, and pip would ask its index whether there is a newer pip.
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    for name in passed:
        if name.startswith(_AZURE) or name in pulumi or name in azure:
            raise ValueError(f"{name} is refused: what leads to Azure and to Pulumi's backend is set for the command")
        if name not in inherited:
            raise ValueError(f"there is no variable {name!r}; give the name of one that is set")
        kept[name] = inherited[name]
    _link_plugins(inherited, place.home)
    return {**kept, **_plugin(kept, place.home), **pulumi, **azure}


def _harmless(variable: str, place: Workspace) -> bool:
    needed = not place.own and variable.startswith(_ELSEWHERE)
    return needed or variable in _HARMLESS or variable.startswith(_HARMLESS_PREFIXES)


def _plugin(inherited: Mapping[str, str], home: Path) -> dict[str, str]:
    """Install the stand-in where only this PULUMI_HOME leads, newer than any version that a program asks for.

    The engine prefers a plugin on PATH: so the stand-in is put first there, too, where a real one would be found.
    """
    folder = install.install(home)
    path = inherited.get("PATH", os.defpath)
    if shutil.which(install.NAME, path=path) is None:
        return {}
    return {"PATH": os.pathsep.join([str(folder), path])}


def _link_plugins(inherited: Mapping[str, str], home: Path) -> None:
    """Show the command the user's other plugins; the real azure-native stays out of its sight."""
    theirs = Path(inherited.get("PULUMI_HOME") or Path(inherited.get("HOME") or Path.home(), ".pulumi"), "plugins")
    own = home / "plugins"
    own.mkdir(parents=True, exist_ok=True)
    for plugin in sorted(theirs.glob("*-v*")) if theirs.is_dir() else ():
        if plugin.is_dir() and not plugin.name.startswith(_REAL) and not (own / plugin.name).exists():
            (own / plugin.name).symlink_to(plugin.resolve(), target_is_directory=True)
