"""What the named statistics have in common: one result a column, with a threshold for those who want one."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from annotated_types import Gt

from detectors.base import Result, Verdict, Window, WindowTest
from detectors.grouped_shares import Shares
from detectors.observation import Observation
from detectors.reference import Reference

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Measured:
    """A statistic of several columns.

    Attributes:
        columns: int64, shape (c,), positions in the layout.
        statistic: float64, shape (c,).
        rows: float64, shape (c,): rows of the window that it rests on; none gives *insufficient*.
        p_value: float64, shape (c,), or None.
        effect: float64, shape (c,), or None for the statistic itself.
    """

    columns: Ints
    statistic: Floats
    rows: Floats
    p_value: Floats | None = None
    effect: Floats | None = None

    def by_column(self) -> Iterator[tuple[int, float, float | None, float, int]]:
        """Column, statistic, p-value, effect and rows of each column, as plain values."""
        p_values = [None] * self.columns.size if self.p_value is None else self.p_value.tolist()
        effect = self.statistic if self.effect is None else self.effect
        return zip(
            self.columns.tolist(), self.statistic.tolist(), p_values, effect.tolist(),
            self.rows.astype(np.int64).tolist(), strict=True,
        )  # fmt: skip


class NamedStatistic(WindowTest):
    """A statistic that is reported for every window and judged only where a threshold is given."""

    type: str
    threshold: Annotated[float, Gt(0)] | None = None
    """Above this the verdict is drift; without it (the default) the statistic is reported and nothing more."""

    def test(self, reference: Reference, window: Window) -> Sequence[Result]:
        """One result a column; *insufficient* under the minimum of rows, *error* where the number is not finite."""
        with np.errstate(all="ignore"):
            measured = self.measure(reference.shares, Observation.of(reference.comparison, window))
        few = window.profile.rows < max(window.min_rows, 1)
        told, test, limit = reference.comparison.told, self.type, self.threshold
        results = [
            Result(told[i][0], test, Verdict.OK, told[i][1], value, limit, p_value, effect, rows)
            for i, value, p_value, effect, rows in measured.by_column()
        ]
        odd = few | (measured.rows == 0) | ~np.isfinite(measured.statistic)
        if limit is not None:
            odd |= measured.statistic > limit
        for k in np.flatnonzero(odd).tolist():
            results[k] = _judged(results[k], few=few)
        return results

    @abstractmethod
    def measure(self, shares: Shares, seen: Observation) -> Measured:
        """The statistic of all columns at once."""


def _judged(result: Result, *, few: bool) -> Result:
    """The result of a column that is not simply in order."""
    if few or not result.rows:
        detail = "too few rows" if few else "no values in this window"
        nothing = result._replace(statistic=math.nan, p_value=None, effect_size=math.nan)
        return nothing._replace(verdict=Verdict.INSUFFICIENT, detail=detail)
    if not math.isfinite(result.statistic):
        return result._replace(verdict=Verdict.ERROR, detail="the statistic is not a finite number here")
    return result._replace(verdict=Verdict.DRIFT)
