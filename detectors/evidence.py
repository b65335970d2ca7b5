"""The parts of the verdict rule: for each span of windows, column and test a probability under no change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors import tails
from detectors.comparison import Comparison
from detectors.spans import Spans
from detectors.strengths import Strengths

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

TESTS = (
    "ks", "location", "mean", "spread", "below", "above", "null", "chi2", "cell", "moved", "new_share", "new_values",
)  # fmt: skip
"""The tests, in the order of the last axis of `Evidence.p`."""

WEIGHTS = np.array([3.0, 3.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 1.0, 1.0])
"""Shares of a column's level; a test that does not apply leaves its share to the others."""


class Finding(NamedTuple):
    """Probabilities of one test.

    Attributes:
        test: its word in `TESTS`.
        where: int64, shape (c,), places among the judged columns.
        p, df: float64, shape (spans, c): probabilities, and the degrees of freedom behind their scale.
        usable: bool, broadcastable to them: where the test applies.
    """

    test: str
    where: Ints
    p: Floats
    df: Floats
    usable: Flags


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the tests say.

    Attributes:
        p: float64, shape (spans, judged columns, tests); NaN where a test does not apply.
        shift: float64, shape (spans, judged columns): standardised mean of mid-ranks, its sign is the direction.
        strengths: design effects that hold for the spans.
    """

    p: Floats
    shift: Floats
    strengths: Strengths

    @classmethod
    def start(cls, comparison: Comparison, spans: Spans) -> Evidence:
        """Before any test has run."""
        shape = (len(spans.lengths), len(comparison.judged))
        return cls(np.full((*shape, len(TESTS)), np.nan), np.zeros(shape), comparison.strengths(spans.rows))

    def put_one(self, test: str, span: int, column: int, p: float) -> None:
        """Enter one test's probability for one span and judged column."""
        self.p[span, column, TESTS.index(test)] = p

    def put(self, test: str, where: Ints, p: Floats, usable: Flags) -> None:
        """Enter one test's probabilities, shape (spans, len(where)), for the judged columns at `where`."""
        self.p[:, where, TESTS.index(test)] = np.where(usable, p, np.nan)

    def put_widened(self, findings: Sequence[Finding]) -> None:
        """Enter tests whose scale was estimated from blocks; one look at the tails for all."""
        p = np.concatenate([f.p for f in findings], axis=1)
        p = tails.widen(p, np.concatenate([f.df for f in findings], axis=1))
        start = 0
        for test, where, _, _, usable in findings:
            self.put(test, where, p[:, start : start + len(where)], usable)
            start += len(where)


def harmonic(n: Floats, reference: Floats) -> Floats:
    """Effective rows of a comparison of two samples, n N / (n + N); 0 where one is empty."""
    return np.asarray(n * reference / np.maximum(n + reference, 1.0))
