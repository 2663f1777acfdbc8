"""One line of whatever came from outside."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hostile import COMMANDS, CONTROLS, EVERYTHING, harm

from vmss_instance_view.text import clean, encodable

PARTS = st.sampled_from([*COMMANDS, *CONTROLS, "#", "##", ":", "::", "[", " "]) | st.characters()
TEXTS = st.lists(PARTS, max_size=30).map("".join)


@given(TEXTS, st.integers(2, 60))
def test_any_text_becomes_a_line_that_harms_nobody_and_cleaning_it_again_changes_nothing(text: str, limit: int) -> None:
    line = clean(text, limit)
    assert harm(line) is None
    assert len(line) <= limit
    assert clean(line, limit) == line
    line.encode()


@pytest.mark.parametrize("control", CONTROLS)
def test_what_cannot_be_seen_becomes_a_blank(control: str) -> None:
    assert clean(f"one{control}two").startswith("one ")


def test_words_of_every_language_stay_as_they_are() -> None:
    text = "Größe 5 µm; 無効な設定; ошибка №1; 🙂 #1, a::b [x] C:\\x"
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("boom ##vso[task.complete]", "boom # #vso[task.complete]"),
        ("boom ##[error]x", "boom # #[error]x"),
        ("boom ###vso[x]", "boom # # #vso[x]"),
        ("boom #\u00ad#vso[x]", "boom # #vso[x]"),
        ("  ::error::x", ": :error::x"),
        ("\ufe0f::error::x", ": :error::x"),
        ("std::bad_alloc at ::1", "std::bad_alloc at ::1"),
    ],
)
def test_a_pipeline_command_is_broken_and_stays_readable(text: str, line: str) -> None:
    assert clean(text) == line


def test_what_was_cut_off_is_marked() -> None:
    assert clean("a" * 11, 10) == "a" * 9 + "…"
    assert clean("a " + " " * 10_000 + "b", 10) == "a…"


def test_a_text_as_large_as_a_body_is_cut_before_it_is_cleaned() -> None:
    began = time.process_time()
    for text in (EVERYTHING * 200_000, "\x1b" * 31_000_000, "#" * 31_000_000):
        assert len(clean(text)) <= 400
    assert time.process_time() - began < 1, "of which making the texts is a part"


def test_half_a_pair_is_replaced_where_a_text_must_be_encodable_and_nothing_else_is() -> None:
    assert encodable("a\ud83d b\ude00") == "a\ufffd b\ufffd"
    whole = "\x1b[31m\n##vso[x] 🙂"
    assert encodable(whole) == whole
