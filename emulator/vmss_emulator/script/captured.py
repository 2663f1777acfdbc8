"""A capture: what Azure answered once, and when. It is answered again, at the same times.

`vmss-health capture` makes such folders: numbered bodies, and a `manifest.json` that says of each which path it
answered, when, and with which status. At a moment each path has the last answer that it had by then in the capture, and
before its first one that. A path that was not read is not there.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
FORMAT = 1
HOST = "https://management.azure.com"
"""Stands in a capture for the address of Resource Manager."""

_PLAYED_HEADERS = ("retry-after", "x-ms-request-charge", "x-ms-failure-cause")
_OF_LIMITS = "x-ms-ratelimit-"
_OF_VERSIONS = ("InvalidResourceType", "NoRegisteredProviderFound", "InvalidApiVersionParameter")

Place = tuple[str, frozenset[tuple[str, str]]]


class CaptureError(ValueError):
    """The folder is no capture, or a broken one: the message names the file."""


@dataclass(frozen=True, slots=True)
class Told:
    """One answer of Azure.

    Attributes:
        at: seconds since the capture began.
    """

    at: float
    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Captured:
    """All answers of a capture, by what was asked, in their order.

    Attributes:
        subscription_id: of its paths.
    """

    subscription_id: str
    answers: Mapping[Place, tuple[Told, ...]]

    @classmethod
    def load(cls, folder: Path) -> Captured:
        """Read a folder.

        Raises:
            CaptureError: it is no capture.
        """
        try:
            manifest = _json(folder / MANIFEST)
            reads = sorted(manifest["reads"], key=lambda read: float(read["at"]))
            subscription = str(manifest["scale_set"]).split("/")[2]
            version = manifest["format"]
            answers: dict[Place, list[Told]] = {}
            for read in reads:
                told = Told(
                    float(read["at"]),
                    int(read["status"]),
                    _headers(read["headers"]),
                    _json(folder / Path(read["file"]).name),
                )
                if not _is_of_the_client(told):
                    answers.setdefault(_place(read["path"], read["query"].items()), []).append(told)
        except OSError as error:
            raise CaptureError(f"{folder}: it is no capture: {error.filename}: {error.strerror}") from None
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise CaptureError(f"{folder}: it is no capture: {type(error).__name__}: {error}") from None
        if version != FORMAT:
            raise CaptureError(f"{folder}: its format is {version!r}, and not {FORMAT}")
        return cls(subscription, {place: tuple(told) for place, told in answers.items()})

    def answer(self, path: str, query: Mapping[str, str], seconds: float, url: str) -> Told | None:
        """Return what a path was answered with by a moment; None if it was never read.

        Args:
            path: without the query, decoded.
            query: its parameters.
            seconds: since the playback began.
            url: the emulator's own, for the links between pages.
        """
        told = self.answers.get(_place(path, query.items()))
        if told is None:
            return None
        found = told[max(bisect_right(told, seconds, key=lambda each: each.at) - 1, 0)]
        if not isinstance(found.body, dict) or not str(found.body.get("nextLink")).startswith(HOST):
            return found
        link = url + found.body["nextLink"].removeprefix(HOST)
        return Told(found.at, found.status, found.headers, {**found.body, "nextLink": link})


def _place(path: str, query: Iterable[tuple[str, str]]) -> Place:
    """Return what tells one request from another, whatever its api-version."""
    pairs = ((name.lower(), value.lower()) for name, value in query)
    return path.lower(), frozenset(pair for pair in pairs if pair[0] != "api-version")


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    kept = (name for name in headers if name in _PLAYED_HEADERS or name.startswith(_OF_LIMITS))
    return {name: str(headers[name]) for name in kept}


def _is_of_the_client(told: Told) -> bool:
    """Is an answer about the token or the api-version of who asked, and so not about the set?"""
    error = told.body.get("error") if isinstance(told.body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return told.status == 401 or (told.status == 400 and code in _OF_VERSIONS)


def _json(file: Path) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(file.read_text(encoding="utf-8"))
