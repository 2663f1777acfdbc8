"""docs/performance.md and its picture are what the committed record says, and nothing else."""

from __future__ import annotations

from benchmarks.__main__ import RESULTS
from benchmarks.suite import page
from benchmarks.suite.limits import judged
from benchmarks.suite.picture import LARGEST, picture
from benchmarks.suite.record import read

RECORD = read(RESULTS)
ANEW = "made anew by `python -m benchmarks page`?"


def test_the_page_is_made_of_the_record() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.text(RECORD), ANEW


def test_the_picture_is_made_of_the_record_small_and_for_light_and_dark() -> None:
    drawn = page.PICTURE.read_text(encoding="utf-8")
    assert drawn == f"{picture(RECORD)}\n", ANEW
    assert len(drawn.encode()) < LARGEST
    assert "prefers-color-scheme:dark" in drawn


def test_the_record_is_of_a_full_run_and_its_limits_are_those_that_are_asked_now() -> None:
    assert not RECORD["quick"]
    assert RECORD["limits"] == judged(RECORD)


def test_each_process_was_run_eleven_times_or_the_page_says_otherwise() -> None:
    fewer = ("gates", "grow-sets", "read-imports", "up-100")
    runs = {
        table["key"]: {len(each) for row in table["results"] for each in row["samples"].values()}
        for table in RECORD["tables"]
    }
    assert {key: found for key, found in runs.items() if min(found) < 11 and key not in fewer} == {}
