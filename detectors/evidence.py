"""The parts of the verdict rule: for each span of windows, column and test a probability under no change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import tails
from detectors.comparison import Comparison
from detectors.dependence import Signal
from detectors.spans import Spans

Floats = npt.NDArray[np.float64]

TESTS = (
    "ks", "location", "mean", "spread", "below", "above", "null", "chi2", "cell", "moved", "new_share", "new_values",
)  # fmt: skip
"""The tests, in the order of the last axis of `Evidence.p`."""

WEIGHTS = np.array([3.0, 3.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 1.0, 1.0])
"""Shares of a column's level; a test that does not apply leaves its share to the others."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the tests say.

    Attributes:
        p: float64, shape (spans, judged columns, tests); NaN where a test does not apply.
        shift: float64, shape (spans, judged columns): standardised mean of mid-ranks, its sign is the direction.
        design, df: float64, shape (spans, judged columns, signals): see `Strength`.
        stretched: bool, shape (spans, judged columns).
    """

    p: Floats
    shift: Floats
    design: Floats
    df: Floats
    stretched: npt.NDArray[np.bool_]

    @classmethod
    def start(cls, comparison: Comparison, spans: Spans) -> Evidence:
        """Before any test has run."""
        strengths = [comparison.strength(int(rows)) for rows in spans.rows]
        shape = (len(spans.lengths), len(comparison.judged))
        return cls(
            np.full((*shape, len(TESTS)), np.nan),
            np.zeros(shape),
            np.stack([s.design for s in strengths]),
            np.stack([s.df for s in strengths]),
            np.stack([s.stretched for s in strengths]),
        )

    def put_one(self, test: str, span: int, column: int, p: float) -> None:
        """Enter one test's probability for one span and judged column."""
        self.p[span, column, TESTS.index(test)] = p

    def put(self, test: str, where: npt.NDArray[np.int64], p: Floats) -> None:
        """Enter one test's probabilities, shape (spans, len(where)), for the judged columns at `where`."""
        self.p[:, where, TESTS.index(test)] = p


def places(comparison: Comparison, columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where layout positions stand among the judged columns."""
    return np.searchsorted(comparison.judged, columns)


def harmonic(n: Floats, reference: Floats) -> Floats:
    """Effective rows of a comparison of two samples, n N / (n + N); 0 where one is empty."""
    return np.asarray(n * reference / np.maximum(n + reference, 1.0))


def judge_nulls(found: Evidence, comparison: Comparison, spans: Spans) -> None:
    """The share of rows without a usable value; not for labels, which may come late."""
    total = float(comparison.rows)
    n = spans.rows[:, None].astype(float)
    empty = n - comparison.with_value(spans.counts)
    before = total - comparison.valued
    d = found.design[..., Signal.NULL]
    p = tails.hypergeometric_two_sided(empty / d, (empty + before) / d, n / d, (n + total) / d)
    p = tails.widen(p, found.df[..., Signal.NULL])
    found.put("null", np.arange(len(comparison.judged)), np.where(comparison.late, np.nan, p))
