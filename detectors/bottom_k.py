"""The k smallest hashes of a set of values, each with how often it came: a mergeable sample of distinct values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class BottomK:
    """Bottom-k sketch with exact multiplicities.

    A hash that is among the k smallest of the whole is among the k smallest of every part that it came in, so
    merging is exact: associative, commutative, and equal to one pass over all rows.

    Attributes:
        k: how many distinct hashes are kept.
        keys: uint64, ascending, at most k.
        counts: int64, rows of each key.
        values: the value behind each key, or empty where values are not kept.
        rows: all rows that were offered, kept or not.

    References:
        Cohen, Kaplan (2007), Summarizing data using bottom-k sketches.
    """

    k: int
    keys: npt.NDArray[np.uint64]
    counts: npt.NDArray[np.int64]
    values: tuple[str, ...] = ()
    rows: int = 0

    @classmethod
    def empty(cls, k: int) -> BottomK:
        """A sketch of nothing."""
        return cls(k, np.empty(0, np.uint64), np.empty(0, np.int64))

    @classmethod
    def of(
        cls,
        k: int,
        hashes: npt.NDArray[np.uint64],
        counts: npt.NDArray[np.int64] | None = None,
        values: Sequence[str] = (),
    ) -> BottomK:
        """Sketch of hashes, shape (n,), that may repeat; `counts` and `values` run beside them where given."""
        if hashes.size == 0:
            return cls.empty(k)
        keys, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        weights = np.ones(hashes.size, np.int64) if counts is None else counts
        totals = np.zeros(keys.size, np.int64)
        np.add.at(totals, inverse, weights)
        kept = tuple(values[j] for j in first[:k]) if len(values) else ()
        return cls(k, keys[:k].copy(), totals[:k], kept, int(weights.sum()))

    @classmethod
    def smallest(cls, k: int, hashes: npt.NDArray[np.uint64]) -> BottomK:
        """The same as `of`, without sorting hashes that are too large to be kept."""
        share = 2.0 * (k + 1) / max(hashes.size, 1)
        while share < 1.0:
            few = cls.of(k, hashes[hashes < np.uint64(share * 2.0**64)])
            if few.keys.size == k:
                return cls(k, few.keys, few.counts, (), hashes.size)
            share *= 8.0
        return cls.of(k, hashes)

    @classmethod
    def merge(cls, k: int, parts: Iterable[BottomK]) -> BottomK:
        """One sketch of everything that the parts have seen."""
        full = [part for part in parts if part.rows]
        if len(full) <= 1:
            return full[0] if full else cls.empty(k)
        values = [value for part in full for value in part.values]
        merged = cls.of(
            k, np.concatenate([p.keys for p in full]), np.concatenate([p.counts for p in full]), values
        )
        return cls(k, merged.keys, merged.counts, merged.values, sum(p.rows for p in full))

    def __add__(self, other: BottomK) -> BottomK:
        """Merge two sketches."""
        return BottomK.merge(self.k, (self, other))

    def __eq__(self, other: object) -> bool:
        """Same keys, counts, values and rows."""
        if not isinstance(other, BottomK):
            return NotImplemented
        return (
            (self.k, self.rows, self.values) == (other.k, other.rows, other.values)
            and np.array_equal(self.keys, other.keys)
            and np.array_equal(self.counts, other.counts)
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays

    @property
    def exact(self) -> bool:
        """All distinct values are kept: nothing was left out."""
        return self.keys.size < self.k or int(self.counts.sum()) == self.rows

    @property
    def distinct(self) -> float:
        """Number of distinct values: exact where `exact`, else (k - 1) / the k-th hash as a share of 2^64."""
        if self.exact:
            return float(self.keys.size)
        return (self.keys.size - 1) / (float(self.keys[-1]) / 2.0**64)

    @property
    def duplicates(self) -> float:
        """Share of rows that repeat a value seen before, over the kept values; 0 for no rows."""
        kept = int(self.counts.sum())
        return 1.0 - self.keys.size / kept if kept else 0.0

    def most_frequent(self) -> tuple[str, int]:
        """The kept value with the most rows and its rows; ("", 0) where there is none."""
        if not self.values:
            return "", 0
        j = int(np.argmax(self.counts))
        return self.values[j], int(self.counts[j])

    def to_json(self) -> dict[str, Any]:
        """As JSON values; keys as hexadecimal text, since JSON numbers end at 2^53."""
        return {
            "k": self.k,
            "rows": self.rows,
            "keys": self.keys.astype(">u8").tobytes().hex(),
            "counts": self.counts.tolist(),
            "values": list(self.values),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> BottomK:
        """What `to_json` described."""
        keys = np.frombuffer(bytes.fromhex(data["keys"]), ">u8").astype(np.uint64)
        counts = np.asarray(data["counts"], np.int64)
        return cls(int(data["k"]), keys, counts, tuple(data["values"]), int(data["rows"]))
