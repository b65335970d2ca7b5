"""Identifiers that are not complete yet: which sides are here, and until when the others may come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.sources.joining.halves import Halves
from monitor.sources.joining.index import Index
from monitor.sources.joining.sides import ALWAYS, NAMES, NEVER, PAIR, Bytes, Hashes, Longs, Terms

NOTHING = -1
"""Reference to no half."""

_LEAST_ROWS = 1024


@dataclass
class GroupRows:
    """Some identifiers.

    Attributes:
        first, second: hashes of the identifier; uint64, shape (n,).
        seen: bits of the sides that are here; uint8, shape (n,).
        due: last moment at which something may be added, microseconds; int64, shape (n,).
        halves: reference of each side's half, -1 for none; int64, shape (n, 3).
    """

    first: Hashes
    second: Hashes
    seen: Bytes
    due: Longs
    halves: Longs

    @classmethod
    def empty(cls, rows: int) -> GroupRows:
        """Rows that hold nothing."""
        return cls(
            np.zeros(rows, np.uint64),
            np.zeros(rows, np.uint64),
            np.zeros(rows, np.uint8),
            np.zeros(rows, np.int64),
            np.full((rows, len(NAMES)), NOTHING, np.int64),
        )

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.due)

    def take(self, rows: Longs) -> GroupRows:
        """A copy of some rows."""
        return GroupRows(
            self.first[rows], self.second[rows], self.seen[rows], self.due[rows], self.halves[rows]
        )

    def put(self, rows: Longs, others: GroupRows) -> None:
        """Overwrite some rows."""
        self.first[rows], self.second[rows] = others.first, others.second
        self.seen[rows], self.due[rows], self.halves[rows] = others.seen, others.due, others.halves


class Groups:
    """The waiting identifiers in growing arrays, found by their hashes. A row with nothing in it is dead."""

    def __init__(self) -> None:
        self._index = Index(_LEAST_ROWS)
        self._rows = GroupRows.empty(self._index.room)
        self._used = 0
        self._earliest = ALWAYS

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        rows = self._rows
        arrays = (rows.first, rows.second, rows.seen, rows.due, rows.halves)
        return sum(array.nbytes for array in arrays) + self._index.nbytes

    @property
    def living(self) -> Longs:
        """Numbers of the rows that live."""
        return np.flatnonzero(self._rows.seen[: self._used])

    def find(self, first: Hashes, second: Hashes) -> Longs:
        """Row of each identifier, -1 for none."""
        rows = self._rows
        return self._index.find(first, second, (rows.first, rows.second), rows.seen != 0)

    def take(self, rows: Longs) -> GroupRows:
        """A copy of some rows."""
        return self._rows.take(rows)

    def update(self, rows: Longs, values: GroupRows) -> None:
        """Overwrite rows that were found; `seen` 0 makes them dead."""
        self._rows.put(rows, values)
        self._note(values)

    def kill(self, rows: Longs) -> None:
        """Forget rows."""
        self._rows.seen[rows] = 0

    def insert(self, values: GroupRows) -> None:
        """Add identifiers that are not here yet."""
        if self._used + len(values) > self._index.room:
            self._renew(len(values))
        rows = np.arange(self._used, self._used + len(values))
        self._rows.put(rows, values)
        self._index.insert(values.first, rows)
        self._used += len(values)
        self._note(values)

    def due(self, before: int) -> Longs:
        """Rows whose time is over."""
        if self._earliest >= before:
            return np.empty(0, np.int64)
        living = self.living
        due = self._rows.due[living]
        over = due < before
        self._earliest = int(due[~over].min(initial=ALWAYS))
        return living[over]

    def renumber(self, halves: Longs, living: Longs) -> None:
        """New references for the halves of the living rows."""
        self._rows.halves[living] = halves

    def _note(self, values: GroupRows) -> None:
        self._earliest = min(self._earliest, int(values.due[values.seen != 0].min(initial=ALWAYS)))

    def _renew(self, more: int) -> None:
        """Leave the dead behind, and make room."""
        kept = self._rows.take(self.living)
        self._index = Index(max(_LEAST_ROWS, 2 * (len(kept) + more)))
        self._rows = GroupRows.empty(self._index.room)
        self._used = len(kept)
        rows = np.arange(self._used)
        self._rows.put(rows, kept)
        self._index.insert(kept.first, rows)


def groups_of(halves: Halves, references: Longs, terms: Terms) -> GroupRows:
    """The waiting identifiers, by their halves."""
    found = halves.gather_all(references, ("first", "second"))
    first, second = (column.view(np.uint64) for column in found)
    order = np.lexsort((second, first))
    first, second, references = first[order], second[order], references[order]
    sides, times = halves.gather_all(references, ("sides", "times"))
    if not len(references):
        return GroupRows.empty(0)
    change = np.concatenate([[True], (first[1:] != first[:-1]) | (second[1:] != second[:-1])])
    begins, owner = np.flatnonzero(change), np.cumsum(change) - 1
    rows = GroupRows.empty(len(begins))
    rows.first, rows.second = first[begins], second[begins]
    rows.halves[owner, sides] = references
    bits = np.left_shift(1, np.arange(len(NAMES)))
    rows.seen = ((rows.halves != NOTHING) @ bits).astype(np.uint8)
    pair_times = np.full((len(begins), len(NAMES)), NEVER, np.int64)
    pair_times[owner, sides] = times
    paired = (rows.seen & PAIR) == PAIR
    rows.due = np.where(
        paired,
        pair_times[:, :2].max(axis=1) + terms.label_wait,
        np.minimum.reduceat(times, begins) + terms.wait,
    )
    return rows
