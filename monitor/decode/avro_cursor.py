"""Many Avro records of one schema read side by side: value by value, each value of all records at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.decode.avro_leaves import Leaf

Longs = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_MORE, _BITS, _SEVEN, _LAST_SHIFT = 128, 127, 7, 63
_SIZES = {"float": 4, "double": 8}
LEAST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Raw:
    """One value of each record.

    Attributes:
        values: numbers; of texts and bytes where they begin, of enums the symbol's number; shape (n,).
        present: which are not null; None where all are.
        sizes: of texts and bytes, else None.
    """

    values: npt.NDArray[Any]
    present: Mask | None = None
    sizes: Longs | None = None


class Cursor:
    """Where each record is being read.

    Attributes:
        data: the buffer, at least `LEAST_BYTES` long.
        at: place of the next byte of each record; int64, shape (n,). Past the record's end it stays past it.
        good: records that may be of the schema; bool, shape (n,).
    """

    def __init__(self, data: bytes, starts: Longs, ends: Longs) -> None:
        """Stand at the beginning of the records that lie between `starts` and `ends` in `data`."""
        self.data = np.frombuffer(data, np.uint8)
        self.at = starts.astype(np.int64)
        self.good = np.ones(len(starts), np.bool_)
        self._ends = ends
        self._buffer = data

    def read(self, leaf: Leaf) -> Raw:
        """The next value of each record."""
        present = None
        if leaf.branches:
            branch = self._varints(None)
            self.good &= (branch >= 0) & (branch < leaf.branches)
            if leaf.null >= 0 and (branch == leaf.null).any():
                present = branch != leaf.null
        raw = self._value(leaf, present)
        np.minimum(self.at, self._ends + 1, out=self.at)
        return raw

    def ended(self) -> Mask:
        """Records that were good and end where they should."""
        return np.asarray(self.good & (self.at == self._ends), np.bool_)

    def _value(self, leaf: Leaf, present: Mask | None) -> Raw:
        kind = leaf.kind
        if kind == "null":
            return Raw(np.zeros(len(self.at), np.int64), np.zeros(len(self.at), np.bool_))
        if kind in _SIZES:
            return Raw(self._floats(kind, present), present)
        if kind == "boolean":
            values = self.data.take(self.at, mode="clip")
            self._refuse(values > 1, present)
            self._go_on(1, present)
            return Raw(values == 1, present)
        if kind == "fixed":
            begins = self.at.copy()
            self._go_on(leaf.size, present)
            return Raw(begins, present, np.full(len(begins), leaf.size))
        numbers = self._varints(present)
        if kind in {"string", "bytes"}:
            self._refuse(numbers < 0, present)
            begins = self.at.copy()
            self._go_on(np.clip(numbers, 0, len(self.data)), present)
            return Raw(begins, present, numbers)
        if kind == "enum":
            self._refuse((numbers < 0) | (numbers >= len(leaf.symbols)), present)
        return Raw(numbers, present)

    def _floats(self, kind: str, present: Mask | None) -> npt.NDArray[np.float64]:
        size = _SIZES[kind]
        places = np.minimum(self.at, len(self.data) - size)
        view = np.ndarray((len(self.data) - size + 1,), f"V{size}", self._buffer, 0, (1,))
        self._go_on(size, present)
        return view[places].view(f"<f{size}").astype(np.float64)

    def _varints(self, present: Mask | None) -> Longs:
        """Zigzag numbers of up to 64 bits."""
        first = self.data.take(self.at, mode="clip")
        values = (first & _BITS).astype(np.uint64)
        sizes: Longs | int = 1
        more = np.flatnonzero(first >= _MORE)
        if more.size:
            sizes = self._longer(values, more)
        self._go_on(sizes, present)
        return (values >> np.uint64(1)).astype(np.int64) ^ -(values & np.uint64(1)).astype(np.int64)

    def _longer(self, values: npt.NDArray[np.uint64], more: npt.NDArray[np.intp]) -> Longs:
        """Add the bytes after the first one to `values`; the sizes of all numbers."""
        sizes = np.ones(len(values), np.int64)
        shift = _SEVEN
        while more.size and shift <= _LAST_SHIFT:
            byte = self.data.take(self.at[more] + sizes[more], mode="clip")
            values[more] |= (byte & _BITS).astype(np.uint64) << np.uint64(shift)
            sizes[more] += 1
            if shift == _LAST_SHIFT:
                self.good[more[byte > 1]] = False
            more = more[byte >= _MORE]
            shift += _SEVEN
        self.good[more] = False
        return sizes

    def _refuse(self, wrong: Mask, present: Mask | None) -> None:
        self.good &= ~wrong if present is None else ~(wrong & present)

    def _go_on(self, sizes: Longs | int, present: Mask | None) -> None:
        self.at += sizes if present is None else np.where(present, sizes, 0)
