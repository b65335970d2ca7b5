"""The parts of the verdict rule: for each span of windows, column and test a probability under no change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import tails
from detectors.comparison import Comparison, Scores, Spans
from detectors.dependence import Signal
from detectors.layout import Role

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
        strengths = [comparison.dependence.at(int(rows)) for rows in spans.rows]
        shape = (len(spans.lengths), len(comparison.judged))
        judged = comparison.judged
        return cls(
            np.full((*shape, len(TESTS)), np.nan),
            np.zeros(shape),
            np.stack([s.design[judged] for s in strengths]),
            np.stack([s.df[judged] for s in strengths]),
            np.stack([s.stretched[judged] for s in strengths]),
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


def distances(comparison: Comparison, spans: Spans) -> tuple[Floats, Floats]:
    """Kolmogorov distance and rows with a value of the numeric columns, each of shape (spans, c)."""
    block = comparison.numeric
    counts = spans.counts[:, block.slots].astype(float)
    n = block.total(counts)
    gap = block.running(counts) / np.maximum(n, 1.0)[:, block.owner] - comparison.cdf
    return np.where(n > 0, block.largest(np.abs(gap)), 0.0), n


def judge_shapes(found: Evidence, comparison: Comparison, spans: Spans) -> None:
    """ks, location, spread, below and above of the numeric columns."""
    block = comparison.numeric
    if not len(block.columns):
        return
    where = places(comparison, block.columns)
    distance, n = distances(comparison, spans)
    usable = (n > 0) & (block.rows > 0)
    m = harmonic(n, block.rows)
    d, df = found.design[:, where], found.df[:, where]
    ks = tails.kolmogorov(distance, m / d[..., Signal.SHAPE])
    found.put("ks", where, np.where(usable, tails.widen(ks, df[..., Signal.SHAPE]), np.nan))
    counts = spans.counts[:, block.slots].astype(float)
    for name, scores, signal in (
        ("location", comparison.rank, Signal.LOCATION),
        ("spread", comparison.spread, Signal.SPREAD),
    ):
        deviate, p = _mean_test(
            block.total(counts * scores.values) / np.maximum(n, 1), scores, m, d[..., signal], df[..., signal]
        )
        found.put(name, where, np.where(usable & (scores.variance > 0), p, np.nan))
        if signal is Signal.LOCATION:
            found.shift[:, where] = deviate
    _judge_means(found, comparison, spans, (n, m))
    worst = d[..., : Signal.SHAPE + 1].max(axis=-1)
    ends = np.append(block.starts[1:], len(block.slots)) - 1
    for name, at in (("below", block.starts), ("above", ends)):
        hits = counts[:, at]
        p = tails.hypergeometric_upper(
            hits / worst, (hits + block.counts[at]) / worst, n / worst, (n + block.rows) / worst
        )
        found.put(name, where, np.where(usable, p, np.nan))


def _judge_means(found: Evidence, comparison: Comparison, spans: Spans, rows: tuple[Floats, Floats]) -> None:
    """The mean of the values inside the reference's range, from exact sums: sees what happens within bins."""
    block = comparison.numeric
    where = places(comparison, block.columns)
    n, m = rows
    ends = np.append(block.starts[1:], len(block.slots)) - 1
    outside = spans.counts[:, block.slots[block.starts]] + spans.counts[:, block.slots[ends]]
    inside, all_inside = n - outside, block.rows - block.counts[block.starts] - block.counts[ends]
    moments = comparison.profile.moments
    total = np.maximum(all_inside, 1.0)
    before = moments.first[block.columns] / total
    second = moments.second[block.columns].astype(float)
    variance = (second[:, 0] * 2.0**32 + second[:, 1]) / total - before**2
    mean = spans.sums[:, block.columns] / np.maximum(inside, 1.0) - before
    d, df = found.design[:, where, Signal.LOCATION], found.df[:, where, Signal.LOCATION]
    scores = Scores(
        block.counts, np.maximum(variance, 0.0), comparison.value.skewness, comparison.value.excess
    )
    _, p = _mean_test(mean, scores, np.minimum(m, harmonic(inside, all_inside)), d, df)
    usable = (inside > 0) & (all_inside > 0) & (variance > 1) & (comparison.value.variance > 0)
    found.put("mean", where, np.where(usable, p, np.nan))


def _mean_test(mean: Floats, scores: Scores, m: Floats, design: Floats, df: Floats) -> tuple[Floats, Floats]:
    """Standardised mean of centred scores and its two-sided probability."""
    deviate = mean * np.sqrt(m / design / np.maximum(scores.variance, 1e-14))
    df = np.minimum(df, tails.degrees(scores.excess, scores.skewness, m / design))
    return deviate, tails.two_sided(deviate, df)


def judge_nulls(found: Evidence, comparison: Comparison, spans: Spans) -> None:
    """The share of rows without a usable value; not for labels, which may come late."""
    total = float(comparison.rows)
    n = spans.rows[:, None].astype(float)
    empty = n - comparison.with_value(spans.counts)
    before = total - comparison.with_value(comparison.counts)
    d = found.design[..., Signal.NULL]
    p = tails.hypergeometric_two_sided(empty / d, (empty + before) / d, n / d, (n + total) / d)
    p = tails.widen(p, found.df[..., Signal.NULL])
    late = np.isin(comparison.judged, comparison.layout.with_role(Role.LABEL))
    found.put("null", np.arange(len(comparison.judged)), np.where(late, np.nan, p))
