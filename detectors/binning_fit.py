"""Choose a numeric column's grid and edges from reference values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from detectors.float_grid import FloatGrid, Floats

CELLS = 8192
"""Aim for the cells of a grid: their counts stay in the second-level cache."""

_SKEWS = (4, 8, 12, 16, 24)
_HUGE = 2.0**400
_COARSE = 2
_SIZES = ((CELLS // 4, CELLS // 2, CELLS), (CELLS // 2, CELLS, 2 * CELLS))
"""Cells to try over the whole range, and between the outer quantiles: the fewer, the faster."""
_FINE = 3
"""A grid is good enough where no cell holds more than a third of a bin."""


def fit_edges(ordered: Floats, bins: int) -> tuple[Floats, FloatGrid | None]:
    """Edges and grid for ascending finite values.

    A value that holds more than 1/bins of the rows gets the edges v and nextafter(v). The other edges lie on cell
    starts of the grid where the grid is fine enough, so that a cell says the bin, else on values.
    """
    distinct, rows = np.unique(ordered, return_counts=True)
    low, high = float(distinct[0]), float(np.nextafter(distinct[-1], np.inf))
    heavy = distinct[rows > ordered.size / bins]
    lattice = _lattice(distinct)
    if distinct.size <= bins or lattice is not None:
        candidates = distinct
        grid = lattice or _best_grid(ordered, heavy, bins)
    else:
        grid = _best_grid(ordered, heavy, bins)
        candidates = distinct if grid is None else _cell_starts(grid, distinct, rows, ordered.size / bins)
    ends = np.concatenate([[low, high], heavy, np.nextafter(heavy, np.inf)])
    edges = np.unique(np.concatenate([candidates, ends]))
    edges = edges[(edges >= low) & (edges <= high)]
    return _grouped(ordered, edges, heavy, bins), grid


def _lattice(distinct: Floats) -> FloatGrid | None:
    """A uniform grid of which every value is a cell's centre; None where there is none of a fair size."""
    low, high = float(distinct[0]), float(distinct[-1])
    width = _power(max(high - low, np.spacing(max(abs(low), abs(high)))) / CELLS)
    if not 0 < width < math.inf or not np.array_equal(np.rint(distinct / width) * width, distinct):
        return None
    while width < high - low and np.array_equal(np.rint(distinct / width / 2) * width * 2, distinct):
        width *= 2
    return FloatGrid.uniform(low, high, width)


def _power(value: float) -> float:
    """The smallest power of two that is not below the value."""
    return 2.0 ** math.ceil(math.log2(value)) if 0 < value < math.inf else 0.0


def _best_grid(ordered: Floats, heavy: Floats, bins: int) -> FloatGrid | None:
    """The first grid without a heavy cell, or else the one whose heaviest is lightest."""
    light = ordered[~np.isin(ordered, heavy)] if heavy.size else ordered
    best: FloatGrid | None = None
    least = math.inf
    for grid in _grids(ordered, bins):
        worst = int(np.bincount(grid.of(light)).max()) if light.size else 0
        if worst < least:
            best, least = grid, worst
        if worst * bins * _FINE <= ordered.size:
            break
    return best


def _grids(ordered: Floats, bins: int) -> Iterator[FloatGrid]:
    """Grids to try: uniform, uniform between outer quantiles, then more and more skewed."""
    tail = ordered.size // (bins * _FINE)
    ends = ((ordered[0], ordered[-1]), (ordered[tail], ordered[-1 - tail]))
    spans = [(float(low), float(np.nextafter(high, np.inf))) for low, high in ends]
    for (low, high), sizes in zip(spans, _SIZES, strict=True):
        for cells in sizes:
            grid = (
                FloatGrid.uniform(low, high, _power((high - low) / cells)) if high - low < math.inf else None
            )
            if grid is not None:
                yield grid
    low, high = spans[0]
    for skew in _SKEWS:
        bits = max(int(math.log2(CELLS / (skew + 1))), 4)
        grid = FloatGrid.skewed(low, high, (high - low) * 2.0**-skew, bits)
        if grid is not None and grid.cells <= 2 * CELLS:
            yield grid


def _cell_starts(grid: FloatGrid, distinct: Floats, rows: npt.NDArray[np.int64], most: float) -> Floats:
    """The starts of the cells that hold values; in cells that hold too much, the values themselves."""
    cells = grid.of(distinct)
    mass = np.bincount(cells, rows, grid.cells)
    crowded = mass[cells] * _COARSE > most
    inside = np.unique(cells)
    inside = inside[inside > cells[0]]
    return np.concatenate([grid.starts(inside, float(distinct[0]), float(distinct[-1])), distinct[crowded]])


def _grouped(ordered: Floats, edges: Floats, heavy: Floats, bins: int) -> Floats:
    """Drop edges while the bins between hold at most 1/bins of the rows; edges at heavy values stay."""
    most = ordered.size / bins
    below = np.searchsorted(ordered, edges, side="left")
    fixed = np.zeros(edges.size, np.bool_)
    if heavy.size:
        at = np.searchsorted(edges, heavy)
        fixed[at] = fixed[at + 1] = True
    fixed[[0, -1]] = True
    walls = np.flatnonzero(fixed)
    kept: list[int] = [0]
    for start, wall in pairwise(walls):
        position = int(start)
        while position < wall:
            reach = int(np.searchsorted(below, below[position] + most, side="right")) - 1
            position = min(max(reach, position + 1), int(wall))
            kept.append(position)
    return edges[kept]


def moment_scale(edges: npt.NDArray[np.float64], bits: int) -> tuple[float, float]:
    """Centre and quantum of a column's sums: the edges lie within 2^(bits - 1) + 1 quanta of the centre.

    The quantum is 0 where values are so large that squares overflow: then all are summed as far ones.
    """
    low, high = float(edges[0]), float(edges[-1])
    largest = max(abs(low), abs(high))
    if largest > _HUGE:
        return 0.0, 0.0
    span = max(high - low, 1.0 / _HUGE)
    quantum = max(_power(span) * 2.0**-bits, _power(max(largest, 1.0 / _HUGE)) * 2.0**-49)
    return float(np.rint((low + high) / 2 / quantum) * quantum), quantum
