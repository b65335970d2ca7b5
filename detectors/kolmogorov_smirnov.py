"""Two-sample Kolmogorov-Smirnov statistic from bins."""

from __future__ import annotations

from typing import Literal

import numpy as np

from detectors import tails
from detectors.grouped_shares import Shares
from detectors.named_statistic import Measured, NamedStatistic
from detectors.observation import Observation


class KolmogorovSmirnov(NamedStatistic):
    """Largest gap between the distribution functions of reference and window, for each numeric column.

    The gap is looked for at the bins' edges only. Between two edges the window's function can only exceed the gap at
    the nearer one by the reference's share of that bin, so the true statistic is at least this and at most this plus
    1/bins; values that hold more than 1/bins have a bin of their own, where nothing is lost. Finite values only. The
    p-value is Kolmogorov's limit with Stephens' correction for independent rows; it says nothing of how much a change
    matters. Cost: O(bins) a column.

    References:
        Massey (1951), JASA 46. Stephens (1970), JRSS B 32, 115-122.
    """

    type: Literal["kolmogorov_smirnov"] = "kolmogorov_smirnov"

    def measure(self, shares: Shares, seen: Observation) -> Measured:
        """Statistic and p-value of all numeric columns at once."""
        numbers, block = seen.numbers, shares.comparison.numeric.block
        if numbers is None:
            return Measured(block.columns, np.zeros(0), np.zeros(0), np.zeros(0))
        gap = np.where(block.rows > 0, numbers.distance[0], np.nan)
        return Measured(block.columns, gap, numbers.n[0], tails.kolmogorov(gap, numbers.effective[0]))
