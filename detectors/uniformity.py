"""Whether the newest window is like the ones before it: a span that is not says nothing of now."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors import tails
from detectors.comparison import Comparison
from detectors.dependence import Signal
from detectors.evidence import Evidence, harmonic, places
from detectors.evidence_cells import CellCounts
from detectors.evidence_numeric import NumericCounts, largest
from detectors.spans import Spans

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEVEL = 1e-3
"""A span whose newest window differs from its older ones at this level is not used."""

DEVIATIONS = 3.7
"""The same for counts, in standard deviations, for the worst of a few dozen."""

LEAST_EXPECTED = 5.0
"""Counts under this, expected in the newest window, are not looked at."""


def uniform(
    found: Evidence,
    comparison: Comparison,
    spans: Spans,
    numbers: NumericCounts | None,
    cells: CellCounts | None,
) -> Flags:
    """For each span and judged column whether its windows look alike, bool, shape (spans, columns).

    After a change that is over, the sum of the last windows is still far from the reference, the newest window is not:
    then only the newest counts. The same holds in the first window of a change.
    """
    alike = np.ones(found.shift.shape, dtype=bool)
    empty = spans.rows[:, None] - comparison.with_value(spans.counts)
    outside = comparison.outside(spans.counts)
    share = (spans.rows[0] / np.maximum(spans.rows, 1))[:, None]
    for counts, signal in ((empty, Signal.NULL), (outside, Signal.SHAPE)):
        alike &= _deviation(counts, share, found.design[..., signal]) < DEVIATIONS
    if numbers is not None:
        alike[:, numbers.where] &= _same_shape(found, numbers)
    if cells is not None:
        where, owner = places(comparison, comparison.cells.columns), comparison.cells.owner
        part = (cells.n[0] / np.maximum(cells.n, 1.0))[:, owner]
        deviation = _deviation(cells.window, part, found.design[:, where, Signal.CELL][:, owner])
        alike[:, where] &= comparison.cells.largest(deviation) < DEVIATIONS
    return alike


def _deviation(counts: Floats, share: Floats, design: Floats) -> Floats:
    """How far the newest window's count is from its share of the span's, in standard deviations; spans come first."""
    expected = counts * share
    known = (expected >= LEAST_EXPECTED) & (share < 1)
    variance = np.where(known, expected * (1 - share) * design, 1.0)
    return np.where(known, np.abs(counts[0] - expected) / np.sqrt(variance), 0.0)


def _same_shape(found: Evidence, numbers: NumericCounts) -> Flags:
    """Kolmogorov-Smirnov between the newest window and the older ones of each span."""
    older = numbers.n - numbers.n[0]
    known = (older > 0) & (numbers.n[0] > 0)
    apart = largest(numbers.gap[:1] - numbers.gap)
    distance = np.minimum(apart * numbers.n / np.where(known, older, 1.0), 1.0)
    rows = harmonic(older, numbers.n[0]) / found.design[:, numbers.where, Signal.SHAPE]
    p = tails.widen(tails.kolmogorov(distance, rows), found.df[:, numbers.where, Signal.SHAPE])
    return np.asarray(~known | (p > LEVEL))
