"""Population stability index."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from detectors.grouped_shares import Shares
from detectors.named_statistic import Measured, NamedStatistic
from detectors.observation import Observation


class PSI(NamedStatistic):
    """Population stability index of each column.

    PSI = sum (w - r) ln(w / r), in nats; 0 for equal shares. Numbers are pooled into groups of about equal share of
    the reference, categories and null stand alone. Of a group that one side has and the other has not, the empty side
    gets half a count, so that one empty group cannot dominate; groups that both lack are left out. Its mean without
    any change is about (groups - 1) (1 / reference rows + 1 / window rows). Cost: O(bins) a column.

    References:
        Siddiqi (2006), Credit Risk Scorecards. Yurdakul (2018), Statistical properties of PSI.
    """

    type: Literal["psi"] = "psi"
    bins: Annotated[int, Ge(2), Le(256)] = 10
    """Groups that the bins of a number are pooled into. The industry's 0.1 (watch) and 0.2 (shift) are for 10."""

    def measure(self, shares: Shares, seen: Observation) -> Measured:
        """The index of all columns at once."""
        groups = shares.groups(self.bins)
        found, known = groups.rows(seen.running), groups.reference
        here, there = found > 0, known > 0
        r, w = np.where(there, known, 0.5 * here), np.where(here, found, 0.5 * there)
        r, w = r / groups.total(r)[groups.owner], w / groups.total(w)[groups.owner]
        terms = np.where(here | there, (w - r) * np.log(w / r), 0.0)
        return Measured(groups.columns, groups.total(terms), groups.total(found))
