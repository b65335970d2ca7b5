"""First Wasserstein distance from bins."""

from __future__ import annotations

from typing import Literal

import numpy as np

from detectors.grouped_shares import Shares
from detectors.named_statistic import Floats, Measured, NamedStatistic
from detectors.observation import Observation


class Wasserstein(NamedStatistic):
    """First Wasserstein (earth mover's) distance of each numeric column, in standard deviations of the reference.

    The area between the two distribution functions, each taken as straight between the bins' edges; outside the
    reference's range they are straight to the smallest and largest value seen. In a bin of width h with shares r and w
    the area is wrong by at most h (r + w) / 2, so the whole by at most half the sum of that over the bins; values with
    a bin of their own add nothing. Finite values only. A reference without spread has 1 for its standard deviation. The
    effect size is the distance in the column's own unit. Cost: O(bins) a column.

    References:
        Vallender (1974), Theory of Probability and its Applications 18, 784-786.
    """

    type: Literal["wasserstein"] = "wasserstein"

    def measure(self, shares: Shares, seen: Observation) -> Measured:
        """The distance of all numeric columns at once."""
        numbers, block = seen.numbers, shares.comparison.numeric.block
        if numbers is None:
            return Measured(block.columns, np.zeros(0), np.zeros(0))
        edges, before, now = shares.edges, shares.comparison.profile, seen.window.profile
        low = np.fmin(before.minimum, now.minimum)[block.columns][:, None]
        high = np.fmax(before.maximum, now.maximum)[block.columns][:, None]
        width = np.minimum(edges.high, high)
        width -= np.maximum(edges.low, low)
        np.maximum(width, 0.0, out=width)
        area = edges.total(np.multiply(width, _mean_size(numbers.gap[0]), out=width))
        area = np.where(block.rows > 0, area, np.nan)
        return Measured(block.columns, area / shares.deviation, numbers.n[0], effect=area)


def _mean_size(gap: Floats) -> Floats:
    """Mean size of the gap over each bin, where it goes straight from its size at the end of the bin before.

    Args:
        gap: float64, shape (c, bins): at the end of each bin; 0 before the first.
    """
    ends = np.zeros((len(gap), gap.shape[1] + 1))
    ends[:, 1:] = gap
    crossing = np.nonzero(ends[:, :-1] * gap < 0)
    np.abs(ends, out=ends)
    total = ends[:, :-1] + ends[:, 1:]
    a, b = ends[:, :-1][crossing], ends[:, 1:][crossing]
    straight = (a * a + b * b) / (2 * total[crossing])
    total /= 2
    total[crossing] = straight
    return total
