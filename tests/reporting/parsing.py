"""Read pages and pictures back: their elements in order, and the counts that their lines draw."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"meta"}


@dataclass
class Element:
    """An element of a page. own: its texts outside of other elements; text: also those in it."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    own: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    def __iter__(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            yield from child

    def all(self, name: str, **attributes: str) -> list[Element]:
        """All elements of a name, itself among them, that have these attributes."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        return [each for each in self if each.name == name and wanted.items() <= each.attributes.items()]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        made = Element(tag, {key: value or "" for key, value in attrs})
        self._open[-1].children.append(made)
        if tag not in VOID:
            self._open.append(made)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().name == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self._open[-1].own.append(data)
        for each in self._open:
            each.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def finished(self) -> Element:
        self.close()
        assert len(self._open) == 1, f"{self._open[-1].name} is not closed"
        return self.root


def html(text: str) -> Element:
    """A page; each of its elements must be closed in order."""
    parser = _Parser()
    parser.feed(text)
    return parser.finished()


def svg(text: str) -> Element:
    """A picture, which must be well-formed XML."""
    return _of(ET.fromstring(text))  # noqa: S314 - this project's own output


def _of(node: ET.Element) -> Element:
    name = node.tag.rpartition("}")[2]
    own = [node.text or "", *(child.tail or "" for child in node)]
    return Element(name, dict(node.attrib), "".join(node.itertext()), own, [_of(child) for child in node])


def drawn(root: Element) -> dict[str, list[tuple[float, int, int]]]:
    """What the rows of counts draw: moments, done and total of each, read from the lines and not from their labels."""
    return {each.attributes["data-counts-of"]: _drawn(each) for each in root.all("g") if _is_row(each)}


def _is_row(element: Element) -> bool:
    return "data-counts-of" in element.attributes


def _drawn(row: Element) -> list[tuple[float, int, int]]:
    zero, top, most, left, right, end = (
        float(row.attributes[f"data-{name}"]) for name in ("zero", "top", "most", "left", "right", "end")
    )

    def read(class_: str) -> list[tuple[float, int]]:
        corners = [corner for line in row.all("path", class_=class_) for corner in _corners(line.attributes["d"])]
        return [((x - left) / (right - left) * end, round((zero - y) / (zero - top) * most)) for x, y in corners]

    done, total = read("line"), read("expected")
    assert [moment for moment, _ in done] == [moment for moment, _ in total]
    return [(moment, count, expected) for (moment, count), (_, expected) in zip(done, total, strict=True)]


def _corners(path: str) -> list[tuple[float, float]]:
    """Where a line of steps begins and changes; not where it ends, which repeats its last value."""
    begin, *others = re.split("H", path.removeprefix("M"))
    pairs = [begin.split(), *(each.split("V") for each in others)]
    return [(float(x), float(y)) for x, y in pairs][:-1]


def words(root: Element, name: str) -> list[str]:
    """The texts of all elements of a name."""
    return [each.text for each in root.all(name)]


def tables(root: Element) -> list[dict[str, Any]]:
    """Each table: its caption, its titles, its rows as texts."""
    return [
        {
            "caption": "".join(words(table, "caption")),
            "titles": [each.text for head in table.all("thead") for each in head.all("th")],
            "rows": [[cell.text for cell in row.children] for body in table.all("tbody") for row in body.all("tr")],
        }
        for table in root.all("table")
    ]
