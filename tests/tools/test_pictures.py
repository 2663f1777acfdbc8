"""The pictures of the documents, and the terminal in which two of them were made."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from tests.pages import PAGES, ROOT
from tests.reporting.parsing import svg
from tools.pictures import FOLDER, LARGEST, latest_up, trimmed
from tools.terminal import Screen, Style, drawn, run

GREEN = Style("2", bold=True)


def screen(*texts: str, columns: int = 20) -> Screen:
    made = Screen(columns)
    for text in texts:
        made.feed(text)
    return made


def test_a_screen_shows_what_was_written_last_where_it_was_written() -> None:
    assert screen("one\r\ntwo\r\nthree\r\x1b[2Afour\x1b[K\r\n\x1b[Kx").texts == ["four", "x", "three"]
    assert screen("progress 1\rdone\x1b[K\r\n").texts == ["done", ""]
    assert screen("one\r\ntwo\r\nthree\x1b[2A\r\x1b[J").texts == [""]


def test_a_line_that_is_too_long_goes_on_in_the_next() -> None:
    assert screen("a" * 25).texts == ["a" * 20, "a" * 5]
    assert screen("a" * 20 + "\r\nb").texts == ["a" * 20, "b"]


def test_letters_keep_their_colours_whatever_the_parts_in_which_they_come() -> None:
    for parts in (["\x1b[1m\x1b[38;5;2mok\x1b[0m no"], ["\x1b[1m\x1b[3", "8;5;2mo", "k\x1b", "[0m no"]):
        (line,) = screen(*parts).lines
        assert line[:2] == [("o", GREEN), ("k", GREEN)]
        assert line[3] == ("n", Style())
    (line,) = screen("\x1b[31;4mx\x1b[38;5;12my\x1b[38;5;200mz").lines
    assert [style for _, style in line] == [
        Style("1", underlined=True), Style("4", underlined=True), Style(underlined=True),
    ]  # fmt: skip


def test_questions_to_the_terminal_and_its_cursor_leave_nothing() -> None:
    assert screen("\x1b]11;?\x1b\\\x1b[6n\x1b[?25lx\x1b]0;title\x07y").texts == ["xy"]


def test_a_command_sees_a_terminal_of_its_own() -> None:
    program = "import os, sys; print(sys.stdout.isatty(), *os.get_terminal_size(), os.environ['TERM'])"
    *_, last = run([sys.executable, "-c", program], os.environ, 33)
    assert last.texts == ["True 33 50 xterm-256color", ""]
    with pytest.raises(subprocess.CalledProcessError):
        list(run([sys.executable, "-c", "raise SystemExit(3)"], os.environ, 33))


def test_a_drawn_screen_has_each_letter_in_its_column_and_nothing_of_it_is_markup() -> None:
    root = svg(drawn(screen("\x1b[32m+\x1b[0m   <b>&  │  x").lines, "a <title>"))
    texts = {each.text: each.attributes for each in root.all("text")}
    assert set(texts) == {"a <title>", "+", "<b>&", "│", "x"}
    columns = {text: (float(texts[text]["x"]) - 16) / 7.4 for text in ("+", "<b>&", "│", "x")}
    assert columns == {"+": 0, "<b>&": pytest.approx(4), "│": pytest.approx(10), "x": pytest.approx(13)}
    assert texts["+"]["class"] == "c2"


def test_the_update_of_the_latest_command_is_taken_without_its_preview() -> None:
    update = "Previewing\r\n\r\nUpdating (dev):\r\n row {}\r\n\r\n(exit code 0 after 1s)\r\n$ pulumi x\r\n"
    shown = screen(*(f"$ pulumi up --yes\r\n{update.format(number)}" for number in (1, 2)))
    taken = ["".join(letter for letter, _ in line) for line in trimmed(latest_up(shown))]
    assert taken == ["$ pulumi up --yes", "Updating (dev):", " row 2"]
    assert latest_up(screen("$ pulumi up\r\nPreviewing")) == []


def test_the_pictures_are_shown_on_a_page_small_and_of_nothing_from_outside() -> None:
    pictures = sorted(FOLDER.iterdir())
    shown = {found for page in PAGES for found in re.findall(r"pictures/([\w.-]+)", page.read_text())}
    assert {each.name for each in pictures} == shown
    for each in pictures:
        assert each.stat().st_size <= LARGEST
        if each.suffix == ".svg":
            root = svg(each.read_text())
            assert not {found.name for found in root} & {"script", "image", "use", "foreignObject"}
            assert "url(" not in each.read_text()


def test_the_picture_of_the_gate_at_work_says_what_readme_says_of_it() -> None:
    texts = [each.text for each in svg((FOLDER / "gate.svg").read_text()).all("text")]
    (said,) = re.findall(r"says: ([^\]]+)\]", (ROOT / "README.md").read_text())
    assert any(" ".join(said.split()) in text for text in texts)
