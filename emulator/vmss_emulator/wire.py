"""What happens to a request on the wire: it is recorded, given ids, and perhaps a fault of the timeline answers it."""

from __future__ import annotations

import asyncio
import logging
import uuid
from urllib.parse import unquote_plus

from uvicorn.protocols.http.h11_impl import H11Protocol

from vmss_emulator.identity import Identity
from vmss_emulator.journal import Journal
from vmss_emulator.mischief import App, Exchange, Message, Receive, Scope, Send
from vmss_emulator.world import World

__all__ = ["App", "Connection", "Faulty", "Recorded"]

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

    def __init__(self, app: App, world: World, identity: Identity) -> None:
        self._app = app
        self._world = world
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        fault = self._world.faults.pick(scope["method"], scope["path"], _query(scope)) if _can_fail(scope) else None
        if fault is None:
            await self._answer(scope, receive, send)
        else:
            await Exchange(self._answer, scope, receive, send, fault, self._world, self._identity).carry_out()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:
            # Starlette has answered 500 already; without this nobody would learn of the emulator's own bug.
            _log.exception("the emulator failed to answer %s %s", scope["method"], scope["path"])


def _can_fail(scope: Scope) -> bool:
    return not str(scope["path"]).startswith("/emulator/")


def _query(scope: Scope) -> str:
    """The query as a person would write it: clients encode it in different ways."""
    return unquote_plus(scope["query_string"].decode("latin-1"))


def _ids(scope: Scope) -> list[tuple[bytes, bytes]]:
    asked = dict(scope["headers"]).get(_CORRELATION)
    return [(b"x-ms-request-id", str(uuid.uuid4()).encode()), (_CORRELATION, asked or str(uuid.uuid4()).encode())]
