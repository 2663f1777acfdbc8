"""Build HTML and SVG from elements. A text becomes markup in one place, cleaned and escaped: it can add no element."""

from __future__ import annotations

from html import escape

from vmss_instance_view.text import clean


class Markup(str):
    """Text that is markup already; only this module makes it of other text."""

    __slots__ = ()


def element(name: str, /, *content: str, **attributes: object) -> Markup:
    """Make an element; content that is no markup yet is cleaned and escaped.

    attributes: without those that are None; `class_` stands for class, `data_at` for data-at.
    """
    return Markup(f"<{name}{_attributes(attributes)}>{joined(*content)}</{name}>")


def void(name: str, /, **attributes: object) -> Markup:
    """Make an element that HTML never closes, such as meta."""
    return Markup(f"<{name}{_attributes(attributes)}>")


def joined(*content: str) -> Markup:
    """Put parts one after the other."""
    return Markup("".join(each if isinstance(each, Markup) else _safe(each) for each in content))


def raw(text: str) -> Markup:
    """Take this package's own text for markup, such as a style sheet or a blank. Never a text from evidence."""
    return Markup(text)


def _attributes(given: dict[str, object]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_safe(_text(value))}"'
        for name, value in given.items()
        if value is not None
    )


def _safe(text: str) -> str:
    """Make one line of a text, as long as it is, in which there is neither markup nor what cannot be seen."""
    return escape(clean(text, 2 * len(text) + 1))


def _text(value: object) -> str:
    """Write a number as short as a picture needs it."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
