"""Page-Hinkley: has the mean of a signal moved away from its running mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Interval

from detectors.base import Cause, ChangeDetector, Result, Verdict
from detectors.reference import Reference

_BLOCK = 256
_MOST_BLOCKS = 64

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PageHinkleyState:
    """The sums at the last anchor (every 256 rows since the last alarm) and the rows since.

    Attributes:
        rows, total: number and sum of the rows since the last alarm, up to the anchor.
        rise, fall: the forgetting sums of (x - mean - delta) and of (x - mean + delta).
        lowest: smallest `rise` so far; None before the first row.
        highest: largest `fall` so far; it starts at -1, as River's does.
        pending: the rows since the anchor.
    """

    rows: int = 0
    total: float = 0.0
    rise: float = 0.0
    fall: float = 0.0
    lowest: float | None = None
    highest: float = -1.0
    pending: tuple[float, ...] = ()

    def to_json(self) -> dict[str, object]:
        """JSON values; floats come back exactly from their shortest decimal form."""
        return {**asdict(self), "pending": list(self.pending)}


class PageHinkley(ChangeDetector):
    """Two-sided Page-Hinkley test with a fading sum, row for row the rule of River's `PageHinkley`.

    m = mean of the rows since the last alarm; U <- alpha U + (x - m - delta), alarm where U - min U >
    threshold; likewise D <- alpha D + (x - m + delta) and max D - D for a fall. Afterwards it begins from
    nothing.

    NaN and infinities are passed over. The reference plays no part. Statistic: the larger of the two gaps, in
    units of the signal. Cost: about 60 ns a row, and 60 us for each alarm.

    References:
        Page (1954), Continuous inspection schemes. River 0.26 (BSD-3-Clause), drift.PageHinkley.
    """

    type: Literal["page_hinkley"] = "page_hinkley"
    min_rows: Annotated[int, Ge(1)] = 30
    """No alarm earlier than this many rows after the last one."""
    delta: Annotated[float, Ge(0)] = 0.005
    """Change of the mean that is tolerated, in units of the signal."""
    threshold: Annotated[float, Gt(0)] = 50.0
    """Alarm where the gap is above this."""
    alpha: Annotated[float, Interval(ge=0.1, le=1)] = 0.9999
    """Forgetting factor of a row."""
    mode: Literal["up", "down", "both"] = "both"
    """Which changes of the mean raise an alarm; a fall of the error is a *warning*."""

    def start(self, reference: Reference) -> PageHinkleyState:  # noqa: ARG002 - it learns its own
        """Nothing seen yet."""
        return PageHinkleyState()

    def restore(self, saved: dict[str, Any]) -> PageHinkleyState:
        """The state that `to_json` described."""
        return PageHinkleyState(**{**saved, "pending": tuple(saved["pending"])})

    def update(
        self, state: PageHinkleyState, signal: Floats
    ) -> tuple[PageHinkleyState, Sequence[tuple[int, Result]]]:
        """Take the next rows, float64, shape (n,)."""
        known = np.flatnonzero(np.isfinite(signal))
        old = len(state.pending)
        values = np.concatenate([np.array(state.pending, dtype=np.float64), signal[known]])
        alarms: list[tuple[int, Result]] = []
        first, blocks = 0, 1
        while first < len(values):
            part = values[first : first + blocks * _BLOCK]
            alarm, state = self._scan(state, part)
            if alarm is not None:
                row, result = alarm
                alarms.append((int(known[first + row - old]), result))
                first, blocks = first + row + 1, 1
                continue
            if len(part) < blocks * _BLOCK:
                first += len(part) // _BLOCK * _BLOCK
                break
            first, blocks = first + len(part), min(2 * blocks, _MOST_BLOCKS)
        return replace(state, pending=tuple(values[first:].tolist())), alarms

    def _scan(
        self, state: PageHinkleyState, values: Floats
    ) -> tuple[tuple[int, Result] | None, PageHinkleyState]:
        """The first alarm among rows from an anchor on, and the state after it or at the last anchor."""
        rows = state.rows + np.arange(1, len(values) + 1)
        totals = np.cumsum(np.concatenate([[state.total], values]))[1:]
        gaps = values - totals / rows
        rise = self._faded(gaps - self.delta, state.rise)
        fall = self._faded(gaps + self.delta, state.fall)
        floor = np.inf if state.lowest is None else state.lowest
        lowest = np.minimum(np.minimum.accumulate(rise), floor)
        highest = np.maximum(np.maximum.accumulate(fall), state.highest)
        up, down = rise - lowest, highest - fall
        limits = (
            np.inf if self.mode == "down" else self.threshold,
            np.inf if self.mode == "up" else self.threshold,
        )
        hits = np.flatnonzero((rows >= self.min_rows) & ((up > limits[0]) | (down > limits[1])))
        if len(hits) > 0:
            row = int(hits[0])
            return (row, self._result(up[row], down[row], int(rows[row]), limits[0])), PageHinkleyState()
        last = len(values) // _BLOCK * _BLOCK - 1
        if last < 0:
            return None, state
        total, risen, fallen, low, high = (float(x[last]) for x in (totals, rise, fall, lowest, highest))
        return None, PageHinkleyState(int(rows[last]), total, risen, fallen, low, high)

    def _faded(self, values: Floats, start: float) -> Floats:
        """Sums s <- alpha s + value, row for row, block by block from the anchor."""
        blocks = -(-len(values) // _BLOCK)
        padded = np.zeros(blocks * _BLOCK)
        padded[: len(values)] = values
        powers = self.alpha ** np.arange(1, _BLOCK + 1)
        sums = np.cumsum(padded.reshape(blocks, _BLOCK) / powers, axis=1)
        for block in range(blocks):
            sums[block] = powers * (start + sums[block])
            start = float(sums[block, -1])
        return sums.reshape(-1)[: len(values)]

    def _result(self, up: float, down: float, rows: int, limit_up: float) -> Result:
        rose = bool(up > limit_up)
        return Result(
            column="error",
            test=self.type,
            verdict=Verdict.DRIFT if rose else Verdict.WARNING,
            cause=Cause.CONCEPT_DRIFT,
            statistic=float(max(up, down)),
            threshold=self.threshold,
            rows=rows,
            detail=f"share of errors {'rose' if rose else 'fell'} against its mean over {rows} labelled rows",
        )
