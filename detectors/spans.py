"""The newest windows added up, at several lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.base import Window
from detectors.profile import Profile

Ints = npt.NDArray[np.int64]

LENGTHS = (1, 2, 3, 5, 8)
"""The newest windows that are added up and judged together."""


@dataclass(frozen=True, eq=False)
class Spans:
    """The newest windows added up, at several lengths.

    Attributes:
        lengths: how many windows each span has, rising, the first is 1.
        counts: int64, shape (spans, slots). rows: int64, shape (spans,).
        sums: int64, shape (spans, columns): sums of the values near the reference's, in quanta, see `Moments`.
        far: int64, shape (spans, columns): rows whose values are not near.
    """

    lengths: tuple[int, ...]
    counts: Ints
    rows: Ints
    sums: Ints
    far: Ints

    @classmethod
    def of(cls, window: Window) -> Spans:
        """Add up the window and its history."""
        parts = (window.profile, *window.history)
        lengths = tuple(n for n in LENGTHS if n <= len(parts))
        used = parts[: lengths[-1]]
        rows = np.cumsum([p.rows for p in used])[np.array(lengths) - 1].astype(np.int64)
        counts, sums, far = (
            _running([get(p) for p in used], lengths)
            for get in (lambda p: p.counts, lambda p: p.moments.first, far_rows)
        )
        return cls(lengths, counts, rows, sums, far)


def _running(parts: Sequence[Ints], lengths: tuple[int, ...]) -> Ints:
    """Sums of the first so many parts, one a length; faster than `cumsum` across rows."""
    if len(parts) == 1:
        return parts[0][None]
    sums = np.empty((len(lengths), parts[0].size), np.int64)
    total = parts[0].copy()
    sums[0] = total
    for k, part in enumerate(parts[1:], 2):
        total += part
        if k in lengths:
            sums[lengths.index(k)] = total
    return sums


def far_rows(profile: Profile) -> Ints:
    """Rows of each column that are not in the sums of `Moments`."""
    rows = np.zeros(len(profile.layout.columns), dtype=np.int64)
    for i, (count, _, _) in profile.moments.far.items():
        rows[i] = count
    return rows
