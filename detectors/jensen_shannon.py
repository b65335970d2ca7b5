"""Jensen-Shannon distance."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from detectors import special
from detectors.grouped_shares import Shares
from detectors.named_statistic import Measured, NamedStatistic
from detectors.observation import Observation


class JensenShannon(NamedStatistic):
    """Jensen-Shannon distance of each column: 0 for equal shares, 1 for nothing in common.

    sqrt((KL(r, m) + KL(w, m)) / 2) with m = (r + w) / 2 and logarithms of base 2. Numbers are pooled into groups of
    about equal share of the reference, categories and null stand alone. Cost: O(bins) a column.

    References:
        Lin (1991), Divergence measures based on the Shannon entropy. Endres and Schindelin (2003) for the metric.
    """

    type: Literal["jensen_shannon"] = "jensen_shannon"
    bins: Annotated[int, Ge(2), Le(256)] = 20
    """Groups that the bins of a number are pooled into."""

    def measure(self, shares: Shares, seen: Observation) -> Measured:
        """The distance of all columns at once."""
        groups = shares.groups(self.bins)
        found = groups.rows(seen.running)
        rows = groups.total(found)
        r, w = groups.shares, found / rows[groups.owner]
        middle = (r + w) / 2
        middle[middle == 0] = 1.0
        terms = np.asarray(special.xlogy(r, r / middle) + special.xlogy(w, w / middle), dtype=np.float64)
        bits = groups.total(terms) / np.log(4)
        return Measured(groups.columns, np.sqrt(np.clip(bits, 0, 1)), rows)
