"""What the verdict rule needs of a reference, laid out once so that a window costs a few vector operations.

Everything here depends on the reference only, is worked out when first asked for, and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors.base import Cause
from detectors.binning import CategoricalBinning
from detectors.comparison_cells import CellSide
from detectors.comparison_numbers import NumericSide
from detectors.dependence import Dependence, Strength
from detectors.layout import Kind, Layout, Role
from detectors.profile import Profile
from detectors.ragged import Ragged
from detectors.strengths import Strengths

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

JUDGED = (Role.FEATURE, Role.PREDICTION, Role.SCORE, Role.LABEL)
"""Columns that the rule judges; latency, status and errors have tests of their own."""

KEPT = 64
"""Regimes of window sizes whose design effects are kept."""


def cause_of(role: Role) -> Cause:
    """The alert group of a column's drift."""
    return Cause.PREDICTION_DRIFT if role in (Role.PREDICTION, Role.SCORE) else Cause.DATA_DRIFT


@dataclass(frozen=True, eq=False)
class Comparison:
    """The reference's side of the verdict rule.

    Attributes:
        layout, profile, dependence: the reference's.
    """

    layout: Layout
    profile: Profile
    dependence: Dependence

    @property
    def rows(self) -> int:
        """Rows of the reference."""
        return self.profile.rows

    @cached_property
    def judged(self) -> Ints:
        """Positions of the judged columns, int64, shape (c,)."""
        return np.array(self.layout.with_role(*JUDGED), dtype=np.int64)

    @cached_property
    def told(self) -> dict[int, tuple[str, Cause]]:
        """Name and alert group of each judged column, by position."""
        columns = {int(i): self.layout.columns[i] for i in self.judged}
        return {i: (column.name, cause_of(column.role)) for i, column in columns.items()}

    @cached_property
    def _strengths(self) -> dict[tuple[tuple[int, int], ...], Strengths]:
        return {}

    def strengths(self, rows: Ints) -> Strengths:
        """Design effects of the judged columns for spans of so many rows; the newest few answers are kept."""
        regimes = tuple(self.dependence.regime(n) for n in rows.tolist())
        found = self._strengths.get(regimes)
        if found is None:
            every = [self.dependence.at(n) for n in rows.tolist()]
            judged = [
                Strength(s.design[self.judged], s.df[self.judged], s.stretched[self.judged]) for s in every
            ]
            found = Strengths.of(judged, self.numeric.places, self.cells.places)
            while len(self._strengths) >= KEPT:
                self._strengths.pop(next(iter(self._strengths)))
            self._strengths[regimes] = found
        return found

    @cached_property
    def numeric(self) -> NumericSide:
        """The numeric columns."""
        chosen = [int(i) for i in self.judged if self.layout.columns[i].kind is Kind.NUMERIC]
        block = Ragged.of(self.layout, self.profile.counts, chosen)
        return NumericSide(self.layout, self.profile, np.searchsorted(self.judged, block.columns), block)

    @cached_property
    def cells(self) -> CellSide:
        """The categorical columns, and numeric ones of few values."""
        return CellSide.of(self.layout, self.profile, self.judged)

    @cached_property
    def _present(self) -> Ints:
        """First and end slot of the value bins of the judged columns, one after the other, shape (2 c,)."""
        spans = [self.layout.values(int(i)) for i in self.judged]
        return np.array([slot for s in spans for slot in (s.start, s.stop)], dtype=np.int64)

    @cached_property
    def _two_ended(self) -> Ints:
        """1 for numeric columns, whose first bin is out of range too, 0 for others; shape (c,)."""
        return np.array([self.layout.columns[i].kind is Kind.NUMERIC for i in self.judged], dtype=np.int64)

    @cached_property
    def late(self) -> npt.NDArray[np.bool_]:
        """Judged columns whose values may come late: labels."""
        return np.isin(self.judged, self.layout.with_role(Role.LABEL))

    @cached_property
    def valued(self) -> Floats:
        """The reference's rows with a usable value by judged column."""
        return self.with_value(self.profile.counts)

    @cached_property
    def missed(self) -> Floats:
        """Share of rows expected in values that the reference never had (Good-Turing); 0 for numbers."""
        share = np.zeros(len(self.judged))
        for c, i in enumerate(self.judged):
            binning = self.layout.binnings[i]
            if isinstance(binning, CategoricalBinning):
                once = int((self.profile.values(int(i)) == 1).sum()) + len(binning.others)
                share[c] = min(once / max(int(self.valued[c]), 1), 1.0)
        return share

    @cached_property
    def empty_share(self) -> Floats:
        """The reference's share of rows without a usable value by judged column."""
        return np.asarray(1 - self.valued / float(max(self.rows, 1)))

    @cached_property
    def outside_share(self) -> Floats:
        """Share of rows out of range or new that the reference leads to expect, by judged column."""
        rows = np.maximum(self.valued, 1)
        return np.minimum(self.outside(self.profile.counts) / rows + self.missed, 1.0)

    def with_value(self, counts: Ints) -> Floats:
        """Rows with a usable value by judged column, shape (..., slots) to (..., c)."""
        return np.add.reduceat(counts, self._present, axis=-1)[..., ::2].astype(float)

    def outside(self, counts: Ints) -> Floats:
        """Rows below, above or of unseen categories by judged column, shape (..., slots) to (..., c)."""
        start, stop = self._present[::2], self._present[1::2]
        found = counts.take(stop - 1, axis=-1) + counts.take(start, axis=-1) * self._two_ended
        return np.asarray(found.astype(float))
