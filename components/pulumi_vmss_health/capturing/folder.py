"""A capture on disk: numbered bodies, and a manifest that is written last. A folder without one is no capture."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from pulumi_vmss_health.capturing.mask import MASKED, Mask
from pulumi_vmss_health.version import __version__
from vmss_instance_view.azure.recording import Read

MANIFEST = "manifest.json"
FORMAT = 1
_KINDS = (
    (r"/virtualmachinescalesets/[^/]+", "model"),
    (r"/virtualmachinescalesets/[^/]+/instanceview", "view"),
    (r"/virtualmachinescalesets/[^/]+/rollingupgrades/latest", "upgrade"),
    (r"/virtualmachinescalesets/[^/]+/virtualmachines", "instances"),
    (r"/virtualmachines/[^/]+/instanceview", "own-view"),
    (r"/virtualmachines", "vms"),
)

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str | None": (str, type(None)),
}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """One read of a capture, masked. look: its number, from 1. at: seconds since the first look began."""

    file: str
    look: int
    at: float
    took: float
    path: str
    query: dict[str, str]
    api_version: str
    status: int
    headers: dict[str, str]

    @property
    def kind(self) -> str:
        """What was read: model, view, upgrade, instances, own-view or vms (a Flexible set's list)."""
        return kind_of(self.path)


@dataclass(frozen=True, slots=True)
class Sight:
    """One look. complete: whether all that a gate judges was read by its end. error: why it was not."""

    number: int
    at: float
    took: float
    complete: bool
    error: str | None = None


def kind_of(path: str) -> str:
    """Return what a path is about; "other" for anything that a gate does not read."""
    found = (kind for form, kind in _KINDS if re.search(f"{form}$", path, re.IGNORECASE))
    return next(found, "other")


class Folder:
    """A capture that is being made. Raises OSError where the disk does not take it."""

    def __init__(self, path: Path, mask: Mask, began: float) -> None:
        """Make the folder, or take an empty one that is there. began: the moment that is 0 in the manifest.

        Raises ValueError for anything else that is there.
        """
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ValueError(f"{path}: it is not an empty folder")
        path.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._mask = mask
        self._began = began
        self._entries: list[Entry] = []
        self._sights: list[Sight] = []
        self._known: list[int] = []

    def add(self, reads: Iterable[Read], sight: Sight) -> None:
        """Write the bodies of one look."""
        self._sights.append(sight)
        for read in sorted(reads, key=lambda each: each.began):
            path = self._mask.path(read.path)
            file = f"{len(self._entries) + 1:03}-{kind_of(path)}.json"
            self._write(file, MASKED if read.body is None else self._mask.body(read.body))
            headers = {name: self._mask.header(value) for name, value in read.headers.items()}
            at, took = round(read.began - self._began, 3), round(read.took, 3)
            query = self._mask.query(read.query)
            self._entries.append(
                Entry(file, sight.number, at, took, path, query, read.api_version, read.status, headers)
            )
            self._known.append(self._mask.known)

    def close(self, told: Mapping[str, object], answers: Callable[[Captured], object]) -> None:
        """Mask in every body the names that were learnt after it, then write the manifest.

        told: more of it. answers: makes its questions of what was captured.
        """
        for entry, known in zip(self._entries, self._known, strict=True):
            if known < self._mask.known:
                self._write(entry.file, self._mask.again(_json(self._path / entry.file)))
        captured = Captured(self._path, {}, tuple(self._entries), tuple(self._sights))
        manifest = {
            "format": FORMAT,
            "version": __version__,
            **told,
            "looks": [asdict(each) for each in self._sights],
            "reads": [asdict(each) for each in self._entries],
            "questions": answers(captured),
        }
        self._write(MANIFEST, manifest)

    def _write(self, name: str, body: object) -> None:
        """Write a file as a whole or not at all."""
        part = self._path / f".{name}.part"
        try:
            part.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
            part.replace(self._path / name)
        except OSError:
            part.unlink(missing_ok=True)
            raise


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture that was read back, or that is being finished."""

    path: Path
    manifest: Mapping[str, Any]
    entries: tuple[Entry, ...]
    sights: tuple[Sight, ...]

    @classmethod
    def load(cls, path: Path) -> Captured:
        """Read a manifest. Raises ValueError for a folder that is no capture, or one of another format."""
        try:
            manifest = _json(path / MANIFEST)
            _check_format(manifest)
            entries = tuple(_made(Entry, each) for each in manifest["reads"])
            sights = tuple(_made(Sight, each) for each in manifest["looks"])
        except FileNotFoundError:
            raise ValueError(f"{path}: a folder without {MANIFEST} is no capture") from None
        except KeyError as error:
            raise ValueError(f"{path / MANIFEST}: {error} is missing") from None
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"{path / MANIFEST}: {error}") from None
        if strange := [each.file for each in entries if Path(each.file).name != each.file]:
            raise ValueError(f"{path / MANIFEST}: {strange[0]!r} is not the name of a file in this folder")
        return cls(path, manifest, entries, sights)

    @property
    def until_complete(self) -> Sequence[Entry]:
        """The reads up to the end of the last complete look. Raises ValueError if there was none."""
        complete = [each.number for each in self.sights if each.complete]
        if not complete:
            raise ValueError(f"{self.path}: no look of this capture is complete")
        return [each for each in self.entries if each.look <= complete[-1]]

    def body(self, entry: Entry) -> Any:  # noqa: ANN401 - any JSON
        """Return the body of a read. Raises ValueError, naming the file."""
        try:
            return _json(self.path / entry.file)
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.path / entry.file}: {error}") from None


def _check_format(manifest: object) -> None:
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT:
        raise ValueError(f"its format is {found!r}, and not {FORMAT}")


def _made(kind: Callable[..., T], told: Mapping[str, Any]) -> T:
    """Return an entry of a manifest. Raises TypeError for a field that is missing, unknown or of another type."""
    made = kind(**told)
    for name, wanted in kind.__annotations__.items():
        if not _is(getattr(made, name), wanted):
            raise TypeError(f"{name} is no {wanted}")
    return made


def _is(value: object, wanted: str) -> bool:
    if wanted == "dict[str, str]":
        return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    return isinstance(value, _TYPES[wanted])


def _json(path: Path) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
