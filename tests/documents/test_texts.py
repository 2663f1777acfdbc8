"""What pages point to is there: pages, sections, files, tests, and the texts that a user looks up."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gate.test_worked_deployments import STORIES
from tests.pages import PAGES, ROOT, prose

ERRORS, SECURITY = ROOT / "docs" / "troubleshooting.md", ROOT / "SECURITY.md"
LINKS = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if "://" not in link]
# What other programs say, as seen; nothing of ours has these words.
OF_OTHERS = {
    "CERTIFICATE_VERIFY_FAILED",  # OpenSSL
    "incorrect passphrase",  # Pulumi
    "failed to load checkpoint: EOF",  # Pulumi
    "pulumi: command not found",  # the shell
    "No module named 'pulumi_vmss_health'",  # Python
    "pending operations",  # Pulumi
    "KeyError: '__provider'",  # Pulumi, of a dynamic resource
    "HTTP 401",  # Azure
    "HTTP 5",  # Azure: any of 500 to 599
    "error reading from server: EOF",  # gRPC
}


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("page", "link"), LINKS, ids=[f"{page.name}-{link}" for page, link in LINKS])
def test_a_link_leads_to_a_file_and_a_section(page: Path, link: str) -> None:
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    assert target.exists(), f"{page.name}: {link}"
    if anchor:
        assert anchor in anchors(target), f"{page.name}: {link}"


def test_the_list_of_pages_names_every_page() -> None:
    told = (ROOT / "docs" / "README.md").read_text()
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"({page.name}" not in told] == ["README.md"]


@functools.cache
def said() -> str:
    """All texts of the product, and those that tests have seen it say; not what is documented or commented."""
    folders = ("components", "provider", "tests/gate", "tests/engine", "tests/provider")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    texts = [text for file in files for text in texts_in(ast.parse(file.read_text()))]
    return "\n".join([*texts, *(match["said"] for match in STORIES.values())])


def texts_in(tree: ast.AST) -> Iterator[str]:
    """Each string of a program but its docstrings; of an f-string the parts between its values."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Constant) and isinstance(child.value, str) and not isinstance(node, ast.Expr):
                yield child.value


def looked_up() -> list[str]:
    """The texts in the first columns of the tables of errors."""
    rows = re.findall(r"^\| (`.*?) \|", ERRORS.read_text(), re.MULTILINE)
    return [text for row in rows for text in re.findall(r"`([^`]+)`", row)]


def test_each_text_that_users_look_up_is_one_that_is_said() -> None:
    ours = [text for text in looked_up() if text not in OF_OTHERS]
    assert ours
    texts = said()
    missing = [text for text in ours if any(part not in texts for part in re.split(r"\s*…\s*", text))]
    assert missing == [], "reworded? then reword the page, too"


def test_every_way_in_which_a_wait_ends_can_be_looked_up() -> None:
    page = ERRORS.read_text()
    for words in (
        "is failing, given up", "which is the timeout", "was never seen in", "could not be read, given up",
        "was deleted while the gate waited", "cancelled",
    ):  # fmt: skip
        assert words in said()
        assert f"`{words}" in page


@pytest.mark.parametrize(("file", "names"), re.findall(r"`(tests/\S+\.py)`: ((?:`\w+`(?:, )?)+)", SECURITY.read_text()))
def test_a_threat_has_the_test_that_is_named(file: str, names: str) -> None:
    source = (ROOT / file).read_text()
    assert [name for name in re.findall(r"\w+", names) if f"def {name}(" not in source] == []


def test_every_threat_has_a_test() -> None:
    table = SECURITY.read_text().partition("## Threats")[2].partition("**Not protected")[0]
    rows = [row for row in table.splitlines() if row.startswith("| ") and not row.startswith("| threat")]
    assert len(rows) > 9
    assert [row for row in rows if "`tests/" not in row] == []
