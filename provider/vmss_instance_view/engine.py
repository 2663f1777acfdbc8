"""The running Pulumi engine, as a dynamic provider sees it. Every undocumented mechanism of Pulumi is here.

None of it is promised by Pulumi, so each part degrades quietly to a plainer way (worse display, same verdicts), with
a line in the debug log. Read in the SDK 3.272 (pulumi/dynamic/__main__.py) and verified on the engine 3.259:

- the call that is being served, found by walking up the frames: its URN, its time-out, and a way to fail it well;
- Engine.Log at the address that the engine passed as the last argument: a status line on the resource's own row;
- ErrorResourceInitFailed in the trailing metadata: the resource is kept in state with its outputs, one reason a line;
- `experimental_thread_pool` of grpc: by default four threads serve all resources of a stack, and a gate holds one;
- the pool of Cancel: by default the engine's Cancel, sent at the first Ctrl-C, is ignored;
- the engine's address once more: a provider whose engine was killed is not told, and would poll Azure for ever.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from vmss_instance_view.clock import Stop, sleep

if TYPE_CHECKING:
    from pulumi.dynamic import ConfigureRequest

T = TypeVar("T")

_log = logging.getLogger(__name__)

STOP = Stop()
"""Set when the engine cancels, and when it closes the provider: whatever waits must end at once."""

_THREADS = 1024  # on demand: one for each gate that waits
_BLOCKING = ("Create", "Update", "Read", "Delete")
_ADDRESS = re.compile(r"[\w.\-]+:\d+")
_LOG_TIMEOUT = 5  # seconds
_PULSE = 0.5  # seconds between two looks whether the engine still listens, and whether the pools are still there
_MISSES = 3  # pulses without the engine that are believed
_FAREWELL = 1.0  # seconds that waiting gates get to end by themselves once it does not
_UNKNOWN = 2  # grpc's status code; with another one grpc-go reports a mismatch instead of the reasons


class PartialFailure(Exception):
    """The call failed, and what it had found is kept in state: the next `pulumi up` calls again."""


class CallFailed(Exception):
    """The call failed and nothing of it is kept."""


def configured(request: ConfigureRequest) -> Callable[[str], object]:
    """Looks up a key of any package's configuration, such as "azure-native:clientId"; None where nobody tells it."""
    return lambda key: _quietly("reading another package's configuration", lambda: request.config.get(key))


def _quietly(what: str, attempt: Callable[[], T]) -> T | None:
    """What the attempt returns; None, and a line in the debug log, where this Pulumi does not allow it."""
    try:
        return attempt()
    except Exception as error:
        _log.debug("%s is not possible with this Pulumi: %r", what, error)
        return None


# --- The pools ---------------------------------------------------------------------------------------------------


class _CancelPool(ThreadPoolExecutor):
    """Sees the engine's Cancel the moment it arrives, then serves it as it was served before."""

    def __init__(self, before: ThreadPoolExecutor | None) -> None:
        super().__init__(1)
        self._before = before

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:  # noqa: ANN401 - as the base class has it
        STOP.set()
        if self._before is None:
            return super().submit(function, *args, **kwargs)
        return self._before.submit(function, *args, **kwargs)


_install_lock = threading.Lock()


def install() -> None:
    """Make room for many blocking calls, and hear Cancel. Idempotent; to be called before each call that blocks.

    Process-wide: other dynamic resources of the stack gain the wider pools too. A pool that another library has set
    is kept where it is as wide, and chained where it is Cancel's; one that it sets later is found by the guard.
    """
    servicer = getattr(sys.modules["__main__"], "DynamicResourceProviderServicer", None)
    if servicer is None:
        return  # not in a provider process: a test, or the user's program
    with _install_lock:
        _quietly("widening the provider's pools", lambda: _widen_pools(servicer))
        _quietly("hearing Cancel", lambda: _hear_cancel(servicer))
        _quietly("ending with the engine", _start_guard)


def _widen_pools(servicer: Any) -> None:  # noqa: ANN401 - pulumi's class is not typed
    for name in _BLOCKING:
        method = getattr(servicer, name)
        if getattr(getattr(method, "experimental_thread_pool", None), "_max_workers", 0) < _THREADS:
            method.experimental_thread_pool = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"vmss-{name}")


