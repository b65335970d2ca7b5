"""Bins that a value's cell alone decides: columns in which no edge but the outer two lies inside a cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors.float_grid import FloatGrid, Floats, Ints


@dataclass(frozen=True, eq=False)
class PlainCells:
    """What finds the bins of values from the first edge up to the last, in a few passes without a branch.

    Attributes:
        grid: the cells.
        first, last: the outer edges.
        starts: int64, shape (bins,), ascending: the first cell of each bin.
        covered: no value between the outer edges lies beyond the grid.
    """

    grid: FloatGrid
    first: float
    last: float
    starts: Ints
    covered: bool

    @cached_property
    def table(self) -> npt.NDArray[np.int64]:
        """The code of each cell's values."""
        return np.searchsorted(self.starts, np.arange(self.grid.cells), side="right")

    def holds(self, low: float, high: float) -> bool:
        """Whether values from `low` to `high` lie between the outer edges; NaN do not."""
        return self.first <= low and high < self.last

    def codes(self, values: Floats) -> Ints:
        """The code of each of some values that are held, shape (n,)."""
        bits = np.add(values, self.grid.shift).view(np.int64)
        if self.grid.drop:
            np.right_shift(bits, self.grid.drop, out=bits)
        np.subtract(bits, self.grid.base, out=bits)
        return self.table.take(bits, mode="clip")
