"""Avro records straight to columns, without an object for each: ten times as fast as one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from monitor.decode.assembly import convert, nothing
from monitor.decode.avro_cursor import LEAST_BYTES, Cursor, Longs, Mask, Raw
from monitor.decode.avro_leaves import Leaf
from monitor.decode.cells import Cells
from monitor.decode.plan import Plan, Target, Want

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_EXACT = 2**53
_MOST_SCALE = 22
"""Powers of ten up to this one are exact as floating-point numbers."""

_MOST_BYTES = 7
_DAY = 86_400_000_000
_FIRST, _LAST = -25_567 * _DAY, 84_006 * _DAY
"""The years 1900 to 2199, microseconds; times outside are read one by one."""

_PLAIN = frozenset({"null", "boolean", "int", "long", "float", "double", "string", "enum"})


@dataclass(frozen=True)
class AvroColumns:
    """How the values of a schema become the columns of a plan.

    Attributes:
        plan: what is wanted.
        leaves: the values of a record.
        sources: which of them fills each target; None where none does.
        unknown: columns that are no target.
    """

    plan: Plan
    leaves: tuple[Leaf, ...]
    sources: tuple[int | None, ...]
    unknown: tuple[str, ...]

    def read(self, data: bytes, starts: Longs, ends: Longs) -> tuple[npt.NDArray[np.intp], list[Cells]]:
        """The records that were read, rising, and a column for each target; all others are read one by one.

        Args:
            data: holds the records.
            starts: where each begins; shape (n,).
            ends: where each ends; shape (n,).
        """
        if len(data) < LEAST_BYTES:
            return np.empty(0, np.intp), [nothing(target, 0) for target in self.plan.targets]
        cursor = Cursor(data, starts, ends)
        wanted = {source for source in self.sources if source is not None}
        raws: dict[int, Raw] = {}
        for i, leaf in enumerate(self.leaves):
            raw = cursor.read(leaf)
            if i in wanted:
                raws[i] = raw
        good = cursor.ended()
        for i, raw in raws.items():
            _check(self.leaves[i], raw, good, data)
        rows = np.flatnonzero(good)
        series = {i: _series(self.leaves[i], raw, rows, data) for i, raw in raws.items()}
        return rows, [
            nothing(target, len(rows)) if source is None else convert(self.plan, target, series[source])
            for target, source in zip(self.plan.targets, self.sources, strict=True)
        ]


def columns_of(plan: Plan, leaves: Sequence[Leaf]) -> AvroColumns | None:
    """Find the targets among the values; None where a target wants what only reading one by one gives."""
    if plan.expand is not None or plan.open:
        return None
    by_path = {leaf.path: i for i, leaf in enumerate(leaves)}
    inside = {leaf.path[:depth] for leaf in leaves for depth in range(len(leaf.path))}
    members: dict[str, int] = {}
    prefix: tuple[object, ...] = () if plan.container is None else plan.container.steps
    if plan.container is not None:
        depth = len(prefix)
        chosen = (leaf for leaf in leaves if leaf.path[:depth] == prefix and len(leaf.path) > depth)
        members = {".".join(leaf.path[depth:]): by_path[leaf.path] for leaf in chosen}
    sources: list[int | None] = []
    for target in plan.targets:
        path = (*prefix, *target.name.split(".")) if target.path is None else target.path.steps
        if path in inside:
            return None
        source = members.get(target.name) if target.path is None else by_path.get(path)  # type: ignore[arg-type] # numbers are no names
        if source is not None and not _fits(plan, target, leaves[source]):
            return None
        sources.append(source)
    known = frozenset(plan.members) | plan.taken
    return AvroColumns(plan, tuple(leaves), tuple(sources), tuple(n for n in members if n not in known))


def _fits(plan: Plan, target: Target, leaf: Leaf) -> bool:
    """The value comes out as it does when it is read by itself."""
    if "timestamp" in leaf.logical or leaf.logical == "int-date":
        return target.want is Want.TIME and plan.time_format == "auto"
    if leaf.logical.endswith("-decimal"):
        return target.want is not Want.TIME and 0 <= leaf.scale <= _MOST_SCALE and leaf.precision > 0
    return leaf.kind in _PLAIN and leaf.logical in {"", "string-uuid"}


def _check(leaf: Leaf, raw: Raw, good: Mask, data: bytes) -> None:
    """Mark records whose value is out of the ordinary as not good."""
    if leaf.kind == "string":
        rows = _present(raw, good)
        try:
            texts = _texts(raw, rows, data)
        except pl.exceptions.ComputeError:
            good[[i for i in rows.tolist() if not _is_text(raw, i, data)]] = False
            rows = rows[good[rows]]
            texts = _texts(raw, rows, data)
        if leaf.logical:
            good[rows[~texts.str.contains(_UUID).to_numpy()]] = False
    elif leaf.logical.endswith("-decimal"):
        numbers = _unscaled(raw, data)
        wrong = (raw.sizes == 0) | (raw.sizes > _MOST_BYTES) | (np.abs(numbers) >= _EXACT)  # type: ignore[operator] # bytes have sizes
        wrong |= np.abs(numbers) >= 10 ** min(leaf.precision, 18)
        good &= ~wrong if raw.present is None else ~(wrong & raw.present)
    elif leaf.logical:
        per_unit = _UNITS[leaf.logical.rpartition("-")[2]]
        wrong = (raw.values < _FIRST // per_unit) | (raw.values > _LAST // per_unit)
        good &= ~wrong if raw.present is None else ~(wrong & raw.present)


_UNITS = {"millis": 1000, "micros": 1, "date": _DAY}


def _series(leaf: Leaf, raw: Raw, rows: npt.NDArray[np.intp], data: bytes) -> pl.Series:
    """The values of some records."""
    if leaf.kind == "null":
        return pl.Series([None] * len(rows), dtype=pl.Null)
    if leaf.kind == "string":
        found = _texts(raw, rows, data)
    elif leaf.kind == "enum":
        symbols = np.where(raw.present, raw.values, 0) if raw.present is not None else raw.values
        found = pl.Series(leaf.symbols, dtype=pl.String).gather(symbols[rows].astype(np.int64))
    elif leaf.logical.endswith("-decimal"):
        found = pl.Series(_unscaled(raw, data)[rows] / 10.0**leaf.scale)
    elif leaf.logical:
        times = raw.values[rows].astype(np.int64) * _UNITS[leaf.logical.rpartition("-")[2]]
        found = pl.Series(times).cast(pl.Datetime("us"))
    else:
        found = pl.Series(raw.values[rows])
    return found if raw.present is None else found.set(pl.Series(~raw.present[rows]), None)


def _present(raw: Raw, good: Mask) -> npt.NDArray[np.intp]:
    return np.flatnonzero(good if raw.present is None else good & raw.present)


def _texts(raw: Raw, rows: npt.NDArray[np.intp], data: bytes) -> pl.Series:
    """Texts of some records; whatever it is where they are null."""
    begins = raw.values[rows].astype(np.int64)
    sizes = np.clip(_sizes(raw)[rows], 0, None)
    if raw.present is not None:
        sizes = np.where(raw.present[rows], sizes, 0)
    bounds = zip(begins.tolist(), (begins + sizes).tolist(), strict=True)
    return pl.Series([data[start:end] for start, end in bounds], dtype=pl.Binary).cast(pl.String)


def _is_text(raw: Raw, i: int, data: bytes) -> bool:
    begin = int(raw.values[i])
    try:
        data[begin : begin + int(_sizes(raw)[i])].decode()
    except UnicodeDecodeError:
        return False
    return True


def _unscaled(raw: Raw, data: bytes) -> Longs:
    """Whole numbers of up to seven bytes, big end first, in two's complement; longer ones are not looked at."""
    sizes = np.clip(_sizes(raw), 0, _MOST_BYTES)
    buffer = np.frombuffer(data, np.uint8)
    begins = raw.values.astype(np.int64)
    numbers = np.zeros(len(sizes), np.int64)
    for i in range(_MOST_BYTES):
        byte = buffer.take(begins + i, mode="clip").astype(np.int64)
        numbers = np.where(i < sizes, numbers << 8 | byte, numbers)
    return np.where(numbers >= 1 << np.maximum(8 * sizes - 1, 0), numbers - (1 << 8 * sizes), numbers)


def _sizes(raw: Raw) -> Longs:
    return np.zeros(len(raw.values), np.int64) if raw.sizes is None else raw.sizes
