"""Built-in components and those that other packages bring through entry points."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from pydantic import BaseModel

T = TypeVar("T", bound=BaseModel)


class PluginError(Exception):
    """A component cannot be used: it does not load, is of the wrong kind, or takes a name that is taken."""


def type_word(component: type[BaseModel]) -> str:
    """The word that the configuration uses for a component: the default of its field `type`.

    Raises:
        PluginError: it has none.
    """
    field = component.model_fields.get("type")
    if field is None or not isinstance(field.default, str):
        raise PluginError(f"{component.__module__}.{component.__qualname__} has no field `type` with a word")
    return field.default


def registry(group: str, base: type, builtin: Iterable[type[T]]) -> dict[str, type[T]]:
    """Components of one kind by their words.

    Args:
        group: entry points to look at, such as `driftd.detectors`; those that are no subclass of `base` belong to
            another kind of the same group and are left out.
        base: what a component must inherit from.
        builtin: the ones that driftd brings.

    Raises:
        PluginError: two components share a word, or one does not load.
    """
    found: dict[str, type[T]] = {}
    foreign: list[Any] = [component for component in _loaded(group) if issubclass(component, base)]
    for component in (*builtin, *foreign):
        word = type_word(component)
        if word in found:
            raise PluginError(f"{group}: two components are called {word!r}")
        found[word] = component
    return found


@cache
def _loaded(group: str) -> tuple[type, ...]:
    return tuple(_load(point) for point in sorted(_installed().select(group=group)))


@cache
def _installed() -> Any:
    """Those of all packages, read once; the type differs between versions of Python."""
    return entry_points()


def _load(point: EntryPoint) -> type:
    try:
        component = point.load()
    except Exception as error:
        raise PluginError(f"{point.group}: {point.name} ({point.value}) does not load: {error}") from error
    if not isinstance(component, type):
        raise PluginError(f"{point.group}: {point.name} ({point.value}) is not a class")
    return component
