"""Calls of the plugin's service, as the engine makes them."""

from __future__ import annotations

from typing import Any, NoReturn

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from pulumi_vmss_health.plugin import wire
from pulumi_vmss_health.plugin.server import Plugin


class Refused(Exception):
    """The call was aborted with this text."""


class Context(grpc.ServicerContext):  # type: ignore[misc, unused-ignore]
    """Of one call: what it is aborted with, and the details that travel with that."""

    def __init__(self) -> None:
        self.details: bytes | None = None

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        ((_, self.details),) = trailing_metadata

    def abort(self, code: Any, details: str) -> NoReturn:
        assert code is grpc.StatusCode.UNKNOWN  # of another one grpc-go reports a mismatch with the details
        raise Refused(details)


Context.__abstractmethods__ = frozenset()  # type: ignore[attr-defined, unused-ignore]


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


def create(plugin: Plugin, token: str, inputs: dict[str, Any], context: Context | None = None) -> Any:
    request = provider_pb2.CreateRequest(urn=f"urn:pulumi:dev::p::some:Parent${token}::web", properties=struct(inputs))
    return plugin.Create(request, context or Context())


def update(plugin: Plugin, token: str, olds: Any, inputs: dict[str, Any]) -> Any:
    urn = f"urn:pulumi:dev::p::{token}::web"
    return plugin.Update(provider_pb2.UpdateRequest(id="id", urn=urn, olds=olds, news=struct(inputs)), Context())


def kept_by(context: Context) -> tuple[dict[str, Any], list[str]]:
    """What a call that failed leaves in the state, and the lines that people are told."""
    kept = provider_pb2.ErrorResourceInitFailed()
    assert context.details is not None
    assert status_pb2.Status.FromString(context.details).details[0].Unpack(kept)
    return wire.received(kept.properties), list(kept.reasons)
