"""What the verdict rule needs of a reference, laid out once so that a window costs a few vector operations.

Everything here depends on the reference only, is worked out when first asked for, and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors.binning import Binning, CategoricalBinning, NumericBinning
from detectors.dependence import LEAST_VARIANCE, Dependence, Strength
from detectors.layout import Kind, Layout, Role
from detectors.profile import Profile
from detectors.ragged import Ragged, Scores
from detectors.spans import far_rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

JUDGED = (Role.FEATURE, Role.PREDICTION, Role.SCORE, Role.LABEL)
"""Columns that the rule judges; latency, status and errors have tests of their own."""

FEW_VALUES = 64
"""A numeric column with at most this many occupied bins is also judged value by value."""

OFTEN = 10
"""… and only where they come this often on average: else the values of a small reference would pass for all."""

KEPT = 64
"""Window sizes whose design effects are kept."""

LARGEST = 1e30
"""Values are cut here before they are squared."""


@dataclass(frozen=True, eq=False)
class Quanta:
    """Numeric columns in the quanta of their binning, over values near the reference's.

    Attributes:
        rows, mean: float64, shape (c,).
        scores: variance of the values; skewness and excess kurtosis from the bins.
    """

    rows: Floats
    mean: Floats
    scores: Scores


def middles_of(binning: Binning) -> Floats:
    """The middle of each value bin; the ends for the bins outside; cut at `LARGEST`."""
    if not isinstance(binning, NumericBinning):
        return np.zeros(binning.size)
    edges = binning.edges
    middles = np.concatenate([edges[:1], edges[:-1] / 2 + edges[1:] / 2, edges[-1:]])
    return np.asarray(np.clip(middles, -LARGEST, LARGEST))


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
    def counts(self) -> Ints:
        """The reference's rows in each slot."""
        return self.profile.counts

    @property
    def rows(self) -> int:
        """Rows of the reference."""
        return self.profile.rows

    @cached_property
    def judged(self) -> Ints:
        """Positions of the judged columns, int64, shape (c,)."""
        return np.array(self.layout.with_role(*JUDGED), dtype=np.int64)

    @cached_property
    def _strengths(self) -> dict[int, Strength]:
        return {}

    def strength(self, rows: int) -> Strength:
        """Design effects of the judged columns for windows of so many rows; the newest few answers are kept."""
        found = self._strengths.get(rows)
        if found is None:
            every = self.dependence.at(rows)
            found = Strength(every.design[self.judged], every.df[self.judged], every.stretched[self.judged])
            while len(self._strengths) >= KEPT:
                self._strengths.pop(next(iter(self._strengths)))
            self._strengths[rows] = found
        return found

    @cached_property
    def numeric(self) -> Ragged:
        """Bins of the numeric columns."""
        chosen = [i for i in self.judged if self.layout.columns[i].kind is Kind.NUMERIC]
        return Ragged.of(self.layout, self.counts, chosen)

    @cached_property
    def cells(self) -> Ragged:
        """Categories of the categorical columns, without *unseen*, and values of numeric columns with few."""
        kinds = {int(i): self.layout.columns[i].kind for i in self.judged}
        groups = [i for i, kind in kinds.items() if kind is Kind.CATEGORICAL]
        few = [i for i, kind in kinds.items() if kind is Kind.NUMERIC and self._has_few_values(i)]
        return Ragged.of(self.layout, self.counts, sorted(groups + few), groups)

    def _has_few_values(self, i: int) -> bool:
        """A numeric column whose values come so often that each can be judged by itself."""
        counts = self.profile.values(i)
        values = int(np.count_nonzero(counts))
        return 1 < values <= FEW_VALUES and int(counts.sum()) >= OFTEN * values

    @cached_property
    def categorical(self) -> npt.NDArray[np.bool_]:
        """Which columns of `cells` hold categories, bool."""
        return np.array(
            [self.layout.columns[i].kind is Kind.CATEGORICAL for i in self.cells.columns], dtype=bool
        )

    def unseen(self, counts: Ints) -> Floats:
        """Rows of unseen categories by column of `cells`, shape (..., slots) to (..., c); 0 for numeric ones."""
        return np.where(self.categorical, counts[..., self._last], 0).astype(float)

    @cached_property
    def _last(self) -> Ints:
        return np.array([self.layout.values(int(i)).stop - 1 for i in self.cells.columns], dtype=np.int64)

    @cached_property
    def rank(self) -> Scores:
        """Mid-ranks of the numeric bins."""
        return Scores.of(self.numeric, self.mid_rank)

    @cached_property
    def spread(self) -> Scores:
        """Distance of mid-ranks from the middle."""
        return Scores.of(self.numeric, np.abs(self.mid_rank - 0.5))

    @cached_property
    def value(self) -> Scores:
        """The middles of the numeric bins, in standard deviations: for the shape of the distribution of values."""
        middles = [middles_of(self.layout.binnings[i]) for i in self.numeric.columns]
        raw = np.concatenate([np.zeros(0), *middles])
        centred = Scores.of(self.numeric, raw)
        scale = np.sqrt(np.maximum(centred.variance, LEAST_VARIANCE))[self.numeric.owner]
        return Scores.of(self.numeric, np.clip(centred.values / scale, -LARGEST, LARGEST))

    @cached_property
    def cdf(self) -> Floats:
        """The reference's distribution function at the end of each numeric bin."""
        return (
            self.numeric.running(self.numeric.counts) / np.maximum(self.numeric.rows, 1.0)[self.numeric.owner]
        )

    @cached_property
    def padded_cdf(self) -> Floats:
        """`cdf` by column, shape (c, most bins); 1 after a column's last bin."""
        return self.numeric.padded(self.cdf, 1.0)

    @cached_property
    def score_steps(self) -> Floats:
        """How far `rank` and `spread` fall from a bin to the next, by column, shape (c, most bins, 2); 0 at the last.

        A mean of scores is the sum of these times the distribution function (summation by parts).
        """
        steps = np.zeros((*self.numeric.grid.shape, 2))
        for k, scores in enumerate((self.rank, self.spread)):
            fall = scores.values - np.append(scores.values[1:], 0.0)
            fall[self.numeric.ends] = 0.0
            steps[:, :, k] = self.numeric.padded(fall, 0.0)
        return steps

    @cached_property
    def mid_rank(self) -> Floats:
        """Share of the reference's rows below the middle of each numeric bin."""
        share = self.numeric.counts / np.maximum(self.numeric.rows, 1.0)[self.numeric.owner]
        return np.asarray(self.cdf - share / 2)

    @cached_property
    def present(self) -> Ints:
        """First and end slot of the value bins of the judged columns, shape (2, c)."""
        spans = [self.layout.values(int(i)) for i in self.judged]
        return np.array([[s.start for s in spans], [s.stop for s in spans]], dtype=np.int64)

    @cached_property
    def quanta(self) -> Quanta:
        """Means of the numeric columns from exact sums."""
        block, moments = self.numeric, self.profile.moments
        rows = block.rows - far_rows(self.profile)[block.columns]
        total = np.maximum(rows, 1.0)
        mean = moments.first[block.columns] / total
        second = moments.second[block.columns].astype(float)
        variance = np.maximum((second[:, 0] * 2.0**32 + second[:, 1]) / total - mean**2, 0.0)
        return Quanta(rows, mean, Scores(block.counts, variance, self.value.skewness, self.value.excess))

    @cached_property
    def late(self) -> npt.NDArray[np.bool_]:
        """Judged columns whose values may come late: labels."""
        return np.isin(self.judged, self.layout.with_role(Role.LABEL))

    @cached_property
    def valued(self) -> Floats:
        """The reference's rows with a usable value by judged column."""
        return self.with_value(self.counts)

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
    def _two_ended(self) -> npt.NDArray[np.bool_]:
        return np.array([self.layout.columns[i].kind is Kind.NUMERIC for i in self.judged])

    def with_value(self, counts: Ints) -> Floats:
        """Rows with a usable value by judged column, shape (..., slots) to (..., c)."""
        return np.add.reduceat(counts, self.present.T.ravel(), axis=-1)[..., ::2].astype(float)

    def outside(self, counts: Ints) -> Floats:
        """Rows below, above or of unseen categories by judged column, shape (..., slots) to (..., c)."""
        start, stop = self.present
        return np.asarray(counts[..., stop - 1] + np.where(self._two_ended, counts[..., start], 0)).astype(
            float
        )
