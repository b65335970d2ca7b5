"""Walks over the values of a configuration: paths that are relative, and secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr

from monitor.settings.mistakes import Key

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
    return (secret for _, secret in placed_secrets(value))


def placed_secrets(value: Any, keys: tuple[Key, ...] = ()) -> Iterator[tuple[tuple[Key, ...], str]]:
    """Every secret of a configuration, with its path."""
    if isinstance(value, SecretStr):
        yield keys, value.get_secret_value()
        return
    inner: Iterable[tuple[Key, Any]] = ()
    if isinstance(value, BaseModel):
        inner = ((name, getattr(value, name)) for name in type(value).model_fields)
    elif isinstance(value, tuple | list):
        inner = enumerate(value)
    elif isinstance(value, dict):
        inner = value.items()
    for key, item in inner:
        yield from placed_secrets(item, (*keys, key))
