"""From guessed roles to a mapping of records."""

from __future__ import annotations

from typing import Any

from monitor.decode.mapping import Records
from monitor.decode.paths import format_path
from monitor.first_look.content import time_unit
from monitor.first_look.raw import Raw
from monitor.first_look.roles import Roles
from monitor.first_look.words import unit_of

INPUTS = ("inputs", "input", "features", "feature", "request", "instance", "payload", "data", "x", "body")
"""Names of the object that holds the features, in the order of preference."""

_SLOW = 60.0
_ORDER = (
    *("id", "timestamp", "timestamp_format", "version", "features", "prediction", "score", "label"),
    *("latency", "status", "segments", "ignore"),
)


def container(raw: Raw) -> tuple[str, ...]:
    """The keys that lead to the object with the features; () where records are flat."""
    objects = {keys[:depth] for keys in raw.keys.values() for depth in range(1, len(keys))}
    arrays = {keys for column, keys in raw.keys.items() if raw.frame[column].dtype.is_nested()}
    found = [keys for keys in objects | arrays if keys[-1].lower() in INPUTS]
    return min(found, key=lambda keys: (INPUTS.index(keys[-1].lower()), len(keys)), default=())


def inputs(raw: Raw) -> frozenset[str]:
    """Columns inside the object with the features."""
    inside = container(raw)
    return frozenset(c for c, keys in raw.keys.items() if inside and keys[: len(inside)] == inside)


def mapping(raw: Raw, roles: Roles) -> dict[str, Any]:
    """The options under `records`, in the order in which people read them; only those that are needed."""
    inside = container(raw)
    single: dict[str, Any] = {role: raw.path(name) for role, name in roles.of.items()}
    if "latency" in single:
        single["latency"] = {"path": single["latency"], "unit": latency_unit(raw, roles)}
    wanted = {
        **single,
        "timestamp_format": _epoch_unit(raw, roles),
        "features": format_path(*inside) if inside else "$.*",
        "segments": [raw.path(name) for name in roles.segments],
        "ignore": [ignored_name(raw, name) for name in roles.ignored if is_feature_place(raw, name)],
    }
    return {option: wanted[option] for option in _ORDER if wanted.get(option)}


def _epoch_unit(raw: Raw, roles: Roles) -> str | None:
    """The unit of times that are numbers."""
    name = roles.of.get("timestamp")
    unit = None if name is None else time_unit(raw.frame[name])
    return unit if unit in {"s", "ms", "us", "ns"} else None


def latency_unit(raw: Raw, roles: Roles) -> str:
    """The unit of the response times: as the name says, or milliseconds where the numbers are too large for seconds."""
    name = roles.of["latency"]
    named = unit_of(raw.last_word(name))
    if named:
        return named
    most = roles.columns[name].maximum or 0.0
    return "ms" if most > _SLOW else "s"


def is_feature_place(raw: Raw, name: str) -> bool:
    """A column that would be a feature if it were not left out."""
    inside = container(raw)
    return raw.keys[name][: len(inside)] == inside


def ignored_name(raw: Raw, name: str) -> str:
    """The name of a feature as `ignore` wants it: its keys inside the container, joined by dots."""
    return ".".join(raw.keys[name][len(container(raw)) :])


def records(raw: Raw, roles: Roles) -> Records:
    """The mapping as options."""
    return Records.model_validate(mapping(raw, roles))
