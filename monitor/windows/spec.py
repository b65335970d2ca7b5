"""Which windows there are: lengths, slides, and the panes that all of them are sums of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

MICROSECONDS = 1_000_000
MINUTE = 60 * MICROSECONDS


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """One kind of window of a monitor.

    Attributes:
        name: what users call it: `1h`, `1h/15m`, `1000rows`.
        length: microseconds of event time, or rows.
        slide: distance of two starts, in the same unit; equal to the length for tumbling windows.
        by_rows: lengths are rows in arrival order.
        min_rows: fewer rows give *insufficient*.
    """

    name: str
    length: int
    slide: int
    by_rows: bool = False
    min_rows: int = 1

    def newest_start(self, at: int) -> int:
        """Start of the newest window that contains the place `at`."""
        return at // self.slide * self.slide

    def oldest_start(self, at: int) -> int:
        """Start of the oldest window that contains the place `at`."""
        return ((at - self.length) // self.slide + 1) * self.slide

    def newest_closed(self, watermark: int) -> int:
        """Start of the newest window that ends at or before the watermark."""
        return (watermark - self.length) // self.slide * self.slide


@dataclass(frozen=True, slots=True)
class Key:
    """Whose windows: a model version ("" where records have none) and a segment ("" for all rows)."""

    version: str = ""
    segment: str = ""


def pane_length(specs: Sequence[WindowSpec], configured: int | None = None) -> int:
    """The span of one pane: the configured one, or the largest that divides all lengths and slides.

    Raises:
        ValueError: the configured pane does not divide every length and slide.
    """
    common = reduce(gcd, (n for spec in specs for n in (spec.length, spec.slide)))
    if configured is None:
        return common
    if common % configured:
        raise ValueError("pane must divide every window's length and slide")
    return configured


def late_before(specs: Sequence[WindowSpec], watermark: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places before this are in closed windows only; int64, the shape of `watermark`.

    A row is late when every window that contains it ends at or before the watermark.
    """
    bounds = [((watermark - spec.length) // spec.slide + 1) * spec.slide for spec in specs]
    return np.asarray(np.minimum.reduce(bounds), dtype=np.int64)
