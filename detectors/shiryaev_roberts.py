"""Shiryaev-Roberts: has the share of errors changed, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Interval, MinLen

from detectors.base import Cause, ChangeDetector, Result, Verdict
from detectors.error_baseline import ErrorBaseline, tilt
from detectors.likelihood_scan import BLOCK, Bits, Scan, Tables, scan
from detectors.reference import Reference

_EFFECTIVE_ROWS = 250
"""A baseline must weigh at least this many independent rows, or learning goes on (twice as long, and so on).
"""

_BOUND_Z = 1.645
"""One-sided 5 %: for the lower confidence bound of a change."""

_MOST_DOUBLINGS = 4
_REMEMBERED_BLOCKS = 64
_KEPT_TABLES = 8
"""Tables are 0.7 MB each for ten recursions, and are made anew in 1 ms."""

OddsRatio = Annotated[float, Interval(gt=1, le=10)]


@dataclass(frozen=True, slots=True)
class ShiryaevRobertsState:
    """The recursions at the last anchor, and the rows since.

    Attributes:
        baseline: what counts as unchanged; None while it is being learnt.
        ratios: the recursions at the anchor, two for each odds ratio; empty while learning.
        before: the row (1 = error) just before the anchor.
        recent: errors in each of the last blocks of 256 rows before the anchor, at most 64, oldest first.
        rows: rows since the anchor.
        pending: those rows, a bit each, in hexadecimal digits.
    """

    baseline: ErrorBaseline | None
    ratios: tuple[float, ...] = ()
    before: int = 0
    recent: tuple[int, ...] = ()
    rows: int = 0
    pending: str = ""

    def to_json(self) -> dict[str, object]:
        """JSON values; floats come back exactly from their shortest decimal form."""
        return {
            "baseline": None if self.baseline is None else self.baseline.to_json(),
            "ratios": list(self.ratios),
            "before": self.before,
            "recent": list(self.recent),
            "rows": self.rows,
            "pending": self.pending,
        }

    def bits(self) -> Bits:
        """The rows since the anchor, uint8 0 and 1, shape (rows,)."""
        packed = np.frombuffer(bytes.fromhex(self.pending), dtype=np.uint8)
        return np.unpackbits(packed, count=self.rows)

    def holding(self, bits: Bits) -> ShiryaevRobertsState:
        """The same anchor with these rows after it."""
        return replace(self, rows=len(bits), pending=np.packbits(bits).tobytes().hex())


class ShiryaevRoberts(ChangeDetector):
    """Two-sided change of the share of errors: a mixture of Shiryaev-Roberts statistics.

    For each direction and each odds ratio t, R <- (1 + R) f1(x) / f0(x), where f0 is the baseline moved by
    one of its standard errors towards t (an error in the baseline must not look like a change) and f1 is f0
    at t times the odds. Where the baseline shows one step of memory the shares after a right and after a
    wrong row are moved alike; log likelihoods are divided by the design effect that is left. An alarm is
    raised when the mean of the R exceeds `mean_rows_to_false_alarm`: under f0 the mean of R grows by one a
    row, hence the mean time to a false alarm is at least that. After an alarm the baseline is learnt anew.

    The signal is 0 or 1 a row; NaN (a row without a label) is passed over. Statistic: the mean of R. Effect
    size: share of errors since the likeliest moment of change, minus the baseline's. Cost: about 60 ns a row.

    References:
        Shiryaev (1963); Roberts (1966); Pollak (1987), Average run lengths of an optimal method of detecting
        a change.
    """

    type: Literal["shiryaev_roberts"] = "shiryaev_roberts"
    mean_rows_to_false_alarm: Annotated[float, Interval(ge=1000, le=1e12)] = 200_000
    """Quiet rows between two false alarms, on average, at least."""
    odds_ratios: Annotated[tuple[OddsRatio, ...], MinLen(1)] = (1.15, 1.3, 1.6, 2.2, 3.5)
    """Changes to look for, as ratios of the odds of an error, in both directions."""
    learn_rows: Annotated[int, Ge(100)] = 1000
    """Rows from which a baseline is learnt after an alarm, or at the start when the reference has no labels.
    """
    effect: Annotated[float, Ge(0)] = 0.02
    """*drift*: the lower confidence bound of the change of the share of errors is at least this; else *warning*."""
    falls: Literal["warning", "drift"] = "warning"
    """What a fall of the share of errors is called, whatever its size."""

    def start(self, reference: Reference) -> ShiryaevRobertsState:
        """The reference's error baseline, or learning where it has none that weighs enough."""
        baseline = reference.error
        trusted = baseline is not None and self._weighs_enough(baseline)
        return self.watching(baseline) if baseline and trusted else ShiryaevRobertsState(None)

    def restore(self, saved: dict[str, Any]) -> ShiryaevRobertsState:
        """The state that `to_json` described."""
        baseline = saved["baseline"]
        return ShiryaevRobertsState(
            baseline=None if baseline is None else ErrorBaseline.from_json(baseline),
            ratios=tuple(saved["ratios"]),
            before=saved["before"],
            recent=tuple(saved["recent"]),
            rows=saved["rows"],
            pending=saved["pending"],
        )

    def update(
        self, state: ShiryaevRobertsState, signal: npt.NDArray[np.float64]
    ) -> tuple[ShiryaevRobertsState, Sequence[tuple[int, Result]]]:
        """Take the next rows, float64, shape (n,)."""
        known = np.flatnonzero(~np.isnan(signal))
        bits = np.concatenate([state.bits(), np.rint(signal[known]).astype(np.uint8)])
        old = state.rows
        alarms: list[tuple[int, Result]] = []
        anchor = 0
        while True:
            baseline = state.baseline or self._learn(bits[anchor:])
            if baseline is None:
                return state.holding(bits[anchor:]), alarms
            if state.baseline is None:
                anchor += baseline.rows
                state = replace(self.watching(baseline), before=int(bits[anchor - 1]))
            found = self._scan(state, baseline, bits[anchor:])
            if found.alarm is None:
                state, whole = _advance(state, bits[anchor:], found)
                return state.holding(bits[anchor + whole :]), alarms
            rest = bits[anchor : anchor + found.alarm + 1]
            result = self._result(baseline, state.recent, rest, found)
            alarms.append((int(known[anchor + found.alarm - old]), result))
            anchor += len(rest)
            state = ShiryaevRobertsState(None)

    def watching(self, baseline: ErrorBaseline) -> ShiryaevRobertsState:
        """The state that compares with this baseline from its first row on."""
        return ShiryaevRobertsState(baseline, (0.0,) * (2 * len(self.odds_ratios)))

    def _learn(self, bits: Bits) -> ErrorBaseline | None:
        """A baseline from the first rows; from more of them where they depend on each other."""
        for doubling in range(_MOST_DOUBLINGS + 1):
            rows = self.learn_rows << doubling
            if len(bits) < rows:
                return None
            baseline = ErrorBaseline.learn(bits[:rows])
            if self._weighs_enough(baseline):
                break
        return baseline

    def _weighs_enough(self, baseline: ErrorBaseline) -> bool:
        return baseline.rows / baseline.design_effect >= min(_EFFECTIVE_ROWS, self.learn_rows / 4)

    def _scan(self, state: ShiryaevRobertsState, baseline: ErrorBaseline, bits: Bits) -> Scan:
        tables = _tables(baseline, self.odds_ratios)
        return scan(tables, bits, state.before, np.array(state.ratios), self.mean_rows_to_false_alarm)

    def _result(self, baseline: ErrorBaseline, recent: Sequence[int], rest: Bits, found: Scan) -> Result:
        usual = baseline.share
        rows, share = _since_change(usual, recent, rest)
        change = share - usual
        error = np.sqrt(
            baseline.design_effect * (share * (1 - share) / rows + usual * (1 - usual) / baseline.rows)
        )
        certain = abs(change) - _BOUND_Z * float(error)
        verdict = Verdict.DRIFT if certain >= self.effect else Verdict.WARNING
        if change < 0 and self.falls == "warning":
            verdict = Verdict.WARNING
        moved = "rose" if change > 0 else "fell"
        return Result(
            column="error",
            test=self.type,
            verdict=verdict,
            cause=Cause.CONCEPT_DRIFT,
            statistic=float(np.mean(found.ratios)),
            threshold=self.mean_rows_to_false_alarm,
            effect_size=change,
            rows=rows,
            detail=f"share of errors {moved} from {usual:.3g} to {share:.3g} about {rows} labelled rows ago",
        )


