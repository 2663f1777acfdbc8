"""Take out of a text for people what may be a secret or an address. Pure.

Every form is bounded, because a guest may write a message that would keep an unbounded one busy for hours. It knows
forms, such as `password=…`, a token, an address. A secret that looks like an ordinary word stays: whoever
cannot rule that out leaves the messages out.
"""

from __future__ import annotations

import re

SECRET = "(secret)"  # noqa: S105 - what stands in its place
_COLOURED = "|".join(rf"(?<=\[[\d;]{{{length}}}m)" for length in range(12))  # `re` wants a length to look behind
START = rf"(?:(?<![A-Za-z0-9])|(?<=\\[a-z])|(?<=\\u[0-9a-f]{{4}})|{_COLOURED})"
"""Where a word may begin: also behind an escape of JSON, or of a terminal, whose letters are none of the word's."""

MADE_UP = re.compile(rf"{START}masked-[a-z]+-\d+\b")
"""The form of a pseudonym."""

_WORDS = (
    r"pass(?:word|phrase|wd)?|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|shared[_-]?key|key|sig"
    r"|signature|sas|credentials?|connection[_-]?string|auth(?:orization)?|cookie|client[_-]?secret|private[_-]?key"
)
_NAME = rf"[\w.-]{{0,40}}(?:{_WORDS})[\w.-]{{0,40}}"
_QUOTE = r"(?:\\{0,3}[\"'])?"  # with backslashes: JSON in a text of JSON
_VALUE = (
    r"(?!\(secret\))(?:[^;\"'\n]{1,200}(?=;)|\"(?:[^\"\\]|\\.)*(?:\"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z)|\\{1,3}\"[^\"\\]{0,200}"
    r"|<[^<>\n]{0,200}>|(?:[^\s,;&\"'<>)\]}]|,(?=[^\s\"']))+)"
)
_HEADER = r"(?:\\{0,3}\"[^\"\\]{1,400}|'[^']{1,400}|[^\"'\n]{1,400})"
_MICROSOFTS = re.compile(r"https://(?:aka\.ms|(?:learn|docs|go|support)\.microsoft\.com)/[\w./%-]*", re.IGNORECASE)

# In this order: what is large, and what names its secret, before what only looks like one.
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(form, re.IGNORECASE | re.DOTALL), instead)
    for form, instead in (
        (r"-----BEGIN [^-]*-----.*?(?:-----END [^-]*-----|\Z)", SECRET),
        (rf"{START}(?:ssh-(?:rsa|ed25519|dss)|ecdsa-\S{{1,40}})\s{{1,9}}\S+", SECRET),
        (rf"{START}(bearer|basic|negotiate|sharedkey|sharedaccesssignature)\s{{1,9}}[^\s,;\"']+", rf"\1 {SECRET}"),
        (
            rf"({START}(?:proxy-)?(?:authorization|(?:set-)?cookie){_QUOTE}\s{{0,9}}[=:]\s{{0,9}}){_HEADER}",
            rf"\1{SECRET}",
        ),
        (rf"(<{_NAME}>(?:<!\[CDATA\[)?)[^<]{{1,400}}", rf"\1{SECRET}"),
        (
            rf"((?:\b|_){_NAME}{_QUOTE}\s{{0,9}}(?:,|:\s{{0,9}}\{{)\s{{0,9}}{_QUOTE}value{_QUOTE}\s{{0,9}}:\s{{0,9}}){_VALUE}",
            rf"\1{SECRET}",
        ),
        (rf"((?:\b|_){_NAME}{_QUOTE}\s{{0,9}}(?:[=:]|=>)\s{{0,9}}){_VALUE}", rf"\1{SECRET}"),
        (rf"(--?[\w-]{{0,40}}(?:{_WORDS})[\w-]{{0,40}}\s{{1,9}}){_VALUE}", rf"\1{SECRET}"),
        (rf"{START}eyJ[\w-]{{8,}}(?:\.[\w-]*){{0,2}}", SECRET),
    )
)
_DOMAINS = (
    "com|net|org|io|dev|app|cloud|info|biz|local|internal|intranet|lan|corp|home|azure|ms|us|cn|de|uk|eu|fr|nl|ch|at|"
    "it|es|se|no|dk|fi|pl|ca|au|jp|in|br|kr|sg|nz|ie|be|edu|gov|mil|invalid|test|example|"
    "ai|co|systems|tech|software|solutions|online|xyz"
)
_ADDRESS = re.compile(
    rf"(?P<url>{START}[a-z][a-z0-9+.-]{{1,20}}://[^\s\"'<>]+)"
    r"|(?P<mail>\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8})"
    rf"|(?P<mac>{START}(?:[0-9a-f]{{2}}[:-]){{5}}[0-9a-f]{{2}}(?![a-z0-9]))"
    rf"|(?P<ipv4>{START}(?<!\.)(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?!\.?\d))"
    rf"|(?P<ipv6>{START}(?<!:)(?:(?:[0-9a-f]{{0,4}}:){{3,7}}[0-9a-f]{{0,4}}|::[0-9a-f:]+"
    r"|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6})(?![a-z0-9:]))"
    rf"|(?P<host>\b(?!microsoft\.|system\.(?:net|io)\.)(?:[a-z0-9_-]{{1,63}}\.){{1,8}}(?:{_DOMAINS})\b(?::\d{{1,5}})?)",
    re.IGNORECASE,
)
_HOME = re.compile(r"((?:/home/|/Users/|[A-Z]:\\+Users\\+))[^\\/\s\"']+", re.IGNORECASE)
_LONG = re.compile(r"(?=[\w+/=-]{0,199}\d)(?=[\w+/=-]{0,199}[a-z])(?:[\w+=-]{20,}|[\w+/=-]{40,})", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """Return a text in which what looks like a secret, an address, a host or a person is replaced."""
    for form, instead in _FORMS:
        text = form.sub(instead, text)
    text = _ADDRESS.sub(_address, text)
    return _LONG.sub(_long, _HOME.sub(r"\1(user)", text))


def _long(found: re.Match[str]) -> str:
    """Keep an id of Azure's, in which only pseudonyms have a digit."""
    return SECRET if re.search(r"\d", MADE_UP.sub("", found[0])) else found[0]


def _address(found: re.Match[str]) -> str:
    """Keep the address of a page of Microsoft's documentation, without its query."""
    known = _MICROSOFTS.match(found[0])
    return known[0] if known else f"({found.lastgroup})"
