"""The report in a real Chromium, where there is one: what it draws, what it asks for, how it reads.

A page has no script. The tests that measure it append one to a copy.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests import evidence
from tests.reporting.parsing import drawn, html
from tests.reporting.test_page import LARGE, PASSED, WAITS, counts
from tools.chromium import AXE, visit

from pulumi_vmss_health.reporting.page import page
from pulumi_vmss_health.reporting.picture import picture

SCREENS = [pytest.param(1000, False, id="desktop"), pytest.param(400, True, id="phone in the dark")]
LONG = "a-service-with-a-long-name-of-its-own"
ALL = evidence.evidence_of(*WAITS.values(), evidence.passed(LONG))

MEASURE = """
const shown = [...document.querySelectorAll('svg')].filter(svg => svg.getClientRects().length);
const overlaps = [], outside = [];
for (const svg of shown) {
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
  texts.forEach(([words, box], index) => {
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1) outside.push(words);
    for (const [others, other] of texts.slice(index + 1)) {
      const wide = Math.min(box.right, other.right) - Math.max(box.left, other.left);
      const high = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
      if (wide > 0 && high > 3) overlaps.push([words, others]);
    }
  });
}
const root = document.documentElement;
report({drawings: shown.length, overlaps, outside, tooWide: root.scrollWidth - root.clientWidth});
"""
CHECK = """
axe.run({resultTypes: ['violations']}).then(found => report({
  passes: found.passes.length,
  violations: found.violations.map(each => [each.id, each.nodes.map(node => node.html.slice(0, 200))]),
}));
"""
REPORT = """
function report(found) {
  const made = document.createElement('pre');
  made.id = 'found';
  made.textContent = JSON.stringify(found);
  document.body.append(made);
}
"""


def text_of(found: Any = ALL) -> str:
    return page(evidence.read(found), found["versions"])


def measured(file: Path, text: str, *scripts: str, width: int, dark: bool) -> dict[str, Any]:
    """What a script finds in a page that was opened."""
    inside = "".join(f"<script>{script}</script>" for script in (REPORT, *scripts))
    file.write_text(text.replace("</body>", f"{inside}</body>"))
    (found,) = html(visit(file, width=width, dark=dark).dom.replace("<br>", "")).all("pre", id="found")
    told: dict[str, Any] = json.loads(found.text)
    return told


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), SCREENS)
def test_a_page_makes_no_request_and_no_complaint_and_draws_the_counts(tmp_path: Path, width: int, dark: bool) -> None:
    file = tmp_path / "report.html"
    file.write_text(text_of())
    seen = visit(file, width=width, dark=dark)
    assert (seen.requests, seen.console) == ([], [])
    drawings = [drawn(each) for each in html(seen.dom).all("svg")]
    assert drawings == [counts(wait) for wait in ALL["waits"] for _ in range(2)]


@pytest.mark.browser
def test_a_picture_makes_no_request_and_no_complaint(tmp_path: Path) -> None:
    file = tmp_path / "report.svg"
    file.write_text(picture(evidence.read(ALL)))
    seen = visit(file)
    assert (seen.requests, seen.console) == ([], [])
    assert "scale set api is failing" in seen.dom


@pytest.mark.browser
def test_a_page_that_would_ask_or_complain_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "other.html"
    file.write_text('<img src="http://outside.example/x.png"><script>console.error("no")</script>')
    seen = visit(file)
    assert seen.requests == ["http://outside.example/x.png"]
    assert '"no"' in seen.console[0]


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), SCREENS)
def test_no_label_covers_another_or_leaves_its_drawing(tmp_path: Path, width: int, dark: bool) -> None:
    found = measured(tmp_path / "report.html", text_of(), MEASURE, width=width, dark=dark)
    assert found == {"drawings": len(ALL["waits"]), "overlaps": [], "outside": [], "tooWide": 0}


@pytest.mark.axe
@pytest.mark.parametrize(("width", "dark"), SCREENS)
def test_axe_finds_no_fault_in_a_page(tmp_path: Path, width: int, dark: bool) -> None:
    # Closed parts are not checked: open them.
    text = text_of(evidence.evidence_of(PASSED, LARGE, evidence.failed())).replace("<details>", "<details open>")
    found = measured(tmp_path / "report.html", text, AXE.read_text(), CHECK, width=width, dark=dark)
    assert found["violations"] == []
    assert found["passes"] > 10


@pytest.mark.axe
def test_axe_finds_a_fault_where_there_is_one(tmp_path: Path) -> None:
    text = text_of(evidence.evidence_of(PASSED)).replace("<main>", "<main><p style='color:#999'>pale</p>")
    found = measured(tmp_path / "report.html", text, AXE.read_text(), CHECK, width=1000, dark=False)
    assert [id_ for id_, _ in found["violations"]] == ["color-contrast"]
