"""What an unquoted YAML scalar means, and the ones that mean different things to different readers.

YAML 1.1 and 1.2 disagree about `yes`, `010`, `1e-3`, `12:30:00` and others. They are refused with a hint
instead of being read one way or the other.
"""

from __future__ import annotations

import re
from typing import Final

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
TRUE: Final = frozenset({"true", "True", "TRUE"})
FALSE: Final = frozenset({"false", "False", "FALSE"})

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
_SPECIAL = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}

_SURPRISES: Final = (
    (
        re.compile(r"(?i:yes|no|on|off)"),
        "is a boolean to some YAML readers and text to others",
        "write true or false, or quote it",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"),
        "is a number in base 60 to some YAML readers",
        "quote it, or write a span of time such as 12h30m",
    ),
    (
        re.compile(r"[-+]?0[0-9_]+|0o[0-7_]+"),
        "is an octal number to some YAML readers",
        "leave out the leading zero, or quote it",
    ),
    (
        re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+"),
        "is text to some YAML readers and a number to others",
        "write it with a point and a signed exponent, such as 1.0e-3, or as 0.001",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?|0[bx][0-9a-fA-F_]+"),
        "is a number to some YAML readers and text to others",
        "write the number in plain digits, or quote it",
    ),
    (
        re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?"),
        "is a date to some YAML readers and text to others",
        "quote it",
    ),
    (re.compile(r"<<|="), "has a meaning of its own in YAML 1.1", "quote it"),
)


class AmbiguousScalarError(ValueError):
    """Two YAML readers would take the scalar for two different values."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def resolve_scalar(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar on which YAML 1.1 and 1.2 agree.

    Raises:
        AmbiguousScalarError: they do not agree.

    >>> resolve_scalar("12"), resolve_scalar("0.5"), resolve_scalar("true"), resolve_scalar("1h")
    (12, 0.5, True, '1h')
    """
    if text in NULLS:
        return None
    if text in TRUE or text in FALSE:
        return text in TRUE
    if _INTEGER.fullmatch(text) or _HEXADECIMAL.fullmatch(text):
        return int(text, 16 if text.startswith("0x") else 10)
    if _FLOAT.fullmatch(text) or text.lower() in _SPECIAL:
        return float(_SPECIAL.get(text.lower(), text))
    for pattern, message, hint in _SURPRISES:
        if pattern.fullmatch(text):
            raise AmbiguousScalarError(f"unquoted {text!r} {message}", hint)
    return text
