"""Buffers that all columns of a pass share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

BLOCK = 32_768
"""Rows of a block: three buffers of it fit the second-level cache, and 2^15 squares up to 2^38 add up exactly."""


@dataclass
class Workspace:
    """Buffers of at most a block.

    Attributes:
        rows: most rows of a column.
        total, ones: float64. cells: int64.
    """

    rows: int
    total: npt.NDArray[np.float64] = field(init=False)
    cells: npt.NDArray[np.int64] = field(init=False)
    ones: npt.NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        size = min(self.rows, BLOCK)
        self.total, self.cells, self.ones = np.empty(size), np.empty(size, np.int64), np.ones(size)
