"""A terminal that remembers: run a command in it, look at its screen meanwhile, and draw that as a picture."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from pulumi_vmss_health.reporting.markup import Markup, element, raw

ROWS = 50
_TOKEN = re.compile(
    r"\x1b\[(?P<given>[\d;?]*)(?P<what>[A-Za-z])|\x1b\].*?(?:\x07|\x1b\\)|\x1b.|(?P<control>[\x00-\x1f])|(?P<text>[^\x00-\x1f]+)",
    re.DOTALL,
)
_PARTIAL = re.compile(r"\x1b[^A-Za-z\\\x07]*\Z")

_INK, _PAPER, _BAR = "#d5dbe3", "#10151b", "#1b222b"
_COLOURS = {
    "1": "#ff7b72",
    "2": "#56d364",
    "3": "#e3b341",
    "4": "#79c0ff",
    "5": "#d2a8ff",
    "6": "#76e3ea",
    "8": "#8b949e",
}
_WIDTH, _HEIGHT, _SIZE, _PADDING, _TOP = 7.4, 18, 12.3, 16, 34  # pixels
_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_SHEET = (
    f"text{{font-family:{_FONT};font-size:{_SIZE}px;fill:{_INK};white-space:pre}}.b{{font-weight:700}}"
    f".u{{text-decoration:underline}}.title{{fill:#8b949e}}"
    + "".join(f".c{number}{{fill:{colour}}}" for number, colour in _COLOURS.items())
)


@dataclass(frozen=True)
class Style:
    """How a letter looks. colour: of the eight; "" for the terminal's own."""

    colour: str = ""
    bold: bool = False
    underlined: bool = False

    @property
    def names(self) -> str | None:
        """Its classes in a picture."""
        names = [f"c{self.colour}" if self.colour else "", "b" if self.bold else "", "u" if self.underlined else ""]
        return " ".join(filter(None, names)) or None


PLAIN = Style()
Line = list[tuple[str, Style]]


@dataclass
class Screen:
    """What is on a terminal of so many columns, and what was scrolled away."""

    columns: int
    lines: list[Line] = field(default_factory=lambda: [[]])
    _row: int = 0
    _column: int = 0
    _style: Style = PLAIN
    _rest: str = ""

    def feed(self, text: str) -> None:
        """Take what a program wrote."""
        text, self._rest = self._rest + text, ""
        if partial := _PARTIAL.search(text):  # the rest of a command comes with the next text
            text, self._rest = text[: partial.start()], partial.group()
        for token in _TOKEN.finditer(text):
            if token["text"]:
                for letter in token["text"]:
                    self._put(letter)
            elif token["control"] == "\r":
                self._column = 0
            elif token["control"] == "\n":
                self._go(self._row + 1)
            elif token["what"]:
                self._obey(token["what"], token["given"])

    @property
    def texts(self) -> list[str]:
        """The lines without their styles."""
        return ["".join(letter for letter, _ in line).rstrip() for line in self.lines]

    def _put(self, letter: str) -> None:
        if self._column == self.columns:
            self._go(self._row + 1)
            self._column = 0
        line = self.lines[self._row]
        line += [(" ", PLAIN)] * (self._column + 1 - len(line))
        line[self._column] = (letter, self._style)
        self._column += 1

    def _go(self, row: int) -> None:
        self._row = max(row, 0)
        self.lines += [[] for _ in range(self._row + 1 - len(self.lines))]

    def _obey(self, what: str, given: str) -> None:
        number = int(given) if given.isdigit() else 1
        if what == "A":
            self._go(self._row - number)
        elif what == "K":
            del self.lines[self._row][self._column :]
        elif what == "J":
            del self.lines[self._row][self._column :], self.lines[self._row + 1 :]
        elif what == "m":
            self._style = _styled(self._style, given.split(";"))


def _styled(style: Style, codes: Sequence[str]) -> Style:
    if codes[:2] == ["38", "5"]:
        number = int(codes[2])
        return replace(style, colour=str(number % 8 or 8) if number < 16 else "")
    for code in codes:
        if code in ("", "0"):
            style = PLAIN
        elif code == "1":
            style = replace(style, bold=True)
        elif code == "4":
            style = replace(style, underlined=True)
        elif re.fullmatch("[39][0-7]", code):
            style = replace(style, colour=str(int(code[1]) or 8))
    return style


def run(command: Sequence[str], environment: Mapping[str, str], columns: int) -> Iterator[Screen]:
    """Run a command in a terminal; yield its screen at each change. Raises CalledProcessError if it fails."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    screen, decoder = Screen(columns), codecs.getincrementaldecoder("utf-8")("replace")
    given = {**environment, "TERM": "xterm-256color"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=given, start_new_session=True
    ) as running:
        os.close(theirs)
        try:
            while data := _read(ours):
                screen.feed(decoder.decode(data))
                yield screen
        finally:
            os.close(ours)  # whoever still writes gets a hang-up
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux tells that nobody writes any more
        return b""


def drawn(lines: Sequence[Line], title: str) -> Markup:
    """Return lines as an svg file that looks like a terminal. title: above them, and for those who cannot see it."""
    columns = max([*(len(line) for line in lines), len(title) + 4])
    width, height = columns * _WIDTH + 2 * _PADDING, len(lines) * _HEIGHT + _TOP + _PADDING
    texts = [
        _text(run_, _PADDING + column * _WIDTH, _TOP + (row + 1) * _HEIGHT - 4, style)
        for row, line in enumerate(lines)
        for column, run_, style in _runs(line)
    ]
    return element(
        "svg",
        element("title", title, id="title"),
        element("desc", " ".join("".join(letter for letter, _ in line) for line in lines), id="description"),
        element("style", raw(_SHEET)),
        element("rect", width=width, height=height, rx=8, fill=_PAPER),
        element(
            "path", d=f"M0 {_TOP - 8}V8A8 8 0 0 1 8 0H{width - 8:.1f}A8 8 0 0 1 {width:.1f} 8V{_TOP - 8}Z", fill=_BAR
        ),
        element("text", title, x=_PADDING, y=18, class_="title"),
        *texts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        role="img",
        aria_labelledby="title description",
    )


def _runs(line: Line) -> Iterator[tuple[int, str, Style]]:
    """Yield what is written without a gap of two blanks: its column, its text, its style."""
    column = 0
    for style, letters in groupby(line, key=lambda each: each[1]):
        text = "".join(letter for letter, _ in letters)
        for match in re.finditer(r"\S+(?: \S+)*", text):
            yield column + match.start(), match.group(), style
        column += len(text)


def _text(text: str, x: float, y: float, style: Style) -> Markup:
    """Write a text as wide as its columns are, whatever the font."""
    return element(
        "text", text, x=x, y=y, class_=style.names, textLength=len(text) * _WIDTH, lengthAdjust="spacingAndGlyphs"
    )
