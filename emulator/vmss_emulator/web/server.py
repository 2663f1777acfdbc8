"""Serving applications on loopback from one background thread, stopping at once however long its clients would stay."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from vmss_emulator.web.wire import App, Connection

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Site:
    """An application and where it listens; `certificate` is a PEM file with key and chain, None for plain http."""

    app: App
    listener: socket.socket
    certificate: Path | None = None


def listen(port: int = 0) -> socket.socket:
    """Take a port of 127.0.0.1, a free one if 0. Clients may connect from now on, and wait until a server runs.

    Raises:
        OSError: the port is taken.
    """
    # By the protocol asyncio knows where to set TCP_NODELAY; without, each answer waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"port {port} of {HOST}: {error.strerror}") from None
    return listener


class Server:
    """Serves sites until it is stopped."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self._sites = sites
        self._servers = [uvicorn.Server(_config(site)) for site in sites]
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="vmss-emulator", daemon=True)
        self._running = threading.Event()

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        self._running.wait()

    def stop(self) -> None:
        """End, leaving open connections to their fate; returns when the thread has ended."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._running.set()
        pairs = zip(self._servers, self._sites, strict=True)
        serving = [asyncio.create_task(server.serve(sockets=[site.listener])) for server, site in pairs]
        await self._stopping.wait()
        # uvicorn's own way to stop waits for its connections, and one of them may hang because a fault wants it so.
        await _cancel(serving)
        for server in self._servers:
            for listener in getattr(server, "servers", ()):  # absent until it has started
                listener.close()
            for connection in list(server.server_state.connections):
                connection.transport.abort()
        for site in self._sites:
            site.listener.close()
        await _cancel(asyncio.all_tasks() - {asyncio.current_task()})


async def _cancel(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    found = [task for task in tasks if task is not None]
    for task in found:
        task.cancel()
    await asyncio.gather(*found, return_exceptions=True)


def _config(site: Site) -> uvicorn.Config:
    return uvicorn.Config(
        site.app,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # it would warn of each client that gives up, which is what some tests are about
        access_log=False,
        timeout_keep_alive=120,  # seconds; clients keep connections that long, as Azure does
        server_header=False,
        ssl_certfile=site.certificate,
    )
