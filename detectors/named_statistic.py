"""What the named statistics have in common: one result a column, with a threshold for those who want one."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from annotated_types import Gt

from detectors.base import Cause, Result, Verdict, Window, WindowTest
from detectors.grouped_shares import Shares
from detectors.layout import Role
from detectors.reference import Reference

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_PREDICTIONS = (Role.PREDICTION, Role.SCORE)


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


class NamedStatistic(WindowTest):
    """A statistic that is reported for every window and judged only where a threshold is given."""

    type: str
    threshold: Annotated[float, Gt(0)] | None = None
    """Above this the verdict is drift; without it (the default) the statistic is reported and nothing more."""

    def test(self, reference: Reference, window: Window) -> Sequence[Result]:
        """One result a column; *insufficient* under the minimum of rows, *error* where the number is not finite."""
        with np.errstate(all="ignore"):
            measured = self.measure(reference.shares, window)
        few = window.profile.rows < max(window.min_rows, 1)
        names, size = reference.layout.columns, measured.columns.size
        p_values = [None] * size if measured.p_value is None else measured.p_value.tolist()
        effect = measured.statistic if measured.effect is None else measured.effect
        rows = zip(
            measured.columns.tolist(), measured.statistic.tolist(), p_values, effect.tolist(),
            measured.rows.tolist(), strict=True,
        )  # fmt: skip
        return [
            self._result(names[i].name, names[i].role, (value, p, size_), int(n), few=few)
            for i, value, p, size_, n in rows
        ]

    @abstractmethod
    def measure(self, shares: Shares, window: Window) -> Measured:
        """The statistic of all columns at once."""

    def _result(
        self, name: str, role: Role, numbers: tuple[float, float | None, float], rows: int, *, few: bool
    ) -> Result:
        value, p_value, effect = numbers
        cause = Cause.PREDICTION_DRIFT if role in _PREDICTIONS else Cause.DATA_DRIFT
        verdict, detail = Verdict.OK, ""
        if few or not rows:
            verdict, detail = Verdict.INSUFFICIENT, "too few rows" if few else "no values in this window"
            value, p_value, effect = math.nan, None, math.nan
        elif not math.isfinite(value):
            verdict, detail = Verdict.ERROR, "the statistic is not a finite number here"
        elif self.threshold is not None and value > self.threshold:
            verdict = Verdict.DRIFT
        return Result(name, self.type, verdict, cause, value, self.threshold, p_value, effect, rows, detail)
