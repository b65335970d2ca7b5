"""Rank correlations of a reference, and how much those of a few of its rows would vary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors import special
from detectors.dependence import LEAST_BLOCKS, LEAST_VARIANCE
from detectors.layout import SPECIALS, Kind, Layout

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

LEAST_SIZE = 32
"""Rows of the smallest block whose correlations are looked at."""

MOST_BLOCKS = 512
"""The finest cut for correlations: memory is this times columns squared."""

CONSTANT = 1e-6
"""A product of standard deviations under this is that of a column that does not vary."""

RELATIVE = 1e-5
"""A variance under this share of the mean square is rounding of 32-bit sums: the column does not vary."""

RARE = 5
"""A category with fewer rows in the reference has no rank of its own."""

LEVEL = 0.01
"""A pair's ratio of variances counts where it is above 1 at this level."""


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Standardised mid-ranks of the bins of some columns, one after the other; a category by its frequency's rank.

    Attributes:
        values: float32, shape (v,); rows without a value score 0, as does everything in a constant column.
        starts: shape (c,), where each column's bins begin; uint16 like the codes, where that holds them.
    """

    values: Singles
    starts: npt.NDArray[np.integer]

    @classmethod
    def of(cls, layout: Layout, counts: Ints, columns: Sequence[int]) -> ScoreTable:
        """Scores from the reference's counts."""
        kinds = [layout.columns[i].kind for i in columns]
        parts = [
            np.append(
                _standard(counts[layout.values(i)], pool=kind is Kind.CATEGORICAL), np.zeros(len(SPECIALS))
            )
            for i, kind in zip(columns, kinds, strict=True)
        ]
        sizes = [len(part) for part in parts]
        values = np.concatenate([np.zeros(0), *parts]).astype(np.float32)
        small = values.size <= np.iinfo(np.uint16).max
        return cls(values, np.cumsum([0, *sizes])[:-1].astype(np.uint16 if small else np.int64))

    def score(self, c: int, codes: Ints) -> Singles:
        """Scores of one column's codes; -1 scores 0."""
        return np.where(codes < 0, np.float32(0), self.values[self.starts[c] + np.maximum(codes, 0)])

    def scores(self, codes: npt.NDArray[np.integer]) -> Singles:
        """Scores of a sample's codes, shape (rows, c); specials score 0."""
        return np.take(self.values, codes + self.starts)


def _standard(counts: Ints, *, pool: bool) -> Floats:
    """Mid-ranks with mean 0 and variance 1; with `pool`, the values too rare to have a rank share one."""
    total = counts.sum()
    if not total:
        return np.zeros(len(counts))
    share = counts / total
    rank = np.cumsum(share) - share / 2 - 0.5
    rare = counts < RARE
    if pool and rare.any():
        mass = float(share[rare].sum())
        rank[rare] = float(share[rare] @ rank[rare]) / mass if mass else 0.5
    variance = float(share @ rank**2)
    return np.asarray(rank / np.sqrt(variance) if variance > LEAST_VARIANCE else np.zeros(len(counts)))


@dataclass(frozen=True, eq=False)
class Association:
    """Correlations of standardised scores over a reference.

    Attributes:
        rows: rows of the reference.
        sizes: int64, shape (scales,): block sizes.
        correlation: float64, shape (c, c).
        variance: float64, shape (c, c): n times the variance of a correlation over n independent rows; (1 - r^2)^2 for
            normal scores, here from the fourth moments.
        heavy: float64, shape (c, c): excess kurtosis plus squared skewness of a product of scores.
        design: float32, shape (c, c, scales): variance over blocks divided by that, 1 where not significantly more.
    """

    rows: int
    sizes: Ints
    correlation: Floats
    variance: Floats
    heavy: Floats
    design: Singles


