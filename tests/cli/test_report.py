"""`vmss-health report`: files that it reads and writes. tests/reporting has what it draws."""

from __future__ import annotations

import json
import os
import resource
import shlex
import subprocess
from pathlib import Path

import pytest
from tests import evidence
from tests.cli import support
from tests.cli.here import ran_here
from tests.reporting.parsing import drawn, html, svg, words
from tests.reporting.test_page import counts

from pulumi_vmss_health.evidence.reading import read
from vmss_emulator import Emulator

COMMAND = [*support.COMMAND, "report"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The evidence of a failed wait."""
    made = tmp_path / "evidence.json"
    made.write_text(json.dumps(evidence.evidence_of(evidence.failed())))
    return made


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return ran_here({**os.environ, **environment}, "report", *arguments)


def test_a_page_and_a_picture_are_written_as_ascii_and_nothing_is_said(file: Path, tmp_path: Path) -> None:
    for name in ("report.html", "report.svg", "REPORT.HTML"):
        ran = run(file, "-o", tmp_path / name, LC_ALL="C", PYTHONIOENCODING="ascii")
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
        text = (tmp_path / name).read_text(encoding="ascii")
        root = html(text) if "svg" not in name else svg(text)
        assert [each for each in root if "scale set api is failing" in each.text]
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "REPORT.HTML", "evidence.json", "report.html", "report.svg",
    ]  # fmt: skip


def test_what_a_real_wait_recorded_is_what_is_drawn(azure: Emulator, tmp_path: Path) -> None:
    scale_set = support.put(azure)
    azure.load(support.BROKEN)
    recorded, page = tmp_path / "evidence.json", tmp_path / "report.html"
    waited = support.run(azure, "wait", scale_set, "--confirm-failure", "1s", "--evidence", str(recorded))
    assert waited.returncode == 1, waited.stderr
    assert run(recorded, "-o", page).returncode == 0
    (wait,) = read(recorded)["waits"]
    root = html(page.read_text())
    for drawing in root.all("svg"):
        assert drawn(drawing) == counts(wait)
    shown = {
        each.attributes["data-instance"]: each.attributes["data-passed"]
        for each in root.all("g")
        if "data-instance" in each.attributes
    }
    assert [id_ for id_, passed in shown.items() if not passed] == ["2"]
    told = " ".join(words(root, "li"))
    assert all(line.removeprefix("next: ").replace("`", "")[:60] in told for line in wait["lines"])


def test_standard_output_can_stand_for_a_page(file: Path) -> None:
    ran = run(file, "--output", "-")
    assert ran.returncode == 0, ran.stderr
    assert words(html(ran.stdout), "h1") == ["api: failing"]


@pytest.mark.parametrize(
    ("text", "output", "said"),
    [
        ("{}", "report.txt", "-o report.txt: end it in .html (a page) or .svg (a picture)"),
        pytest.param("{}", "report", "-o report: end it in .html", marks=pytest.mark.rest),
        ("{}", "report.html", "evidence.json is no evidence: $: evidence is missing"),
        (
            '{"evidence": 2}',
            "report.html",
            "it has version 2 of the format, and this package reads 1",
        ),
        pytest.param("no", "report.html", "evidence.json is no evidence: Expecting value", marks=pytest.mark.rest),
        pytest.param(
            "\udcff",
            "report.html",
            "evidence.json is no evidence: 'utf-8' codec can't decode byte 0xff",
            marks=pytest.mark.rest,
        ),
        (None, "report.html", "evidence.json is no evidence: No such file or directory"),
    ],
)
def test_what_cannot_be_read_or_is_no_report_ends_with_2_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, output: str, said: str
) -> None:
    if text is not None:
        (tmp_path / "evidence.json").write_bytes(text.encode(errors="surrogateescape"))
    monkeypatch.chdir(tmp_path)
    ran = run("evidence.json", "-o", output)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert {each.name for each in tmp_path.iterdir()} <= {"evidence.json"}


def test_a_full_disk_is_told_and_the_file_of_before_stays(file: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    output.write_text("the report of before")
    ran = subprocess.run(
        [*COMMAND, str(file), "-o", str(output)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert ran.returncode == 2
    assert f"{output} cannot be written: File too large" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert output.read_text() == "the report of before"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["evidence.json", "report.html"]


def test_a_folder_that_is_not_there_and_a_full_standard_output_are_told(file: Path, tmp_path: Path) -> None:
    ran = run(file, "-o", tmp_path / "absent" / "report.html")
    assert ran.returncode == 2
    assert "report.html cannot be written: No such file or directory" in ran.stderr
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(
            [*COMMAND, str(file), "-o", "-"], stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert told.returncode == 3
    assert "standard output cannot be written: No space left on device" in told.stderr
    assert "Traceback" not in told.stderr
    assert "Exception" not in told.stderr


def test_who_closes_the_pipe_changes_nothing(file: Path) -> None:
    command = f"{shlex.join([*COMMAND, str(file), '-o', '-'])} | head -c 10; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "<!DOCTYPE ", "")


def test_a_report_does_not_replace_the_evidence_that_it_is_drawn_from(file: Path) -> None:
    kept = file.rename(file.with_suffix(".html"))
    before = kept.read_text()
    ran = run(kept, "-o", kept.parent / "." / kept.name)
    assert (ran.returncode, kept.read_text()) == (2, before)
    assert "it is the evidence itself: give another file" in ran.stderr
