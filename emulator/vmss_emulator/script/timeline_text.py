"""A timeline as text: the YAML that means one, and the lines in which things of it stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vmss_emulator.sections import TimelineError, shown

_DEEPEST = 50
_MERGE = "tag:yaml.org,2002:merge"


def from_file(path: Path) -> str:
    """Return the text of a file.

    Raises:
        TimelineError: it is no text.
        OSError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TimelineError(f"not UTF-8: {error}") from None


def parse(source: str) -> tuple[object, list[TimelineError]]:
    """Parse the YAML; an empty text is an empty mapping. Along with it come the keys that are there twice.

    Raises:
        TimelineError: it is no YAML, or no timeline could be meant by it.
    """
    import yaml  # slow to import, and many emulators run without a timeline

    class Loader(yaml.SafeLoader):
        """Refuses what lets a short text become a huge timeline, or something that is no timeline at all."""

        depth = 0

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise _at(event.start_mark, "anchors (&) and aliases (*) are not allowed; write it out")
            if getattr(event, "tag", None):
                raise _at(event.start_mark, "tags (!) are not allowed")
            if self.depth == _DEEPEST:
                raise _at(event.start_mark, f"more than {_DEEPEST} levels deep")
            self.depth += 1
            try:
                return super().compose_node(parent, index)
            finally:
                self.depth -= 1

        def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
            try:
                return super().construct_object(node, deep)
            except (ValueError, OverflowError) as error:  # a number or a date that Python cannot hold
                raise _at(node.start_mark, str(error)) from None

    def _at(mark: Any, message: str) -> yaml.YAMLError:  # noqa: ANN401 - the stubs have two kinds of it
        return yaml.MarkedYAMLError(problem=message, problem_mark=mark)

    try:
        loader = Loader(source)
        root = loader.get_single_node()
        repeated = _repeated(root)  # before the construction, which writes out merge keys (<<)
        found = None if root is None else loader.construct_document(root)
    except yaml.YAMLError as error:
        raise TimelineError(f"not YAML: {' '.join(str(error).split())}") from None
    if isinstance(found, str):
        raise TimelineError(f"{shown(found)} is no timeline; give a file as a pathlib.Path")
    return {} if found is None else found, repeated


def _repeated(root: Any) -> list[TimelineError]:  # noqa: ANN401 - the stubs have no common node
    """Of keys that are there twice YAML takes the last, and what the others say would be lost without a word."""
    found = []
    for way, _, node in _nodes(root):
        if node.id != "mapping":
            continue
        lines: dict[tuple[str, str], list[int]] = {}
        for key, _ in node.value:
            if key.id == "scalar" and key.tag != _MERGE:
                lines.setdefault((key.tag, key.value), []).append(key.start_mark.line + 1)
        for (_, key), those in lines.items():
            if len(those) > 1:
                where = _below(way, key)
                found.append(TimelineError(f"{where}: {_twice(those)}; YAML takes the last: make one of them", where))
    return found


def _twice(lines: list[int]) -> str:
    first, *_, last = lines
    return f"{len(lines)} times in line {first}" if first == last else f"in line {first} and again in line {last}"


def positions(source: str, ways: Iterable[str]) -> list[tuple[int, int]]:
    """The line and the column, both from 1, in which each place of a timeline stands, such as `faults[0].status`.

    What has no place of its own, such as a key that is missing, is where that stands which it belongs to.

    Args:
        source: the text, which `parse` took.
        ways: to the places.
    """
    import yaml

    known = _places(yaml.compose(source, yaml.SafeLoader))
    found = []
    for way in ways:
        while way not in known:
            way = way[: max(way.rfind("."), way.rfind("["), 0)]
        found.append(known[way])
    return found


def _places(root: Any) -> dict[str, tuple[int, int]]:  # noqa: ANN401 - the stubs have no common node
    found = {way: (place.start_mark.line + 1, place.start_mark.column + 1) for way, place, _ in _nodes(root)}
    return {"": (1, 1), **found}


def _nodes(root: Any) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401 - the stubs have no common node
    """The way to each node, the node that stands at its place, which may be its key, and itself.

    Of a key that is there twice the last one counts, and so it comes last here, too.
    """
    left = [] if root is None else [("", root, root)]
    while left:
        way, place, node = left.pop()
        yield way, place, node
        if node.id == "mapping":
            left += [(_below(way, key.value), key, item) for key, item in node.value[::-1]]
        elif node.id == "sequence":
            left += [(f"{way}[{index}]", item, item) for index, item in enumerate(node.value)]


def _below(way: str, key: object) -> str:
    return f"{way}.{key}" if way else str(key)
