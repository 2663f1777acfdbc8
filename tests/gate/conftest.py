from tests.loops import event_loop, one_loop

__all__ = ["event_loop", "one_loop"]