def _advance(state: ShiryaevRobertsState, bits: Bits, found: Scan) -> tuple[ShiryaevRobertsState, int]:
    """The state at the last anchor within `bits`, and the rows before that anchor."""
    whole = len(bits) // BLOCK * BLOCK
    if whole == 0:
        return state, 0
    errors = bits[:whole].reshape(-1, BLOCK).sum(axis=1, dtype=np.int64).tolist()
    recent = (*state.recent, *errors)[-_REMEMBERED_BLOCKS:]
    return replace(
        state, ratios=tuple(found.ratios.tolist()), before=int(bits[whole - 1]), recent=recent
    ), whole


def _since_change(usual: float, recent: Sequence[int], rest: Bits) -> tuple[int, float]:
    """Rows since the likeliest moment of change, and the share of errors in them.

    The candidates are each of the last rows and each remembered anchor; the largest likelihood ratio wins.
    """
    errors = np.concatenate([np.cumsum(rest[::-1], dtype=np.float64), rest.sum() + np.cumsum(recent[::-1])])
    rows = np.concatenate([np.arange(1, len(rest) + 1), len(rest) + BLOCK * np.arange(1, len(recent) + 1)])
    shares = np.clip(errors / rows, 1e-12, 1 - 1e-12)
    gain = errors * np.log(shares / usual) + (rows - errors) * np.log((1 - shares) / (1 - usual))
    best = int(np.argmax(gain))
    return int(rows[best]), float(errors[best] / rows[best])


@lru_cache(maxsize=_KEPT_TABLES)
def _tables(baseline: ErrorBaseline, odds_ratios: tuple[float, ...]) -> Tables:
    """Likelihood factors of (row before, row) for each direction and odds ratio, tabulated."""
    after = np.array([[baseline.after_right], [baseline.after_wrong]])
    steps = np.log(odds_ratios)
    factors = []
    for sign in (1.0, -1.0):
        quiet = tilt(after, sign * baseline.standard_error)
        changed = tilt(quiet, sign * steps)
        by_bit = np.stack([(1 - changed) / (1 - quiet), changed / quiet], axis=1)
        factors.append(by_bit.reshape(4, len(steps)))
    return Tables.of(np.concatenate(factors, axis=1) ** (1.0 / baseline.residual_effect))
