"""Converted columns become the frame; rows without a usable time or without any value become rejects."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.layout import Odd
from monitor.decode.cells import Cells, categorical_cells, numeric_cells, text_cells
from monitor.decode.plan import Plan, Target, Want
from monitor.decode.service import latencies, statuses, weights
from monitor.decode.times import microseconds
from monitor.records import ODD_PREFIX, ORDINAL, Reject

KEPT_BYTES = 4096
"""Bytes of a rejected record that are kept."""

MISSING_TIME = "missing_time"
BAD_TIME = "bad_time"
EMPTY_RECORD = "empty_record"
_DETAILS = {
    MISSING_TIME: "the record has no timestamp",
    BAD_TIME: "the timestamp cannot be read",
    EMPTY_RECORD: "the record has none of the mapped values",
}


Ordinals = npt.NDArray[np.uint64]
Odds = npt.NDArray[np.uint8]


class Origin(Protocol):
    """Knows where the rows of a block come from."""

    @property
    def partition(self) -> str:
        """The source's partition."""
        ...

    def place(self, row: int) -> tuple[int, bytes]:
        """Byte offset or row number of a row's record in the partition, and the first bytes of the record."""
        ...


@dataclass
class Decoded:
    """What a block of raw records holds.

    Attributes:
        frame: rows in canonical columns.
        rejects: records that could not be read, in their order.
        unknown: rows that carried an unknown column, by name.
        absent: modelled columns that no row carried.
        outcomes: records that became no row and are no rejects either, by outcome.
    """

    frame: pl.DataFrame
    rejects: list[Reject] = field(default_factory=list)
    unknown: Mapping[str, int] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    outcomes: dict[str, int] = field(default_factory=dict)


def convert(
    plan: Plan, target: Target, series: pl.Series, *, text: bool = False, ascii_only: bool = False
) -> Cells:
    """A raw column in the type that its target holds. Times that cannot be read are marked WRONG_TYPE."""
    if target.want is Want.NUMERIC:
        return numeric_cells(series, integer=target.integer, text=text)
    if target.want is Want.CATEGORICAL:
        return categorical_cells(series, numbers=target.integer, text=text, ascii_only=ascii_only)
    if target.want is Want.TIME:
        return _times(series, plan.time_format)
    if target.want is Want.LATENCY:
        return Cells(latencies(series, plan.latency_unit))
    turn = {Want.TEXT: text_cells, Want.STATUS: statuses, Want.WEIGHT: weights}.get(target.want)
    return Cells(series if turn is None else turn(series))


def nothing(target: Target, rows: int) -> Cells:
    """The column of a target that no row carries."""
    kinds = {Want.NUMERIC: pl.Float64, Want.LATENCY: pl.Float64, Want.WEIGHT: pl.Float64, Want.TIME: pl.Int64}
    values = pl.repeat(None, rows, dtype=kinds.get(target.want, pl.String), eager=True)
    if target.want is Want.STATUS:
        values = values.cast(pl.Int16)
    return Cells(values, np.full(rows, Odd.MISSING, np.uint8) if target.modelled else None)


def assemble(
    targets: Sequence[Target], cells: Sequence[Cells], rows: int, origin: Origin, ordinal: int
) -> Decoded:
    """Put converted columns of one partition together.

    Args:
        targets: what the columns are.
        cells: one converted column for each target.
        rows: number of rows.
        origin: of the rows.
        ordinal: running number of the first row that is kept.
    """
    bad = _bad_rows(targets, cells, rows)
    numbers: Ordinals = np.arange(ordinal, ordinal + rows - len(bad), dtype=np.uint64)
    return _parts(targets, cells, (0, rows), (origin,), bad, numbers)[0]


def assemble_each(
    targets: Sequence[Target],
    cells: Sequence[Cells],
    bounds: Sequence[int],
    origins: Sequence[Origin],
    ordinals: Ordinals,
) -> list[Decoded]:
    """Put converted columns together once for several partitions, and cut the frame: dear is the frame, not the cut.

    Args:
        targets: what the columns are.
        cells: one converted column for each target.
        bounds: first row of each partition and, last, the number of rows.
        origins: of the rows of each partition.
        ordinals: the rows' running numbers; uint64, shape (rows,).
    """
    bad = _bad_rows(targets, cells, bounds[-1])
    numbers = np.delete(ordinals, sorted(bad)) if bad else ordinals
    return _parts(targets, cells, bounds, origins, bad, numbers)


