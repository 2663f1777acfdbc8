"""Shorten what Azure and a guest say about a failure. The cause is mostly at the end. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from vmss_instance_view.model import Instance, Status, is_failure
from vmss_instance_view.text import clean

_TOLD = 400  # characters that are kept of a failure's message
_HEAD = 120  # of them from its beginning, if it is longer
_LARGE = 50_000  # characters at the end of a text that are searched

_OUTPUT = re.compile(r"\[std(?:out|err)\]", re.IGNORECASE)
_ADVERTISEMENT = "More information on troubleshooting is available at "
_ENDS = 300  # characters at the end of a text in which the advertisement begins
_WORD_WITH_A_DIGIT = re.compile(r"[\w-]*\d[\w-]*")


def said(statuses: Sequence[Status], substatuses: Iterable[Status] = ()) -> str:
    """Summarize a failure in one line: its message, and what was written to the error output.

    A Windows guest reports its error output as a substatus, a Linux guest inside the message.
    """
    message = next((each.message or each.display_status or "" for each in statuses), "")
    errors = [each.message for each in substatuses if each.message and _is_error(each)]
    if not errors:
        return last_words(message)
    if not message:
        return last_words("\n".join(errors))
    return f"{last_words(message, _TOLD // 2).removesuffix('.')}; stderr: {_end(chr(10).join(errors), _TOLD // 2)}"


def last_words(text: str, limit: int = _TOLD) -> str:
    """Make one line of a text that may be a whole log: all of a short one, else its beginning and its end.

    The end is that of the error output if there is any, else of the standard output, else of the text.
    """
    is_whole = len(text) <= _LARGE
    text = _without_advertisement(text[-_LARGE:])
    if len(text) <= limit and is_whole:
        return clean(text, limit)
    marks = list(_OUTPUT.finditer(text))
    head = clean(text[: marks[0].start()] if marks else text, min(_HEAD, limit // 3))
    for begin, end in zip(reversed(marks), [None, *reversed(marks)], strict=False):
        output = text[begin.end() : end.start() if end else None].strip("\"' \r\n\t")
        if output:
            name = begin.group().strip("[]").lower()
            return f"{head} {name}: {_end(output, limit - len(head))}".strip()
    return f"{head} {_end(text[len(head) :], limit - len(head))}"


def without_names(text: str, instance: Instance) -> str:
    """Remove what differs from VM to VM: the VM's names, and every word with a digit, such as an id or a time."""
    text = text.lower()
    for name in (instance.name, instance.instance_id, instance.vm_id):
        if name and not name.isdigit():
            text = text.replace(name.lower(), "#")
    return without_numbers(text)


def without_numbers(text: str) -> str:
    """Remove every word with a digit: a count, an id, a time, the name of a VM."""
    return _WORD_WITH_A_DIGIT.sub("#", text)


def _without_advertisement(text: str) -> str:
    begin = text.rfind(_ADVERTISEMENT, max(len(text) - _ENDS, 0))
    return text if begin < 0 else text[:begin].rstrip("\"' \r\n\t")


def _end(text: str, limit: int) -> str:
    """Return the last whole lines that fit into the limit, or the end of the last line if it is longer."""
    kept = ""
    for line in reversed(text.splitlines()):
        longer = f"{line.strip()} {kept}".strip()
        if len(longer) > limit:
            break
        kept = longer
    else:
        return clean(kept, limit)
    return f"… {clean(kept or text.strip()[-limit:], limit)}"


def _is_error(status: Status) -> bool:
    """Return whether a substatus, such as ComponentStatus/StdErr/succeeded, holds error output."""
    return status.state == "stderr" or is_failure(status.detail.lower())