def associate(scores: Singles) -> Association:
    """Measure a reference.

    Args:
        scores: float32, shape (rows, c): standardised mid-ranks in the reference's order.
    """
    rows, columns = scores.shape
    if rows <= 1:
        nothing = np.zeros((columns, columns))
        return Association(
            rows, np.zeros(0, np.int64), nothing, nothing, nothing, np.ones((columns, columns, 0), np.float32)
        )
    squares = scores * scores
    second = _gram(scores, scores) / rows
    correlation = np.clip(second, -1.0, 1.0)
    mixed = _gram(squares * scores, scores) / rows  # E[u^3 v]
    even = _gram(squares, squares) / rows  # E[u^2 v^2]
    fourth = np.diag(even)
    influence = (
        even
        - correlation * (mixed + mixed.T)
        + correlation**2 / 4 * (fourth[:, None] + 2 * even + fourth[None, :])
    )
    floor = 0.25 * (1 - correlation**2) ** 2
    third = (squares * scores).mean(axis=0, dtype=np.float64)
    heavy = np.maximum(np.outer(fourth, fourth) - 3, 0) + np.outer(third**2, third**2)
    variance = np.maximum(influence, np.maximum(floor, 1e-9))
    sizes = _sizes(rows)
    return Association(
        rows, sizes, correlation, variance, heavy, _design(scores, sizes, correlation, variance, heavy)
    )


def _gram(left: Singles, right: Singles) -> Floats:
    """Left' right, summed in float64 over chunks of rows."""
    total = np.zeros((left.shape[1], right.shape[1]))
    for start in range(0, len(left), 16_384):
        total += left[start : start + 16_384].T @ right[start : start + 16_384]
    return total


def _sizes(rows: int) -> Ints:
    doublings = 0
    base = rows // LEAST_BLOCKS
    while base >> (doublings + 1) >= LEAST_SIZE and LEAST_BLOCKS << (doublings + 1) <= MOST_BLOCKS:
        doublings += 1
    base >>= doublings
    return (base << np.arange(doublings + 1) if base >= LEAST_SIZE else np.zeros(0)).astype(np.int64)


def _design(scores: Singles, sizes: Ints, correlation: Floats, variance: Floats, heavy: Floats) -> Singles:
    """Mean square change of correlations over blocks against that of independent rows, shape (c, c, scales).

    The change is from the whole reference's correlation: where columns share a season, the correlation inside a block
    is not only more variable but another one.
    """
    columns = scores.shape[1]
    result = np.ones((columns, columns, len(sizes)), dtype=np.float32)
    if not len(sizes):
        return result
    base = int(sizes[0])
    blocks = len(scores) // base
    cut = scores[: blocks * base].reshape(blocks, base, columns)
    products, sums = cut.transpose(0, 2, 1) @ cut, cut.sum(axis=1)
    for k, size in enumerate(sizes):
        merged = (blocks >> k) << k
        gram = products[:merged].reshape(-1, 1 << k, columns, columns).sum(axis=1) / size
        mean = sums[:merged].reshape(-1, 1 << k, columns).sum(axis=1) / size
        r = block_correlations(gram, mean)
        ratio = np.nan_to_num(((r - correlation) ** 2).mean(axis=0) * size / variance, nan=1.0)
        df = 2.0 / (2.0 / (len(r) - 1) + heavy / (len(r) * size))
        found = (ratio > 1) & (special.chdtrc(df, df * ratio) < LEVEL)
        result[:, :, k] = np.where(found, ratio, 1.0)
    return result


def block_correlations(gram: npt.NDArray[np.floating], mean: npt.NDArray[np.floating]) -> Floats:
    """Correlations about their own means; 0 where a column is constant.

    Args:
        gram: shape (..., c, c), mean products.
        mean: shape (..., c), means.
    """
    covariance = gram - mean[..., :, None] * mean[..., None, :]
    squares, variance = (np.diagonal(m, axis1=-2, axis2=-1) for m in (gram, covariance))
    scale = np.sqrt(np.where(variance > RELATIVE * squares, variance, 0.0))
    product = scale[..., :, None] * scale[..., None, :]
    return np.where(product > CONSTANT, covariance / np.where(product > CONSTANT, product, 1.0), 0.0).astype(
        float
    )
