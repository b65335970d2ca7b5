"""The part of the verdict rule that counts categories: chi-square, the worst category, and moves between two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import tails
from detectors.comparison_cells import CellSide
from detectors.evidence import Evidence, Finding
from detectors.spans import Spans

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

LEAST_EXPECTED = 10.0
"""Categories with a smaller expected count, in the window or in the reference, are pooled for chi-square."""

TESTABLE = 1e-4
"""A category too rare to reach this probability at all is not counted as tested (Tarone 1990)."""

NOTABLE = 2.5
"""Standard deviations from which a category's exact probability is worked out."""

POISSON = np.full((), 2.0)
"""Excess kurtosis and squared skewness of a Poisson count, times its mean."""


@dataclass(frozen=True, eq=False)
class CellCounts:
    """Categories of the windows beside those of the reference.

    Attributes:
        side: the reference's.
        window: float64, shape (spans, v), rows of each known category. pooled: with the reference's.
        n: float64, shape (spans, c), rows with a value, new ones included. total: with the reference's.
        usable: bool, shape (spans, c), window and reference have values.
        new: float64, shape (spans, c), rows of new categories of the window. all_new: with the reference's.
        share: float64, shape (spans, c), n / total, the window's share of all rows. part: by category.
        expected: float64, shape (spans, v), pooled times part.
        alone: bool, shape (spans, v), categories that are not pooled. categories: their number, shape (spans, c).
    """

    side: CellSide
    window: Floats
    pooled: Floats
    n: Floats
    total: Floats
    usable: Flags
    new: Floats
    all_new: Floats
    share: Floats
    part: Floats
    expected: Floats
    alone: Flags
    categories: Floats

    @classmethod
    def of(cls, side: CellSide, spans: Spans) -> CellCounts:
        """Take them from the spans."""
        block = side.block
        window = spans.counts.take(block.slots, axis=1).astype(float)
        new = side.unseen(spans.counts)
        n = block.total(window) + new
        total, pooled = n + side.rows, window + block.counts
        share = n / np.maximum(total, 1.0)
        part = share[:, block.owner]
        alone = pooled * np.minimum(part, 1 - part) >= LEAST_EXPECTED
        return cls(
            side, window, pooled, n, total, (n > 0) & (side.rows > 0), new, new + side.new, share, part, pooled * part,
            alone, block.total(alone.astype(float)),
        )  # fmt: skip


def judge_cells(found: Evidence, cells: CellCounts) -> Finding:
    """Enter moved; returns chi2, read against the normal as yet."""
    scaled = found.strengths.cell_or_rank
    statistic, freedom = _chi_square(cells)
    moved, pairs = _moved(cells, scaled.design, scaled.df)
    found.put("moved", cells.side.places, moved, cells.usable & (pairs > 1))
    p = tails.chi_square(statistic / scaled.design, freedom)
    return Finding("chi2", cells.side.places, p, scaled.df, cells.usable & (freedom > 0))


def _chi_square(cells: CellCounts) -> tuple[Floats, Floats]:
    """Pearson's statistic of two samples and its degrees of freedom, shape (spans, c).

    Rare categories are pooled, and the new ones with them: leaving those out would compare the reference's rare values,
    which were chosen for having come, with a window that had no such luck.
    """
    parts = np.zeros((3, *cells.pooled.shape))
    variance, change = cells.expected * (1 - cells.part), cells.window - cells.expected
    np.divide(change**2, variance, out=parts[0], where=cells.alone)
    np.copyto(parts[1], cells.pooled, where=~cells.alone)
    np.copyto(parts[2], cells.window, where=~cells.alone)
    statistic, rest, hits = cells.side.block.total(parts)
    rest, hits, share = rest + cells.all_new, hits + cells.all_new, cells.share
    enough = rest * np.minimum(share, 1 - share) >= LEAST_EXPECTED
    with np.errstate(divide="ignore", invalid="ignore"):
        term = (hits - rest * share) ** 2 / (rest * share * (1 - share))
    return statistic + np.where(enough, term, 0.0), cells.categories + enough - 1


