"""First Wasserstein distance from bins."""

from __future__ import annotations

from typing import Literal

import numpy as np

from detectors.base import Window
from detectors.grouped_shares import Shares, distribution
from detectors.named_statistic import Floats, Measured, NamedStatistic


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

    def measure(self, shares: Shares, window: Window) -> Measured:
        """The distance of all numeric columns at once."""
        ragged, profile = shares.numeric, window.profile
        if not ragged.columns.size:
            return Measured(ragged.columns, np.zeros(0), np.zeros(0))
        rows = profile.counts[ragged.slots].astype(np.float64)
        gap = distribution(ragged, rows) - shares.distribution
        before = np.concatenate([[0.0], gap[:-1]])
        before[ragged.starts] = 0.0
        low = np.fmin(shares.profile.minimum, profile.minimum)[ragged.columns][ragged.owner]
        high = np.fmax(shares.profile.maximum, profile.maximum)[ragged.columns][ragged.owner]
        lower, upper = shares.edges
        width = np.maximum(np.minimum(upper, high) - np.maximum(lower, low), 0.0)
        area = ragged.total(np.where(width > 0, width * _mean_size(before, gap), 0.0))
        return Measured(ragged.columns, area / shares.deviation, ragged.total(rows), effect=area)


def _mean_size(start: Floats, end: Floats) -> Floats:
    """Mean of the size of a straight line from `start` to `end`."""
    a, b = np.abs(start), np.abs(end)
    crossing = (start * end < 0) & (a + b > 0)
    return np.where(crossing, (a * a + b * b) / (2 * np.where(crossing, a + b, 1.0)), (a + b) / 2)
