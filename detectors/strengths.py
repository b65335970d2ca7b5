"""Design effects of the judged columns for the spans of a window, with all that follows from them alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors import tails
from detectors.dependence import Signal, Strength

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MEANS = (Signal.LOCATION, Signal.SPREAD, Signal.MEAN)
"""The signals of the tests of means, in the order of `Strengths.means`."""

RANKS = slice(0, Signal.SHAPE + 1)
"""The signals of a column's ranks."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """Design effects and degrees of freedom side by side.

    Attributes:
        design, df: float64, same shape.
    """

    design: Floats
    df: Floats
    _stretches: dict[float, Floats] = field(default_factory=dict)

    def stretch(self, level: float) -> Floats:
        """How much wider bounds at this level are, see `tails.stretch`; kept."""
        if level not in self._stretches:
            self._stretches[level] = tails.stretch(level, self.df)
        return self._stretches[level]


@dataclass(frozen=True, eq=False)
class Strengths:
    """Design effects of some spans; the same for all windows of about one size, so everything is kept.

    Attributes:
        every: shape (spans, judged columns, signals). stretched: bool, shape (spans, judged columns), see `Strength`.
        numbers, cells: int64, places of the columns of `Comparison.numeric` and `Comparison.cells`.
    """

    every: Scaled
    stretched: npt.NDArray[np.bool_]
    numbers: Ints
    cells: Ints

    @classmethod
    def of(cls, spans: list[Strength], numbers: Ints, cells: Ints) -> Strengths:
        """Lay them side by side."""
        every = Scaled(np.stack([s.design for s in spans]), np.stack([s.df for s in spans]))
        return cls(every, np.stack([s.stretched for s in spans]), numbers, cells)

    def _at(self, where: Ints, signal: Signal) -> Scaled:
        return Scaled(self.every.design[:, where, signal], self.every.df[:, where, signal])

    def _worst_rank(self, where: Ints) -> Scaled:
        return Scaled(
            self.every.design[:, where, RANKS].max(axis=-1), self.every.df[:, where, RANKS].min(axis=-1)
        )

    @cached_property
    def worst(self) -> Scaled:
        """The worst signal's, shape (spans, judged columns)."""
        return Scaled(self.every.design.max(axis=-1), self.every.df.min(axis=-1))

    @cached_property
    def null(self) -> Scaled:
        """Of the null share, shape (spans, judged columns)."""
        return Scaled(self.every.design[..., Signal.NULL], self.every.df[..., Signal.NULL])

    @cached_property
    def shape(self) -> Scaled:
        """Of the distribution function, shape (spans, judged columns)."""
        return Scaled(self.every.design[..., Signal.SHAPE], self.every.df[..., Signal.SHAPE])

    @cached_property
    def means(self) -> Scaled:
        """Of `MEANS`, shape (3, spans, numeric columns)."""
        parts = [self._at(self.numbers, signal) for signal in MEANS]
        return Scaled(np.stack([p.design for p in parts]), np.stack([p.df for p in parts]))

    @cached_property
    def distance(self) -> Scaled:
        """Of the distribution function, shape (spans, numeric columns)."""
        return self._at(self.numbers, Signal.SHAPE)

    @cached_property
    def ends(self) -> Scaled:
        """The worst of the ranks', shape (spans, numeric columns)."""
        return self._worst_rank(self.numbers)

    @cached_property
    def cell(self) -> Scaled:
        """Of the single categories, shape (spans, columns with cells)."""
        return self._at(self.cells, Signal.CELL)

    @cached_property
    def cell_or_rank(self) -> Scaled:
        """The worst of the categories' and the ranks', shape (spans, columns with cells)."""
        ranks = self._worst_rank(self.cells)
        return Scaled(np.maximum(self.cell.design, ranks.design), np.minimum(self.cell.df, ranks.df))
