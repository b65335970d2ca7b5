"""Confidence bounds of shares, exact and vectorised, and the design effects that go into them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors import special
from detectors.reference import Reference

Floats = npt.NDArray[np.float64]


def lower_bound(hits: npt.ArrayLike, rows: npt.ArrayLike, level: float) -> Floats:
    """One-sided lower bound of a share, of which it is below with probability `level` at most.

    Args:
        hits: rows that count, float64 (fractions come from design effects), any shape.
        rows: all rows, same shape, at least `hits`.
        level: probability of a bound above the truth.

    Returns:
        float64 in [0, 1]; 0 where there are no hits or no rows.

    References:
        Clopper, Pearson (1934), Biometrika 26, 404-413.
    """
    k, n = np.asarray(hits, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    some = (k > 0) & (n >= k)
    bound = special.betaincinv(np.where(some, k, 1.0), np.where(some, n - k + 1.0, 1.0), level)
    return np.asarray(np.where(some, bound, 0.0))


def upper_bound(hits: npt.ArrayLike, rows: npt.ArrayLike, level: float) -> Floats:
    """One-sided upper bound of a share; see `lower_bound`. 1 where there are no rows."""
    k, n = np.asarray(hits, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    return np.asarray(1.0 - lower_bound(n - k, n, level))


def ratio(part: float, whole: float) -> float:
    """The share, 0 of nothing."""
    return part / whole if whole else 0.0


def design_effects(reference: Reference, rows: int) -> Floats:
    """How many dependent rows of a window of `rows` count as one, float64, shape (columns,); the worst signal's."""
    return np.asarray(reference.comparison.dependence.at(rows).design.max(axis=1), dtype=np.float64)
