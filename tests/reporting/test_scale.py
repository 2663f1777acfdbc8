"""The numbers of a picture."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_vmss_health.reporting.scale import (
    Scale,
    area_path,
    bands,
    bins,
    fitted,
    runs,
    step_path,
    text_width,
    time_ticks,
    wrapped,
)


def test_a_scale_maps_from_end_to_end_in_either_direction_and_stays_within() -> None:
    upwards = Scale(4, 100, 20)
    assert [upwards(each) for each in (0, 1, 4, 5, -1)] == [100, 80, 20, 20, 100]
    assert Scale(0, 100, 20)(3) == 100, "a wait without duration, a set without machines"


@pytest.mark.parametrize(
    ("length", "most", "ticks"),
    [
        (0.0, 5, [0]),
        (9.0, 5, [0, 2, 4, 6, 8]),
        (40.0, 9, [0, 5, 10, 15, 20, 25, 30, 35, 40]),
        (95.0, 8, [0, 15, 30, 45, 60, 75, 90]),
        (1800.0, 5, [0, 600, 1200, 1800]),
        (7 * 86400.0, 5, [0, 2 * 86400, 4 * 86400, 6 * 86400]),
    ],
)
def test_moments_are_marked_at_steps_that_people_count_in(length: float, most: int, ticks: list[float]) -> None:
    assert time_ticks(length, most) == ticks


@given(st.floats(0, 1e9), st.integers(2, 20))
def test_there_are_never_more_marks_than_there_is_room_for(length: float, most: int) -> None:
    ticks = time_ticks(length, most)
    assert 1 <= len(ticks) <= most
    assert ticks[-1] <= length


def test_what_is_not_known_is_a_gap_that_begins_when_it_is_not_known_any_more() -> None:
    values = [(0.0, None), (1.0, 2.0), (2.0, 3.0), (3.0, None), (4.0, None), (5.0, 1.0)]
    assert list(runs(values, 9.0)) == [[(1.0, 2.0), (2.0, 3.0), (3.0, 3.0)], [(5.0, 1.0), (9.0, 1.0)]]
    assert list(runs([], 9.0)) == []


def test_a_line_of_steps_stays_at_a_value_until_the_next() -> None:
    run = [(1.0, 20.0), (2.5, 10.0), (4.0, 10.0)]
    assert step_path(run) == "M1 20H2.5V10H4V10"
    assert area_path(run, 30.0) == "M1 20H2.5V10H4V10V30H1Z"


def test_equal_neighbours_are_one_band() -> None:
    assert bands([(1.0, "a"), (2.0, "a"), (3.0, "b")], 5.0) == [(1.0, 3.0, "a"), (3.0, 5.0, "b")]
    assert bands([], 5.0) == []


@given(st.lists(st.floats(0, 100)), st.integers(1, 40))
def test_a_histogram_counts_each_value_once(values: list[float], number: int) -> None:
    counts = bins(values, 100.0, number)
    assert (len(counts), sum(counts)) == (number, len(values))


def test_a_histogram_has_what_comes_at_the_end_in_its_last_bin() -> None:
    assert bins([0.0, 4.9, 5.0, 10.0], 10.0, 2) == [2, 2]
    assert bins([0.0, 0.0], 0.0, 2) == [2, 0]


@given(st.text(max_size=40), st.floats(12, 300))
def test_a_text_is_shortened_until_it_fits(text: str, width: float) -> None:
    short = fitted(text, 12, width)
    assert text_width(short, 12) <= width
    assert short == text or short.endswith("…")


def test_wide_letters_take_more_room() -> None:
    assert text_width("健康", 10) > text_width("ab", 10)
    assert fitted("extension", 10, 40) == "exten…"


def test_a_text_is_broken_between_words_and_the_last_line_shortened() -> None:
    assert wrapped("one two three four five", 10, 60, 3) == ["one two", "three four", "five"]
    assert wrapped("one two three four five", 10, 60, 2) == ["one two", "three fou…"]
    assert wrapped("onetwothreefourfive", 10, 60, 2) == ["onetwothr…"]
    assert wrapped("", 10, 60, 2) == [""]
