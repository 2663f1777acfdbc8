"""The call that a provider serves: its URN and time-out, and ways to fail it well.

- The call is found by walking up the frames.
- ErrorResourceInitFailed in the trailing metadata keeps the resource in state with its outputs, one reason a line.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from vmss_instance_view.pulumi import log
from vmss_instance_view.pulumi.process import quietly

_log = logging.getLogger(__name__)

_UNKNOWN = 2  # grpc's status code; with another one grpc-go reports a mismatch instead of the reasons


class PartialFailure(Exception):
    """The call failed, and what it had found is kept in state: the next `pulumi up` calls again."""


class CallFailed(Exception):
    """The call failed and nothing of it is kept."""


@dataclass(slots=True)
class Call:
    """One Create, Update or Read that this process is serving; empty outside of a provider process."""

    urn: str = ""
    timeout: float | None = None
    _context: Any = field(default=None, repr=False)

    def status(self, text: str) -> None:
        """Show a line on the resource's own row until the next one; "" clears it."""
        self._say("INFO", text, ephemeral=True)

    def warn(self, text: str) -> None:
        """Print a warning that stays: on the stack's row, where the resource's own cannot be reached."""
        if not self._say("WARNING", text, ephemeral=False):
            print(text, file=sys.stderr)

    def partial_failure(self, resource_id: str, outputs: Mapping[str, Any], reasons: Sequence[str]) -> PartialFailure:
        """Return the exception to raise for a call that failed and whose findings are kept; each reason is a line.

        outputs: with the provider's own "__provider" entry, or a later call could not find its provider. One that
            cannot be stored is left out: without the others the state would keep an older verdict.
        """
        quietly("a partial failure", lambda: self._attach(_init_failed(resource_id, outputs, reasons)))
        return PartialFailure("\n".join(reasons))

    def failure(self, text: str) -> CallFailed:
        """Return the exception to raise for a call that failed and leaves nothing in state."""
        quietly("a failure without a traceback", lambda: self._attach(_status(text, [])))
        return CallFailed(text)

    def _attach(self, status: bytes) -> None:
        if self._context is not None:
            self._context.set_trailing_metadata((("grpc-status-details-bin", status),))

    def _say(self, severity: str, text: str, *, ephemeral: bool) -> bool:
        """Return whether the engine took it."""
        return bool(self.urn and quietly("a status line", lambda: log.say(self.urn, severity, text, ephemeral)))


def current_call() -> Call:
    """Return the call that this thread serves. Call it in the provider's method itself, before starting threads."""
    return quietly("finding the engine's call", _find_call) or Call()


def _find_call() -> Call | None:
    import grpc

    frame = sys._getframe(1)
    while frame is not None:
        context, request = frame.f_locals.get("context"), frame.f_locals.get("request")
        if isinstance(context, grpc.ServicerContext) and request is not None:
            return Call(str(request.urn), float(getattr(request, "timeout", 0)) or None, context)
        frame = frame.f_back  # type: ignore[assignment]  # ends with None
    return None


def storable(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs without those that Pulumi's protocol cannot carry, such as half of a surrogate pair."""
    return {key: value for key, value in outputs.items() if _is_storable(key, value)}


def stored(call: Call, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the storable outputs, and warn of the others: a verdict is stored, also if its evidence cannot be."""
    kept = storable(outputs)
    for key in sorted(outputs.keys() - kept.keys()):
        call.warn(f"{key}: not stored, for Pulumi cannot store what it holds")
    return kept


def _is_storable(key: str, value: Any) -> bool:  # noqa: ANN401 - any output
    from google.protobuf import struct_pb2

    try:
        struct_pb2.Struct().update({key: value})
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        _log.debug("%s cannot be stored: %r", key, error)
        return False
    return True


def _init_failed(resource_id: str, outputs: Mapping[str, Any], reasons: Sequence[str]) -> bytes:
    from google.protobuf import any_pb2, struct_pb2
    from pulumi.runtime.proto import provider_pb2

    properties = struct_pb2.Struct()
    properties.update({key: value for key, value in storable(outputs).items() if value is not None})
    detail = any_pb2.Any()
    detail.Pack(provider_pb2.ErrorResourceInitFailed(id=resource_id, properties=properties, reasons=reasons))
    return _status(reasons[0], [detail])


def _status(message: str, details: list[Any]) -> bytes:
    serialized: bytes = _status_type()(code=_UNKNOWN, message=message, details=details).SerializeToString()
    return serialized


def _status_type() -> Any:  # noqa: ANN401 - generated classes are not typed
    try:
        return import_module("pulumi.runtime.proto.status_pb2").Status
    except TypeError:  # Google's own module was loaded before, by a tracer for one, and protobuf takes only one of them
        return import_module("google.rpc.status_pb2").Status
