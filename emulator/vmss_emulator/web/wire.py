"""What happens to a request on the wire: it is recorded, let in, and perhaps a fault of the timeline answers it."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from urllib.parse import unquote_plus

from uvicorn.protocols.http.h11_impl import H11Protocol

from vmss_emulator.azure.world import World
from vmss_emulator.entra.identity import Identity
from vmss_emulator.web.journal import Journal
from vmss_emulator.web.mischief import App, Exchange, Message, Receive, Scope, Send

__all__ = ["App", "Connection", "Faulty", "Guarded", "Recorded"]

_log = logging.getLogger(__name__)
_CORRELATION = b"x-ms-correlation-request-id"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_USUAL_PORTS = {"http": 80, "https": 443}
_LARGEST = 4 * 2**20  # Azure Resource Manager's own limit


class Connection(H11Protocol):
    """A connection that lets the application see its transport, which alone can be reset."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn says the same
        """Remember the transport where each request's scope will carry it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}

    def connection_lost(self, exc: Exception | None) -> None:
        """Close this side, too, where the client was killed: Python 3.10 and uvicorn do so only if it left in order."""
        super().connection_lost(exc)
        self.transport.close()


class Recorded:
    """Writes each request into the journal and gives its answer the ids that Azure's answers carry."""

    def __init__(self, app: App, journal: Journal, identity: Identity) -> None:
        self._app = app
        self._journal = journal
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        query = scope["query_string"].decode("latin-1")
        number = self._journal.begin(scope["method"], scope["path"], query, self._identity.owner(_token(scope)))

        async def recorded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_ids(scope)]}
                self._journal.answered(number, message["status"])
            await send(message)

        try:
            await self._app(scope, receive, recorded)
        finally:
            self._journal.end(number)


class Guarded:
    """Lets in what is meant for this machine and not too large; bodies arrive whole behind it.

    A page in a browser can let its own name lead to 127.0.0.1, and is then known by the Host header alone.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
        port = scope["server"][1]
        allowed = [f"{name}:{port}" for name in _LOOPBACK]
        if port == _USUAL_PORTS[scope["scheme"]]:
            allowed += _LOOPBACK  # clients then leave it out
        if host not in allowed:
            said = f"The Host header must be one of {', '.join(allowed)}, not '{host[:80]}'."
            return await _refuse(send, 421, "MisdirectedRequest", said)
        body = await _whole_body(receive)
        if body is None:
            said = f"The request content is larger than the {_LARGEST >> 20} MB that Azure Resource Manager takes."
            return await _refuse(send, 413, "RequestContentTooLarge", said)
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> Message:
            return waiting.pop() if waiting else await receive()

        return await self._app({**scope, "path": _plain(scope["path"])}, replayed, send)


def _plain(path: str) -> str:
    """Return a path without empty words: clients append theirs to a URL that may end in a slash."""
    return "/" + "/".join(word for word in path.split("/") if word)


async def _whole_body(receive: Receive) -> bytes | None:
    """The body of a request; None if it is too large: read to its end all the same, or nobody would hear the answer."""
    parts, size = [], 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if size <= _LARGEST:
            parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts) if size <= _LARGEST else None


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class Faulty:
    """Lets the timeline's faults answer in place of the application; the remote control neither fails nor waits.

    latency: seconds before each answer begins.
    """

    def __init__(self, app: App, world: World, identity: Identity, latency: float = 0.0) -> None:
        self._app = app
        self._latency = latency
        self._world = world
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"].startswith("/emulator/"):
            return await self._answer(scope, receive, send)
        await asyncio.sleep(self._latency)
        fault = self._world.faults.pick(scope["method"], scope["path"], _query(scope))
        if fault is None:
            return await self._answer(scope, receive, send)
        return await Exchange(self._answer, scope, receive, send, fault, self._world, self._identity).carry_out()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:
            # Starlette has answered 500 already; without this line the emulator's own bug would stay hidden.
            _log.exception("the emulator failed to answer %s %s", scope["method"], scope["path"])


def _query(scope: Scope) -> str:
    """Return the query as a person would write it: clients encode it in different ways."""
    return unquote_plus(scope["query_string"].decode("latin-1"))


def _token(scope: Scope) -> str:
    """Return the bearer token of a request; "" without one."""
    kind, _, token = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _ids(scope: Scope) -> list[tuple[bytes, bytes]]:
    headers = dict(scope["headers"])
    asked = headers.get(_CORRELATION)
    found = [(b"x-ms-request-id", str(uuid.uuid4()).encode()), (_CORRELATION, asked or str(uuid.uuid4()).encode())]
    own = headers.get(b"x-ms-client-request-id")
    wanted = headers.get(b"x-ms-return-client-request-id", b"").lower() == b"true"
    return [*found, (b"x-ms-client-request-id", own)] if own is not None and wanted else found
