"""Frozen quantile bins of a numeric column."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

MOMENT_BITS = 20
"""Values from `origin` to `origin + 2^20 quantum` are summed as whole multiples of the quantum."""


@dataclass(frozen=True, eq=False)
class NumericBinning:
    """Bins between edges: below the first, the bins, at or above the last.

    Code 0 is x < edges[0], code i is edges[i-1] <= x < edges[i], code `bins + 1` is x >= edges[-1]. The last edge is
    the float after the largest reference value. A value that holds more than 1/bins of the reference has a bin
    [v, nextafter(v)) of its own; every other bin holds at most 1/bins.

    Attributes:
        edges: float64, shape (bins + 1,), strictly ascending.
        origin, quantum: sums are kept in whole multiples of `quantum` (a power of two) from `origin`.
    """

    edges: Floats
    origin: float
    quantum: float

    @classmethod
    def fit(cls, values: Floats, bins: int = 256) -> NumericBinning:
        """Quantile bins of finite values; one empty bin at 0 where there are none.

        Args:
            values: float64, shape (n,); only finite ones are used.
            bins: the aim; with heavy values up to twice as many.
        """
        finite = np.sort(values[np.isfinite(values)])
        if finite.size == 0:
            return cls.from_edges(np.array([0.0, np.nextafter(0.0, 1.0)]))
        return cls.from_edges(_quantile_edges(finite, bins))

    @classmethod
    def from_edges(cls, edges: Floats) -> NumericBinning:
        """Bins between given edges."""
        low, high = float(edges[0]), float(edges[-1])
        span = max(high - low, float(np.spacing(max(abs(low), abs(high)))))
        if not math.isfinite(span):
            span = np.finfo(np.float64).max
        quantum = 2.0 ** max(math.ceil(math.log2(span)) - MOMENT_BITS, -1000)
        origin = math.floor(low / quantum) * quantum if math.isfinite(low / quantum) else low
        return cls(np.ascontiguousarray(edges, np.float64), origin, quantum)

    @cached_property
    def size(self) -> int:
        """Value bins with those below and above."""
        return int(self.edges.size) + 1

    @property
    def bins(self) -> int:
        """Bins inside the range."""
        return int(self.edges.size) - 1

    def codes(self, values: Floats) -> Codes:
        """Code of each finite value, shape (n,), 0 to size - 1."""
        return np.searchsorted(self.edges, values, side="right")

    def to_json(self) -> dict[str, Any]:
        """As JSON values; floats survive exactly."""
        return {"type": "numeric", "edges": self.edges.tolist()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> NumericBinning:
        """What `to_json` described."""
        return cls.from_edges(np.asarray(data["edges"], np.float64))


def _quantile_edges(ordered: Floats, bins: int) -> Floats:
    """Edges for ascending values: heavy values alone, the others in groups of at most n / bins rows."""
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    distinct = ordered[starts]
    ends = np.append(starts[1:], ordered.size)
    if distinct.size <= bins:
        return np.append(distinct, np.nextafter(distinct[-1], np.inf))
    most = ordered.size / bins
    heavy = np.flatnonzero((ends - starts) > most)
    edges: list[float] = []
    position = 0
    for wall in (*heavy, distinct.size):
        while position < wall:
            edges.append(float(distinct[position]))
            last = int(np.searchsorted(ends, starts[position] + most, side="right"))
            position = min(max(last, position + 1), wall)
        if wall < distinct.size:
            edges += [float(distinct[wall]), float(np.nextafter(distinct[wall], np.inf))]
            position = int(wall) + 1
    edges.append(float(np.nextafter(ordered[-1], np.inf)))
    return np.unique(np.asarray(edges))
