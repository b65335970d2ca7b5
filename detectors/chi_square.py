"""Chi-square test of homogeneity."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from detectors import special
from detectors.grouped_shares import Shares
from detectors.named_statistic import Floats, Measured, NamedStatistic
from detectors.observation import Observation


class ChiSquare(NamedStatistic):
    """Chi-square statistic of the two rows of counts, reference and window, for each categorical column.

    sum (observed - expected)^2 / expected over both rows, with expected counts from the pooled shares. Categories whose
    expected count in either row is below `least` are pooled into one cell. Nulls are left out. The p-value is for
    independent rows; the effect size is Cramer's V. Cost: O(categories) a column.

    References:
        Cochran (1954), Biometrics 10, 417-451, on small expected counts.
    """

    type: Literal["chi_square"] = "chi_square"
    least: Annotated[float, Ge(0)] = 5.0
    """Expected count below which categories are pooled."""

    def measure(self, shares: Shares, seen: Observation) -> Measured:
        """Statistic, p-value and Cramer's V of all categorical columns at once."""
        groups = shares.groups(2, specials=False, numeric=False)
        if not groups.columns.size:
            return Measured(groups.columns, np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))
        r, w = groups.reference, groups.rows(seen.running)
        n_r, n_w = groups.total(r), groups.total(w)
        smaller = np.minimum(n_r, n_w) / (n_r + n_w)
        occupied = r + w > 0
        small = occupied & ((r + w) * smaller[groups.owner] < self.least)
        pooled_r, pooled_w = (groups.total(np.where(small, rows, 0.0)) for rows in (r, w))
        terms = groups.total(np.where(small, 0.0, _term(r, w, n_r[groups.owner], n_w[groups.owner])))
        statistic = terms + _term(pooled_r, pooled_w, n_r, n_w)
        cells = groups.total((occupied & ~small).astype(np.float64)) + (pooled_r + pooled_w > 0)
        p_value = np.where(cells > 1, special.chdtrc(np.maximum(cells - 1, 1), statistic), 1.0)
        return Measured(groups.columns, statistic, n_w, p_value, np.sqrt(statistic / (n_r + n_w)))


def _term(r: Floats, w: Floats, n_r: Floats, n_w: Floats) -> Floats:
    """One category's part of chi-square, both rows together: (r n_w - w n_r)^2 / (n_r n_w (r + w))."""
    both = r + w
    return np.where(both > 0, (r * n_w - w * n_r) ** 2 / (n_r * n_w * np.where(both > 0, both, 1.0)), 0.0)
