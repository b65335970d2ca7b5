"""Values of other formats as JSON text."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

import orjson

_NULL = b"null"


def json_text(value: Any) -> bytes:
    """A value as JSON on one line; numbers that JSON does not have as the tokens NaN, Infinity and -Infinity.

    Bytes are text, in base64 where they are no UTF-8; decimals are numbers; times and identifiers as RFC 3339 and
    RFC 9562 write them.
    """
    try:
        text = orjson.dumps(value, default=_plain)
    except TypeError:  # whole numbers of more than 64 bits
        return _by_the_book(value)
    return _by_the_book(value) if _NULL in text and _holds_strange(value) else text


def _by_the_book(value: Any) -> bytes:
    return json.dumps(value, default=_plain, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        try:
            return data.decode()
        except UnicodeDecodeError:
            return base64.b64encode(data).decode()
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _holds_strange(value: Any) -> bool:
    """Some number in the value is not finite."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list | tuple):
            waiting += part
        elif isinstance(part, float) and not math.isfinite(part):
            return True
    return False
