"""Counts of rows that are odd in some way, of all columns at once, and what the reference has of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors.layout import Kind, Layout, Role
from detectors.profile import Profile

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BREAKING = {
    "missing": "missing",
    "number_as_string": "a number sent as text",
    "wrong_type": "of the wrong type",
    "fractional": "a fraction in a column of whole numbers",
    "null": "null where there were none",
    "not_finite": "NaN or infinite where there were none",
    "bad_encoding": "damaged text",
    "all_null": "null",
    "constant": "the same value in a column that varied",
}
"""Findings that break a consumer of the old schema, in words."""

ADDITIVE = {
    "out_of_range": "outside the reference's range",
    "unseen": "a category that the reference never had",
    "truncated": "text cut for its length",
}
"""Findings that add to the schema, in words."""

COUNTED = (*(kind for kind in BREAKING if kind not in ("all_null", "constant")), *ADDITIVE)
"""Kinds that are counts of rows; the order of the columns of the matrices below."""

LATE = ("missing", "null", "all_null")
"""Kinds that say nothing about a label: it may not be known yet."""

_NOT_FINITE = ("nan", "positive_infinity", "negative_infinity")


@dataclass(frozen=True, eq=False)
class SchemaCounts:
    """Where the odd rows of some columns are counted, and the reference's.

    Attributes:
        layout, profile: the reference's.
        columns: positions in the layout.
    """

    layout: Layout
    profile: Profile
    columns: tuple[int, ...]

    @cached_property
    def _slots(self) -> tuple[Ints, Ints]:
        """Slots that make up each kind, and 1 where there is one, 0 where not; shape (3, columns, kinds) each."""
        slots = np.zeros((len(_NOT_FINITE), len(self.columns), len(COUNTED)), np.int64)
        used = np.zeros_like(slots)
        for c, i in enumerate(self.columns):
            for k, kind in enumerate(COUNTED):
                found = self._of(i, kind)
                slots[: len(found), c, k], used[: len(found), c, k] = found, 1
        return slots, used

    def _of(self, i: int, kind: str) -> list[int]:
        """The slots of one kind in one column."""
        values, numeric = self.layout.values(i), self.layout.columns[i].kind is Kind.NUMERIC
        if kind == "out_of_range":
            return [values.start, values.stop - 1] if numeric else []
        if kind == "unseen":
            return [] if numeric else [values.stop - 1]
        return [self.layout.special(i, name) for name in (_NOT_FINITE if kind == "not_finite" else (kind,))]

    def of(self, counts: Ints) -> Floats:
        """Rows of each kind, float64, shape (columns, kinds)."""
        slots, used = self._slots
        return np.asarray((counts.take(slots) * used).sum(axis=0).astype(np.float64))

    @cached_property
    def usual(self) -> Floats:
        """The reference's rows, float64, shape (columns, kinds)."""
        return self.of(self.profile.counts)

    @cached_property
    def applies(self) -> Flags:
        """Which kinds are the schema's business in which column, bool, shape (columns, kinds)."""
        applies = np.ones(self.usual.shape, np.bool_)
        for kind in ("null", "not_finite"):
            k = COUNTED.index(kind)
            applies[:, k] = self.usual[:, k] == 0
        columns = [self.layout.columns[i] for i in self.columns]
        applies[:, COUNTED.index("fractional")] &= np.array([column.integer for column in columns], np.bool_)
        label = np.array([column.role is Role.LABEL for column in columns], np.bool_)
        late = np.array([kind in LATE for kind in COUNTED])
        return np.asarray(applies & ~(label[:, None] & late))

    @cached_property
    def _bounds(self) -> Ints:
        """First value bin and first special of each column, one after the other."""
        spans = [self.layout.values(i) for i in self.columns]
        return np.array([slot for s in spans for slot in (s.start, s.stop)], dtype=np.int64)

    def in_one_slot(self, counts: Ints) -> Ints:
        """Which of the columns have all their rows in one value bin, or in none; int64, shape (k,)."""
        total = np.add.reduceat(counts, self._bounds)[::2]
        return np.flatnonzero(np.maximum.reduceat(counts, self._bounds)[::2] == total)