@dataclass(frozen=True, eq=False)
class WorstCell:
    """The categories that may have changed, each to be judged exactly.

    Attributes:
        draw: float64, shape (k,) each: what is asked of the categories that are notable.
        notable: bool, shape (spans, v), which these are.
        tested: float64, shape (spans, c), how many categories are frequent enough to be tested.
    """

    draw: tails.Draw
    notable: Flags
    tested: Floats

    @classmethod
    def of(cls, found: Evidence, cells: CellCounts) -> WorstCell:
        """Choose them."""
        block, design = cells.side.block, found.strengths.cell_or_rank.design
        d = design[:, block.owner]
        pooled, window = cells.pooled / d, cells.window / d
        least = np.log(np.clip(np.minimum(cells.share, 1 - cells.share), 1e-12, 1.0))
        testable = (pooled > 0) & (pooled * least[:, block.owner] < np.log(TESTABLE))
        mean = pooled * cells.part
        notable = testable & (np.abs(window - mean) > NOTABLE * np.sqrt(mean * (1 - cells.part)))
        span, cell = np.nonzero(notable)
        n, total = (rows[span, block.owner[cell]] / d[notable] for rows in (cells.n, cells.total))
        draw = tails.Draw(window[notable], pooled[notable], n, total)
        return cls(draw, notable, block.total(testable.astype(float)))

    def judge(self, found: Evidence, cells: CellCounts, upper: Floats, lower: Floats) -> Finding:
        """cell: exact two-sided probability of the worst category times the number of categories."""
        p = np.ones(self.notable.shape)
        p[self.notable] = tails.both(upper, lower)
        worst = np.minimum(-cells.side.block.largest(-p) * np.maximum(self.tested, 1.0), 1.0)
        return Finding("cell", cells.side.places, worst, found.strengths.cell_or_rank.df, cells.usable)


def _moved(cells: CellCounts, design: Floats, df: Floats) -> tuple[Floats, Floats]:
    """Probability of the largest move from one category to another, and how many pairs there are; shape (spans, c).

    The category that gained most against the one that lost most, in rows or in standard deviations, whichever says
    more; times the number of ordered pairs of categories that are not pooled.
    """
    change = np.where(cells.alone, cells.window - cells.expected, 0.0)
    standard = change / np.sqrt(np.maximum(cells.pooled, 1.0))
    changes, pooled = _at_largest(cells, np.stack([change, -change, standard, -standard]), change)
    best, weight = np.zeros(cells.n.shape), np.zeros(cells.n.shape)
    share, other = cells.share, 1 - cells.share
    for gain, loss, gained, lost in zip(changes[::2], changes[1::2], pooled[::2], pooled[1::2], strict=True):
        both = gained + lost
        variance = share * other * (both - (gained - lost) ** 2 / np.maximum(cells.total, 1.0)) * design
        deviate = np.where(variance > 0, (gain - loss) / np.sqrt(np.maximum(variance, 1e-9)), 0.0)
        weight = np.where(deviate > best, both * share * other / design, weight)
        best = np.maximum(best, deviate)
    p = tails.two_sided(best, np.minimum(df, tails.degrees(POISSON, np.zeros(()), weight)))
    pairs = cells.categories * (cells.categories - 1)
    return np.minimum(p / 2 * np.maximum(pairs, 1.0), 1.0), pairs / 2


def _at_largest(cells: CellCounts, scores: Floats, change: Floats) -> tuple[Floats, Floats]:
    """`change` and `pooled` of each column's category with the largest score; both 0 where no score is above 0.

    Args:
        cells: the counts.
        scores: float64, shape (k, spans, v).
        change: float64, shape (spans, v).
    """
    block = cells.side.block
    top = (scores > 0) & (scores >= block.largest(scores)[..., block.owner])
    parts = np.stack([top * change, top * cells.pooled, top])
    total = block.total(parts)
    times = np.maximum(total[2], 1.0)
    return total[0] / times, total[1] / times
