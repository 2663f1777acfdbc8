"""A timeline as text: the YAML that means one, and the line in which something of it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from vmss_emulator.sections import TimelineError, shown

_DEEPEST = 50


def from_file(path: Path) -> str:
    """The text of a file.

    Raises:
        TimelineError: it is no text.
        OSError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TimelineError(f"not UTF-8: {error}") from None


def parse(source: str) -> object:
    """What the YAML says; nothing is an empty mapping.

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


def position(source: str, where: str) -> int | None:
    """The line of a place in a timeline's text, such as `faults[0].status`, or of the nearest above it."""
    import yaml

    try:
        node: Any = yaml.compose(source, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    if node is None:
        return None
    line = int(node.start_mark.line)
    while (step := _step(node, where)) is not None:
        line, node, where = step
    return line + 1


def _step(node: Any, where: str) -> tuple[int, Any, str] | None:  # noqa: ANN401 - the stubs have no common node
    """One step of the way down from a node: the line, the node below, what is left of the way. None: it ends here."""
    if node.id == "sequence" and (index := re.match(r"\[(\d+)\]\.?", where)) and int(index[1]) < len(node.value):
        item = node.value[int(index[1])]
        return item.start_mark.line, item, where[index.end() :]
    if node.id == "mapping" and where:
        for key, item in node.value:
            name = str(key.value)  # which may itself have dots in it
            if where.startswith(name) and where[len(name) :][:1] in ("", ".", "["):
                return key.start_mark.line, item, where[len(name) :].removeprefix(".")
    return None
