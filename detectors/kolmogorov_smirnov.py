"""Two-sample Kolmogorov-Smirnov statistic from bins."""

from __future__ import annotations

from typing import Literal

import numpy as np

from detectors import special
from detectors.base import Window
from detectors.grouped_shares import Shares, distribution
from detectors.named_statistic import Measured, NamedStatistic


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

    def measure(self, shares: Shares, window: Window) -> Measured:
        """Statistic and p-value of all numeric columns at once."""
        ragged = shares.numeric
        if not ragged.columns.size:
            return Measured(ragged.columns, np.zeros(0), np.zeros(0), np.zeros(0))
        rows = window.profile.counts[ragged.slots].astype(np.float64)
        n = ragged.total(rows)
        gap = ragged.largest(np.abs(distribution(ragged, rows) - shares.distribution))
        root = np.sqrt(n * ragged.rows / (n + ragged.rows))
        return Measured(ragged.columns, gap, n, special.kolmogorov((root + 0.12 + 0.11 / root) * gap))
