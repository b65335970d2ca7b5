"""A fixed number of rows, chosen by hash, as bin codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Sample:
    """The k rows with the smallest hash of their running number: a uniform sample that merges exactly.

    Attributes:
        k: how many rows are kept at most.
        keys: uint64, shape (n,), ascending; the hash of each row's running number.
        codes: uint16, shape (n, columns): each value's bin; from the binning's size on, the specials in their order.
    """

    k: int
    keys: npt.NDArray[np.uint64]
    codes: npt.NDArray[np.uint16]

    @classmethod
    def empty(cls, k: int, columns: int) -> Sample:
        """A sample of no rows."""
        return cls(k, np.empty(0, np.uint64), np.empty((0, columns), np.uint16))

    @classmethod
    def of(cls, k: int, keys: npt.NDArray[np.uint64], codes: npt.NDArray[np.uint16]) -> Sample:
        """The k smallest of these rows; equal keys are ordered by their codes, so any order gives the same."""
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        ties = ranked[1:] == ranked[:-1]
        if ties.any():
            order = np.lexsort((*codes.T[::-1], keys))
        chosen = order[:k]
        return cls(k, keys[chosen], np.ascontiguousarray(codes[chosen]))

    @classmethod
    def merge(cls, k: int, columns: int, parts: Iterable[Sample]) -> Sample:
        """One sample of all rows that the parts were drawn from."""
        full = [part for part in parts if part.keys.size]
        if len(full) <= 1:
            return full[0] if full else cls.empty(k, columns)
        return cls.of(k, np.concatenate([p.keys for p in full]), np.concatenate([p.codes for p in full]))

    def __len__(self) -> int:
        """Rows in the sample."""
        return int(self.keys.size)

    def __eq__(self, other: object) -> bool:
        """Same rows."""
        if not isinstance(other, Sample):
            return NotImplemented
        same = np.array_equal(self.keys, other.keys) and np.array_equal(self.codes, other.codes)
        return self.k == other.k and same

    __hash__ = None  # type: ignore[assignment]  # holds arrays
