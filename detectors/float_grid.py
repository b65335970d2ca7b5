"""A monotone map from floats to small whole numbers in two or three machine operations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MANTISSA = 52
_LARGEST = 1e300
_BISECTIONS = 66


@dataclass(frozen=True)
class FloatGrid:
    """cell(x) = (bits(x + shift) >> drop) - base, where bits() reads a float's 64 bits as a whole number.

    Adding, reading the bits of what is not negative, and shifting never change the order of two floats, so each cell
    is an interval of floats. With a shift of 1.5 * 2^52 * w and nothing dropped, the sum's last bit is worth w: the
    cells are uniform, of width w. With a small shift they widen with the distance from the lower end, a fixed number
    to each power of two: right for skewed columns.

    Attributes:
        shift: added first.
        drop: low bits that are dropped.
        base: so that cell 0 is below the range.
        cells: cells 1 to cells - 2 lie in the range, the last above it.
    """

    shift: float
    drop: int
    base: int
    cells: int

    @classmethod
    def spanning(cls, low: float, high: float, shift: float, drop: int) -> FloatGrid:
        """The grid with this shift and drop whose cells 1 to cells - 2 reach from low to high."""
        first, last = (int(np.float64(x + shift).view(np.int64)) >> drop for x in (low, high))
        return cls(shift, drop, first - 1, last - first + 3)

    @classmethod
    def uniform(cls, low: float, high: float, width: float) -> FloatGrid | None:
        """Cells of one width, a power of two, centred on its multiples; None where floats cannot do it."""
        shift = 1.5 * 2.0**_MANTISSA * width
        if not math.isfinite(shift) or max(abs(low), abs(high), shift) > _LARGEST:
            return None
        if not width or max(abs(low), abs(high)) >= shift / 4:
            return None
        return cls.spanning(low, high, shift, 0)

    @classmethod
    def skewed(cls, low: float, high: float, smallest: float, per_octave_bits: int) -> FloatGrid | None:
        """2^per_octave_bits cells to each power of two of x - low + smallest; None where floats cannot do it."""
        if max(abs(low), abs(high)) > _LARGEST or smallest - low <= -low:
            return None
        return cls.spanning(low, high, smallest - low, _MANTISSA - per_octave_bits)

    @property
    def width(self) -> float:
        """Width of the cells of a uniform grid."""
        return self.shift / (1.5 * 2.0**_MANTISSA)

    def of(self, values: Floats) -> Ints:
        """Cell of each value that is not NaN, shape (n,), 0 to cells - 1."""
        with np.errstate(over="ignore"):
            bits = (values + self.shift).view(np.int64)
        cells: Ints = np.maximum(bits >> self.drop, self.base)  # before the subtraction: it must not overflow
        cells -= self.base
        np.minimum(cells, self.cells - 1, out=cells)
        return cells

    def covers(self, edges: Floats) -> bool:
        """Whether no value from the first edge up to the last can have a cell outside 0 to cells - 1."""
        ends = np.array([edges[0], np.nextafter(edges[-1], -np.inf)])
        with np.errstate(over="ignore"):
            bits = (ends + self.shift).view(np.int64) >> self.drop
        return bool(bits[0] >= self.base and bits[1] < self.base + self.cells)

    def starts(self, cells: Ints, low: float, high: float) -> Floats:
        """The smallest float of each cell, by bisection; cells must start within (low, high]."""
        under = np.full(cells.size, _rank(np.array([low]))[0])
        reached = np.full(cells.size, _rank(np.array([high]))[0])
        for _ in range(_BISECTIONS):
            middle = (under >> 1) + (reached >> 1) + (under & reached & 1)  # without overflow
            up = self.of(_unrank(middle)) >= cells
            reached, under = np.where(up, middle, reached), np.where(up, under, middle)
        return _unrank(reached)

    def begins(self, values: Floats) -> npt.NDArray[np.bool_]:
        """Whether each value is the smallest float of its cell."""
        with np.errstate(over="ignore"):
            before = np.nextafter(values, -np.inf)
        return self.of(values) > self.of(before)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; whole numbers beyond 2^53 stay whole in Python's JSON."""
        return {"shift": self.shift, "drop": self.drop, "base": self.base, "cells": self.cells}


def _rank(values: Floats) -> Ints:
    """Whole numbers in the order of the floats, neighbours one apart."""
    bits = values.view(np.int64)
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def _unrank(ranks: Ints) -> Floats:
    """The floats of `_rank`."""
    return np.where(ranks < 0, np.int64(-(2**63)) - ranks, ranks).view(np.float64)