def _parts(  # noqa: PLR0917 - see above
    targets: Sequence[Target],
    cells: Sequence[Cells],
    bounds: Sequence[int],
    origins: Sequence[Origin],
    bad: Mapping[int, str],
    numbers: Ordinals,
) -> list[Decoded]:
    """The rows of each partition without bad ones."""
    keep = None
    if bad:
        keep = np.ones(bounds[-1], dtype=bool)
        keep[list(bad)] = False
    columns: list[pl.Series] = []
    odd: dict[str, Odds] = {}
    for target, (values, codes) in zip(targets, cells, strict=True):
        columns.append((values if keep is None else values.filter(keep)).alias(target.name))
        if codes is not None and target.modelled:
            marks = codes if keep is None else codes[keep]
            if marks.any():
                odd[target.name] = marks
                columns.append(pl.Series(ODD_PREFIX + target.name, marks))
    columns.append(pl.Series(ORDINAL, numbers))
    frame = pl.DataFrame(columns)
    ends = bounds if keep is None else np.concatenate([[0], np.cumsum(keep)])[list(bounds)].tolist()
    decoded = [_cut(frame, odd, low, high) for low, high in pairwise(ends)]
    for row in sorted(bad):
        home = bisect_right(bounds, row) - 1
        origin = origins[home]
        place = origin.place(row - bounds[home])
        decoded[home].rejects.append(Reject(bad[row], _DETAILS[bad[row]], origin.partition, *place))
    return decoded


def _cut(frame: pl.DataFrame, odd: Mapping[str, Odds], low: int, high: int) -> Decoded:
    """The rows from `low` to `high`, with the odd codes of columns that have some there."""
    part = frame if high - low == frame.height else frame.slice(low, high - low)
    marks = {name: codes[low:high] for name, codes in odd.items()}
    even = [ODD_PREFIX + name for name, codes in marks.items() if not codes.any()]
    absent = {name for name, codes in marks.items() if codes.size and (codes == Odd.MISSING).all()}
    return Decoded(part.drop(even) if even else part, [], {}, frozenset(absent))


def _times(series: pl.Series, time_format: str) -> Cells:
    values = microseconds(series, time_format)
    if values.null_count() == 0 or values.null_count() == series.null_count():
        return Cells(values)
    present = series.is_not_null()
    if series.dtype == pl.String:
        present &= series.str.strip_chars() != ""
    bad = (present & values.is_null()).to_numpy()
    return Cells(values, bad.astype(np.uint8) * np.uint8(Odd.WRONG_TYPE))


def _bad_rows(targets: Sequence[Target], cells: Sequence[Cells], rows: int) -> dict[int, str]:
    """Reason by row, of the rows that are rejected."""
    bad = dict.fromkeys(np.flatnonzero(_empty(targets, cells, rows)).tolist(), EMPTY_RECORD)
    for target, (values, odd) in zip(targets, cells, strict=True):
        if target.want is Want.TIME and values.null_count():
            for row in np.flatnonzero(values.is_null().to_numpy()).tolist():
                unreadable = odd is not None and odd[row] == Odd.WRONG_TYPE
                if unreadable or row not in bad:
                    bad[row] = BAD_TIME if unreadable else MISSING_TIME
    return bad


def _empty(targets: Sequence[Target], cells: Sequence[Cells], rows: int) -> npt.NDArray[np.bool_]:
    """Rows in which no modelled column and neither latency nor status has a value, a strange one included."""
    empty = np.ones(rows, dtype=bool)
    for target, (values, odd) in zip(targets, cells, strict=True):
        if not (target.modelled or target.want in {Want.LATENCY, Want.STATUS}):
            continue
        if values.null_count() == 0:
            return np.zeros(rows, dtype=bool)
        empty &= values.is_null().to_numpy()
        if odd is not None:
            empty &= (odd == Odd.NONE) | (odd == Odd.MISSING)
    return empty
