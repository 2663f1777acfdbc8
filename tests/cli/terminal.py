"""A terminal in memory, and the command in it: what a person would see, and what stays when it has ended."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_PART = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """Obeys what the command sends, and refuses what it need not send."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.height = columns, lines
        self.rows: list[str] = [""]
        self.at = (0, 0)
        self.shows_cursor = True
        self.colours: set[str] = set()

    def feed(self, text: str) -> None:
        position = 0
        for part in _PART.finditer(text):
            assert part.start() == position, f"not understood: {text[position : position + 20]!r}"
            position = part.end()
            private, number, letter, move, words = part.groups()
            if letter:
                self._obey(private, number, letter)
            elif move:
                self._go(self.at[0] + (move == "\n"), 0 if move == "\r" else self.at[1])
            else:
                self._write(words)
        assert position == len(text), f"not understood: {text[position:]!r}"

    def _obey(self, private: str, number: str, letter: str) -> None:
        row, column = self.at
        if private:
            assert (number, letter) in (("25", "l"), ("25", "h"))
            self.shows_cursor = letter == "h"
        elif letter == "m":
            self.colours |= {each for each in number.split(";") if each.startswith("3") and len(each) == 2}
        elif letter in "AF":
            self._go(max(row - int(number or 1), self._top), 0 if letter == "F" else column)
        elif letter == "J":
            self.rows[row:] = [self.rows[row][:column]]
        elif letter == "K":
            self.rows[row] = "" if number == "2" else self.rows[row][:column]
        else:
            raise AssertionError(f"not understood: {letter}")

    @property
    def _top(self) -> int:
        """The first row that is still on the screen: no cursor gets above it."""
        return max(len(self.rows) - self.height, 0)

    def _go(self, row: int, column: int) -> None:
        self.rows += [""] * (row + 1 - len(self.rows))
        self.at = row, column

    def _write(self, words: str) -> None:
        for word in words:
            row, column = self.at
            if column == self.columns:
                self._go(row + 1, 0)
                row, column = self.at
            line = self.rows[row].ljust(column)
            self.rows[row] = line[:column] + word + line[column + 1 :]
            self.at = row, column + 1

    @property
    def text(self) -> str:
        return "\n".join(row.rstrip() for row in self.rows).rstrip()


@dataclass
class Ended:
    """What is left of a command: the screen, its exit code, and the screens that were waited for."""

    screen: Screen
    code: int
    seen: list[str]


def run_on_terminal(
    command: Sequence[str],
    environment: Mapping[str, str],
    *then: tuple[Callable[[str], bool], Callable[[int], None]],
    columns: int = 80,
    lines: int = 24,
) -> Ended:
    """Run a command in a terminal to its end. then: as soon as the screen is such, do this to the process."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    screen, steps, seen = Screen(columns, lines), list(then), []
    known = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        command, env={"TERM": "xterm-256color", **known}, stdin=its, stdout=its, stderr=its, start_new_session=True
    )
    os.close(its)
    rest, end = b"", time.monotonic() + 60
    try:
        while time.monotonic() < end:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                got = os.read(ours, 65536)
            except OSError as error:
                assert error.errno == errno.EIO  # noqa: PT017 - it is how a terminal says that nobody is left
                break
            if not got:
                break
            whole, rest = _whole(rest + got)
            screen.feed(whole)
            if steps and steps[0][0](screen.text):
                seen.append(screen.text)
                steps.pop(0)[1](process.pid)
        code = process.wait(timeout=10)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert not steps, f"never seen; last: {screen.text}"
    return Ended(screen, code, seen)


def _whole(got: bytes) -> tuple[str, bytes]:
    """Split what came into what can be read, and the beginning of a sequence or of a character."""
    cut = len(got)
    escape = got.rfind(b"\x1b")
    if escape >= 0 and not re.match(rb"\x1b\[\??[\d;]*[A-Za-z]", got[escape:]):
        cut = escape
    for back in range(1, 4):
        if back <= cut and got[cut - back] & 0xC0 == 0xC0:
            size = 2 if got[cut - back] < 0xE0 else 3 if got[cut - back] < 0xF0 else 4
            cut -= back if size > back else 0
            break
    return got[:cut].decode(), got[cut:]
