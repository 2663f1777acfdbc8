"""Hold the answers of one look, for whoever shows or keeps them."""

from __future__ import annotations

import threading

from vmss_instance_view.azure.recording import Read


class Reads:
    """The answers since they were last taken. Safe for many threads."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._held: list[Read] = []
        self._lock = threading.Lock()

    def keep(self, read: Read) -> None:
        """Hold an answer."""
        with self._lock:
            self._held.append(read)

    def take(self) -> list[Read]:
        """Return the answers, and hold them no more."""
        with self._lock:
            taken, self._held = self._held, []
            return taken
