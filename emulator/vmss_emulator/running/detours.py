"""Settings of a Pulumi project that would lead a command past the emulator, to the cloud that they name.

In Pulumi the configuration of a stack wins over variables: `azure-native:metadataHost` decides for azure-native, and
for everything that signs in as azure-native does, whatever the environment says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

_PROJECTS = ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")
_KEYS = ("azure-native:metadataHost", "azure-native:config:metadataHost")


def find(folder: Path, host: str) -> str | None:
    """What a project sets, as a sentence for its user; None if nothing there leads away from the emulator's host.

    Looked through are the project that Pulumi would find from this folder, and all its stacks: which of them a command
    will choose is not known.
    """
    for file in _files(folder):
        for value in _metadata_hosts(_read(file)):
            if value != host:
                return (
                    f"{file} sets azure-native:metadataHost to {value[:80]!r}, which would lead the command past the "
                    f"emulator ({host}); run it in a copy of the project without that setting"
                )
    return None


def _files(folder: Path) -> Iterator[Path]:
    """Yield the project's file and its stacks', from this folder or the nearest one above that has a project."""
    for place in (folder, *folder.parents):
        found = next((place / name for name in _PROJECTS if (place / name).is_file()), None)
        if found is not None:
            yield found
            settings = _read(found)
            stacks = settings.get("stackConfigDir") or settings.get("config")
            own = place / stacks if isinstance(stacks, str) else place
            yield from sorted(path for path in own.glob("Pulumi.*.*") if path.suffix in (".yaml", ".yml", ".json"))
            return


def _metadata_hosts(settings: Mapping[object, object]) -> Iterator[str]:
    config = settings.get("config")
    if not isinstance(config, Mapping):
        return
    for key in _KEYS:
        value = config.get(key)
        if isinstance(value, Mapping):  # a project's default, or a secret
            value = value.get("value") or value.get("default") or ("a secret" if "secure" in value else None)
        if value is not None:
            yield str(value)


def _read(file: Path) -> Mapping[object, object]:
    """Read a YAML or JSON file; ignore one that cannot be read, as Pulumi does."""
    import yaml  # slow to import

    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}
