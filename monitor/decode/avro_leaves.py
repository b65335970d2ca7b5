"""An Avro schema as the list of its values in the order of their bytes, where that order is always the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_LEAVES = 2000
_PRIMITIVE = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_LOGICAL = frozenset(
    {
        *(f"long-{local}timestamp-{unit}" for local in ("", "local-") for unit in ("millis", "micros")),
        *("int-date", "int-time-millis", "long-time-micros", "string-uuid", "bytes-decimal", "fixed-decimal"),
    }
)
"""Logical types that fastavro turns into something else than the type they stand on."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a record.

    Attributes:
        path: names of the fields that lead to it.
        kind: its type without the union around it: a primitive one, `fixed` or `enum`.
        branches: number of branches of the union around it, 0 where there is none.
        null: which of them is null, -1 where none is.
        logical: the logical type, "" where it has none that matters.
        size: bytes of a `fixed`. symbols: of an `enum`.
        precision, scale: of a decimal.
    """

    path: tuple[str, ...]
    kind: str
    branches: int = 0
    null: int = -1
    logical: str = ""
    size: int = 0
    symbols: tuple[str, ...] = ()
    precision: int = 0
    scale: int = 0

    @property
    def fallible(self) -> bool:
        """There are bytes that have the form of the value and are none: broken UTF-8, times that do not exist."""
        return self.kind == "string" or (self.logical != "" and "decimal" not in self.logical)


def leaves_of(schema: Any, names: Mapping[str, Any]) -> tuple[Leaf, ...] | None:
    """The values of a record, or None where the schema has more in it than records, values and `null` beside them.

    Arrays, maps, unions of several types and records that hold themselves have no fixed order of values.

    Args:
        schema: as fastavro has parsed it.
        names: the named types in it.
    """
    try:
        found = tuple(_record(schema, (), names, ()))
    except _OtherwiseError:
        return None
    return found if len(found) <= MOST_LEAVES else None


class _OtherwiseError(Exception):
    """Records of the schema have to be read one by one."""


def _record(
    schema: Any, path: tuple[str, ...], names: Mapping[str, Any], inside: Sequence[str]
) -> Iterator[Leaf]:
    """The values of a record's fields."""
    schema = names.get(schema, schema) if isinstance(schema, str) else schema
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise _OtherwiseError
    if schema["name"] in inside or not schema["fields"]:
        raise _OtherwiseError
    for field in schema["fields"]:
        place = (*path, field["name"])
        kind = field["type"]
        kind = names.get(kind, kind) if isinstance(kind, str) else kind
        if isinstance(kind, dict) and kind.get("type") == "record":
            yield from _record(kind, place, names, (*inside, schema["name"]))
        elif isinstance(kind, list):
            yield _union(kind, place, names)
        else:
            yield _leaf(kind, place)


def _union(branches: list[Any], path: tuple[str, ...], names: Mapping[str, Any]) -> Leaf:
    """A value that may be null."""
    null = branches.index("null") if "null" in branches else -1
    others = [branch for i, branch in enumerate(branches) if i != null]
    if len(others) != 1:
        raise _OtherwiseError
    kind = names.get(others[0], others[0]) if isinstance(others[0], str) else others[0]
    return _leaf(kind, path, len(branches), null)


def _leaf(kind: Any, path: tuple[str, ...], branches: int = 0, null: int = -1) -> Leaf:
    found = {"type": kind} if isinstance(kind, str) else kind
    word = found.get("type") if isinstance(found, dict) else None
    if word not in _PRIMITIVE | {"fixed", "enum"}:
        raise _OtherwiseError
    logical = f"{word}-{found.get('logicalType')}"
    return Leaf(
        path,
        word,
        branches,
        null,
        logical if logical in _LOGICAL else "",
        int(found.get("size", 0)),
        tuple(found.get("symbols", ())),
        int(found.get("precision", 0)),
        int(found.get("scale", 0)),
    )
