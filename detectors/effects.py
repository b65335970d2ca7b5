"""How large a change is, and how large it is at least: estimates and lower confidence bounds.

Four measures, all shares of rows between 0 and 1: the Kolmogorov distance of numeric columns, the total variation of
categories, the change of the share without a value, and the share out of range or new.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from detectors.comparison import Comparison, Ragged, Spans
from detectors.dependence import Signal
from detectors.evidence import Evidence, distances, harmonic, places
from detectors.layout import Role
from detectors.tails import NORMAL_DF

Floats = npt.NDArray[np.float64]

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
    def of(cls, comparison: Comparison, spans: Spans, found: Evidence, level: float) -> Effects:
        """Measure everything."""
        shape = (*found.shift.shape, len(MEASURES))
        effects = cls(np.zeros(shape), np.full(shape, -1.0))
        _distance(effects, comparison, spans, found, level)
        if len(comparison.cells.columns):
            _variation(effects, comparison, spans, found, level)
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
    return np.asarray(np.where(exact, special.stdtrit(np.where(exact, df, 1.0), 1 - level) / normal, 1.0))


def _distance(effects: Effects, comparison: Comparison, spans: Spans, found: Evidence, level: float) -> None:
    """Kolmogorov distance; bound by the inequality of Dvoretzky, Kiefer, Wolfowitz and Massart."""
    block = comparison.numeric
    if not len(block.columns):
        return
    where = places(comparison, block.columns)
    distance, n = distances(comparison, spans)
    m = np.maximum(harmonic(n, block.rows) / found.design[:, where, Signal.SHAPE], 1e-9)
    margin = np.sqrt(np.log(2 / level) / 2 / m) * stretch(level, found.df[:, where, Signal.SHAPE])
    noise = np.pi**2 / 12 / m  # mean square of the Kolmogorov distance under no change
    effects.put("distance", where, np.sqrt(np.maximum(distance**2 - noise, 0.0)), distance - margin)


def _variation(effects: Effects, comparison: Comparison, spans: Spans, found: Evidence, level: float) -> None:
    """Total variation over categories, the larger of two bounds, each at half the level.

    McDiarmid: one row moves the estimate by at most 1 / n, and its mean is at most the truth plus half the summed mean
    deviations. Bonferroni: half of what is left of the categories' changes when each gives up its own margin.
    """
    block = comparison.cells
    where = places(comparison, block.columns)
    window = spans.counts[:, block.slots].astype(float)
    n = block.total(window)
    df = found.df[:, where, Signal.CELL]
    m = np.maximum(harmonic(n, block.rows) / found.design[:, where, Signal.CELL], 1e-9)
    pooled = (window + block.counts) / np.maximum(n + block.rows, 1.0)[:, block.owner]
    change = window / np.maximum(n, 1.0)[:, block.owner] - (
        block.counts / np.maximum(block.rows, 1.0)[block.owner]
    )
    error = np.sqrt(pooled * (1 - pooled) / m[:, block.owner])
    variation, noise = block.total(np.abs(change)) / 2, block.total(error) * np.sqrt(2 / np.pi) / 2
    wide = stretch(level, df)
    mcdiarmid = variation - noise - np.sqrt(np.log(2 / level) / 2 / m) * wide
    categories = _occupied(block, pooled)
    margin = -special.ndtri(level / 4 / categories) * wide
    left = np.maximum(np.abs(change) - margin[:, block.owner] * error, 0.0)
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
    n = spans.rows[:, None].astype(float)
    before = 1 - comparison.with_value(comparison.counts) / max(comparison.rows, 1)
    null, null_bound = _share(
        1 - with_value / np.maximum(n, 1), before, n, float(comparison.rows), found, Signal.NULL, level
    )
    late = np.isin(comparison.judged, comparison.layout.with_role(Role.LABEL))
    effects.put("null", everywhere, np.where(late, 0.0, null), np.where(late, -1.0, null_bound))
    rows = comparison.with_value(comparison.counts)
    outside = comparison.outside(spans.counts) / np.maximum(with_value, 1)
    known = comparison.outside(comparison.counts) / np.maximum(rows, 1)
    estimate, bound = _share(outside, known, with_value, rows, found, None, level)
    effects.put(
        "outside",
        everywhere,
        np.where(outside > known, estimate, 0.0),
        np.where(outside > known, bound, -1.0),
    )


def _share(
    share: Floats,
    before: Floats,
    n: Floats,
    reference: Floats | float,
    found: Evidence,
    signal: Signal | None,
    level: float,
) -> tuple[Floats, Floats]:
    """Estimate and bound of the change of a share; Wilson's centre keeps the error of shares near 0 honest."""
    design = found.design.max(axis=-1) if signal is None else found.design[..., signal]
    df = found.df.min(axis=-1) if signal is None else found.df[..., signal]
    m = np.maximum(harmonic(n, np.asarray(reference)) / design, 1e-9)
    z = -special.ndtri(level) * stretch(level, df)
    centre = (share * m + z**2 / 2) / (m + z**2)
    change = np.abs(share - before)
    error = np.sqrt(centre * (1 - centre) / m)
    return np.sqrt(np.maximum(change**2 - error**2, 0.0)), change - z * error
