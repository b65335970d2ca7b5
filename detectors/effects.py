"""How large a change is, and how large it is at least: estimates and lower confidence bounds.

Four measures, all shares of rows between 0 and 1: the Kolmogorov distance of numeric columns, the total variation of
categories, the change of the share without a value, and the share out of range or new.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import special
from detectors.evidence import Evidence, harmonic
from detectors.evidence_cells import CellCounts
from detectors.evidence_numeric import NumericCounts
from detectors.gathering import Gathered
from detectors.observation import Observation
from detectors.strengths import Scaled

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
    def of(cls, gathered: Gathered, level: float) -> Effects:
        """Measure everything."""
        found, seen = gathered.evidence, gathered.seen
        shape = (*found.shift.shape, len(MEASURES))
        effects = cls(np.zeros(shape), np.full(shape, -1.0))
        if seen.numbers is not None:
            _distance(effects, seen.numbers, found, level)
        if seen.cells is not None:
            _variation(effects, seen, seen.cells, found, level)
        _shares(effects, seen, found, level)
        return effects

    def put(
        self, measure: str, where: npt.NDArray[np.int64] | slice, estimate: Floats, bound: Floats
    ) -> None:
        """Enter one measure for the judged columns at `where`, shape (spans, len(where))."""
        at = MEASURES.index(measure)
        self.estimate[:, where, at], self.bound[:, where, at] = estimate, bound


def _distance(effects: Effects, numbers: NumericCounts, found: Evidence, level: float) -> None:
    """Kolmogorov distance; bound by the inequality of Dvoretzky, Kiefer, Wolfowitz and Massart."""
    scaled, distance = found.strengths.distance, numbers.distance
    m = np.maximum(numbers.effective / scaled.design, LEAST_ROWS)
    margin = np.sqrt(np.log(2 / level) / 2 / m) * scaled.stretch(level)
    noise = np.pi**2 / 12 / m  # mean square of the Kolmogorov distance under no change
    estimate = np.sqrt(np.maximum(distance**2 - noise, 0.0))
    effects.put("distance", numbers.side.places, estimate, distance - margin)


def _variation(effects: Effects, seen: Observation, cells: CellCounts, found: Evidence, level: float) -> None:
    """Total variation over categories, the larger of two bounds, each at half the level.

    McDiarmid: one row moves the estimate by at most 1 / n, and its mean is at most the truth plus half the summed mean
    deviations. Bonferroni: half of what is left of the categories' changes when each gives up its own margin.
    """
    side, block, owner = cells.side, cells.side.block, cells.side.block.owner
    n, scaled = cells.n - cells.new, found.strengths.cell
    m = np.maximum(harmonic(n, block.rows) / scaled.design, LEAST_ROWS)
    pooled = cells.pooled / np.maximum(n + block.rows, 1.0)[:, owner]
    change = cells.window / np.maximum(n, 1.0)[:, owner] - side.share
    size, error = np.abs(change), np.sqrt(pooled * (1 - pooled) / m[:, owner])
    variation, errors, occupied = block.total(np.stack([size, error, pooled > 0]))
    variation, wide = variation / 2, scaled.stretch(level)
    noise = errors * np.sqrt(2 / np.pi) / 2 + seen.comparison.missed[side.places]
    mcdiarmid = variation - noise - np.sqrt(np.log(2 / level) / 2 / m) * wide
    margin = -special.ndtri(level / 4 / np.maximum(occupied, 1.0)) * wide
    left = np.maximum(size - margin[:, owner] * error, 0.0)
    up = block.total(np.stack([left * (change > 0), left * (change < 0)])).max(axis=0)
    some, estimate = n > 0, np.sqrt(np.maximum(variation**2 - noise**2, 0.0))
    bound = np.where(some, np.maximum(mcdiarmid, up), -1.0)
    effects.put("variation", side.places, np.where(some, estimate, 0.0), bound)


def _shares(effects: Effects, seen: Observation, found: Evidence, level: float) -> None:
    """Changes of the null share and the share outside of the reference's range or values."""
    comparison, strengths, everywhere = seen.comparison, found.strengths, slice(None)
    n, total = seen.spans.rows[:, None].astype(float), np.full((), float(max(comparison.rows, 1)))
    empty = 1 - seen.with_value / np.maximum(n, 1)
    null, bound = _share((empty, comparison.empty_share), harmonic(n, total), strengths.null, level)
    late = comparison.late
    effects.put("null", everywhere, np.where(late, 0.0, null), np.where(late, -1.0, bound))
    outside, known = seen.outside / np.maximum(seen.with_value, 1), comparison.outside_share
    more, rows = outside > known, harmonic(seen.with_value, comparison.valued)
    estimate, bound = _share((outside, known), rows, strengths.worst, level)
    effects.put("outside", everywhere, np.where(more, estimate, 0.0), np.where(more, bound, -1.0))


def _share(
    shares: tuple[Floats, Floats], rows: Floats, scaled: Scaled, level: float
) -> tuple[Floats, Floats]:
    """Estimate and bound of the change of a share; Wilson's centre keeps the error of shares near 0 honest.

    Args:
        shares: now and in the reference.
        rows: effective rows of the comparison.
        scaled: design effect and degrees of freedom.
        level: 1 - confidence.
    """
    m = np.maximum(rows / scaled.design, LEAST_ROWS)
    z = -special.ndtri(level) * scaled.stretch(level)
    centre = (shares[0] * m + z**2 / 2) / (m + z**2)
    change = np.abs(shares[0] - shares[1])
    error = np.sqrt(np.clip(centre * (1 - centre), 0.0, None) / m)
    return np.sqrt(np.maximum(change**2 - error**2, 0.0)), change - z * error
