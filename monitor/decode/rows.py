"""Values of parsed records, row by row, for lines that differ from all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from detectors.layout import Odd
from monitor.decode.assembly import EMPTY_RECORD, convert, nothing
from monitor.decode.cells import Cells
from monitor.decode.json_line import BadLineError
from monitor.decode.paths import ABSENT
from monitor.decode.plan import Plan, Target
from monitor.records import ID

MAX_MEMBERS = 10_000
BAD_EXPAND = "bad_expand"
UNEQUAL_LENGTHS = "unequal_lengths"
TOO_WIDE = "too_wide"


class RowReader:
    """Takes the wanted values out of records.

    Attributes:
        plan: what is wanted.
        unknown: rows that carried an unknown column, by name.
        missing: names of members that rows of the last record lacked.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.unknown: Counter[str] = Counter()
        self._placed = plan.placed
        self._wanted = frozenset(plan.members)
        self._known = self._wanted | plan.taken
        paths = [t.path for t in self._placed if t.path is not None]
        self._beside = {p for path in paths if (p := path.to_each()) is not None}

    def rows(self, record: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The values of each row of a record, in the order of the targets.

        Raises:
            BadLineError: the record cannot be cut into rows.
        """
        return [self._row(record, i) for i in range(self._count(record))]

    def members(self, record: dict[str, Any], row: int = 0) -> dict[str, Any]:
        """The features' container as names and values; {} where there is none."""
        if self.plan.container is None:
            return {}
        value = self.plan.container.find(record, row)
        if type(value) is list:
            return flatten({self.plan.container.name: value}, self._wanted)
        return flatten(value, self._wanted) if type(value) is dict else {}

    def _count(self, record: dict[str, Any]) -> int:
        """Number of rows in a record.

        Raises:
            BadLineError: nothing to expand, or arrays that do not go together.
        """
        if self.plan.expand is None:
            return 1
        value = self.plan.expand.find(record)
        if type(value) is not list:
            raise BadLineError(BAD_EXPAND, "the record has no array where `expand` says")
        if not value:
            raise BadLineError(EMPTY_RECORD, "the array that is expanded is empty")
        for path in self._beside:
            other = path.find(record)
            if type(other) is list and len(other) != len(value):
                detail = f"{len(value)} rows, but {len(other)} values at {path.flat}"
                raise BadLineError(UNEQUAL_LENGTHS, detail)
        return len(value)

    def _row(self, record: dict[str, Any], row: int) -> tuple[Any, ...]:
        values = [t.path.find(record, row) if t.path else ABSENT for t in self._placed]
        if self.plan.expand is not None and self._placed and self._placed[0].name == ID:
            values[0] = values[0] if values[0] in (None, ABSENT) else f"{values[0]}#{row}"
        if self.plan.container is None:
            return tuple(values)
        members = self.members(record, row)
        if not members.keys() <= self._known:
            self.unknown.update(members.keys() - self._known)
        return (*values, *(members.get(name, ABSENT) for name in self.plan.members))


def flatten(value: dict[str, Any], leaves: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Nested objects joined by dots, arrays as `name-0`, `name-1`, …; names among `leaves` stay as they are.

    >>> flatten({"a": {"b": 1}, "c": [2, 3]})
    {'a.b': 1, 'c-0': 2, 'c-1': 3}
    """
    if not any(type(v) is dict or type(v) is list for v in value.values()):
        return value
    found: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = list(reversed(value.items()))
    while waiting:
        name, part = waiting.pop()
        if type(part) is dict and part and name not in leaves:
            waiting += [(f"{name}.{key}", v) for key, v in reversed(part.items())]
        elif type(part) is list and part and name not in leaves:
            waiting += [(f"{name}-{i}", v) for i, v in reversed(tuple(enumerate(part)))]
        else:
            found[name] = part
        if len(found) + len(waiting) > MAX_MEMBERS:
            raise BadLineError(TOO_WIDE, f"more than {MAX_MEMBERS} values in one record")
    return found


def row_cells(plan: Plan, rows: Sequence[tuple[Any, ...]]) -> list[Cells]:
    """Columns of rows, converted; each type of a mixed column by itself."""
    if not rows:
        return [nothing(target, 0) for target in plan.targets]
    return [
        _column(target, list(values), lambda series, t=target: convert(plan, t, series))  # type: ignore[misc]
        for target, values in zip(plan.targets, zip(*rows, strict=True), strict=True)
    ]


def _column(target: Target, values: list[Any], turn: Callable[[pl.Series], Cells]) -> Cells:
    kinds = {type(v) for v in values}
    if ABSENT.__class__ not in kinds:
        return _by_kind(values, kinds - {type(None)}, turn)
    absent = np.fromiter((v is ABSENT for v in values), dtype=bool, count=len(values))
    if absent.all():
        return nothing(target, len(values))
    filled = [None if v is ABSENT else v for v in values]
    cells = _by_kind(filled, kinds - {type(None), ABSENT.__class__}, turn)
    if not target.modelled:
        return cells
    odd = np.zeros(len(values), np.uint8) if cells.odd is None else cells.odd
    return Cells(cells.values, np.where(absent, np.uint8(Odd.MISSING), odd).astype(np.uint8))


def _by_kind(values: list[Any], kinds: set[type], turn: Callable[[pl.Series], Cells]) -> Cells:
    """Convert values of one type at once, others type by type."""
    if len(kinds) <= 1:
        return turn(_series(values, next(iter(kinds), type(None))))
    columns, odd = [], np.zeros(len(values), np.uint8)
    for kind in kinds:
        part = [v if type(v) is kind else None for v in values]
        cells = turn(_series(part, kind))
        columns.append(cells.values)
        if cells.odd is not None:
            odd = np.maximum(odd, cells.odd)
    merged = columns[0]
    for column in columns[1:]:
        merged = merged.zip_with(merged.is_not_null(), column)
    return Cells(merged, odd if odd.any() else None)


_TYPES: dict[type, pl.DataType] = {
    float: pl.Float64(),
    str: pl.String(),
    bool: pl.Boolean(),
    type(None): pl.Null(),
}


def _series(values: list[Any], kind: type) -> pl.Series:
    """A series of values of one type and nulls; objects and arrays as bytes, which no column holds."""
    if kind is int:
        try:
            return pl.Series(values, dtype=pl.Int64, strict=True)
        except (OverflowError, pl.exceptions.PolarsError, TypeError):
            return pl.Series([None if v is None else float(v) for v in values], dtype=pl.Float64)
    if kind in _TYPES:
        return pl.Series(values, dtype=_TYPES[kind])
    return pl.Series([None if v is None else b"" for v in values], dtype=pl.Binary)
