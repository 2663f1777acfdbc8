"""Replace in Azure's bodies what tells whose they are, and keep what a gate judges. Pure.

Fail closed: only what the tables of `known` list is shown, and of it only what looks as it should. The same name, in
any case of its letters, becomes the same pseudonym in every body, so what was equal stays equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from pulumi_vmss_health.capturing.known import (
    CONTAINERS,
    FIXED,
    KINDS,
    OF_SETTINGS,
    OF_TAGS,
    REMOVED,
    TYPES,
    WELL_KNOWN,
    Kind,
)
from pulumi_vmss_health.capturing.scrub import MADE_UP, START, without_secrets
from vmss_instance_view.model.status import parse_time
from vmss_instance_view.scale_set_id import ScaleSetId

MASKED = "(masked)"
HOST = "https://management.azure.com"
"""Stands for every cloud's Resource Manager."""

_GUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_ID = re.compile(r"/subscriptions(?:/[\w.()\-~%]+)+", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z][\w.]{0,79}(?:/[\w .()-]{0,80}){0,4}")
_WORD = re.compile(r"[\w][\w .:/+-]{0,99}")
_QUOTA = re.compile(r"(?:(?:High|Low)CostGet|GetVM|GetOperation)[A-Za-z]{0,60}(?:\d{1,2}Min)?")
_DIGITS = re.compile(r"[0-9]{1,9}")
_NUMBER_OF_ETAG = re.compile(r'(?:W/)?"?[0-9]{1,6}"?')
_STATUS = re.compile(r"[A-Za-z]+/[A-Za-z]+(?:/[\w.]{1,60})?")
_GROUPS = ("provisioningstate", "powerstate", "healthstate", "componentstatus", "osstate")
_PARAMETERS = ("$expand", "api-version")
_DEEPEST = 40
_TEXTS = 10_000  # that are remembered with what became of them
_WHAT = {
    "virtualmachinescalesets": "set",
    "virtualmachines": "vm",
    "resourcegroups": "group",
    "extensions": "extension",
}


