"""Spans of time as people write them: `15s`, `1h30m`, `30d`, or a number of seconds."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
_HINT = "write it like 500ms, 15s, 1h30m or 30d, or as a number of seconds"


def parse_duration(value: object) -> float:
    """Seconds that a span of time stands for.

    Args:
        value: a number of seconds, or one or more number-unit pairs with the units ms, s, m, h, d, w.

    Raises:
        ValueError: not a span of time, negative, or not finite.

    >>> parse_duration("1h30m"), parse_duration("250ms"), parse_duration(15)
    (5400.0, 0.25, 15.0)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is not a span of time: {_HINT}")  # noqa: TRY004 - pydantic collects ValueError
    seconds = _parse_text(value.strip()) if isinstance(value, str) else float(value)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"{value!r} is negative or not finite: {_HINT}")
    return seconds


def _parse_text(text: str) -> float:
    if _WHOLE.fullmatch(text):
        return math.fsum(_seconds(float(number), unit) for number, unit in _PART.findall(text))
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a span of time: {_HINT}") from None


def _seconds(number: float, unit: str) -> float:
    """Milliseconds are divided: 950 times 0.001 would not be 0.95."""
    return number / 1000 if unit == "ms" else number * _UNITS[unit]


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads as the same number of seconds.

    >>> format_duration(5400.0), format_duration(0.0), format_duration(0.25)
    ('1h30m', '0s', '250ms')
    """
    milliseconds = round(seconds * 1000)
    if milliseconds / 1000 != seconds:
        return repr(seconds)
    text = ""
    for unit in ("d", "h", "m", "s", "ms"):
        size = round(_UNITS[unit] * 1000)
        count, milliseconds = divmod(milliseconds, size)
        if count:
            text += f"{count}{unit}"
    return text or "0s"


Seconds = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": r"^((\d+(\.\d+)?)(ms|[smhdw]))+$"},
            ],
            "examples": ["15s", "1h30m", "30d"],
        },
    ),
]
"""A span of time in an option: seconds as a float in the code, `1h30m` in the configuration."""
