"""One pass over a numeric column: bins, extremes and exact sums, in blocks that stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from detectors.binning import LogBinning, NumericBinning
from detectors.binning_numeric import MOMENT_BITS
from detectors.float_grid import FloatGrid
from detectors.moments import Far, far_sums
from detectors.workspace import BLOCK, Workspace

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MAGIC = 1.5 * 2.0**52
_ZERO = np.zeros(1, np.int64)
_NOWHERE = np.zeros(0, np.int64)
_FEW = 64
_MOST_TIES = 3
_LEAST_ROWS = 2048
"""With fewer rows the counts of the grid's cells cost more than they save."""


@dataclass
class Tally:
    """What a pass found in one column.

    Attributes:
        counts: int64, shape (size,), rows in each value bin.
        nan, positive_infinity, negative_infinity: rows.
        minimum, maximum: over finite values, NaN where there is none.
        first, second: sums of the multiples of the quantum, and of their squares.
        far: values beyond 2^19 quanta from the centre.
    """

    counts: Ints
    nan: int = 0
    positive_infinity: int = 0
    negative_infinity: int = 0
    minimum: float = np.nan
    maximum: float = np.nan
    first: int = 0
    second: int = 0
    far: Far = (0, 0, 0)

    def spread(self, low: float, high: float) -> None:
        """Take part in the extremes; both are finite."""
        if not self.minimum <= low:
            self.minimum = low
        if not self.maximum >= high:
            self.maximum = high

    def outside(self, values: Floats) -> None:
        """Add finite values that are summed one by one."""
        rows, first, second = far_sums(values)
        self.far = (self.far[0] + rows, self.far[1] + first, self.far[2] + second)

    def strip(self, values: Floats) -> Floats:
        """Count what is not finite; returns what is."""
        finite = np.isfinite(values)
        kept: Floats = values[finite]
        if kept.size < values.size:
            rest = values[~finite]
            self.nan += int(np.count_nonzero(np.isnan(rest)))
            self.positive_infinity += int(np.count_nonzero(rest == np.inf))
            self.negative_infinity += int(np.count_nonzero(rest == -np.inf))
        return kept


def tally(binning: NumericBinning | LogBinning, values: Floats, space: Workspace) -> Tally:
    """Count and sum the values of a column, shape (n,), contiguous; NaN and infinities are counted apart."""
    found = Tally(np.zeros(binning.size, np.int64))
    grid = _countable(binning, values.size)
    if isinstance(binning, NumericBinning) and grid is not None:
        _CellCount(binning, grid, space, found).run(values)
        return found
    for block in _blocks(values):
        kept = found.strip(block)
        if kept.size:
            found.spread(float(kept.min()), float(kept.max()))
            found.counts += np.bincount(binning.codes(kept), minlength=binning.size)
            add_sums(binning, kept, space, found)
    return found


def _blocks(values: Floats) -> Iterator[Floats]:
    """Pieces that fit the cache."""
    for start in range(0, values.size, BLOCK):
        yield values[start : start + BLOCK]


def _countable(binning: NumericBinning | LogBinning, rows: int) -> FloatGrid | None:
    """The grid where counts of cells give counts of bins at least cost."""
    if rows < _LEAST_ROWS or not isinstance(binning, NumericBinning) or binning.lookup is None:
        return None
    few = binning.lookup.inner.size <= _MOST_TIES
    return binning.grid if binning.quantum and (few or binning.lookup.lattice) else None


def add_sums(
    binning: NumericBinning | LogBinning,
    values: Floats,
    space: Workspace,
    found: Tally,
    *,
    near: bool = False,
) -> None:
    """Add finite values, at most a block, to the sums; `near` says that none is far."""
    if not near:
        close = is_near(binning, values)
        if not close.all():
            found.outside(values[~close])
            values = values[close]
    if not values.size:
        return
    steps = offsets(binning, values, space.total[: values.size])
    found.first += int(space.ones[: values.size].dot(steps) / binning.quantum)
    found.second += int(steps.dot(steps) / binning.quantum**2)


def is_near(binning: NumericBinning | LogBinning, values: Floats) -> npt.NDArray[np.bool_]:
    """Which values are at most 2^19 quanta from the centre; NaN is not."""
    if not binning.quantum:
        return np.zeros(values.size, np.bool_)
    with np.errstate(over="ignore", invalid="ignore"):
        near: npt.NDArray[np.bool_] = np.abs(values - binning.centre) <= binning.quantum * 2.0**MOMENT_BITS
    return near


def offsets(binning: NumericBinning | LogBinning, values: Floats, out: Floats | None = None) -> Floats:
    """The whole multiple of the quantum nearest to each x - centre; x at most 2^19 quanta from the centre.

    Adding 1.5 * 2^52 quanta leaves a float whose last bit is worth one quantum.
    """
    magic = _MAGIC * binning.quantum
    steps = np.add(values, magic, out=out)
    return np.subtract(steps, magic + binning.centre, out=steps)


def without(values: Floats, places: Ints) -> Floats:
    """The values that are not at these ascending places; for few of them a matter of copying stretches."""
    if places.size > _FEW:
        return np.delete(values, places)
    bounds = [-1, *places.tolist(), values.size]
    return np.concatenate([values[a + 1 : b] for a, b in pairwise(bounds)])


