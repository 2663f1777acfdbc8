"""A timeline as text: the YAML that means one, and the lines in which things of it stand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vmss_emulator.sections import TimelineError, shown

_DEEPEST = 50


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


def parse(source: str) -> object:
    """Parse the YAML; an empty text is an empty mapping.

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
        found = yaml.load(source, Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise TimelineError(f"not YAML: {' '.join(str(error).split())}") from None
    if isinstance(found, str):
        raise TimelineError(f"{shown(found)} is no timeline; give a file as a pathlib.Path")
    return {} if found is None else found


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
    found = {"": (1, 1)}
    left = [] if root is None else [("", root, root)]
    while left:
        way, place, node = left.pop()
        found[way] = place.start_mark.line + 1, place.start_mark.column + 1
        if node.id == "mapping":  # of a key that is there twice the last one counts, and so it is read last here, too
            left += [(f"{way}.{key.value}" if way else str(key.value), key, item) for key, item in node.value[::-1]]
        elif node.id == "sequence":
            left += [(f"{way}[{index}]", item, item) for index, item in enumerate(node.value)]
    return found
