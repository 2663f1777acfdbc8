"""A server of one's own, over real TLS: it answers as a test says, and remembers who came."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType

import pytest
import trustme

from vmss_emulator import Emulator

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


class TlsServer:
    """Answers every request on 127.0.0.1 with these parts, one after the other; a client may leave in between.

    host: with its port. seen: the head of each request. trusted: whether the process is told to trust it.
    """

    def __init__(self, answer: Callable[[], Iterable[bytes]] = lambda: (BUSY,)) -> None:
        self._answer = answer
        self.seen: list[str] = []
        self._authority = trustme.CA()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("127.0.0.1", "localhost").configure_cert(self._context)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.url = f"https://{self.host}"
        self._ended = threading.Event()

    def __enter__(self) -> TlsServer:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._socket.close()

    def trust(self, azure: Emulator, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process trust the server beside an emulator."""
        bundle = folder / "both.pem"
        bundle.write_bytes(Path(azure.environment["REQUESTS_CA_BUNDLE"]).read_bytes())
        with bundle.open("ab") as file:
            file.write(b"\n" + self._authority.cert_pem.bytes())
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        # Also with a client that does not trust the server, or leaves in the middle.
        with contextlib.suppress(OSError), self._context.wrap_socket(connection, server_side=True) as secure:
            head = b""
            while b"\r\n\r\n" not in head:
                part = secure.recv(65536)
                if not part:
                    return
                head += part
            self.seen.append(head.partition(b"\r\n\r\n")[0].decode("latin-1"))
            for part in self._answer():
                secure.sendall(part)
                if self._ended.is_set():
                    return


def drip(first: bytes, pause: float, ended: threading.Event) -> Iterator[bytes]:
    """The beginning of an answer, then a byte now and then."""
    yield first
    while not ended.wait(pause):
        yield b" "
