"""DDM: has the running share of errors left its lowest point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt

from detectors.base import Cause, ChangeDetector, Result, Verdict
from detectors.reference import Reference

_FIRST_CHUNK = 256
_LARGEST_CHUNK = 65_536


Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DDMState:
    """Counts since the last alarm and the lowest point of share + deviation.

    Attributes:
        rows, errors: counted since the last alarm.
        share, deviation: at the lowest point so far; None before `warm_start`.
        warned: a warning was given since the last alarm.
    """

    rows: int = 0
    errors: int = 0
    share: float | None = None
    deviation: float | None = None
    warned: bool = False

    def to_json(self) -> dict[str, object]:
        """JSON values; floats come back exactly from their shortest decimal form."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Curve:
    """For each row: rows so far, their share of errors and its deviation, and both at the lowest point."""

    rows: npt.NDArray[np.int64]
    share: Floats
    deviation: Floats
    low_share: Floats
    low_deviation: Floats

    def above(self, deviations: float) -> npt.NDArray[np.bool_]:
        """Where the curve is more than so many deviations above its lowest point."""
        return np.asarray(self.share + self.deviation > self.low_share + deviations * self.low_deviation)


class DDM(ChangeDetector):
    """Drift detection method, row for row the rule of River's `DDM`.

    p = share of errors since the last alarm, s = sqrt(p (1 - p) / n); at the lowest p + s so far stand (p0,
    s0). A *warning* (the first after a start) where p + s > p0 + `warning_threshold` s0, an alarm where p + s
    > p0 + `drift_threshold` s0; afterwards it begins from nothing. It finds rises only.

    The signal is 0 or 1 a row; NaN is passed over. The reference plays no part. Statistic: (p + s - p0) / s0.
    Effect size: p - p0. Cost: about 40 ns a row.

    References:
        Gama, Medas, Castillo, Rodrigues (2004), Learning with drift detection. River 0.26 (BSD-3-Clause),
        DDM.
    """

    type: Literal["ddm"] = "ddm"
    warm_start: Annotated[int, Ge(1)] = 30
    """Rows before anything is said."""
    warning_threshold: Annotated[float, Gt(0)] = 2.0
    """Deviations above the lowest point that give a warning."""
    drift_threshold: Annotated[float, Gt(0)] = 3.0
    """Deviations above the lowest point that raise an alarm."""

    def start(self, reference: Reference) -> DDMState:  # noqa: ARG002 - it learns its own
        """Nothing seen yet."""
        return DDMState()

    def restore(self, saved: dict[str, Any]) -> DDMState:
        """The state that `to_json` described."""
        return DDMState(**saved)

    def update(self, state: DDMState, signal: Floats) -> tuple[DDMState, Sequence[tuple[int, Result]]]:
        """Take the next rows, float64, shape (n,)."""
        known = np.flatnonzero(~np.isnan(signal))
        errors = np.rint(signal[known]).astype(np.int64)
        found: list[tuple[int, Result]] = []
        first, chunk = 0, _FIRST_CHUNK
        while first < len(errors):
            taken, state, results = self._scan(state, errors[first : first + chunk])
            found += [(int(known[first + row]), result) for row, result in results]
            first += taken
            chunk = _FIRST_CHUNK if state.rows == 0 else min(2 * chunk, _LARGEST_CHUNK)
        return state, found

    def _scan(
        self, state: DDMState, errors: npt.NDArray[np.int64]
    ) -> tuple[int, DDMState, list[tuple[int, Result]]]:
        """Rows used up (to the first alarm, or all), the state after them, and what was found among them."""
        curve = self._curve(state, errors)
        warm = curve.rows > self.warm_start
        alarms = np.flatnonzero(warm & curve.above(self.drift_threshold))[:1]
        end = int(alarms[0]) if len(alarms) else len(errors)
        warnings = np.flatnonzero((warm & curve.above(self.warning_threshold))[:end])[
            : 0 if state.warned else 1
        ]
        results = [(int(row), self._result(Verdict.WARNING, curve, int(row))) for row in warnings]
        results += [(int(row), self._result(Verdict.DRIFT, curve, int(row))) for row in alarms]
        if len(alarms):
            return end + 1, DDMState(), results
        after = DDMState(
            rows=int(curve.rows[-1]),
            errors=state.errors + int(errors.sum()),
            share=float(curve.low_share[-1]) if warm[-1] else None,
            deviation=float(curve.low_deviation[-1]) if warm[-1] else None,
            warned=state.warned or len(warnings) > 0,
        )
        return end, after, results

    def _curve(self, state: DDMState, errors: npt.NDArray[np.int64]) -> _Curve:
        rows = state.rows + np.arange(1, len(errors) + 1)
        share = (state.errors + np.cumsum(errors)) / rows
        deviation = np.sqrt(share * (1.0 - share) / rows)
        before = np.inf if state.share is None or state.deviation is None else state.share + state.deviation
        level = np.where(rows > self.warm_start, share + deviation, np.inf)
        floor = np.minimum(np.minimum.accumulate(level), before)
        at = np.maximum.accumulate(np.where(level <= floor, np.arange(1, len(rows) + 1), 0))
        shares = np.concatenate([[np.inf if state.share is None else state.share], share])
        deviations = np.concatenate([[0.0 if state.deviation is None else state.deviation], deviation])
        return _Curve(rows, share, deviation, shares[at], deviations[at])

    def _result(self, verdict: Verdict, curve: _Curve, row: int) -> Result:
        share, low, scale = (float(x[row]) for x in (curve.share, curve.low_share, curve.low_deviation))
        above = share + float(curve.deviation[row]) - low
        rows = int(curve.rows[row])
        return Result(
            column="error",
            test=self.type,
            verdict=verdict,
            cause=Cause.CONCEPT_DRIFT,
            statistic=above / scale if scale > 0 else float("inf"),
            threshold=self.drift_threshold if verdict is Verdict.DRIFT else self.warning_threshold,
            effect_size=share - low,
            rows=rows,
            detail=f"share of errors {share:.3g} over {rows} labelled rows, {low:.3g} at its lowest",
        )
