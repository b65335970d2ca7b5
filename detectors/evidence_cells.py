"""The part of the verdict rule that counts categories: chi-square, the worst category, and new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import special, tails
from detectors.binning import CategoricalBinning
from detectors.bottom_k import BottomK
from detectors.comparison import Comparison
from detectors.dependence import Signal
from detectors.evidence import Evidence, places
from detectors.spans import Spans

Floats = npt.NDArray[np.float64]

LEAST_EXPECTED = 10.0
"""Categories with a smaller expected count, in the window or in the reference, are pooled for chi-square."""

TESTABLE = 1e-4
"""A category too rare to reach this probability at all is not counted as tested (Tarone 1990)."""

NOTABLE = 2.5
"""Standard deviations from which a category's exact probability is worked out."""


@dataclass(frozen=True, eq=False)
class CellCounts:
    """Categories of the windows beside those of the reference.

    Attributes:
        window: float64, shape (spans, v), rows of each known category. pooled: with the reference's.
        n: float64, shape (spans, c), rows with a value, new ones included. reference: the same, shape (c,).
        new: float64, shape (spans, c), rows of new categories. share: n / (n + N), the window's share of all rows.
    """

    window: Floats
    pooled: Floats
    n: Floats
    reference: Floats
    new: Floats
    share: Floats

    @classmethod
    def of(cls, comparison: Comparison, spans: Spans) -> CellCounts:
        """Take them from the spans."""
        block = comparison.cells
        window = spans.counts[:, block.slots].astype(float)
        new, before = comparison.unseen(spans.counts), comparison.unseen(comparison.counts)
        n, reference = block.total(window) + new, block.rows + before
        return cls(
            window, window + block.counts, n, reference, new + before, n / np.maximum(n + reference, 1.0)
        )


def judge_cells(found: Evidence, comparison: Comparison, spans: Spans) -> CellCounts | None:
    """chi2, cell and moved of the columns that have categories; returns their counts, None where there is none."""
    block = comparison.cells
    if not len(block.columns):
        return None
    where = places(comparison, block.columns)
    cells = CellCounts.of(comparison, spans)
    usable = (cells.n > 0) & (cells.reference > 0)
    d, df = found.design[:, where, Signal.CELL], found.df[:, where, Signal.CELL]
    shape = found.design[:, where, : Signal.SHAPE + 1].max(axis=-1)
    shape_df = found.df[:, where, : Signal.SHAPE + 1].min(axis=-1)
    d, df = np.maximum(d, shape), np.minimum(df, shape_df)
    statistic, freedom = _chi_square(comparison, cells)
    chi2 = tails.widen(tails.chi_square(statistic / d, freedom), df)
    found.put("chi2", where, np.where(usable & (freedom > 0), chi2, np.nan))
    worst = tails.widen(_worst_cell(comparison, cells, d), df)
    found.put("cell", where, np.where(usable, worst, np.nan))
    moved, pairs = _moved(comparison, cells, d, df)
    found.put("moved", where, np.where(usable & (pairs > 1), moved, np.nan))
    return cells


def _chi_square(comparison: Comparison, cells: CellCounts) -> tuple[Floats, Floats]:
    """Pearson's statistic of two samples and its degrees of freedom, shape (spans, c).

    Rare categories are pooled, and the new ones with them: leaving those out would compare the reference's rare values,
    which were chosen for having come, with a window that had no such luck.
    """
    block = comparison.cells
    share = cells.share[:, block.owner]
    least = cells.pooled * np.minimum(share, 1 - share)
    alone = least >= LEAST_EXPECTED
    expected = cells.pooled * share
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(alone, (cells.window - expected) ** 2 / (expected * (1 - share)), 0.0)
    statistic, categories = block.total(terms), block.total(alone.astype(float))
    rest = block.total(np.where(alone, 0.0, cells.pooled)) + cells.new
    hits = block.total(np.where(alone, 0.0, cells.window)) + cells.new
    enough = rest * np.minimum(cells.share, 1 - cells.share) >= LEAST_EXPECTED
    with np.errstate(divide="ignore", invalid="ignore"):
        term = (hits - rest * cells.share) ** 2 / (rest * cells.share * (1 - cells.share))
    return statistic + np.where(enough, term, 0.0), categories + enough - 1


def _worst_cell(comparison: Comparison, cells: CellCounts, design: Floats) -> Floats:
    """Exact two-sided probability of the worst category times the number of categories, shape (spans, c)."""
    block = comparison.cells
    owner = block.owner
    share, d = cells.share[:, owner], design[:, owner]
    pooled, window = cells.pooled / d, cells.window / d
    reach = pooled * np.log(np.clip(np.minimum(share, 1 - share), 1e-12, 1.0))
    testable = (pooled > 0) & (reach < np.log(TESTABLE))
    notable = testable & (np.abs(window - pooled * share) > NOTABLE * np.sqrt(pooled * share * (1 - share)))
    p = np.ones(pooled.shape)
    span, cell = np.nonzero(notable)
    if len(span):
        n, total = cells.n[span, owner[cell]], (cells.n + cells.reference)[span, owner[cell]]
        divisor = d[span, cell]
        p[span, cell] = tails.hypergeometric_two_sided(
            window[span, cell], pooled[span, cell], n / divisor, total / divisor
        )
    count = block.total(testable.astype(float))
    return np.asarray(np.minimum(-block.largest(-p) * np.maximum(count, 1.0), 1.0))


