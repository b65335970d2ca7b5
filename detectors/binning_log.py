"""Fixed bins whose width is a fixed share of the value, for times and sizes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LogBinning:
    """Every power of two from 2^low to 2^high cut into 64 equal bins; below and above as for numbers.

    A value's bin is read from the high bits of its float. A bin's midpoint is within 1/128 (0.78 %) of every value in
    it, so quantiles have a relative error of at most 0.8 %. The defaults reach from 2^-14 s (61 microseconds) to
    2^10 s (17 minutes).

    References:
        HdrHistogram; Masson, Rim, Lee (2019), DDSketch, for quantiles of bounded relative error.
    """

    low: int = -14
    high: int = 10

    @cached_property
    def edges(self) -> Floats:
        """Lower edge of each bin and the upper edge of the last, float64, shape (bins + 1,)."""
        fractions = 1.0 + np.arange(64) / 64.0
        scales = 2.0 ** np.arange(self.low, self.high)
        return np.append((scales[:, None] * fractions).ravel(), 2.0**self.high)

    @cached_property
    def size(self) -> int:
        """Value bins with those below and above."""
        return self.bins + 2

    @property
    def bins(self) -> int:
        """Bins inside the range."""
        return (self.high - self.low) * 64

    @property
    def centre(self) -> float:
        """Sums are kept in whole multiples of `quantum` from here."""
        return 0.5

    @property
    def quantum(self) -> float:
        """A microsecond, about."""
        return 2.0**-20

    @property
    def relative_error(self) -> float:
        """Largest relative error of a bin's midpoint."""
        return 1.0 / 128.0

    def codes(self, values: Floats) -> npt.NDArray[np.intp]:
        """Code of each finite value, shape (n,), 0 to size - 1."""
        first = (1023 + self.low) << 6
        cells = (np.ascontiguousarray(values, np.float64).view(np.int64) >> 46) - (first - 1)
        return np.asarray(np.clip(cells, 0, self.size - 1))

    def quantile(self, counts: npt.NDArray[np.int64], q: float) -> float:
        """The q-quantile (0 to 1) of counts over the value bins, shape (size,); NaN for no rows.

        Below the range the answer is the lowest edge, above it the highest.
        """
        total = int(counts.sum())
        if total == 0:
            return float("nan")
        rank = min(max(q, 0.0), 1.0) * (total - 1)
        code = int(np.searchsorted(np.cumsum(counts), rank, side="right"))
        if code == 0:
            return float(self.edges[0])
        if code >= self.size - 1:
            return float(self.edges[-1])
        return float(self.edges[code - 1] + self.edges[code]) / 2.0

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"type": "log", "low": self.low, "high": self.high}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> LogBinning:
        """What `to_json` described."""
        return cls(int(data["low"]), int(data["high"]))
