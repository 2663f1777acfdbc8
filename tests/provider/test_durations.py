from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmss_instance_view.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("1h30m", 5400),
        ("2d", 172800),
        ("0s", 0),
        ("1.5s", 1.5),
        ("1.5h", 5400),
        (" 5m ", 300),
        ("1d1h1m1s", 90061),
    ],
)
def test_durations_are_read_with_their_units(text: str, seconds: float) -> None:
    assert parse_duration(text, "timeout") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "5 minutes", "-5m", "1m1h", "1e3s", "٣s", "1" * 400 + "d"])
def test_a_text_that_is_no_duration_is_refused_by_the_name_of_its_argument(text: str) -> None:
    with pytest.raises(ValueError, match="timeout"):
        parse_duration(text, "timeout")


@pytest.mark.parametrize("number", [30, 1.5, None, True])
def test_a_bare_number_is_refused_for_nobody_knows_its_unit(number: object) -> None:
    with pytest.raises(TypeError, match="timeout must be a timedelta or a text with units"):
        parse_duration(number, "timeout")


@given(st.timedeltas(timedelta(0), timedelta(days=1000)))
def test_what_is_written_is_read_back(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration), "timeout") == duration
