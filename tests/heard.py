"""What a gate tells people, kept."""

from __future__ import annotations


class Heard:
    """A teller that keeps warnings, each as one line. status: whether it may be told a status line."""

    def __init__(self, *, status: bool = False) -> None:
        self.warnings: list[str] = []
        self._hears_status = status

    def status(self, text: str) -> None:
        assert self._hears_status, text

    def warn(self, text: str) -> None:
        self.warnings.append(" ".join(text.split()))
