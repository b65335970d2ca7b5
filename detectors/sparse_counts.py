"""Counts of which most are zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SparseCounts:
    """A vector of counts by its non-zero places: what a pane of few rows needs instead of 100 kB.

    Attributes:
        size: length of the vector.
        places: int32, ascending, each once.
        rows: int32, the counts there.
    """

    size: int
    places: npt.NDArray[np.int32]
    rows: npt.NDArray[np.int32]

    def dense(self) -> Ints:
        """The whole vector."""
        counts = np.zeros(self.size, np.int64)
        counts[self.places] = self.rows
        counts.setflags(write=False)
        return counts

    def add_to(self, counts: Ints) -> None:
        """Add to a vector in place."""
        counts[self.places] += self.rows