@dataclass
class _CellCount:
    """Counts of the grid's cells, and of the few edges inside cells, added up to counts of bins at the end."""

    binning: NumericBinning
    grid: FloatGrid
    space: Workspace
    found: Tally

    def run(self, values: Floats) -> None:
        """Count all values."""
        binning, edges = self.binning, self.binning.edges
        lookup = binning.lookup
        inner = edges[lookup.inner] if lookup is not None else edges[:0]
        by_lattice = inner.size > _MOST_TIES
        cells = np.zeros(self.grid.cells, np.int64)
        below = np.zeros(inner.size, np.int64)
        tails = lookup is not None and not lookup.covered
        for block in _blocks(values):
            taken, under, over = self._near(block)
            if not taken.size:
                continue
            total = np.add(taken, self.grid.shift, out=self.space.total[: taken.size])
            if by_lattice and not self._on_lattice(taken, total):
                self._add_codes(taken, under.size, over.size)
                continue
            counts = self._cells(total, under, over, clip=tails)
            cells += counts
            if by_lattice:
                self._add_lattice(counts, taken[under], taken[over])
                continue
            add_sums(binning, taken, self.space, self.found, near=True)
            for k, edge in enumerate(inner):
                below[k] += np.count_nonzero(taken < edge) - under.size
        self.found.counts += self._bins(cells, below, by_lattice=by_lattice)

    def _add_codes(self, values: Floats, under: int, over: int) -> None:
        """Count value by value, without those outside of the edges, and sum all."""
        self.found.counts += np.bincount(self.binning.codes(values), minlength=self.binning.size)
        self.found.counts[0] -= under
        self.found.counts[-1] -= over
        add_sums(self.binning, values, self.space, self.found, near=True)

    def _near(self, block: Floats) -> tuple[Floats, Ints, Ints]:
        """The values near the reference's, and which of them lie below and above the edges: those are counted here.

        Values far away are counted and summed here, and left out.
        """
        (first, last), found = self._range, self.found
        low, high = float(block.min()), float(block.max())
        if first <= low and high < last:
            found.spread(low, high)
            return block, _NOWHERE, _NOWHERE
        if not np.isfinite(low + high):
            block = found.strip(block)
            if not block.size:
                return block, _NOWHERE, _NOWHERE
            low, high = float(block.min()), float(block.max())
        found.spread(low, high)
        under = np.flatnonzero(block < first) if low < first else _NOWHERE
        over = np.flatnonzero(block >= last) if high >= last else _NOWHERE
        found.counts[0] += under.size
        found.counts[-1] += over.size
        if is_near(self.binning, np.array([low, high])).all():
            return block, under, over
        outside = np.sort(np.concatenate([under, over]))
        add_sums(self.binning, block[outside], self.space, found)
        return without(block, outside), _NOWHERE, _NOWHERE

    @cached_property
    def _range(self) -> tuple[float, float]:
        """The first edge and the last."""
        return float(self.binning.edges[0]), float(self.binning.edges[-1])

    @cached_property
    def _steps(self) -> Floats:
        """The multiple of the quantum that each cell's centre enters the sums with."""
        bits = np.arange(self.grid.cells) + self.grid.base
        return offsets(self.binning, bits.view(np.float64) - self.grid.shift) / self.binning.quantum

    def _add_lattice(self, counts: Ints, *outside: Floats) -> None:
        """Sums of values that all are centres of their cells, from the counts of these; at most a block, so exact."""
        rows, steps = counts.astype(np.float64), self._steps
        self.found.first += int(rows.dot(steps))
        self.found.second += int(rows.dot(steps * steps))
        for values in outside:
            add_sums(self.binning, values, self.space, self.found, near=True)

    def _on_lattice(self, inside: Floats, total: Floats) -> bool:
        """Whether every value is the centre of its cell."""
        centres = self.space.cells[: inside.size].view(np.float64)
        np.subtract(total, self.grid.shift, out=centres)
        return bool(np.equal(centres, inside).all())

    def _cells(self, total: Floats, *outside: Ints, clip: bool) -> Ints:
        """Counts of the cells, without the values at the places `outside`."""
        bits, cells = total.view(np.int64), self.space.cells[: total.size]
        if self.grid.drop:
            np.right_shift(bits, self.grid.drop, out=bits)
        if clip:
            np.maximum(bits, self.grid.base, out=bits)
        np.subtract(bits, self.grid.base, out=cells)
        if clip:
            np.minimum(cells, self.grid.cells - 1, out=cells)
        for places in outside:
            if places.size:
                cells[places] = 0
        counts = np.bincount(cells, minlength=self.grid.cells)
        counts[0] -= sum(places.size for places in outside)
        return counts

    def _bins(self, cells: Ints, below: Ints, *, by_lattice: bool) -> Ints:
        """Counts of the bins from those of the cells: differences of the number of values below each edge."""
        lookup = self.binning.lookup
        if lookup is None:
            return self.found.counts
        cumulated = np.concatenate([_ZERO, np.cumsum(cells)])
        under = cumulated[lookup.cells]
        if lookup.inner.size:
            under[lookup.inner] = cumulated[lookup.lattice_cells] if by_lattice else below
        under[0], under[-1] = 0, cumulated[-1]
        counts = np.zeros(self.binning.size, np.int64)
        np.subtract(under[1:], under[:-1], out=counts[1:-1])
        return counts
