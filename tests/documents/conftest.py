from __future__ import annotations

from tests.gate.conftest import event_loop, one_loop

__all__ = ["event_loop", "one_loop"]
