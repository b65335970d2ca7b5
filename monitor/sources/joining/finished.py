"""Identifiers that were joined lately: what else comes under them is a duplicate, or a label that is too late."""

from __future__ import annotations

import numpy as np

from monitor.sources.joining.index import Index
from monitor.sources.joining.sides import NEVER, Hashes, Longs, Mask

_LEAST_ROWS = 1024
ROW_BYTES = 64
"""Memory of one identifier with its share of the index."""


class Finished:
    """Hashes of joined identifiers with the time up to which they are remembered.

    Beyond the limit those that would be forgotten first are forgotten early.
    """

    def __init__(self) -> None:
        self._most = _LEAST_ROWS
        self._used = 0
        self._resize(_LEAST_ROWS)
        self._fresh: list[Longs] = []

    def limit(self, rows: int) -> None:
        """Remember so many at most."""
        self._most = max(rows, _LEAST_ROWS)

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        arrays = (self._first, self._second, self._until, self._labelled)
        return sum(array.nbytes for array in arrays) + self._index.nbytes

    def find(self, first: Hashes, second: Hashes) -> tuple[Longs, Mask]:
        """Until when each identifier is remembered (`NEVER` if it is not known), and whether it had a label."""
        rows = self._rows(first, second)
        known = rows >= 0
        until = np.where(known, self._until[rows], NEVER)
        return until, known & self._labelled[rows]

    def put(self, first: Hashes, second: Hashes, until: Longs, labelled: Mask, clock: int) -> None:
        """Remember identifiers; those that are known already are overwritten.

        Args:
            first: their hashes, no two identifiers alike.
            second: their other hashes.
            until: microseconds.
            labelled: whether a label was joined, or has come too late.
            clock: what ends before it may be forgotten.
        """
        if not len(first):
            return
        if self._used + len(first) > self._index.room:
            self._renew(len(first), clock)
        rows = self._rows(first, second)
        new = np.flatnonzero(rows < 0)
        rows[new] = np.arange(self._used, self._used + len(new))
        self._used += len(new)
        self._first[rows], self._second[rows] = first, second
        self._until[rows], self._labelled[rows] = until, labelled
        self._index.insert(first[new], rows[new])
        self._fresh.append(rows)

    def changed(self) -> tuple[Hashes, Hashes, Longs, Mask]:
        """What was put since the last call, for the state."""
        rows = np.unique(np.concatenate([np.empty(0, np.int64), *self._fresh]))
        self._fresh.clear()
        return self._first[rows], self._second[rows], self._until[rows], self._labelled[rows]

    def _rows(self, first: Hashes, second: Hashes) -> Longs:
        living = np.ones(len(self._first), bool)
        return self._index.find(first, second, (self._first, self._second), living)

    def _renew(self, more: int, clock: int) -> None:
        """Forget what is over, and the oldest where there are too many."""
        fresh = np.zeros(self._used, bool)
        for rows in self._fresh:
            fresh[rows] = True
        kept = np.flatnonzero((self._until[: self._used] >= clock) | fresh)
        over = len(kept) + more - self._most
        if over > 0:
            order = np.argsort(self._until[kept], kind="stable")
            kept = np.sort(kept[order[min(over + self._most // 4, len(kept)) :]])
        old = self._first[kept], self._second[kept], self._until[kept], self._labelled[kept]
        self._resize(max(_LEAST_ROWS, len(kept) + more + (len(kept) >> 1)))
        self._used = len(kept)
        rows = np.arange(self._used)
        self._first[rows], self._second[rows], self._until[rows], self._labelled[rows] = old
        self._index.insert(old[0], rows)
        self._fresh = [np.flatnonzero(fresh[kept])]

    def _resize(self, rows: int) -> None:
        self._index = Index(rows)
        self._first = np.zeros(self._index.room, np.uint64)
        self._second = np.zeros(self._index.room, np.uint64)
        self._until = np.full(self._index.room, NEVER, np.int64)
        self._labelled = np.zeros(self._index.room, bool)
