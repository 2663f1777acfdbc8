"""A capture in the place of Azure: the reader itself reads it, so that it is judged as the set was."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from pulumi_vmss_health.capturing.folder import Captured
from pulumi_vmss_health.judging.snapshot import Snapshot
from vmss_instance_view.azure.cloud import PUBLIC
from vmss_instance_view.azure.settings import Settings
from vmss_instance_view.azure.wire import Answer
from vmss_instance_view.clock import Clock, Deadline
from vmss_instance_view.connection import Azure, Connection
from vmss_instance_view.errors import InstanceViewError
from vmss_instance_view.scale_set_id import ScaleSetId

_WITHIN = 600.0  # seconds to read a folder
_NOT_FOUND = Answer(404, {}, b'{"error": {"code": "ResourceNotFound", "message": "it is not in this capture"}}')


def snapshot_in(folder: Path, clock: Clock) -> Snapshot:
    """Return what the last complete look of a capture saw. Raises ValueError if it is no capture, or a broken one."""
    captured = Captured.load(folder)
    try:
        scale_set = ScaleSetId.parse(captured.manifest.get("scale_set"))
        azure = Azure(Settings({}), clock, Connection(PUBLIC, _Playback(captured), _Nobody()))
        return _whole_look(azure, scale_set, Deadline(_WITHIN, clock))
    except InstanceViewError as error:
        raise ValueError(f"{folder}: {error}") from None


def _whole_look(azure: Azure, scale_set: ScaleSetId, deadline: Deadline) -> Snapshot:
    reader = azure.reader(scale_set, deadline)
    model = reader.model(deadline)
    upgrade, instances = reader.rolling_upgrade(deadline), reader.instances(deadline)
    view = reader.counted(instances) or reader.view(deadline)
    if reader.is_flexible and not model.is_flexible:  # told by Azure's refusal alone
        model = replace(model, orchestration_mode="Flexible")
    return Snapshot(view, model, instances, upgrade, in_standby_pool=reader.in_standby_pool)


class _Playback:
    """Answers with the last body of each path."""

    def __init__(self, captured: Captured) -> None:
        self._captured = captured
        self._last = {_key(each.path, each.query.items()): each for each in captured.until_complete}

    def get(self, what: str, url: str, token: str, deadline: Deadline) -> Answer:
        """Answer a GET, as `Wire.get`. Raises ValueError for a file that is missing or broken."""
        del what, token, deadline
        parts = urlsplit(url)
        entry = self._last.get(_key(unquote(parts.path), parse_qsl(parts.query)))
        if entry is None:
            return _NOT_FOUND
        return Answer(entry.status, entry.headers, json.dumps(self._captured.body(entry)).encode())


class _Nobody:
    """A capture asks for no credential."""

    def token(self, deadline: Deadline) -> str:
        del deadline
        return ""

    def refused(self, token: str, claims: str | None) -> None:
        del token, claims


def _key(path: str, query: Iterable[tuple[str, str]]) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return what tells one read from another, whatever its api-version."""
    pairs = ((name.lower(), value.lower()) for name, value in query)
    return path.lower(), frozenset(pair for pair in pairs if pair[0] != "api-version")
