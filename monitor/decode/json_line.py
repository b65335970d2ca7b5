"""One line of NDJSON as an object, or the reason why it is none."""

from __future__ import annotations

import json
from typing import Any

import orjson

MALFORMED_JSON = "malformed_json"
NOT_AN_OBJECT = "not_an_object"
INVALID_UTF8 = "invalid_utf8"
TOO_DEEP = "too_deep"
DUPLICATE_KEY = "duplicate_key"
TOO_LONG = "too_long"
OUT_OF_RANGE = "out_of_range_number"

_SIGNED = 2**63
_DIGITS = 20
"""Most characters of a whole number of 64 bits; longer ones are not converted digit by digit."""

MAX_DEPTH = 128
"""Objects and arrays inside one another."""


class BadLineError(Exception):
    """The line is no record."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail[:200]


def read_line(line: bytes) -> dict[str, Any]:
    """The object that a line holds; the tokens NaN, Infinity and -Infinity are numbers (TensorFlow Serving).

    Raises:
        BadLineError: it holds none.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        value = _read_strange(line, str(error))
    if type(value) is not dict:
        raise BadLineError(NOT_AN_OBJECT, f"the line holds {_named(value)}")
    if line.count(b'":') != _keys(value):
        _read_strange(line, "")
    return value


def _keys(value: dict[str, Any]) -> int:
    """Number of keys in an object and in everything inside it.

    Raises:
        BadLineError: nested more deeply than `MAX_DEPTH`.
    """
    total, depth = 0, 0
    level: list[Any] = [value]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise BadLineError(TOO_DEEP, f"more than {MAX_DEPTH} objects and arrays inside one another")
        inner: list[Any] = []
        for part in level:
            if type(part) is dict:
                total += len(part)
                inner += [v for v in part.values() if type(v) is dict or type(v) is list]
            else:
                inner += [v for v in part if type(v) is dict or type(v) is list]
        level = inner
    return total


def _read_strange(line: bytes, problem: str) -> Any:
    """Read what the fast parser refuses, with an eye on what must be refused and on duplicate keys."""
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise BadLineError(INVALID_UTF8, f"byte {error.start}: {error.reason}") from None
    if _depth(line) > MAX_DEPTH:
        raise BadLineError(TOO_DEEP, f"more than {MAX_DEPTH} objects and arrays inside one another")
    try:
        return json.loads(text, object_pairs_hook=_pairs, parse_float=_float, parse_int=_int)
    except json.JSONDecodeError as error:
        raise BadLineError(MALFORMED_JSON, problem or str(error)) from None
    except RecursionError:
        raise BadLineError(TOO_DEEP, "objects and arrays too deep inside one another") from None


def _depth(line: bytes) -> int:
    """How deep brackets go; those in strings count too, so it is an upper bound."""
    depth = deepest = 0
    for byte in line:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {_clean(key): _clean(value) if type(value) is str else value for key, value in pairs}
    if len(found) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadLineError(DUPLICATE_KEY, f"the key {_clean(twice)[:100]!r} stands twice in one object")
    return found


def _clean(text: str) -> str:
    """Half of a surrogate pair becomes U+FFFD, as it is no character."""
    return (
        text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    )


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise BadLineError(OUT_OF_RANGE, f"{text[:40]} is larger than any number")
    return value


def _int(text: str) -> int | float:
    number = int(text) if len(text) <= _DIGITS else _SIGNED
    return number if -_SIGNED <= number < _SIGNED else _float(text)


def _named(value: object) -> str:
    names = {list: "an array", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")
