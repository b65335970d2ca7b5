"""Frozen quantile bins of a numeric column."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.binning_fit import fit_edges, moment_scale
from detectors.float_grid import FloatGrid, Floats, Ints
from detectors.plain_cells import PlainCells

MOMENT_BITS = 19
"""Sums are kept of whole multiples of the quantum, at most 2^19 from the centre."""

_SMALL = 512
"""Fewer values than this are looked up by bisection at once."""


@dataclass(frozen=True)
class Lookup:
    """What a cell says of the bin.

    Attributes:
        codes: int64, shape (cells,): bin of the smallest float of the cell.
        first, second: float64, shape (cells,): edges inside the cell, infinity where there is none.
        crowded: bool, shape (cells,): more than two edges inside the cell.
        inner: positions of the edges, but the first and last, that lie inside a cell.
        cells: cell of each edge.
        lattice_cells: for each inner edge, the first cell whose centre is not below it.
        lattice: each inner edge is the centre of its cell or the float after it.
        paired, dense: some cell has two edges, more than two edges.
        covered: no value between the first and the last edge lies beyond the grid.
    """

    codes: Ints
    first: Floats
    second: Floats
    crowded: npt.NDArray[np.bool_]
    inner: Ints
    cells: Ints
    lattice_cells: Ints
    lattice: bool
    covered: bool
    paired: bool
    dense: bool


@dataclass(frozen=True, eq=False)
class NumericBinning:
    """Bins between edges: below the first, the bins, at or above the last.

    Code 0 is x < edges[0], code i is edges[i-1] <= x < edges[i], code `bins + 1` is x >= edges[-1]. The last edge
    is the float after the largest reference value. A value that holds more than 1/bins of the reference has a bin
    [v, nextafter(v)) of its own; every other bin holds at most 1/bins.

    Attributes:
        edges: float64, shape (bins + 1,), strictly ascending.
        grid: cells that find the bin fast; None to look up by bisection.
        centre, quantum: sums are kept in whole multiples of `quantum` (a power of two) from `centre`.
    """

    edges: Floats
    grid: FloatGrid | None = None
    centre: float = field(init=False)
    quantum: float = field(init=False)

    def __post_init__(self) -> None:
        self.edges.setflags(write=False)
        centre, quantum = moment_scale(self.edges, MOMENT_BITS)
        object.__setattr__(self, "centre", centre)
        object.__setattr__(self, "quantum", quantum)

    @classmethod
    def fit(cls, values: Floats, bins: int = 256) -> NumericBinning:
        """Quantile bins of finite values; one empty bin at 0 where there are none.

        Args:
            values: float64, shape (n,); only finite ones are used.
            bins: no bin but that of a heavy value holds more than 1/bins of the rows; the number of bins follows
                from that: about this for continuous columns, at most three times as many.
        """
        finite = np.sort(values[np.isfinite(values)]) + 0.0
        if finite.size == 0:
            return cls(np.array([0.0, np.nextafter(0.0, 1.0)]))
        with np.errstate(over="ignore", invalid="ignore"):  # numbers near the largest float end as infinities
            return cls(*fit_edges(finite, bins))

    @cached_property
    def size(self) -> int:
        """Value bins with those below and above."""
        return int(self.edges.size) + 1

    @property
    def bins(self) -> int:
        """Bins inside the range."""
        return int(self.edges.size) - 1

    @cached_property
    def lookup(self) -> Lookup | None:
        """The table behind the grid."""
        if self.grid is None:
            return None
        cells, starts = self.grid.of(self.edges), self.grid.begins(self.edges)
        every = np.arange(self.grid.cells)
        codes = np.searchsorted(cells, every, side="left")
        np.add.at(codes, cells[starts], 1)
        inner = np.flatnonzero(~starts)
        rank = np.arange(inner.size) - np.searchsorted(cells[inner], cells[inner], side="left")
        first, second = np.full(self.grid.cells, np.inf), np.full(self.grid.cells, np.inf)
        first[cells[inner[rank == 0]]] = self.edges[inner[rank == 0]]
        second[cells[inner[rank == 1]]] = self.edges[inner[rank == 1]]
        crowded = np.zeros(self.grid.cells, np.bool_)
        crowded[cells[inner[rank > 1]]] = True
        inner = inner[(inner > 0) & (inner < self.bins)]
        inside = self.edges[inner]
        centre = (cells[inner] + self.grid.base).view(np.float64) - self.grid.shift
        lattice = not self.grid.drop and bool(
            np.all((inside == centre) | (inside == np.nextafter(centre, np.inf)))
        )
        past = cells[inner] + (centre < inside)
        return Lookup(
            codes=codes,
            first=first,
            second=second,
            crowded=crowded,
            inner=inner,
            cells=cells,
            lattice_cells=past,
            lattice=lattice,
            covered=self.grid.covers(self.edges),
            paired=bool(np.isfinite(second).any()),
            dense=bool(crowded.any()),
        )

    @cached_property
    def plain(self) -> PlainCells | None:
        """What finds a bin by the cell alone; None where edges lie inside cells, or nothing is summed."""
        lookup, grid = self.lookup, self.grid
        if lookup is None or grid is None or lookup.inner.size or not self.quantum:
            return None
        first, last = float(self.edges[0]), float(self.edges[-1])
        return PlainCells(grid, first, last, lookup.cells[:-1], lookup.covered)

    def codes(self, values: Floats) -> Ints:
        """Code of each finite value, shape (n,), 0 to size - 1; equal to bisection of the edges on every float."""
        lookup, grid = self.lookup, self.grid
        if lookup is None or grid is None or values.size < _SMALL:
            return np.searchsorted(self.edges, values, side="right")
        plain = self.plain
        if plain is not None and plain.holds(np.minimum.reduce(values), np.maximum.reduce(values)):
            return plain.codes(values)
        cells = grid.of(values)
        codes = lookup.codes.take(cells)
        codes += values >= lookup.first.take(cells)
        if lookup.paired:
            codes += values >= lookup.second.take(cells)
        if lookup.dense:
            hard = np.flatnonzero(lookup.crowded.take(cells))
            codes[hard] = np.searchsorted(self.edges, values[hard], side="right")
        return codes

    def to_json(self) -> dict[str, Any]:
        """As JSON values; floats survive exactly."""
        grid = None if self.grid is None else self.grid.to_json()
        return {"type": "numeric", "edges": self.edges.tolist(), "grid": grid}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> NumericBinning:
        """What `to_json` described."""
        grid = None if data["grid"] is None else FloatGrid(**data["grid"])
        return cls(np.asarray(data["edges"], np.float64), grid)
