"""Engine.Log at the address that the engine passed to this process: lines on a resource's own row."""

from __future__ import annotations

import threading
from typing import Any

from vmss_instance_view.pulumi.process import engine_address

_TIMEOUT = 5  # seconds

_stub_lock = threading.Lock()
_stub: Any = None


def say(urn: str, severity: str, text: str, ephemeral: bool) -> bool:
    """Log a line on a resource's row; return whether the engine took it."""
    from pulumi.runtime.proto import engine_pb2

    stub = _engine()
    if stub is None:
        return False
    level = engine_pb2.LogSeverity.Value(severity)
    stub.Log(engine_pb2.LogRequest(severity=level, urn=urn, message=text, ephemeral=ephemeral), timeout=_TIMEOUT)
    return True


def _engine() -> Any:  # noqa: ANN401 - pulumi's stubs are not typed
    """Return the engine at the address that it passed to this process, connected once."""
    global _stub
    import grpc
    from pulumi.runtime.proto import engine_pb2_grpc

    with _stub_lock:
        if _stub is None:
            address = engine_address()
            _stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None
        return _stub
