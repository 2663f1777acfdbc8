"""What is the same of every flag: its name, and that it has a value."""

from __future__ import annotations

import argparse


def filled(value: str) -> str:
    """Return a flag's value. Refuse an empty one: a variable that is not set must not drop the flag."""
    if not value:
        raise argparse.ArgumentTypeError("it is empty: leave the flag out, or give a value")
    return value


def flag_of(name: str) -> str:
    """Return the flag of a field or an option."""
    return f"--{name.replace('_', '-')}"
