"""Sums and sums of squares that come out the same in any order and grouping."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

_LIMB = 32
_MASK = (1 << _LIMB) - 1
_FAR_BITS = 26
_FAR_EXPONENT = -1100
"""Far values are whole multiples of 2^-1100 (their squares of 2^-2200), which covers every float."""

Far = tuple[int, int, int]
"""Rows, sum and sum of squares of the values outside that span, in the units above."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Exact sums of every column's values.

    A value inside or near the reference's range enters as the whole multiple q of the quantum that is nearest to
    x - centre, at most 2^19; one far away enters with 26 significant bits as a whole number of any length. Whole
    numbers add up exactly, so neither the order of the rows nor the way they were grouped into batches, panes and
    machines can change a mean.

    Attributes:
        first: int64, shape (columns,): sum of q.
        second: int64, shape (columns, 2): sum of q^2 as high * 2^32 + low, 0 <= low < 2^32.
        far: by column, the values outside that span.
    """

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    far: dict[int, Far] = field(default_factory=dict)

    @classmethod
    def empty(cls, columns: int) -> Moments:
        """Sums of nothing."""
        return cls(np.zeros(columns, np.int64), np.zeros((columns, 2), np.int64))

    @classmethod
    def merge(cls, columns: int, parts: Iterable[Moments]) -> Moments:
        """The sums over all parts."""
        total = cls.empty(columns)
        far: dict[int, Far] = {}
        for part in parts:
            np.add(total.first, part.first, out=total.first)
            np.add(total.second, part.second, out=total.second)
            for i, (rows, first, second) in part.far.items():
                old = far.get(i, (0, 0, 0))
                far[i] = (old[0] + rows, old[1] + first, old[2] + second)
        return cls(total.first, carried(total.second), dict(sorted(far.items())))

    def __eq__(self, other: object) -> bool:
        """Same sums."""
        if not isinstance(other, Moments):
            return NotImplemented
        same = np.array_equal(self.first, other.first) and np.array_equal(self.second, other.second)
        return same and self.far == other.far

    __hash__ = None  # type: ignore[assignment]  # holds arrays

    def exact(self, i: int, rows: int, centre: float, quantum: float) -> tuple[Fraction, Fraction]:
        """Sum and sum of squares of column i over `rows` finite values, as fractions."""
        far_rows, far_first, far_second = self.far.get(i, (0, 0, 0))
        near, start, step = rows - far_rows, Fraction(centre), Fraction(quantum)
        q1 = int(self.first[i])
        q2 = (int(self.second[i, 0]) << _LIMB) + int(self.second[i, 1])
        unit = Fraction(1, 1 << -_FAR_EXPONENT)
        total = near * start + step * q1 + far_first * unit
        squares = near * start**2 + 2 * start * step * q1 + step**2 * q2 + far_second * unit**2
        return total, squares

    def to_json(self) -> dict[str, Any]:
        """The far sums as JSON values; the arrays travel beside them."""
        return {str(i): [rows, hex(first), hex(second)] for i, (rows, first, second) in self.far.items()}

    @staticmethod
    def far_from_json(data: dict[str, Any]) -> dict[int, Far]:
        """What `to_json` described."""
        return {int(i): (rows, int(first, 16), int(second, 16)) for i, (rows, first, second) in data.items()}


def carried(second: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The same numbers with the low limb below 2^32: one form for one number."""
    return np.stack([second[..., 0] + (second[..., 1] >> _LIMB), second[..., 1] & _MASK], axis=-1)


def far_sums(values: npt.NDArray[np.float64]) -> Far:
    """Exact rows, sum and sum of squares of finite values, shape (n,), each first rounded to 26 significant bits."""
    mantissas, exponents = np.frexp(values)
    whole = np.rint(mantissas * 2.0**_FAR_BITS).astype(np.int64)
    first = second = 0
    for exponent in np.unique(exponents):
        chosen = whole[exponents == exponent]
        squares = chosen * chosen
        high, low = int((squares >> _FAR_BITS).sum()), int((squares & ((1 << _FAR_BITS) - 1)).sum())
        shift = int(exponent) - _FAR_BITS - _FAR_EXPONENT
        first += int(chosen.sum()) << shift
        second += ((high << _FAR_BITS) + low) << (2 * shift)
    return int(values.size), first, second
