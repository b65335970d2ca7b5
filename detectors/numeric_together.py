"""One pass over several numeric columns of few rows: a call of numpy costs as much as a thousand values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.binning_numeric import NumericBinning
from detectors.float_grid import Floats
from detectors.numeric_pass import Tally, offsets
from detectors.plain_cells import PlainCells
from detectors.workspace import BLOCK

MOST_ROWS = BLOCK // 2
"""From more rows a block holds one column only."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that can be counted with others: all values lie between its outer edges.

    Attributes:
        i: its number. values: the centre stands where there is a hole.
        low, high: of the others. holes: how many.
    """

    i: int
    binning: NumericBinning
    plain: PlainCells
    values: Floats
    low: float
    high: float
    holes: int


def tally_together(numbers: Mapping[int, tuple[NumericBinning, Floats, int]]) -> dict[int, Tally]:
    """Count and sum columns; those that do not lend themselves to it are left out.

    Args:
        numbers: by number of the column, its binning, its values, shape (rows,), and how many of these are null: NaN
            stands there. At most `MOST_ROWS` rows, as many in each.

    Returns:
        For some of the columns what `tally` gives without the nulls.
    """
    fit = [found for i, one in numbers.items() if (found := _column(i, *one)) is not None]
    tallies: dict[int, Tally] = {}
    for columns in _pieces(fit):
        tallies.update(_count(columns))
    return tallies


def _column(i: int, binning: NumericBinning, values: Floats, nulls: int) -> _Column | None:
    """The column, unless it has values beyond the outer edges, or NaN."""
    plain = binning.plain
    if plain is None or not values.size:
        return None
    if not nulls:
        low, high = float(np.minimum.reduce(values)), float(np.maximum.reduce(values))
        return _Column(i, binning, plain, values, low, high, 0) if plain.holds(low, high) else None
    low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
    holes = np.isnan(values)
    if not plain.holds(low, high) or np.count_nonzero(holes) != nulls:
        return None
    if not plain.holds(binning.centre, binning.centre):
        return None
    return _Column(i, binning, plain, np.where(holes, binning.centre, values), low, high, nulls)


def _pieces(columns: Sequence[_Column]) -> Iterator[Sequence[_Column]]:
    """As many at a time as a block has room for."""
    if columns:
        step = max(1, BLOCK // columns[0].values.size)
        for start in range(0, len(columns), step):
            yield columns[start : start + step]


def _count(columns: Sequence[_Column]) -> Iterator[tuple[int, Tally]]:
    """Count and sum at most a block of values."""
    total = np.empty((len(columns), columns[0].values.size))
    for row, column in zip(total, columns, strict=True):
        np.add(column.values, column.plain.grid.shift, out=row)
    bins = _bins(columns, total.view(np.int64))
    for row, column in zip(total, columns, strict=True):
        offsets(column.binning, column.values, row)
    quanta = np.array([column.binning.quantum for column in columns])
    first, second = np.add.reduce(total, axis=1) / quanta, np.einsum("ij,ij->i", total, total) / quanta**2
    start = 0
    for column, one, two in zip(columns, first.tolist(), second.tolist(), strict=True):
        counts = np.zeros(column.binning.size, np.int64)
        end = start + column.plain.starts.size
        counts[1:-1] = bins[start:end]
        start = end
        yield (
            column.i,
            Tally(counts, minimum=column.low, maximum=column.high, first=int(one), second=int(two)),
        )


def _bins(columns: Sequence[_Column], bits: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Rows in the bins between the outer edges, one column after the other.

    Args:
        columns: n of them.
        bits: of the sums of values and shifts, shape (n, rows); overwritten.
    """
    grids = [column.plain.grid for column in columns]
    ends = np.cumsum([grid.cells for grid in grids])
    offsets = np.concatenate([[0], ends[:-1]])
    drops, bases = np.array([grid.drop for grid in grids]), np.array([grid.base for grid in grids])
    if drops.any():
        np.right_shift(bits, drops[:, np.newaxis], out=bits)
    bits -= (bases - offsets)[:, np.newaxis]
    if not all(column.plain.covered for column in columns):
        np.clip(bits, offsets[:, np.newaxis], ends[:, np.newaxis] - 1, out=bits)
    cells = np.bincount(bits.ravel(), minlength=int(ends[-1]))
    for column, offset in zip(columns, offsets.tolist(), strict=True):
        if column.holes:
            place = np.array([column.binning.centre])
            cells[offset + column.plain.grid.of(place)] -= column.holes
    # the last bin of a column ends where the first of the next begins: nothing lies beyond the outer edges
    starts = np.concatenate([c.plain.starts + o for c, o in zip(columns, offsets.tolist(), strict=True)])
    return np.add.reduceat(cells, starts)
