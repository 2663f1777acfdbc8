"""How a fault is carried out: silence, half a body, a byte at a time, a bomb.

Plain ASGI and the bare transport, because a fault must be able to do what a web framework rightly prevents.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode

from vmss_emulator.azure.world import World
from vmss_emulator.entra.identity import Identity
from vmss_emulator.script.faults import Fault

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_JSON = "application/json; charset=utf-8"
_BLOCK = b" " * 2**20
_pages = count(2)


@dataclass(slots=True)
class Exchange:
    """One request that a fault answers: the true answer is what `app` would give."""

    app: App
    scope: Scope
    receive: Receive
    send: Send
    fault: Fault
    world: World
    identity: Identity

    async def carry_out(self) -> None:
        """Answer the request as the fault wants it."""
        await _EFFECTS[self.fault.effect](self)

    @property
    def transport(self) -> asyncio.Transport:
        """The bare connection."""
        found: asyncio.Transport = self.scope["state"]["transport"]
        return found

    async def true_answer(self) -> tuple[Message, bytes]:
        """Return what would have been answered: the message that begins it, and the body."""
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        await self.app(self.scope, self.receive, keep)
        return sent[0], b"".join(message.get("body", b"") for message in sent[1:])

    async def begin(self, start: Message) -> None:
        """Send status and headers, the fault's own among them."""
        await self.send({**start, "headers": self.headers(start)})

    async def body(self, part: bytes, *, more: bool) -> None:
        """Send a part of the body."""
        await self.send({"type": "http.response.body", "body": part, "more_body": more})

    async def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer of one's own; it is JSON unless the fault's headers say otherwise."""
        own = {"content-type": _JSON, "content-length": str(len(body)), **(headers or {})}
        lines = [(name.encode(), value.encode()) for name, value in own.items()]
        await self.begin({"type": "http.response.start", "status": status, "headers": lines})
        await self.body(body, more=False)

    def headers(self, start: Message) -> list[tuple[bytes, bytes]]:
        """Return an answer's headers: the fault's, and of the answer's own those that the fault does not name."""
        own = self._own_headers()
        named = {name.lower() for name, _ in own}
        return [*((name, value) for name, value in start["headers"] if name.lower() not in named), *own]

    def _own_headers(self) -> list[tuple[bytes, bytes]]:
        found = list(self.fault.headers)
        if self.fault.retry_after is not None:
            found.append(("retry-after", self._retry_after(self.fault.retry_after)))
        return [(name.encode("latin-1"), self.written(value).encode()) for name, value in found]

    def _retry_after(self, value: float | str) -> str:
        return formatdate(self.world.clock() + value, usegmt=True) if isinstance(value, float) else str(value)

    def written(self, text: str) -> str:
        """Return a text of the timeline, in which {url} stands for the emulator."""
        return text.replace("{url}", self.world.url)

    async def left_within(self, seconds: float) -> bool:
        """Wait. True if the client left meanwhile."""
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            try:
                message = await asyncio.wait_for(self.receive(), left)
            except asyncio.TimeoutError:
                return False
            if message["type"] == "http.disconnect":
                return True
        return self.transport.is_closing()

    async def until_the_client_leaves(self) -> None:
        """Say nothing more."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


async def _answer(exchange: Exchange) -> None:
    fault = exchange.fault
    body = exchange.written(fault.body or "")
    if fault.body is None and fault.status >= 400:
        body = json.dumps({"error": {"code": fault.code, "message": fault.message}})
    await exchange.answer(fault.status, body.encode(errors="surrogatepass"))  # a text is sent as it is


async def _headers(exchange: Exchange) -> None:
    start, body = await exchange.true_answer()
    await exchange.begin(start)
    await exchange.body(body, more=False)


async def _hang(exchange: Exchange) -> None:
    if exchange.fault.value == "body":
        start, body = await exchange.true_answer()
        await exchange.begin(start)
        await exchange.body(body[: len(body) // 2], more=True)
    await exchange.until_the_client_leaves()


async def _reset(exchange: Exchange) -> None:
    """Close with RST instead of FIN: lingering for no time at all."""
    linger = struct.pack("ii", 1, 0)
    exchange.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    exchange.transport.abort()


async def _trickle(exchange: Exchange) -> None:
    start, body = await exchange.true_answer()
    await exchange.begin(start)
    for index in range(len(body)):
        if await exchange.left_within(exchange.fault.value):
            return
        await exchange.body(body[index : index + 1], more=index + 1 < len(body))


async def _trickle_headers(exchange: Exchange) -> None:
    """Past the web server, which sends headers in one piece."""
    start, body = await exchange.true_answer()
    lines = [f"HTTP/1.1 {start['status']} {HTTPStatus(start['status']).phrase}".encode(), b"connection: close"]
    lines += [name + b": " + value for name, value in exchange.headers(start)]
    for byte in b"\r\n".join([*lines, b"", b""]):
        if await exchange.left_within(exchange.fault.value):
            return
        exchange.transport.write(bytes([byte]))
    exchange.transport.write(body)
    exchange.transport.close()
    await exchange.until_the_client_leaves()


async def _cut(exchange: Exchange) -> None:
    start, body = await exchange.true_answer()
    await exchange.begin(start)
    await exchange.body(body[: len(body) // 2], more=True)
    exchange.transport.close()
    await exchange.until_the_client_leaves()


async def _bomb(exchange: Exchange) -> None:
    headers = [(b"content-type", _JSON.encode()), (b"content-encoding", b"gzip")]
    await exchange.begin({"type": "http.response.start", "status": 200, "headers": headers})
    gone = asyncio.ensure_future(exchange.until_the_client_leaves())
    async for part in _packed(exchange.fault.value):
        if gone.done():
            exchange.transport.abort()  # Python 3.10 would let it linger
            return
        await exchange.body(part, more=True)
    gone.cancel()
    await exchange.body(b"", more=False)


async def _packed(size: int) -> AsyncIterator[bytes]:
    """Return an empty list of that many bytes, packed as it goes: nobody here ever holds more than a block of it."""
    begin, end = b'{"value": [', b"]}"
    packer = zlib.compressobj(level=1, wbits=31)
    blanks, rest = divmod(max(size - len(begin) - len(end), 0), len(_BLOCK))
    for block in (begin, *[_BLOCK] * blanks, _BLOCK[:rest], end):
        if part := packer.compress(block):
            yield part
        await asyncio.sleep(0)  # others want to be answered, too
    yield packer.flush()


async def _endless(exchange: Exchange) -> None:
    """The true page, with a link to yet another one that nobody was sent to before; what is no page has none."""
    start, body = await exchange.true_answer()
    page = _json(body)
    if not isinstance(page, dict):
        await exchange.begin(start)
        return await exchange.body(body, more=False)
    query = {**dict(parse_qsl(exchange.scope["query_string"].decode("latin-1"))), "page": str(next(_pages))}
    link = f"{exchange.world.url}{exchange.scope['path']}?{urlencode(query)}"
    return await exchange.answer(start["status"], json.dumps({**page, "nextLink": link}).encode())


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


async def _claims(exchange: Exchange) -> None:
    """Refuse every token that was not asked for with these claims, as continuous access evaluation does."""
    wanted = {"access_token": {"nbf": {"essential": True, "value": "1700000000"}}}
    sent = dict(exchange.scope["headers"]).get(b"authorization", b"").decode("latin-1")
    if exchange.identity.claimed(sent.partition(" ")[2], wanted):
        return await _headers(exchange)
    claims = base64.urlsafe_b64encode(json.dumps(wanted).encode()).rstrip(b"=").decode()
    challenge = (
        f'Bearer realm="", authorization_uri="{exchange.world.url}/common/oauth2/authorize", '
        f'error="insufficient_claims", claims="{claims}"'
    )
    error = {"code": "InvalidAuthenticationToken", "message": "The token lacks claims that are asked for since."}
    return await exchange.answer(401, json.dumps({"error": error}).encode(), {"www-authenticate": challenge})


_EFFECTS: Mapping[str, Callable[[Exchange], Awaitable[None]]] = {
    "answer": _answer,
    "headers": _headers,
    "hang": _hang,
    "reset": _reset,
    "trickle": _trickle,
    "trickle_headers": _trickle_headers,
    "cut": _cut,
    "bomb": _bomb,
    "endless": _endless,
    "claims": _claims,
}
