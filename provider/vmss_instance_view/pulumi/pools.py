"""Serve many gates in one provider process, notice Cancel, and end with the engine.

- `experimental_thread_pool` of grpc: by default four threads serve all resources of a stack, and a gate holds one;
- the pool of Cancel: by default the engine's Cancel, sent at the first Ctrl-C, is ignored;
- the engine's address: a provider whose engine was killed is not told, and would poll Azure for ever.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from vmss_instance_view.clock import Stop, sleep
from vmss_instance_view.pulumi.process import engine_address, quietly

T = TypeVar("T")

STOP = Stop()
"""Set when the engine cancels or closes the provider: every wait must end at once."""

_THREADS = 1024  # started on demand, one for each waiting gate
_BLOCKING = ("Create", "Update", "Read", "Delete")
_PULSE = 0.5  # seconds between two looks whether the engine still listens, and whether the pools are still there
_MISSES = 3  # pulses without the engine that are believed
_FAREWELL = 1.0  # seconds that waiting gates get to end by themselves once it does not
_CONNECT_TIMEOUT = 5  # seconds


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
        quietly("widening the provider's pools", lambda: _widen_pools(servicer))
        quietly("hearing Cancel", lambda: _hear_cancel(servicer))
        quietly("ending with the engine", _start_guard)


def _widen_pools(servicer: Any) -> None:  # noqa: ANN401 - pulumi's class is not typed
    for name in _BLOCKING:
        method = getattr(servicer, name)
        if getattr(getattr(method, "experimental_thread_pool", None), "_max_workers", 0) < _THREADS:
            method.experimental_thread_pool = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"vmss-{name}")


def _hear_cancel(servicer: Any) -> None:  # noqa: ANN401 - as above
    before = getattr(servicer.Cancel, "experimental_thread_pool", None)
    if not isinstance(before, _CancelPool):
        servicer.Cancel.experimental_thread_pool = _CancelPool(before)


def end_with_engine() -> None:
    """Have this process end soon after its engine is gone."""
    with _install_lock:
        _start_guard()


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
    address = engine_address()
    if address is not None and not _listens(address):
        address = None  # an address that was never reachable is probably not the engine's
    misses = 0
    while misses < _MISSES:
        sleep(_PULSE)
        install()
        misses = 0 if address is None or _listens(address) else misses + 1
    STOP.set()
    sleep(_FAREWELL)
    os._exit(1)  # the engine is gone, so no result of this process can be used any more


def _listens(address: str) -> bool:
    """Return whether the engine still listens; only a refused connection says no, because a machine may be slow."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_TIMEOUT).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    return True
