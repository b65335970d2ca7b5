"""What a span of time looked like under one reference's binning."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.archive import ArchiveError, pack, unpack
from detectors.binning import CategoricalBinning
from detectors.bottom_k import BottomK
from detectors.layout import Layout
from detectors.moments import Moments
from detectors.sample import Sample
from detectors.sparse_counts import SparseCounts

WEIGHT_UNIT = 2.0**-20
"""Row weights are summed in whole multiples of this."""

UNKNOWN_CAP = 100
"""How many unknown columns a profile names."""


@dataclass(frozen=True, eq=False)
class Profile:
    """Counts, sums and samples of some rows; profiles add up in any order and grouping to the same answer.

    Attributes:
        layout: whose columns and bins these are.
        rows: number of rows.
        weight_units: sum of the rows' weights in whole multiples of 2^-20.
        cells: `counts` and after them `joint`, as one vector; sparse for panes of few rows.
        minimum, maximum: float64, shape (columns,): over finite values; NaN where there is none.
        moments: exact sums; see `mean` and `variance`.
        ids: hashes of the rows' ids, to measure the share of duplicates.
        unseen: by position of a categorical column, values that the reference never had.
        sample: some rows as bin codes.
        unknown: rows that carried a column which the reference does not have, by name; the first 100 by alphabet.
    """

    layout: Layout
    rows: int
    weight_units: int
    cells: npt.NDArray[np.int64] | SparseCounts
    minimum: npt.NDArray[np.float64]
    maximum: npt.NDArray[np.float64]
    moments: Moments
    ids: BottomK
    unseen: dict[int, BottomK]
    sample: Sample
    unknown: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for array in (self.cells, self.minimum, self.maximum):
            if isinstance(array, np.ndarray):
                array.setflags(write=False)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Rows in each slot, int64, shape (layout.slots,), see `Layout`."""
        return self._dense[: self.layout.slots]

    @property
    def joint(self) -> npt.NDArray[np.int64]:
        """The joint tables one after the other, int64, see `table`."""
        return self._dense[self.layout.slots :]

    @property
    def _dense(self) -> npt.NDArray[np.int64]:
        return self.cells.dense() if isinstance(self.cells, SparseCounts) else self.cells

    @property
    def weight(self) -> float:
        """Sum of the rows' weights; the number of rows where none are given."""
        return self.weight_units * WEIGHT_UNIT

    @classmethod
    def empty(cls, layout: Layout) -> Profile:
        """The profile of no rows."""
        return cls.merge(layout, ())

    @classmethod
    def merge(cls, layout: Layout, profiles: Iterable[Profile]) -> Profile:
        """One profile of all rows of the parts; they must share the layout."""
        parts = tuple(profiles)
        columns = len(layout.columns)
        cells = np.zeros(layout.cells, np.int64)
        minimum, maximum = np.full(columns, np.nan), np.full(columns, np.nan)
        for part in parts:
            if isinstance(part.cells, SparseCounts):
                part.cells.add_to(cells)
            else:
                cells += part.cells
            np.fmin(minimum, part.minimum, out=minimum)
            np.fmax(maximum, part.maximum, out=maximum)
        return cls(
            layout=layout,
            rows=sum(part.rows for part in parts),
            weight_units=sum(part.weight_units for part in parts),
            cells=cells,
            minimum=minimum,
            maximum=maximum,
            moments=Moments.merge(columns, (part.moments for part in parts)),
            ids=BottomK.merge(layout.id_rows, (part.ids for part in parts)),
            unseen=_merge_unseen(layout, [part.unseen for part in parts if part.unseen]),
            sample=Sample.merge(layout.sample_rows, columns, (part.sample for part in parts)),
            unknown=bounded(part.unknown for part in parts),
        )

    def __add__(self, other: Profile) -> Profile:
        """One profile of both."""
        return Profile.merge(self.layout, (self, other))

    def __eq__(self, other: object) -> bool:
        """Same content."""
        if not isinstance(other, Profile):
            return NotImplemented
        return (
            (self.rows, self.weight_units, self.unknown) == (other.rows, other.weight_units, other.unknown)
            and np.array_equal(self._dense, other._dense)
            and np.array_equal(self.minimum, other.minimum, equal_nan=True)
            and np.array_equal(self.maximum, other.maximum, equal_nan=True)
            and (self.moments, self.ids, self.unseen) == (other.moments, other.ids, other.unseen)
            and self.sample == other.sample
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays

    def values(self, i: int) -> npt.NDArray[np.int64]:
        """Counts of column i over its value bins."""
        return self.counts[self.layout.values(i)]

    def special(self, i: int, name: str) -> int:
        """Rows of column i in one of `SPECIALS` or `REMARKS`."""
        return int(self.counts[self.layout.special(i, name)])

    def table(self, j: int) -> npt.NDArray[np.int64]:
        """Joint table j: shape (value bins of the first column, value bins of the second)."""
        a, b = self.layout.joints[j]
        start, end = self.layout.joint_offsets[j : j + 2]
        return self.joint[start:end].reshape(self.layout.binnings[a].size, self.layout.binnings[b].size)

    def mean(self, i: int) -> float:
        """Mean of a numeric column's finite values, within half a quantum; NaN for none or for categories."""
        n, total, _ = self._sums(i)
        return _to_float(total / n) if n else math.nan

    def variance(self, i: int) -> float:
        """Variance (n in the denominator) of a numeric column's finite values; NaN for none or for categories."""
        n, total, squares = self._sums(i)
        return _to_float(squares / n - (total / n) ** 2) if n else math.nan

    def _sums(self, i: int) -> tuple[int, Fraction, Fraction]:
        binning = self.layout.binnings[i]
        n = int(self.values(i).sum())
        if not n or isinstance(binning, CategoricalBinning):
            return 0, Fraction(0), Fraction(0)
        total, squares = self.moments.exact(i, n, binning.centre, binning.quantum)
        return n, total, squares

    def with_unknown(self, unknown: Mapping[str, int]) -> Profile:
        """The same with rows that carried unknown columns added."""
        return replace(self, unknown=bounded([self.unknown, unknown]))

    def without_sample(self) -> Profile:
        """The same counts with an empty sample of rows: a tenth of the size."""
        return replace(self, sample=Sample.empty(self.sample.k, len(self.layout.columns)))

    def to_bytes(self) -> bytes:
        """Compressed, without the layout; the same bytes for the same profile."""
        meta: dict[str, Any] = {
            "rows": self.rows,
            "weight": self.weight_units,
            "slots": self.layout.slots,
            "far": self.moments.to_json(),
            "ids": self.ids.to_json(),
            "unseen": {str(i): sketch.to_json() for i, sketch in self.unseen.items()},
            "sample": self.sample.k,
            "unknown": self.unknown,
        }
        arrays: dict[str, npt.NDArray[Any]] = {
            "cells": self._dense,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "first": self.moments.first,
            "second": self.moments.second,
            "keys": self.sample.keys,
            "codes": self.sample.codes,
        }
        return pack(meta, arrays)

    @classmethod
    def from_bytes(cls, layout: Layout, data: bytes) -> Profile:
        """What `to_bytes` wrote.

        Raises:
            ArchiveError: damaged, or written under another layout.
        """
        meta, arrays = unpack(data)
        if meta["slots"] != layout.slots or arrays["cells"].size != layout.cells:
            raise ArchiveError("this profile was made under another reference's layout")
        return cls(
            layout=layout,
            rows=meta["rows"],
            weight_units=meta["weight"],
            cells=arrays["cells"],
            minimum=arrays["minimum"],
            maximum=arrays["maximum"],
            moments=Moments(arrays["first"], arrays["second"], Moments.far_from_json(meta["far"])),
            ids=BottomK.from_json(meta["ids"]),
            unseen={int(i): BottomK.from_json(sketch) for i, sketch in meta["unseen"].items()},
            sample=Sample(meta["sample"], arrays["keys"], arrays["codes"]),
            unknown=meta["unknown"],
        )


def bounded(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Sums by name, of the first 100 names of the alphabet: dropping the later ones merges exactly."""
    total: dict[str, int] = {}
    for part in counts:
        for name, rows in part.items():
            total[name] = total.get(name, 0) + rows
    return dict(sorted(total.items())[:UNKNOWN_CAP])


def _merge_unseen(layout: Layout, parts: Sequence[Mapping[int, BottomK]]) -> dict[int, BottomK]:
    """Merge the sketches column by column."""
    positions = sorted({i for part in parts for i in part})
    return {
        i: BottomK.merge(layout.unseen_values, (part[i] for part in parts if i in part)) for i in positions
    }


def _to_float(value: Fraction) -> float:
    """As a float, infinite where it is too large."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)
