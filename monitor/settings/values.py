"""Walks over the values of a configuration: paths that are relative, and secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr

M = TypeVar("M", bound=BaseModel)


def absolute(model: M, folder: Path) -> M:
    """The model with every relative path made absolute, as seen from a folder."""
    changed = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        seen = _absolute(value, folder)
        if seen is not value:
            changed[name] = seen
    return model.model_copy(update=changed) if changed else model


def _absolute(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return value if value.is_absolute() else folder / value.expanduser()
    if isinstance(value, BaseModel):
        return absolute(value, folder)
    if isinstance(value, tuple):
        seen = tuple(_absolute(item, folder) for item in value)
        return value if all(a is b for a, b in zip(seen, value, strict=True)) else seen
    return value


def secrets(value: Any) -> Iterator[str]:
    """Every secret of a configuration, so that the log can leave them out."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets(getattr(value, name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from secrets(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from secrets(item)
