"""How much rows of a reference depend on their neighbours, measured in its own order at geometric block sizes.

Households, sensors, seasons and autocorrelated streams make means of n neighbouring rows vary more than means of n
independent rows. The ratio of the two variances is the *design effect* d: n such rows say as much as n / d
independent ones. It is measured once, on the reference, for each column, block size and kind of signal, and kept.

References:
    Kish (1965), Survey Sampling, 8.2. Rao and Scott (1981), JASA 76, 221-230.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors import special
from detectors.carried import carry, lasts, regime
from detectors.tails import NORMAL_DF

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

GROUPS = 64
"""Groups of bins that the signals are built from."""

LEAST_SIZE = 8
"""Rows of the smallest block."""

LEAST_BLOCKS = 8
"""Fewer blocks than this say too little about their variance."""

LEAST_VARIANCE = 1e-12
"""A signal that varies less than this is constant."""

MOST_BLOCKS = 16_384
"""The finest cut of the reference; smaller blocks would add time and no knowledge."""


class Signal(IntEnum):
    """What a design effect was measured on."""

    LOCATION = 0
    SPREAD = 1
    SHAPE = 2
    CELL = 3
    NULL = 4
    MEAN = 5


QUANTILES = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98])
"""Where the distribution function of a numeric column is watched."""

LEVELS = {
    Signal.LOCATION: 0.004,
    Signal.SPREAD: 0.004,
    Signal.SHAPE: 0.01,
    Signal.CELL: 0.01,
    Signal.NULL: 0.004,
    Signal.MEAN: 0.004,
}
"""A ratio of variances counts where it is above 1 at this level, shared over the parts of a signal."""


@dataclass(frozen=True)
class Strength:
    """Design effects that hold for windows of one number of rows.

    Attributes:
        design: float64, shape (columns, signals), at least 1.
        df: float64, same shape: degrees of freedom behind `design`; NORMAL_DF where it is 1.
        stretched: bool, shape (columns,): the column's rows depend on each other and the reference holds fewer
            than `LEAST_BLOCKS` such windows, so that `design` was carried on from smaller blocks.
    """

    design: Floats
    df: Floats
    stretched: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Dependence:
    """Design effects of a reference.

    Attributes:
        rows: rows of the reference.
        sizes: int64, shape (scales,), rows of a block, rising; empty for references under 4 * LEAST_BLOCKS rows.
        design: float64, shape (columns, signals, scales); 1 where rows cannot be told from independent ones.
    """

    rows: int
    sizes: Ints
    design: Floats

    @classmethod
    def independent(cls, columns: int, rows: int = 0) -> Dependence:
        """Nothing was measured: rows are taken as independent."""
        return cls(rows, np.zeros(0, np.int64), np.ones((columns, len(Signal), 0)))

    def by_size(self, column: int) -> list[tuple[int, float]]:
        """Rows of a block and the largest effect found on it in any signal of a column; for people to read.

        All 1 for a reference in no order, or of independent rows: the two cannot be told apart.
        """
        effects = self.design[column].max(axis=0)
        return [(int(size), float(effect)) for size, effect in zip(self.sizes, effects, strict=True)]

    @cached_property
    def _lasts(self) -> bool:
        return bool(lasts(self.design).any())

    def regime(self, rows: int) -> tuple[int, int]:
        """Windows with the same answer have the same strength."""
        return regime(self.sizes, rows, lasting=self._lasts)

    def at(self, rows: int) -> Strength:
        """What holds for windows of `rows` rows: the largest effect up to the first block size that covers them.

        Beyond the largest block size nothing is added where the largest blocks look independent; else the effect is
        taken to grow with the rows, which is the most that it can do without the blocks' own variance growing.
        """
        columns, signals, scales = self.design.shape
        if scales == 0:
            df = np.full((columns, signals), NORMAL_DF)
            return Strength(np.ones((columns, signals)), df, np.zeros(columns, dtype=bool))
        design, df, stretched = carry(self.design, self.sizes, self.rows, rows)
        return Strength(design, df, np.asarray(stretched.any(axis=1)))


def block_sizes(rows: int) -> Ints:
    """Block sizes, each twice the one before, up to an eighth of the reference; none for very short ones."""
    doublings = 0
    while (
        rows // LEAST_BLOCKS >> (doublings + 1) >= LEAST_SIZE
        and rows // (rows // LEAST_BLOCKS >> doublings) < MOST_BLOCKS
    ):
        doublings += 1
    base = rows // LEAST_BLOCKS >> doublings
    return (base << np.arange(doublings + 1) if base >= LEAST_SIZE else np.zeros(0)).astype(np.int64)


def measure_column(codes: npt.NDArray[np.integer], counts: Ints, middles: Floats | None = None) -> Floats:
    """Design effects of one column of a reference.

    Args:
        codes: whole numbers, shape (rows,): the value bin of each row in the reference's order, -1 without a value.
        counts: int64, shape (bins,): rows of each value bin.
        middles: float64, shape (bins,): the value that each bin of a numeric column stands for; None for categories.

    Returns:
        float64, shape (signals, scales) for `block_sizes(rows)`. Cost: about 5 ns a row.
    """
    sizes = block_sizes(len(codes))
    result = np.ones((len(Signal), len(sizes)))
    if len(sizes) == 0 or counts.sum() == 0:
        return result
    few = int(np.count_nonzero(counts)) <= GROUPS
    group = frequent_groups(counts) if middles is None else level_groups(counts)
    groups = int(group.max()) + 1
    table = np.append(group, groups).astype(np.int32)  # a code of -1 finds the last entry: no value
    grid = _block_counts(table[codes], int(sizes[0]), groups + 1)
    value = None
    if middles is not None:
        value = np.bincount(group, middles * counts) / np.maximum(np.bincount(group, counts), 1.0)
    parts = _parts(grid.sum(axis=0), value, cells=middles is None or few)
    sums = grid @ parts.values
    for k, size in enumerate(sizes):
        blocks = len(sums) >> k
        merged = sums[: blocks << k].reshape(blocks, 1 << k, -1).sum(axis=1)
        np.maximum.at(result[:, k], parts.owner, _significant(merged, int(size), parts))
    return result


def _block_counts(groups: npt.NDArray[np.int32], size: int, width: int) -> Floats:
    """Rows by block and group, float64, shape (blocks, width); the last incomplete block is left out."""
    blocks = len(groups) // size
    key = groups[: blocks * size].reshape(blocks, size) + (np.arange(blocks, dtype=np.int32) * width)[:, None]
    return np.bincount(key.ravel(), minlength=blocks * width).reshape(blocks, width).astype(float)


def level_groups(counts: Ints) -> Ints:
    """Bins of a numeric column, in order: each occupied one for itself, or put together into groups of like mass."""
    occupied = np.cumsum(counts > 0)
    if occupied[-1] <= GROUPS:
        return np.asarray(np.maximum(occupied - 1, 0), dtype=np.int64)
    middle = np.cumsum(counts) - counts / 2
    _, group = np.unique(
        (middle * GROUPS / counts.sum()).astype(np.int64).clip(0, GROUPS - 1), return_inverse=True
    )
    return group.astype(np.int64)


def frequent_groups(counts: Ints) -> Ints:
    """The most frequent values each for itself, the rest together as the last of at most `GROUPS` groups."""
    group = np.full(len(counts), GROUPS - 1, dtype=np.int64)
    order = np.argsort(-counts, kind="stable")[: GROUPS - 1]
    group[order] = np.arange(len(order))
    return np.asarray(np.minimum(group, min(len(counts), GROUPS) - 1))


@dataclass(frozen=True)
class _Parts:
    """Linear functions of the group that a row falls in, one a column, centred; rows without a value give 0.

    Attributes:
        values: float64, shape (groups + 1, parts).
        owner: int64, shape (parts,): the `Signal` that each belongs to.
        level: float64, shape (parts,): its share of the signal's level.
        variance, excess: float64, shape (parts,): moments of one row, over the reference.
    """

    values: Floats
    owner: Ints
    level: Floats
    variance: Floats
    excess: Floats


def _parts(mass: Floats, value: Floats | None, *, cells: bool) -> _Parts:
    """The signals of a column.

    Args:
        mass: rows of each group; the last entry is rows without a value.
        value: what each group stands for; None for categories.
        cells: whether each group is judged by itself.
    """
    share = mass[:-1] / max(mass[:-1].sum(), 1.0)
    rank = np.cumsum(share) - share / 2
    spread = np.abs(rank - 0.5)
    wide: list[tuple[Signal, Floats]] = [
        (Signal.LOCATION, (rank - 0.5)[:, None]),
        (Signal.SPREAD, spread[:, None]),
    ]
    if cells:
        wide.append((Signal.CELL, np.eye(len(share))))
    if value is not None:
        wide.append((Signal.SHAPE, (rank[:, None] <= QUANTILES).astype(float)))
        middle = value - share @ value
        wide.append((Signal.MEAN, (middle / max(float(np.sqrt(share @ middle**2)), LEAST_VARIANCE))[:, None]))
    values = np.concatenate([w - share @ w for _, w in wide], axis=1)
    values = np.concatenate([values, np.zeros((1, values.shape[1]))])
    null = np.append(np.zeros(len(share)), 1.0) - mass[-1] / mass.sum()
    values = np.column_stack([values, null])
    owner = np.concatenate([*(np.full(w.shape[1], s) for s, w in wide), [Signal.NULL]]).astype(np.int64)
    level = np.array([LEVELS[Signal(o)] for o in owner]) / np.bincount(owner)[owner]
    rows = mass / mass.sum()
    variance, fourth = rows @ values**2, rows @ values**4
    excess = np.where(variance > LEAST_VARIANCE, fourth / np.maximum(variance, LEAST_VARIANCE) ** 2 - 3, 0.0)
    return _Parts(values, owner, level, variance, excess)


def _significant(sums: Floats, size: int, parts: _Parts) -> Floats:
    """Variance of block sums over that of independent rows, where it is significantly above 1; else 1.

    The ratio times its degrees of freedom is read as chi-square; the degrees are those that a ratio of variances has
    for sums with the kurtosis of `size` independent rows, so that rare values do not pass for dependence.
    """
    blocks = len(sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(sums.var(axis=0, ddof=1) / (size * parts.variance), nan=1.0, posinf=1.0)
    df = 2.0 / np.maximum(2.0 / (blocks - 1) + parts.excess / (blocks * size), 1e-9)
    found = (parts.variance > LEAST_VARIANCE) & (ratio > 1) & (special.chdtrc(df, df * ratio) < parts.level)
    return np.asarray(np.where(found, ratio, 1.0))
