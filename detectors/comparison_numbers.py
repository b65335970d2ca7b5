"""The reference's numeric columns, as the verdict rule and the named statistics compare with them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors.binning import Binning, NumericBinning
from detectors.dependence import LEAST_VARIANCE
from detectors.layout import Layout
from detectors.profile import Profile
from detectors.ragged import Ragged, Scores
from detectors.spans import far_rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LARGEST = 1e30
"""Values are cut here before they are squared."""


@dataclass(frozen=True, eq=False)
class MeanScores:
    """Moments of the scores whose means are judged: mid-rank, its distance from the middle, and the value itself.

    Attributes:
        variance, excess: float64, shape (3, 1, c); `excess` is excess kurtosis plus squared skewness.
        varies: bool, shape (3, 1, c): the mean can be judged.
        near_rows, near_mean: float64, shape (c,): the values near the reference's, their mean in quanta.
    """

    variance: Floats
    excess: Floats
    varies: npt.NDArray[np.bool_]
    near_rows: Floats
    near_mean: Floats


def middles_of(binning: Binning) -> Floats:
    """The middle of each value bin; the ends for the bins outside; cut at `LARGEST`."""
    if not isinstance(binning, NumericBinning):
        return np.zeros(binning.size)
    edges = binning.edges
    middles = np.concatenate([edges[:1], edges[:-1] / 2 + edges[1:] / 2, edges[-1:]])
    return np.asarray(np.clip(middles, -LARGEST, LARGEST))


@dataclass(frozen=True, eq=False)
class NumericSide:
    """Bins of the judged numeric columns and what the reference holds in them.

    Attributes:
        layout, profile: the reference's.
        places: int64, shape (c,), where the columns stand among the judged ones.
        block: their bins.
    """

    layout: Layout
    profile: Profile
    places: Ints
    block: Ragged

    @cached_property
    def grid(self) -> tuple[Ints, Ints]:
        """The slot of each bin by column, and 1 where there is a bin, 0 after the last; shape (c, most bins) each."""
        used = self.block.grid >= 0
        return np.where(used, self.block.slots[self.block.grid], 0), used.astype(np.int64)

    @cached_property
    def ends(self) -> Ints:
        """The slots of the bins outside of the reference's range, shape (2, c)."""
        return self.block.slots[np.stack([self.block.starts, self.block.ends])]

    @cached_property
    def outside(self) -> Floats:
        """The reference's rows in those bins, shape (2, c)."""
        return self.profile.counts[self.ends].astype(float)

    @cached_property
    def _cdf(self) -> Floats:
        """The reference's distribution function at the end of each bin."""
        block = self.block
        return block.running(block.counts) / np.maximum(block.rows, 1.0)[block.owner]

    @cached_property
    def cdf(self) -> Floats:
        """The distribution function by column, shape (c, most bins); 1 after a column's last bin."""
        return self.block.padded(self._cdf, 1.0)

    @cached_property
    def _mid_rank(self) -> Floats:
        """Share of the reference's rows below the middle of each bin."""
        share = self.block.counts / np.maximum(self.block.rows, 1.0)[self.block.owner]
        return np.asarray(self._cdf - share / 2)

    @cached_property
    def _rank(self) -> Scores:
        return Scores.of(self.block, self._mid_rank)

    @cached_property
    def _spread(self) -> Scores:
        return Scores.of(self.block, np.abs(self._mid_rank - 0.5))

    @cached_property
    def _value(self) -> Scores:
        """The middles of the bins, in standard deviations: for the shape of the distribution of values."""
        middles = [middles_of(self.layout.binnings[i]) for i in self.block.columns]
        raw = np.concatenate([np.zeros(0), *middles])
        centred = Scores.of(self.block, raw)
        scale = np.sqrt(np.maximum(centred.variance, LEAST_VARIANCE))[self.block.owner]
        return Scores.of(self.block, np.clip(centred.values / scale, -LARGEST, LARGEST))

    @cached_property
    def score_steps(self) -> Floats:
        """How far mid-rank and spread fall from a bin to the next, by column, shape (c, most bins, 2); 0 at the last.

        A mean of scores is the sum of these times the distribution function (summation by parts).
        """
        steps = np.zeros((*self.block.grid.shape, 2))
        for k, scores in enumerate((self._rank, self._spread)):
            fall = scores.values - np.append(scores.values[1:], 0.0)
            fall[self.block.ends] = 0.0
            steps[:, :, k] = self.block.padded(fall, 0.0)
        return steps

    @cached_property
    def scores(self) -> MeanScores:
        """Moments of the three scores; those of the values' from exact sums, their shape from the bins."""
        columns, moments = self.block.columns, self.profile.moments
        rows = self.block.rows - far_rows(self.profile)[columns]
        total = np.maximum(rows, 1.0)
        mean = moments.first[columns] / total
        second = moments.second[columns].astype(float)
        variance = np.maximum((second[:, 0] * 2.0**32 + second[:, 1]) / total - mean**2, 0.0)
        three = (self._rank, self._spread, self._value)
        varies = np.stack([s.variance > 0 for s in three])
        varies[2] &= variance > 1
        return MeanScores(
            np.stack([self._rank.variance, self._spread.variance, variance])[:, None],
            np.stack([s.excess + s.skewness**2 for s in three])[:, None],
            varies[:, None],
            rows,
            mean,
        )
