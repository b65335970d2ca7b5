"""How large a change is, and how large it is at least: estimates and lower confidence bounds.

Four measures, all shares of rows between 0 and 1: the Kolmogorov distance of numeric columns, the total variation of
categories, the change of the share without a value, and the share out of range or new.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import special
from detectors.comparison import Comparison
from detectors.dependence import Signal
from detectors.evidence import Evidence, harmonic, places
from detectors.evidence_cells import CellCounts
from detectors.evidence_numeric import NumericCounts
from detectors.gathering import Gathered
from detectors.ragged import Ragged
from detectors.spans import Spans
from detectors.tails import NORMAL_DF

Floats = npt.NDArray[np.float64]

LEAST_ROWS = 1e-9
"""Effective rows are at least this, so that nothing is divided by 0."""

MEASURES = ("distance", "variation", "null", "outside")


@dataclass(frozen=True, eq=False)
class Effects:
    """Effects of each span, judged column and measure.

    Attributes:
        estimate: float64, shape (spans, columns, measures), freed in squares of what noise alone would give; 0 where
            a measure does not apply.
        bound: float64, same shape: the true effect is larger with confidence 1 - level, whatever it is.
    """

    estimate: Floats
    bound: Floats

    @classmethod
    def of(cls, comparison: Comparison, spans: Spans, gathered: Gathered, level: float) -> Effects:
        """Measure everything."""
        found = gathered.evidence
        shape = (*found.shift.shape, len(MEASURES))
        effects = cls(np.zeros(shape), np.full(shape, -1.0))
        if gathered.numbers is not None:
            _distance(effects, gathered.numbers, found, level)
        if gathered.cells is not None:
            _variation(effects, comparison, gathered.cells, found, level)
        _shares(effects, comparison, spans, found, level)
        return effects

    def put(self, measure: str, where: npt.NDArray[np.int64], estimate: Floats, bound: Floats) -> None:
        """Enter one measure for the judged columns at `where`, shape (spans, len(where))."""
        at = MEASURES.index(measure)
        self.estimate[:, where, at], self.bound[:, where, at] = estimate, bound


def stretch(level: float, df: Floats) -> Floats:
    """How much wider a bound is where the scale was estimated from df + 1 blocks: t quantile over normal quantile."""
    normal = -special.ndtri(level)
    exact = df < NORMAL_DF
    if not np.any(exact):
        return np.ones(df.shape)
    return np.asarray(np.where(exact, special.stdtrit(np.where(exact, df, 1.0), 1 - level) / normal, 1.0))


def _distance(effects: Effects, numbers: NumericCounts, found: Evidence, level: float) -> None:
    """Kolmogorov distance; bound by the inequality of Dvoretzky, Kiefer, Wolfowitz and Massart."""
    where, distance = numbers.where, numbers.distance
    m = np.maximum(numbers.effective / found.design[:, where, Signal.SHAPE], LEAST_ROWS)
    margin = np.sqrt(np.log(2 / level) / 2 / m) * stretch(level, found.df[:, where, Signal.SHAPE])
    noise = np.pi**2 / 12 / m  # mean square of the Kolmogorov distance under no change
    effects.put("distance", where, np.sqrt(np.maximum(distance**2 - noise, 0.0)), distance - margin)


def _variation(
    effects: Effects, comparison: Comparison, cells: CellCounts, found: Evidence, level: float
) -> None:
    """Total variation over categories, the larger of two bounds, each at half the level.

    McDiarmid: one row moves the estimate by at most 1 / n, and its mean is at most the truth plus half the summed mean
    deviations. Bonferroni: half of what is left of the categories' changes when each gives up its own margin.
    """
    block = comparison.cells
    where, owner = places(comparison, block.columns), block.owner
    n, known = cells.n - cells.new, np.maximum(block.rows, 1.0)
    df = found.df[:, where, Signal.CELL]
    m = np.maximum(harmonic(n, block.rows) / found.design[:, where, Signal.CELL], LEAST_ROWS)
    pooled = cells.pooled / np.maximum(n + block.rows, 1.0)[:, owner]
    change = cells.window / np.maximum(n, 1.0)[:, owner] - (block.counts / known[owner])
    error = np.sqrt(pooled * (1 - pooled) / m[:, owner])
    variation = block.total(np.abs(change)) / 2
    noise = block.total(error) * np.sqrt(2 / np.pi) / 2 + comparison.missed[where]
    wide = stretch(level, df)
    mcdiarmid = variation - noise - np.sqrt(np.log(2 / level) / 2 / m) * wide
    categories = _occupied(block, pooled)
    margin = -special.ndtri(level / 4 / categories) * wide
    left = np.maximum(np.abs(change) - margin[:, owner] * error, 0.0)
    up = np.maximum(
        block.total(np.where(change > 0, left, 0.0)), block.total(np.where(change < 0, left, 0.0))
    )
    estimate = np.sqrt(np.maximum(variation**2 - noise**2, 0.0))
    effects.put(
        "variation", where, np.where(n > 0, estimate, 0.0), np.where(n > 0, np.maximum(mcdiarmid, up), -1.0)
    )


def _occupied(block: Ragged, pooled: Floats) -> Floats:
    return np.maximum(block.total((pooled > 0).astype(float)), 1.0)


def _shares(effects: Effects, comparison: Comparison, spans: Spans, found: Evidence, level: float) -> None:
    """Changes of the null share and the share outside of the reference's range or values."""
    everywhere = np.arange(len(comparison.judged))
    with_value = comparison.with_value(spans.counts)
    n, total = spans.rows[:, None].astype(float), float(max(comparison.rows, 1))
    empty, before = 1 - with_value / np.maximum(n, 1), 1 - comparison.valued / total
    null, bound = _share((empty, before), (n, np.asarray(total)), _strength(found, Signal.NULL), level)
    effects.put(
        "null", everywhere, np.where(comparison.late, 0.0, null), np.where(comparison.late, -1.0, bound)
    )
    rows = np.maximum(comparison.valued, 1)
    outside = comparison.outside(spans.counts) / np.maximum(with_value, 1)
    known = np.minimum(comparison.outside(comparison.counts) / rows + comparison.missed, 1.0)
    more = outside > known
    estimate, bound = _share((outside, known), (with_value, comparison.valued), _strength(found, None), level)
    effects.put("outside", everywhere, np.where(more, estimate, 0.0), np.where(more, bound, -1.0))


def _strength(found: Evidence, signal: Signal | None) -> tuple[Floats, Floats]:
    """Design effect and degrees of freedom of one signal, or the worst of all."""
    if signal is None:
        return found.design.max(axis=-1), found.df.min(axis=-1)
    return found.design[..., signal], found.df[..., signal]


def _share(
    shares: tuple[Floats, Floats], rows: tuple[Floats, Floats], strength: tuple[Floats, Floats], level: float
) -> tuple[Floats, Floats]:
    """Estimate and bound of the change of a share; Wilson's centre keeps the error of shares near 0 honest.

    Args:
        shares: now and in the reference.
        rows: of the windows and of the reference.
        strength: design effect and degrees of freedom.
        level: 1 - confidence.
    """
    m = np.maximum(harmonic(*rows) / strength[0], LEAST_ROWS)
    z = -special.ndtri(level) * stretch(level, strength[1])
    centre = (shares[0] * m + z**2 / 2) / (m + z**2)
    change = np.abs(shares[0] - shares[1])
    error = np.sqrt(np.clip(centre * (1 - centre), 0.0, None) / m)
    return np.sqrt(np.maximum(change**2 - error**2, 0.0)), change - z * error