def _hear_cancel(servicer: Any) -> None:  # noqa: ANN401 - as above
    before = getattr(servicer.Cancel, "experimental_thread_pool", None)
    if not isinstance(before, _CancelPool):
        servicer.Cancel.experimental_thread_pool = _CancelPool(before)


def _start_guard() -> None:
    global _guard
    if _guard is None:
        _guard = threading.Thread(target=_stand_guard, name="vmss-engine", daemon=True)
        _guard.start()


_guard: threading.Thread | None = None


def _stand_guard() -> None:
    """Keep the pools in place, and end this process soon after its engine is gone.

    Where its address is not known the engine counts as living; the parent's pid would not tell: a shell stands between.
    """
    address = _address()
    if address is not None and not _listens(address):
        address = None  # an address where nobody ever listened is something else
    misses = 0
    while misses < _MISSES:
        sleep(_PULSE)
        install()
        misses = 0 if address is None or _listens(address) else misses + 1
    STOP.set()
    sleep(_FAREWELL)
    os._exit(1)  # whatever else this process does, nobody is left to hear of it


def _listens(address: str) -> bool:
    """Whether anybody listens there; only a refusal says no: a slow machine is not a dead engine."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_LOG_TIMEOUT).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    return True


def _address() -> str | None:
    """The engine's address: the last argument of the provider process that looks like one."""
    return next((argument for argument in reversed(sys.argv[1:]) if _ADDRESS.fullmatch(argument)), None)


# --- The call ----------------------------------------------------------------------------------------------------


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
        """The exception to raise for a call that failed and whose findings are kept; each reason is a line.

        outputs: with the provider's own "__provider" entry, or a later call could not find its provider. One that
            cannot be stored is left out: without the others the state would keep an older verdict.
        """
        _quietly("a partial failure", lambda: self._attach(_init_failed(resource_id, outputs, reasons)))
        return PartialFailure("\n".join(reasons))

    def failure(self, text: str) -> CallFailed:
        """The exception to raise for a call that failed and leaves nothing in state."""
        _quietly("a failure without a traceback", lambda: self._attach(_status(text, [])))
        return CallFailed(text)

    def _attach(self, status: bytes) -> None:
        if self._context is not None:
            self._context.set_trailing_metadata((("grpc-status-details-bin", status),))

    def _say(self, severity: str, text: str, *, ephemeral: bool) -> bool:
        """Whether the engine took it."""
        return bool(self.urn and _quietly("a status line", lambda: _engine_log(self.urn, severity, text, ephemeral)))


def storable(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs without those that Pulumi's protocol cannot carry, such as half of a surrogate pair."""
    return {key: value for key, value in outputs.items() if _is_storable(key, value)}


def _is_storable(key: str, value: Any) -> bool:  # noqa: ANN401 - any output
    from google.protobuf import struct_pb2

    try:
        struct_pb2.Struct().update({key: value})
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        _log.debug("%s cannot be stored: %r", key, error)
        return False
    return True


def current_call() -> Call:
    """The call that this thread is serving. To be called in the provider's method itself, before it starts threads."""
    return _quietly("finding the engine's call", _find_call) or Call()


def _find_call() -> Call | None:
    import grpc

    frame = sys._getframe(1)
    while frame is not None:
        context, request = frame.f_locals.get("context"), frame.f_locals.get("request")
        if isinstance(context, grpc.ServicerContext) and request is not None:
            return Call(str(request.urn), float(getattr(request, "timeout", 0)) or None, context)
        frame = frame.f_back  # type: ignore[assignment]  # ends with None
    return None


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


# --- The engine's log --------------------------------------------------------------------------------------------

_stub_lock = threading.Lock()
_stub: Any = None


def _engine_log(urn: str, severity: str, text: str, ephemeral: bool) -> bool:
    from pulumi.runtime.proto import engine_pb2

    stub = _engine()
    if stub is None:
        return False
    level = engine_pb2.LogSeverity.Value(severity)
    stub.Log(engine_pb2.LogRequest(severity=level, urn=urn, message=text, ephemeral=ephemeral), timeout=_LOG_TIMEOUT)
    return True


def _engine() -> Any:  # noqa: ANN401 - pulumi's stubs are not typed
    """The engine at the address that it passed to this process, connected once."""
    global _stub
    import grpc
    from pulumi.runtime.proto import engine_pb2_grpc

    with _stub_lock:
        if _stub is None:
            address = _address()
            _stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None
        return _stub