def _moved(comparison: Comparison, cells: CellCounts, design: Floats, df: Floats) -> tuple[Floats, Floats]:
    """Probability of the largest move from one category to another, and how many pairs there are; shape (spans, c).

    The category that gained most against the one that lost most, in rows or in standard deviations, whichever says
    more; times the number of ordered pairs of categories that are not pooled.
    """
    block = comparison.cells
    share = cells.share[:, block.owner]
    alone = cells.pooled * np.minimum(share, 1 - share) >= LEAST_EXPECTED
    change = np.where(alone, cells.window - cells.pooled * share, 0.0)
    standard = change / np.sqrt(np.maximum(cells.pooled, 1.0))
    best = np.full(cells.n.shape, 0.0)
    weight = np.zeros(cells.n.shape)
    for score in (change, standard):
        gain, gained = _at_largest(comparison, score, change, cells.pooled)
        loss, lost = _at_largest(comparison, -score, -change, cells.pooled)
        both = gained + lost
        pooled = both - (gained - lost) ** 2 / np.maximum(cells.n + cells.reference, 1.0)
        variance = cells.share * (1 - cells.share) * pooled * design
        deviate = np.where(variance > 0, (gain + loss) / np.sqrt(np.maximum(variance, 1e-9)), 0.0)
        weight = np.where(deviate > best, both * cells.share * (1 - cells.share) / design, weight)
        best = np.maximum(best, deviate)
    categories = block.total(alone.astype(float))
    heavy = np.full(
        weight.shape, 2.0
    )  # excess kurtosis and squared skewness of a Poisson count, times its mean
    p = tails.two_sided(best, np.minimum(df, tails.degrees(heavy, np.zeros(()), weight)))
    pairs = categories * (categories - 1)
    return np.minimum(p / 2 * np.maximum(pairs, 1.0), 1.0), pairs / 2


def _at_largest(
    comparison: Comparison, score: Floats, change: Floats, pooled: Floats
) -> tuple[Floats, Floats]:
    """`change` and `pooled` of each column's category with the largest score; both 0 where no score is above 0."""
    block = comparison.cells
    top = (score > 0) & (score >= block.largest(score)[:, block.owner])
    times = np.maximum(block.total(top.astype(float)), 1.0)
    return block.total(np.where(top, change, 0.0)) / times, block.total(np.where(top, pooled, 0.0)) / times


def judge_new_values(
    found: Evidence, comparison: Comparison, spans: Spans, unseen: Sequence[dict[int, BottomK]]
) -> None:
    """new_share and new_values of the categorical columns.

    Where nothing changed, rows of window and reference are exchangeable: a value that comes t times in both together is
    new, all t rows in the window, with probability at most q^t, q = n / (n + N). Given how often each value comes in
    both together, the number of new values is therefore at most Poisson with the sum of q^t (*new_values*), and the
    chance that one of k rows or more is new at most the sum of q^t over values with t >= k (*new_share*).

    References:
        Good (1953), Biometrika 40, 237-264, for the idea; the bound is a permutation argument.
    """
    block = comparison.cells
    chosen = np.flatnonzero(comparison.categorical)
    if not len(chosen) or not any(unseen):
        return
    where = places(comparison, block.columns[chosen])
    d = found.design[:, where].max(axis=-1)
    n = block.total(spans.counts[:, block.slots].astype(float))
    for span, sketches in enumerate(unseen):
        for place, c in enumerate(chosen):
            sketch = sketches.get(int(block.columns[c]))
            if sketch is None or not sketch.rows:
                continue
            rows = n[span, c] + sketch.rows
            q = rows / (rows + block.rows[c])
            mine = block.owner == c
            known = (spans.counts[span, block.slots[mine]] + block.counts[mine]) / d[span, place]
            distinct, share = _new(known, sketch, d[span, place], q, len(_binning(comparison, int(c)).others))
            found.put_one("new_values", span, where[place], distinct)
            found.put_one("new_share", span, where[place], share)


def _binning(comparison: Comparison, cell_column: int) -> CategoricalBinning:
    binning = comparison.layout.binnings[comparison.cells.columns[cell_column]]
    if not isinstance(binning, CategoricalBinning):
        raise TypeError("categories were expected")
    return binning


def _new(known: Floats, sketch: BottomK, design: float, q: float, others: int) -> tuple[float, float]:
    """Probability of as many new values, and of one as frequent, as the sketch has.

    Args:
        known: rows of each value that the reference has, in window and reference together, over the design effect.
        sketch: the new values.
        design: the design effect.
        q: the window's share of all rows.
        others: values that the reference has and that have no bin; counted as if each came once.
    """
    new = sketch.counts / design
    scale = sketch.distinct / len(new)
    largest = float(new.max())
    present = known[known > 0]
    mean = float((q**present).sum() + scale * (q**new).sum() + others * q)
    share = float((q ** present[present >= largest]).sum() + scale * (q ** new[new >= largest]).sum())
    share += others * q**largest
    return float(special.gammainc(max(sketch.distinct / design, 1e-9), mean)), min(share, 1.0)
