"""A window as a reference sees it: what several tests need, worked out by the first that asks and shared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors.base import Window
from detectors.comparison import Comparison
from detectors.evidence_cells import CellCounts
from detectors.evidence_numeric import NumericCounts
from detectors.spans import Spans

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Observation:
    """A window and the ones before it beside a reference.

    Attributes:
        comparison: the reference's side. window: the window.
    """

    comparison: Comparison
    window: Window

    @classmethod
    def of(cls, comparison: Comparison, window: Window) -> Observation:
        """The one that earlier tests on this window have used, or a new one."""
        known = window.shared.get(cls.__name__)
        if isinstance(known, cls) and known.comparison is comparison:
            return known
        window.shared[cls.__name__] = fresh = cls(comparison, window)
        return fresh

    @cached_property
    def spans(self) -> Spans:
        """The newest windows added up."""
        return Spans.of(self.window)

    @cached_property
    def with_value(self) -> Floats:
        """Rows with a usable value, float64, shape (spans, judged columns)."""
        return self.comparison.with_value(self.spans.counts)

    @cached_property
    def outside(self) -> Floats:
        """Rows out of range or of new categories, float64, shape (spans, judged columns)."""
        return self.comparison.outside(self.spans.counts)

    @cached_property
    def numbers(self) -> NumericCounts | None:
        """Numeric columns beside the reference's; None where there is none."""
        side = self.comparison.numeric
        return NumericCounts.of(side, self.spans) if len(side.block.columns) else None

    @cached_property
    def cells(self) -> CellCounts | None:
        """Columns with categories or few values beside the reference's; None where there is none."""
        side = self.comparison.cells
        return CellCounts.of(side, self.spans) if len(side.block.columns) else None

    @cached_property
    def running(self) -> Ints:
        """Rows of the window in all slots before each, int64, shape (slots + 1,)."""
        counts = self.window.profile.counts
        running = np.zeros(counts.size + 1, np.int64)
        np.cumsum(counts, out=running[1:])
        return running