class Mask:
    """Remembers which pseudonym stands for what, through all bodies of a capture.

    drops_messages: leave every text of a guest or of Azure out, instead of what is recognised as secret.
    """

    def __init__(self, scale_set: ScaleSetId, *, drops_messages: bool = False) -> None:
        """scale_set: whose names are known from the beginning."""
        self._names: dict[str, str] = {}
        self._guids: dict[str, str] = {}
        self._pages: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._said: dict[str, str] = {}
        self._said_by = 0
        self._drops_messages = drops_messages
        self.path(str(scale_set))

    @property
    def known(self) -> int:
        """The number of names that are known so far."""
        return len(self._names)

    def body(self, body: object) -> object:
        """Return a body of Azure's, masked. Names that its texts mention before they occur are masked, too."""
        self._value(body, "", is_known=True, depth=0, texts=False)
        return self._value(body, "", is_known=True, depth=0, texts=True)

    def again(self, masked: object) -> object:
        """Return a masked body in which names are masked, too, that were learnt later. Its pseudonyms stay."""
        if isinstance(masked, list):
            return [self.again(each) for each in masked]
        if isinstance(masked, dict):
            return {
                key: self._text_again(each, key) if isinstance(each, str) else self.again(each)
                for key, each in masked.items()
            }
        return masked

    def _text_again(self, masked: str, key: str) -> str:
        kind = KINDS.get(key.lower())
        if kind is Kind.CODE:
            return self._with_detail_renamed(masked)
        return self._renamed(masked) if kind is Kind.MESSAGE else masked

    def path(self, path: str) -> str:
        """Return a path or an ARM id, masked segment by segment."""
        kind = ""
        masked: list[str] = []
        for segment in path.split("/"):
            is_type = segment.lower() in TYPES and kind not in ("subscriptions", "resourcegroups", "providers")
            if not segment or (is_type and not self._is_name_here(kind)):
                masked.append(segment)
                kind = segment.lower()
                continue
            masked.append(self._segment(segment, kind))
            kind = ""
        return "/".join(masked)

    def query(self, pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
        """Return the parameters of a request."""
        return {name: self._parameter(name, value) for name, value in pairs}

    @staticmethod
    def header(value: str) -> str:
        """Return the value of a header about limits and times."""
        return value if re.fullmatch(r"[\w ./:;,=+-]{0,400}", value) and not _GUID.search(value) else MASKED

    def _is_name_here(self, kind: str) -> bool:
        """Return whether a segment that is also a type's name stands where a name stands: after a type that has one."""
        return kind in TYPES and kind not in ("instanceview", "providers")

    def _segment(self, segment: str, kind: str) -> str:
        if kind == "providers":
            return segment if segment.lower().startswith("microsoft.") else self._name(segment, "namespace")
        if kind == "":
            return self._name(segment, "type")
        is_number = kind in ("virtualmachines", "instances") and _DIGITS.fullmatch(segment)
        if is_number or segment.lower() in FIXED:
            return segment
        if kind == "extensions":
            return self._extension(segment)
        return self._name(segment, _WHAT.get(kind, "name"))

    def _parameter(self, name: str, value: str) -> str:
        if name.lower() in _PARAMETERS and _WORD.fullmatch(value):
            return value
        if name.lower() == "$filter":
            return _ID.sub(lambda found: self.path(found[0]), value) if _ID.search(value) else MASKED
        return self._pages.setdefault(value, f"page.{len(self._pages) + 1}")

    def _link(self, link: str) -> str:
        parts = urlsplit(link)
        pairs = tuple(parse_qsl(parts.query, keep_blank_values=True))
        query = urlencode(self.query(pairs), safe="$'")
        return f"{HOST}{self.path(unquote(parts.path))}?{query}"

    def _value(self, value: object, key: str, *, is_known: bool, depth: int, texts: bool, parent: str = "") -> object:
        """Mask a value below a field. is_known: whether the fields around it have fixed names. texts: also messages."""
        if depth > _DEEPEST:
            return MASKED
        if isinstance(value, str):
            return self._text(value, key if is_known else "", parent, texts=texts)
        if isinstance(value, list):
            return [
                self._value(each, key, is_known=is_known, depth=depth + 1, texts=texts, parent=parent) for each in value
            ]
        if isinstance(value, Mapping):
            return self._fields(value, key, is_known=is_known, depth=depth, texts=texts)
        return value  # a number, a flag, null

    def _fields(
        self, body: Mapping[str, object], key: str, *, is_known: bool, depth: int, texts: bool
    ) -> dict[str, object]:
        is_known = is_known and (not key or key.lower() in CONTAINERS)
        masked: dict[str, object] = {}
        for number, (name, value) in enumerate(body.items(), 1):
            lower = name.lower()
            if is_known and key.lower() == "settings":
                if lower in OF_SETTINGS:
                    masked[name] = value if isinstance(value, int | float) or _is_number(value) else MASKED
            elif is_known and lower == "tags":
                masked[name] = _tags(value)
            elif is_known and lower in REMOVED:
                masked[name] = MASKED if isinstance(value, str) else None
            else:
                shown = name if is_known else f"field{number}"
                masked[shown] = self._value(
                    value, name, is_known=is_known, depth=depth + 1, texts=texts, parent=key.lower()
                )
        return masked

    def _text(self, text: str, key: str, parent: str, *, texts: bool) -> str:
        kind = Kind.WORD if (parent, key) == ("sku", "name") else KINDS.get(key.lower())
        if kind is Kind.MESSAGE:
            return self._message(text) if texts else ""
        if kind is Kind.LINK:
            return self._link(text)
        if kind is Kind.CODE:
            return self._code(text) if texts else ""
        if kind is Kind.EXTENSION or (kind is Kind.NAME and parent in ("extensions", "resources") and key == "name"):
            return self._extension(text)
        if kind is Kind.NAME:
            return self._identity(text, key, parent)
        if kind is Kind.WORD and _WORD.fullmatch(text) and not _GUID.search(text):
            return text
        if kind is Kind.QUOTA and _QUOTA.fullmatch(text):
            return text
        return text if parse_time(text) or _is_status(text) else MASKED

    def _identity(self, text: str, key: str, parent: str) -> str:
        if key == "instanceId" and _DIGITS.fullmatch(text):
            return text
        if key == "etag" and _NUMBER_OF_ETAG.fullmatch(text):
            return text
        if "/" in text:
            return self.path(text) if text.startswith("/") else MASKED
        return self._name(text, "vm" if parent in ("value", "instances") else "name") if text else text

    def _code(self, text: str) -> str:
        if not _CODE.fullmatch(text) or _GUID.search(text):
            return MASKED
        return self._with_detail_renamed(text)

    def _with_detail_renamed(self, code: str) -> str:
        """Replace every known name in what follows a code's group and state, by which a gate judges."""
        head, slash, detail = code.partition("/")
        state, second, rest = detail.partition("/")
        return f"{head}{slash}{state}{second}{self._renamed(rest)}"

    def _message(self, text: str) -> str:
        """Mask a text; once, because the machines of a set mostly say the same."""
        if self._said_by != len(self._names) or len(self._said) > _TEXTS:
            self._said, self._said_by = {}, len(self._names)
        if text not in self._said:
            self._said[text] = self._masked(text)
        return self._said[text]

    def _masked(self, text: str) -> str:
        if metrics := _skips_upgrades(text):
            return metrics
        if self._drops_messages:
            return MASKED if text else text
        text = _ID.sub(lambda found: self.path(found[0]), text)
        text = _GUID.sub(lambda found: self._guid(found[0]), text)
        return without_secrets(self._renamed(text))

    def _renamed(self, text: str) -> str:
        """Replace every known name in a text, but within pseudonyms."""
        parts, end = [], 0
        for made_up in MADE_UP.finditer(text):
            parts += [self._all_renamed(text[end : made_up.start()]), made_up[0]]
            end = made_up.end()
        return "".join([*parts, self._all_renamed(text[end:])])

    def _all_renamed(self, text: str) -> str:
        """Replace every known name in a text without pseudonyms."""
        lower = text.lower()
        mentioned = [name for name in self._names if name in lower]  # of a thousand names a text mentions a few
        if not mentioned:
            return text
        pattern = "|".join(map(_mention, sorted(mentioned, key=len, reverse=True)))
        return re.sub(pattern, lambda found: self._names[found[0].lower()], text, flags=re.IGNORECASE)

    def _extension(self, name: str) -> str:
        lower = name.lower()
        if lower in WELL_KNOWN or lower.startswith("microsoft."):
            return name
        return self._name(name, "extension")

    def _name(self, name: str, what: str) -> str:
        if _GUID.fullmatch(name):
            return self._guid(name)
        known = self._names.get(name.lower())
        if known is None:
            # With a digit and no dot: a gate ignores words with digits where it compares what two machines say.
            self._numbers[what] = number = self._numbers.get(what, 0) + 1
            known = self._names[name.lower()] = f"masked-{what}-{number}"
        return known

    def _guid(self, guid: str) -> str:
        return self._guids.setdefault(guid.lower(), f"00000000-0000-0000-0000-{len(self._guids) + 1:012}")


def _mention(name: str) -> str:
    """Return how a text may mention a name: a short one as a word of its own, a long one anywhere."""
    if len(name) >= 6:
        return re.escape(name)
    return rf"{START}{re.escape(name)}(?![A-Za-z])"


def _skips_upgrades(text: str) -> str | None:
    """Return of an application's metrics what is judged, alone; None for any other text."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    upgrade = body.get("rollingUpgrade") if isinstance(body, dict) else None
    skip = upgrade.get("SkipUpgrade") if isinstance(upgrade, dict) else None
    return json.dumps({"rollingUpgrade": {"SkipUpgrade": skip}}) if str(skip).lower() in ("true", "false") else None


def _tags(tags: object) -> dict[str, object]:
    """Keep Azure's own tag alone, and only if it is a time."""
    named = tags.items() if isinstance(tags, Mapping) else ()
    return {
        name: value
        for name, value in named
        if name.lower() == OF_TAGS and isinstance(value, str) and (parse_time(value) or not value)
    }


def _is_number(value: object) -> bool:
    return isinstance(value, str) and _DIGITS.fullmatch(value) is not None


def _is_status(text: str) -> bool:
    """Return whether a text is a status code, wherever it stands."""
    return text.partition("/")[0].lower() in _GROUPS and _STATUS.fullmatch(text) is not None
