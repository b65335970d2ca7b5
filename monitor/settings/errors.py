"""pydantic's errors as mistakes: with the line of the file, in plain words, with a hint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.settings.document import Document, Unreadable
from monitor.settings.mistakes import Key, Mistake, key_path
from monitor.settings.wording import wording


def mistakes_of(
    errors: Sequence[Mapping[str, Any]],
    document: Document,
    source: str,
    overrides: Mapping[tuple[Key, ...], str],
) -> list[Mistake]:
    """One mistake for each place that pydantic complains about.

    Args:
        errors: `ValidationError.errors()`.
        document: what the file says, for lines.
        source: the file's name.
        overrides: environment variables that replaced a value, by its keys.
    """
    found: dict[tuple[Key, ...], list[Mapping[str, Any]]] = {}
    for error in errors:
        keys, value = _in_document(error, document.value)
        if not _noted(error, value):
            found.setdefault(keys, []).append(error)
    mistakes = []
    for keys, alternatives in found.items():
        distinct = list(dict.fromkeys(wording(error) for error in _telling(alternatives)))
        message = ", or ".join(message for message, _ in distinct)
        hint = "; ".join(dict.fromkeys(hint for _, hint in distinct if hint))
        variable = overrides.get(keys)
        place = f"environment variable {variable}" if variable else source
        line = 0 if variable else document.line(keys)
        mistakes.append(Mistake(line, place, key_path(keys), message, hint))
    return mistakes


def _telling(errors: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Of the alternatives of a union, those that are about the value and not only about its type."""
    return [error for error in errors if not error["type"].endswith("_type")] or errors


def _in_document(error: Mapping[str, Any], value: Any) -> tuple[tuple[Key, ...], Any]:
    """The keys of the file that an error is about, without union tags, and the value there."""
    keys: list[Key] = []
    location = error["loc"]
    for i, item in enumerate(location):
        if _has(value, item):
            value = value[item]
        elif i == len(location) - 1 and error["type"] == "missing":
            value = None
        else:
            continue
        keys.append(item)
    return tuple(keys), value


def _has(value: Any, item: Key) -> bool:
    if isinstance(value, list):
        return isinstance(item, int) and item < len(value)
    return isinstance(value, dict) and item in value


def _noted(error: Mapping[str, Any], value: Any) -> bool:
    """The mistake behind this error has been told: an unreadable scalar, or a list of wrong items."""
    if error["type"] == "too_short":
        return bool(value)
    return isinstance(value, Unreadable) or _tag_unreadable(error, value)


def _tag_unreadable(error: Mapping[str, Any], value: Any) -> bool:
    tagged = error["type"].startswith("union_tag") and isinstance(value, dict)
    return tagged and isinstance(value.get("type"), Unreadable)
