"""What happens to a request on the wire: it is recorded, given ids, and perhaps a fault of the timeline answers it.

Plain ASGI, because a fault must be able to do what a web framework rightly prevents: send half a body, or nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from vmss_emulator.faults import Fault
from vmss_emulator.journal import Journal
from vmss_emulator.world import World

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger(__name__)
_CORRELATION = b"x-ms-correlation-request-id"


class Connection(H11Protocol):
    """A connection that lets the application see its transport, which alone can be reset."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn says the same
        """Remember the transport where each request's scope will carry it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Recorded:
    """Writes each request into the journal and gives its answer the ids that Azure's answers carry."""

    def __init__(self, app: App, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        number = self._journal.begin(scope["method"], scope["path"], scope["query_string"].decode("latin-1"))

        async def recorded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_ids(scope)]}
                self._journal.answered(number, message["status"])
            await send(message)

        try:
            await self._app(scope, receive, recorded)
        finally:
            self._journal.end(number)


class Faulty:
    """Lets the timeline's faults answer in place of the application; the remote control never fails."""

    def __init__(self, app: App, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        fault = self._world.faults.pick(scope["method"], scope["path"]) if _can_fail(scope) else None
        if fault is None:
            await self._answer(scope, receive, send)
        elif fault.reset:
            _reset(scope["state"]["transport"])
        elif fault.status is not None:
            await _send_instead(fault, send)
        else:
            if fault.hang == "body":
                await self._send_half(scope, receive, send)
            await _until_the_client_leaves(receive)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:
            # Starlette has answered 500 already; without this nobody would learn of the emulator's own bug.
            _log.exception("the emulator failed to answer %s %s", scope["method"], scope["path"])

    async def _send_half(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        await self._answer(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        await send(sent[0])
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


def _can_fail(scope: Scope) -> bool:
    return not str(scope["path"]).startswith("/emulator/")


def _ids(scope: Scope) -> list[tuple[bytes, bytes]]:
    asked = dict(scope["headers"]).get(_CORRELATION)
    return [(b"x-ms-request-id", str(uuid.uuid4()).encode()), (_CORRELATION, asked or str(uuid.uuid4()).encode())]


async def _send_instead(fault: Fault, send: Send) -> None:
    envelope = json.dumps({"error": {"code": fault.code, "message": fault.message}})
    body = (envelope if fault.body is None else fault.body).encode()
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(fault.retry_after).encode()))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _until_the_client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _reset(transport: asyncio.Transport) -> None:
    """Close with RST instead of FIN: lingering for no time at all."""
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
