"""Bins of several columns, one after the other in flat vectors.

Sums and largest values by column are `reduceat` calls, whatever the number of bins of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors.dependence import LEAST_VARIANCE
from detectors.layout import Layout

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ragged:
    """Value bins of some columns, one after the other.

    Attributes:
        columns: int64, shape (c,), positions in the layout.
        slots: int64, shape (v,), positions in the vector of counts.
        starts: int64, shape (c,), where each column's bins begin in `slots`.
        owner: int64, shape (v,), which of `columns` each bin belongs to.
        counts: float64, shape (v,), the reference's rows in each bin.
    """

    columns: Ints
    slots: Ints
    starts: Ints
    owner: Ints
    counts: Floats

    @classmethod
    def of(
        cls, layout: Layout, counts: Ints, columns: Sequence[int], drop_last: Sequence[int] = ()
    ) -> Ragged:
        """The value bins of `columns`; of those also in `drop_last` without the last bin."""
        slots = [np.arange(layout.offsets[i], layout.values(i).stop - (i in drop_last)) for i in columns]
        sizes = np.array([len(s) for s in slots], dtype=np.int64)
        flat = np.concatenate([np.zeros(0, np.int64), *slots]).astype(np.int64)
        starts = np.cumsum(sizes) - sizes
        return cls(
            np.array(columns, dtype=np.int64),
            flat,
            starts.astype(np.int64),
            np.repeat(np.arange(len(sizes)), sizes),
            counts[flat].astype(float),
        )

    @cached_property
    def ends(self) -> Ints:
        """Where each column's last bin is in `slots`, shape (c,)."""
        return np.append(self.starts[1:], len(self.slots)) - 1

    @cached_property
    def grid(self) -> Ints:
        """Positions in the flat vector of each column's bins, shape (c, most bins); shorter columns end with -1."""
        sizes = self.ends - self.starts + 1
        place = np.arange(int(sizes.max(initial=0)))
        return np.where(place < sizes[:, None], self.starts[:, None] + place, -1)

    def padded(self, values: Floats, fill: float) -> Floats:
        """Values in the flat vector by column, shape (v,) to (c, most bins)."""
        return np.append(values, fill)[self.grid]

    def total(self, values: Floats) -> Floats:
        """Sums by column, shape (..., v) to (..., c)."""
        return np.add.reduceat(values, self.starts, axis=-1)

    def largest(self, values: Floats) -> Floats:
        """Largest value by column, shape (..., v) to (..., c)."""
        return np.maximum.reduceat(values, self.starts, axis=-1)

    def running(self, values: Floats) -> Floats:
        """Running sums that start anew with each column; exact for counts."""
        summed = np.cumsum(values, axis=-1)
        before = (summed - values)[..., self.starts]
        return np.asarray(summed - before[..., self.owner])

    @cached_property
    def rows(self) -> Floats:
        """The reference's rows with a value, shape (c,)."""
        return self.total(self.counts)


@dataclass(frozen=True, eq=False)
class Scores:
    """A score for each bin and its moments over the reference's rows, by column; centred.

    Attributes:
        values: float64, shape (v,). variance, skewness, excess: float64, shape (c,).
    """

    values: Floats
    variance: Floats
    skewness: Floats
    excess: Floats

    @classmethod
    def of(cls, ragged: Ragged, raw: Floats) -> Scores:
        """Centre `raw` and take its moments."""
        rows = np.maximum(ragged.rows, 1.0)
        values = raw - (ragged.total(raw * ragged.counts) / rows)[ragged.owner]
        second, third, fourth = (ragged.total(values**k * ragged.counts) / rows for k in (2, 3, 4))
        safe = np.where(second > LEAST_VARIANCE, second, 1.0)
        return cls(
            values, np.where(second > LEAST_VARIANCE, second, 0.0), third / safe**1.5, fourth / safe**2 - 3
        )
