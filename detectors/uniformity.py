"""Whether the newest window is like the ones before it: a span that is not says nothing of now."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors import tails
from detectors.evidence import Evidence, harmonic
from detectors.evidence_cells import CellCounts
from detectors.evidence_numeric import NumericCounts, largest
from detectors.observation import Observation

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEVEL = 1e-3
"""A span whose newest window differs from its older ones at this level is not used."""

DEVIATIONS = 3.7
"""The same for counts, in standard deviations, for the worst of a few dozen."""

LEAST_EXPECTED = 5.0
"""Counts under this, expected in the newest window, are not looked at."""


def uniform(found: Evidence, seen: Observation) -> Flags:
    """For each span and judged column whether its windows look alike, bool, shape (spans, columns).

    After a change that is over, the sum of the last windows is still far from the reference, the newest window is not:
    then only the newest counts. The same holds in the first window of a change.
    """
    rows, strengths = seen.spans.rows, found.strengths
    share = (rows[0] / np.maximum(rows, 1))[:, None]
    empty = rows[:, None] - seen.with_value
    alike = _deviation(empty, share, strengths.null.design) < DEVIATIONS
    alike &= _deviation(seen.outside, share, strengths.shape.design) < DEVIATIONS
    if seen.numbers is not None:
        alike[:, seen.numbers.side.places] &= _same_shape(found, seen.numbers)
    if seen.cells is not None:
        alike[:, seen.cells.side.places] &= _same_cells(found, seen.cells)
    return alike


def _deviation(counts: Floats, share: Floats, design: Floats) -> Floats:
    """How far the newest window's count is from its share of the span's, in standard deviations; spans come first."""
    expected = counts * share
    known = (expected >= LEAST_EXPECTED) & (share < 1)
    variance = np.where(known, expected * (1 - share) * design, 1.0)
    return np.where(known, np.abs(counts[0] - expected) / np.sqrt(variance), 0.0)


def _same_cells(found: Evidence, cells: CellCounts) -> Flags:
    """No category's count in the newest window is far from what its span leads to expect."""
    block, design = cells.side.block, found.strengths.cell.design
    part = (cells.n[0] / np.maximum(cells.n, 1.0))[:, block.owner]
    deviation = _deviation(cells.window, part, design[:, block.owner])
    return np.asarray(block.largest(deviation) < DEVIATIONS)


def _same_shape(found: Evidence, numbers: NumericCounts) -> Flags:
    """Kolmogorov-Smirnov between the newest window and the older ones of each span."""
    older = numbers.n - numbers.n[0]
    known = (older > 0) & (numbers.n[0] > 0)
    apart = largest(numbers.gap[:1] - numbers.gap)
    distance = np.minimum(apart * numbers.n / np.where(known, older, 1.0), 1.0)
    scaled = found.strengths.distance
    rows = harmonic(older, numbers.n[0]) / scaled.design
    p = tails.widen(tails.kolmogorov(distance, rows), scaled.df)
    return np.asarray(~known | (p > LEVEL))
