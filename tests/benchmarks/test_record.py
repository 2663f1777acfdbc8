"""What a run leaves: a record, the limits that it meets and misses, a page and a picture; or nothing, if it failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks import __main__ as command
from benchmarks.suite import limits, page
from benchmarks.suite import record as records
from benchmarks.suite.limits import Limit
from benchmarks.suite.picture import picture
from benchmarks.suite.works import Effort, LeftOut
from tests.benchmarks.stand_ins import lazy, record, row
from tests.reporting.parsing import svg


class Row:
    __name__ = "benchmarks.stand_in"

    def __init__(self, tables: object) -> None:
        self.tables = tables


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder, in which a run writes what it writes."""
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(command, "TRIED", tmp_path / "build")
    monkeypatch.setattr(page, "PAGE", tmp_path / "docs" / "performance.md")
    monkeypatch.setattr(page, "PICTURE", tmp_path / "docs" / "performance.svg")
    return tmp_path


def test_a_row_that_is_measured_again_takes_its_place_in_the_record_and_the_page_says_so(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ROWS", [Row(row())])
    assert command.main([]) == 0
    before = json.loads((places / "results.json").read_text())
    assert command.main(["again", "stand_in"]) == 0
    after = json.loads((places / "results.json").read_text())
    assert after["tables"] == before["tables"]
    assert [*after["again"]] == [before["tables"][0]["key"]]
    title = before["tables"][0]["title"]
    assert f"“{title}” was measured again" in " ".join((places / "docs" / "performance.md").read_text().split())


def written(folder: Path) -> set[str]:
    return {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}


def test_a_run_writes_its_record_the_page_and_the_picture(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "ROWS", [Row(row())])
    assert command.main([]) == 0
    assert written(places) == {"results.json", "docs/performance.md", "docs/performance.svg"}
    kept = json.loads((places / "results.json").read_text())
    assert kept["tables"][0]["results"][1]["samples"]["wall"] == [4.0] * 11
    assert kept["tables"][0]["results"][1]["times_ours"]["wall"]["median"] == 2
    assert {"machine", "versions", "load", "date", "seconds", "limits"} <= set(kept)
    assert not kept["quick"]


def test_a_run_in_which_a_peer_did_not_do_its_work_fails_with_its_output_and_writes_nothing(
    places: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ROWS", [Row(row()), Row(row(lazy))])
    assert command.main([]) == 1
    assert "Please run 'az login'" in capsys.readouterr().err
    assert written(places) == set()


def test_a_quick_run_writes_elsewhere_and_says_that_it_is_no_measurement(
    places: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ROWS", [Row(row())])
    assert command.main(["quick"]) == 0
    assert written(places) == {"build/results.json", "build/performance.md", "build/performance.svg"}
    assert "no measurement to quote" in capsys.readouterr().out
    assert "quick run" in (places / "build" / "performance.md").read_text()


def test_an_argument_that_nobody_knows_measures_nothing(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["fast"]) == 2
    assert "python -m benchmarks quick" in capsys.readouterr().err
    assert written(places) == set()


def test_a_record_is_read_as_it_was_written_and_a_list_of_samples_is_one_line(tmp_path: Path) -> None:
    made = record()
    records.write(made, tmp_path / "results.json")
    assert records.read(tmp_path / "results.json") == made
    assert f'"wall": [{", ".join(["4.0"] * 11)}]' in (tmp_path / "results.json").read_text()


@pytest.mark.parametrize(("measured", "met"), [(0.9, True), (1.0, True), (1.1, False)])
def test_a_limit_is_met_up_to_its_number(measured: float, met: bool) -> None:
    assert Limit("as fast", 1.0, lambda _tables: measured, "").to_json({})["met"] is met


def test_a_limit_on_a_peer_that_was_left_out_is_not_measured() -> None:
    told = Limit("as fast", 1.0, limits.over("read", "ours", "`az rest`", "wall"), "").to_json(
        {"read": {"results": []}}
    )
    assert (told["measured"], told["met"]) == (None, None)


def test_growth_is_judged_by_the_larger_sizes_too_where_a_fixed_cost_hides_nothing() -> None:
    sizes = (1, 10, 100, 1000)
    rows = [
        {"name": f"{size:,}", "whose": "ours", "spread": {"processor": {"median": 1e4 + size**2}}} for size in sizes
    ]
    assert limits.grown("grow-instances")({"grow-instances": {"results": rows}}) > 1.5


def test_the_page_says_what_was_missed_what_was_left_out_and_how_a_peer_compares() -> None:
    missed = {"asked": "as fast as az", "most": 0.5, "measured": 0.75, "met": False, "why": "imports"}
    unknown = {"asked": "as small as az", "most": 1.0, "measured": None, "met": None}
    left_out = (LeftOut("`az rest`", "not installed: `make clients` does it"),)
    tables = [table.to_json() for table in row(left_out=left_out)(Effort())]
    text = " ".join(page.text(record(limits=[missed, unknown], tables=tables)).split())
    assert "| as fast as az | 0.500 | 0.750 | **missed** |" in text
    assert (
        "1 of 2 are missed. The farthest is: as fast as az; 1.50 times what was asked. 1 could not be measured" in text
    )
    assert "- imports." in text
    assert "- **Left out:** `az rest`: not installed: `make clients` does it." in text
    assert "| `az` | 4.00 | 2.00 | 80.0 | 2.00 (2.00 to 2.00) |" in text
    assert "2 cores, Abacus, 8.0 GiB, Linux 6" in text


def test_the_picture_has_a_bar_for_each_work_longer_where_it_takes_more_and_ours_at_the_line() -> None:
    root = svg(picture(record()))
    ours, peer = [each.attributes for each in root.all("rect") if each.attributes["class"] != "paper"]
    assert (ours["class"], peer["class"]) == ("dot", "is-progressing")
    assert float(peer["width"]) > float(ours["width"])
    assert {"One read (time)", "az", "4.00 s, 2.00 \N{MULTIPLICATION SIGN}"} <= {each.text for each in root.all("text")}


def test_a_peer_that_takes_less_than_ours_is_drawn_in_the_colour_of_failure() -> None:
    tables = [table.to_json() for table in row(lambda: {"wall": 1.0, "processor": 1.0, "memory": 1.0})(Effort())]
    classes = {each.attributes["class"] for each in svg(picture(record(tables=tables))).all("rect")}
    assert "is-failing" in classes
