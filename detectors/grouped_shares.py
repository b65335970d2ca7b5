"""The reference's side of the named statistics, laid out once: shares of groups of bins, and distribution functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors.binning import LogBinning, NumericBinning
from detectors.comparison import Comparison
from detectors.layout import SPECIALS, Kind, Layout
from detectors.ragged import Ragged

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of neighbouring slots, column after column.

    Attributes:
        columns: int64, shape (c,), positions in the layout.
        begins, ends: int64, shape (g,), first slot of each group and the slot after its last.
        starts: int64, shape (c,), where each column begins among the groups.
        owner: int64, shape (g,), which of `columns` each group belongs to.
        reference: float64, shape (g,), rows of the reference.
    """

    columns: Ints
    begins: Ints
    ends: Ints
    starts: Ints
    owner: Ints
    reference: Floats

    @classmethod
    def of(
        cls, layout: Layout, counts: Ints, columns: tuple[int, ...], bins: int, *, specials: bool
    ) -> Groups:
        """Numeric bins pooled into about `bins` groups of equal share, every category alone, specials alone."""
        bounds = []
        for i in columns:
            values = layout.binnings[i].size
            width = values + (len(SPECIALS) if specials else 0)
            first = np.concatenate([_pool(layout, counts, i, bins), np.arange(values, width + 1)])
            bounds.append(first + layout.offsets[i])
        nothing = np.zeros(0, np.int64)
        begins = np.concatenate([nothing, *(b[:-1] for b in bounds)])
        ends = np.concatenate([nothing, *(b[1:] for b in bounds)])
        sizes = np.array([b.size - 1 for b in bounds], dtype=np.int64)
        running = np.concatenate([[0], np.cumsum(counts)])
        reference = (running[ends] - running[begins]).astype(np.float64)
        owner = np.repeat(np.arange(sizes.size), sizes)
        return cls(np.array(columns, np.int64), begins, ends, np.cumsum(sizes) - sizes, owner, reference)

    def rows(self, running: Ints) -> Floats:
        """Rows in each group, shape (g,), from the rows before each slot, shape (slots + 1,)."""
        return (running.take(self.ends) - running.take(self.begins)).astype(np.float64)

    def total(self, values: Floats) -> Floats:
        """Sums by column, shape (g,) to (c,)."""
        return np.add.reduceat(values, self.starts)

    @cached_property
    def shares(self) -> Floats:
        """Shares of the reference's rows of the column, shape (g,); NaN for columns without rows."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.reference / self.total(self.reference)[self.owner])


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
class Edges:
    """Where the value bins of the numeric columns begin and end.

    Attributes:
        low, high: float64, shape (c, most bins), infinite outside the range; empty after a column's last bin.
        bounds: int64, where each column's bins begin and end, column after column, in the flattened arrays.
    """

    low: Floats
    high: Floats
    bounds: Ints

    @classmethod
    def of(cls, layout: Layout, block: Ragged) -> Edges:
        """Those of the block's columns."""
        lows, highs = [np.zeros(0)], [np.zeros(0)]
        for i in block.columns:
            binning = layout.binnings[int(i)]
            edges = binning.edges if isinstance(binning, NumericBinning | LogBinning) else np.zeros(0)
            lows.append(np.concatenate([[-np.inf], edges]))
            highs.append(np.concatenate([edges, [np.inf]]))
        low, high = (block.padded(np.concatenate(ends), np.inf) for ends in (lows, highs))
        begins = np.arange(len(low)) * low.shape[1]
        bounds = np.stack([begins, begins + (block.grid >= 0).sum(axis=1)], axis=1).ravel()
        return cls(low, high, bounds[bounds < low.size])

    def total(self, values: Floats) -> Floats:
        """Sums by column, shape (c, most bins) to (c,); what is after a column's last bin is left out."""
        return np.add.reduceat(values.reshape(-1), self.bounds)[::2]


@dataclass(frozen=True, eq=False)
class Shares:
    """What the named statistics need of a reference beside its `Comparison`.

    Attributes:
        comparison: the reference's side of the verdict rule, whose numeric columns are the same.
    """

    comparison: Comparison
    _groups: dict[tuple[int, bool, bool], Groups] = field(default_factory=dict)

    def groups(self, bins: int, *, specials: bool = True, numeric: bool = True) -> Groups:
        """Groups of the judged columns; without the numeric ones if so asked."""
        key = (bins, specials, numeric)
        if key not in self._groups:
            layout, counts = self.comparison.layout, self.comparison.profile.counts
            kinds = (Kind.NUMERIC, Kind.CATEGORICAL) if numeric else (Kind.CATEGORICAL,)
            chosen = tuple(i for i in self.comparison.judged.tolist() if layout.columns[i].kind in kinds)
            self._groups[key] = Groups.of(layout, counts, chosen, bins, specials=specials)
        return self._groups[key]

    @cached_property
    def edges(self) -> Edges:
        """Ends of the judged numeric columns' value bins."""
        return Edges.of(self.comparison.layout, self.comparison.numeric.block)

    @cached_property
    def deviation(self) -> Floats:
        """Standard deviation of each numeric column of the reference, shape (c,); 1 where it is 0 or unknown."""
        profile = self.comparison.profile
        variances = np.array([profile.variance(int(i)) for i in self.comparison.numeric.block.columns])
        return np.where(np.isfinite(variances) & (variances > 0), np.sqrt(np.abs(variances)), 1.0)
