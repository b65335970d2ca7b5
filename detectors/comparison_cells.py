"""The reference's categories, and numeric columns of few values, as the verdict rule compares with them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors.layout import Kind, Layout
from detectors.profile import Profile
from detectors.ragged import Ragged

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEW_VALUES = 64
"""A numeric column with at most this many occupied bins is also judged value by value."""

OFTEN = 10
"""… and only where they come this often on average: else the values of a small reference would pass for all."""


@dataclass(frozen=True, eq=False)
class CellSide:
    """Categories of the categorical columns, without *unseen*, and values of numeric columns with few.

    Attributes:
        layout, profile: the reference's.
        places: int64, shape (c,), where the columns stand among the judged ones.
        block: their cells.
        categorical: bool, shape (c,), which columns hold categories.
    """

    layout: Layout
    profile: Profile
    places: Ints
    block: Ragged
    categorical: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, layout: Layout, profile: Profile, judged: Ints) -> CellSide:
        """Those of the judged columns."""
        kinds = {int(i): layout.columns[i].kind for i in judged}
        groups = [i for i, kind in kinds.items() if kind is Kind.CATEGORICAL]
        few = [i for i, kind in kinds.items() if kind is Kind.NUMERIC and _has_few_values(profile, i)]
        block = Ragged.of(layout, profile.counts, sorted(groups + few), groups)
        categorical = np.isin(block.columns, groups)
        return cls(layout, profile, np.searchsorted(judged, block.columns), block, categorical)

    def unseen(self, counts: Ints) -> Floats:
        """Rows of unseen categories by column, shape (..., slots) to (..., c); 0 for numeric ones."""
        return np.where(self.categorical, counts[..., self._last], 0).astype(float)

    @cached_property
    def _last(self) -> Ints:
        return np.array([self.layout.values(int(i)).stop - 1 for i in self.block.columns], dtype=np.int64)

    @cached_property
    def new(self) -> Floats:
        """The reference's own rows of unseen categories, float64, shape (c,)."""
        return self.unseen(self.profile.counts)

    @cached_property
    def rows(self) -> Floats:
        """The reference's rows with a value, those of unseen categories too, float64, shape (c,)."""
        return self.block.rows + self.new

    @cached_property
    def share(self) -> Floats:
        """Share of the reference's known rows in each cell, float64, shape (cells,)."""
        return self.block.counts / np.maximum(self.block.rows, 1.0)[self.block.owner]


def _has_few_values(profile: Profile, i: int) -> bool:
    """A numeric column whose values come so often that each can be judged by itself."""
    counts = profile.values(i)
    values = int(np.count_nonzero(counts))
    return 1 < values <= FEW_VALUES and int(counts.sum()) >= OFTEN * values
