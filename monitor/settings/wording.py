"""pydantic's errors in plain words, with a hint; never with the value, which may be a secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from monitor.settings.beside import MISTAKE
from monitor.settings.vocabulary import did_you_mean, keys_at

_QUOTED = re.compile(r"'([^']*)'")
_SIZE = re.compile(r"([0-9]+) ?([kKMG])(i?)B?")
_UNITS = "kmg"
_PREFIXES = ("Value error, ", "Input ", "String ", "Value ")


def wording(error: Mapping[str, Any]) -> tuple[str, str]:
    """Message and hint for one error of pydantic."""
    return _KINDS.get(error["type"], _plain)(error)


def _unknown_key(error: Mapping[str, Any]) -> tuple[str, str]:
    location = error["loc"]
    return "unknown key", did_you_mean(str(location[-1]), keys_at(location[:-1]))


def _missing(error: Mapping[str, Any]) -> tuple[str, str]:
    return "is missing", _description(error)


def _form(error: Mapping[str, Any]) -> tuple[str, str]:
    return "does not have the form that is asked for", _description(error)


def _unknown_type(error: Mapping[str, Any]) -> tuple[str, str]:
    tag = str(error["ctx"]["tag"])
    return f"unknown type {tag!r}", did_you_mean(tag, _QUOTED.findall(error["ctx"]["expected_tags"]))


def _choice(error: Mapping[str, Any]) -> tuple[str, str]:
    expected = _QUOTED.findall(error["ctx"]["expected"])
    given = error["input"] if isinstance(error["input"], str) else ""
    hint = did_you_mean(given, expected)
    return f"should be {' or '.join(expected)}", hint if hint.startswith("did") else ""


def _text(error: Mapping[str, Any]) -> tuple[str, str]:
    return "should be text", "quote it" if isinstance(error["input"], int | float) else ""


def _number(error: Mapping[str, Any]) -> tuple[str, str]:
    words = "should be a whole number" if str(error["type"]).startswith("int") else "should be a number"
    return words, _in_bytes(error) or _description(error)


def _in_bytes(error: Mapping[str, Any]) -> str:
    """A size with a unit, as the number that it stands for."""
    size = _SIZE.fullmatch(str(error["input"]))
    if size is None or not str(error["loc"][-1]).endswith("_bytes"):
        return ""
    number, unit, binary = size.groups()
    return f"in bytes: {int(number) * (1024 if binary else 1000) ** (_UNITS.index(unit.lower()) + 1)}"


def _yes_or_no(error: Mapping[str, Any]) -> tuple[str, str]:
    return "should be true or false", _description(error)


def _plain(error: Mapping[str, Any]) -> tuple[str, str]:
    message = str(error["msg"])
    for prefix in _PREFIXES:
        message = message.removeprefix(prefix)
    return message, ""


def _description(error: Mapping[str, Any]) -> str:
    """The first sentence of a field's documentation."""
    *place, name = error["loc"]
    field = keys_at(tuple(place)).get(str(name), {})
    return str(field.get("description", "")).split(". ")[0].rstrip(".")


def _beside(error: Mapping[str, Any]) -> tuple[str, str]:
    return str(error["msg"]), str(error["ctx"]["hint"])


_KINDS: dict[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "string_pattern_mismatch": _form,
    "union_tag_invalid": _unknown_type,
    "union_tag_not_found": lambda _: ("needs a `type`", ""),
    "literal_error": _choice,
    "enum": _choice,
    "string_type": _text,
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "float_type", "float_parsing"), _number),
    **dict.fromkeys(("bool_type", "bool_parsing"), _yes_or_no),
    "path_type": lambda _: ("should be a path", "write it as text"),
    MISTAKE: _beside,
    "too_short": lambda _: ("should not be empty", ""),
    "model_type": lambda _: ("should be a mapping of keys to values", ""),
}
