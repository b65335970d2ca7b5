"""The reference's side of the named statistics, laid out once: shares of groups of bins, and distribution functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors.binning import LogBinning, NumericBinning
from detectors.comparison import JUDGED
from detectors.layout import SPECIALS, Kind, Layout
from detectors.profile import Profile
from detectors.ragged import Ragged

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of slots, column after column.

    Attributes:
        columns: int64, shape (c,), positions in the layout.
        slots: int64, shape (s,), positions in the vector of counts, in the order of the groups.
        firsts: int64, shape (g,), where each group begins in `slots`.
        starts: int64, shape (c,), where each column begins among the groups.
        owner: int64, shape (g,), which of `columns` each group belongs to.
        reference: float64, shape (g,), rows of the reference.
    """

    columns: Ints
    slots: Ints
    firsts: Ints
    starts: Ints
    owner: Ints
    reference: Floats

    @classmethod
    def of(
        cls, layout: Layout, counts: Ints, columns: tuple[int, ...], bins: int, *, specials: bool
    ) -> Groups:
        """Numeric bins pooled into about `bins` groups of equal share, every category alone, specials alone."""
        slots: list[Ints] = []
        firsts: list[Ints] = []
        sizes: list[int] = []
        base = 0
        for i in columns:
            start = int(layout.offsets[i])
            values = layout.binnings[i].size
            width = values + (len(SPECIALS) if specials else 0)
            first = np.concatenate([_pool(layout, counts, i, bins), np.arange(values, width)])
            slots.append(np.arange(start, start + width))
            firsts.append(first + base)
            sizes.append(first.size)
            base += width
        every = np.concatenate([np.zeros(0, np.int64), *slots])
        begin = np.concatenate([np.zeros(0, np.int64), *firsts])
        starts = np.cumsum(sizes) - sizes
        owner = np.repeat(np.arange(len(sizes)), sizes)
        reference = np.add.reduceat(counts[every], begin).astype(np.float64) if begin.size else np.zeros(0)
        return cls(np.array(columns, np.int64), every, begin, starts.astype(np.int64), owner, reference)

    def rows(self, counts: Ints) -> Floats:
        """Rows of a profile in each group, shape (g,)."""
        return np.add.reduceat(counts[self.slots], self.firsts).astype(np.float64)

    def total(self, values: Floats) -> Floats:
        """Sums by column, shape (g,) to (c,)."""
        return np.add.reduceat(values, self.starts)


def _pool(layout: Layout, counts: Ints, i: int, bins: int) -> Ints:
    """Where each group of value bins of column i begins."""
    values = counts[layout.values(i)]
    if layout.columns[i].kind is Kind.CATEGORICAL:
        return np.arange(values.size)
    before = np.cumsum(values) - values
    middle = (before + values / 2) / max(int(values.sum()), 1)
    group = np.minimum((middle * bins).astype(np.int64), bins - 1)
    return np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))


@dataclass(frozen=True, eq=False)
class Shares:
    """What the named statistics need of a reference.

    Attributes:
        layout, profile: the reference's.
    """

    layout: Layout
    profile: Profile
    _groups: dict[tuple[int, bool, bool], Groups] = field(default_factory=dict)

    @cached_property
    def judged(self) -> tuple[int, ...]:
        """Features, predictions, scores and labels."""
        return self.layout.with_role(*JUDGED)

    def groups(self, bins: int, *, specials: bool = True, numeric: bool = True) -> Groups:
        """Groups of the judged columns; without the numeric ones if so asked."""
        key = (bins, specials, numeric)
        if key not in self._groups:
            kinds = (Kind.NUMERIC, Kind.CATEGORICAL) if numeric else (Kind.CATEGORICAL,)
            chosen = tuple(i for i in self.judged if self.layout.columns[i].kind in kinds)
            self._groups[key] = Groups.of(self.layout, self.profile.counts, chosen, bins, specials=specials)
        return self._groups[key]

    @cached_property
    def numeric(self) -> Ragged:
        """Value bins of the judged numeric columns."""
        chosen = [i for i in self.judged if self.layout.columns[i].kind is Kind.NUMERIC]
        return Ragged.of(self.layout, self.profile.counts, chosen)

    @cached_property
    def distribution(self) -> Floats:
        """The reference's distribution function at the upper end of each numeric value bin, shape (v,)."""
        return distribution(self.numeric, self.numeric.counts)

    @cached_property
    def edges(self) -> tuple[Floats, Floats]:
        """Lower and upper end of each numeric value bin, shape (v,); infinite outside the range."""
        lows, highs = [np.zeros(0)], [np.zeros(0)]
        for i in self.numeric.columns:
            binning = self.layout.binnings[int(i)]
            edges = binning.edges if isinstance(binning, NumericBinning | LogBinning) else np.zeros(0)
            lows.append(np.concatenate([[-np.inf], edges]))
            highs.append(np.concatenate([edges, [np.inf]]))
        return np.concatenate(lows), np.concatenate(highs)

    @cached_property
    def deviation(self) -> Floats:
        """Standard deviation of each numeric column of the reference, shape (c,); 1 where it is 0 or unknown."""
        variances = np.array([self.profile.variance(int(i)) for i in self.numeric.columns])
        return np.where(np.isfinite(variances) & (variances > 0), np.sqrt(np.abs(variances)), 1.0)


def distribution(ragged: Ragged, rows: Floats) -> Floats:
    """Share of rows up to and with each bin, shape (v,); NaN for columns without rows."""
    total = ragged.total(rows)[ragged.owner]
    with np.errstate(invalid="ignore"):
        return np.asarray(ragged.running(rows) / total)
