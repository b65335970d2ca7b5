"""A hash table of row numbers, searched and filled in blocks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from monitor.sources.joining.sides import Hashes, Longs, Mask

Slots = npt.NDArray[np.int32]

_EMPTY = -1
_LEAST_BITS = 10
_SPARE_BITS = 1
_WORD = 64


class Index:
    """Finds rows by two hashes: open addressing with linear probing, at most half full.

    The rows' hashes stay with the owner, who hands them in. Rows cannot be taken out: the owner says which rows live,
    and makes a new index when too many do not.
    """

    def __init__(self, rows: int) -> None:
        """An empty table with room for so many rows."""
        self._bits = max(_LEAST_BITS, int(rows).bit_length() + _SPARE_BITS)
        self._slots: Slots = np.full(1 << self._bits, _EMPTY, np.int32)

    @property
    def room(self) -> int:
        """How many rows it may hold."""
        return len(self._slots) >> 1

    @property
    def nbytes(self) -> int:
        """Memory of the table."""
        return self._slots.nbytes

    def find(self, first: Hashes, second: Hashes, rows: tuple[Hashes, Hashes], living: Mask) -> Longs:
        """The living row of each pair of hashes, -1 where there is none; int64, shape (n,).

        Args:
            first: what is looked for, uint64, shape (n,).
            second: the same rows' other hashes.
            rows: the two hashes of all rows.
            living: rows that may be found.
        """
        found = np.full(len(first), _EMPTY, np.int64)
        searching = np.arange(len(first))
        places = self._home(first)
        while len(searching):
            row = self._slots[places]
            taken = row != _EMPTY
            hit = taken & (rows[0][row] == first[searching])
            hit &= (rows[1][row] == second[searching]) & living[row]
            found[searching[hit]] = row[hit]
            on = taken & ~hit
            searching, places = searching[on], self._next(places[on])
        return found

    def insert(self, first: Hashes, rows: Longs) -> None:
        """Put rows in under their first hash; there must be room."""
        places = self._home(first)
        left = rows.astype(np.int32)
        while len(left):
            free = self._slots[places] == _EMPTY
            self._slots[places[free]] = left[free]
            on = self._slots[places] != left
            left, places = left[on], self._next(places[on])

    def _home(self, hashes: Hashes) -> Longs:
        return (hashes >> np.uint64(_WORD - self._bits)).astype(np.int64)

    def _next(self, places: Longs) -> Longs:
        return (places + 1) & (len(self._slots) - 1)
