"""Many profiles of few rows each, in one pass over the columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.binning import CategoricalBinning, LogBinning, NumericBinning
from detectors.bottom_k import BottomK
from detectors.column_reader import ColumnReader, sketch
from detectors.layout import REMARKS, TEXT_LIMIT, Layout, Odd
from detectors.moments import Far, Moments, carried, far_sums
from detectors.numeric_pass import is_near, offsets
from detectors.profile_value import WEIGHT_UNIT, Profile
from detectors.sample import Sample
from detectors.sparse_counts import SparseCounts
from detectors.text_codes import hashes_of

Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

_RUN_SHIFT = 48
"""Bits of a key that are sorted by together with the number of its run; keys that agree in these are rare."""


def profile_panes(layout: Layout, frame: pl.DataFrame, sizes: Ints, keys: Keys) -> list[Profile]:
    """One profile for each run of rows; equal to `profile_rows` of each run.

    Args:
        layout: columns and bins.
        frame: rows in canonical columns, a run after the other, at most 65,535 runs and a few ten thousand rows.
        sizes: int64, shape (n,): rows of each run.
        keys: uint64, shape (rows,): the hash that chooses sample rows.
    """
    panes = _Panes(layout, frame, sizes)
    for reader in ColumnReader.open_all(layout, frame):
        panes.add(reader)
    panes.add_joints()
    ids, samples = panes.ids(), panes.samples(keys)
    moments, cells, weights = panes.moments(), panes.sparse(), panes.weights()
    return [
        Profile(
            layout=layout,
            rows=int(sizes[g]),
            weight_units=int(weights[g]),
            cells=cells[g],
            minimum=panes.minimum[g],
            maximum=panes.maximum[g],
            moments=moments[g],
            ids=ids[g],
            unseen=panes.unseen.get(g, {}),
            sample=samples[g],
        )
        for g in range(sizes.size)
    ]


@dataclass
class _Panes:
    """What is filled column by column, for all runs at once."""

    layout: Layout
    frame: pl.DataFrame
    sizes: Ints
    codes: npt.NDArray[np.uint16] = field(init=False)
    minimum: npt.NDArray[np.float64] = field(init=False)
    maximum: npt.NDArray[np.float64] = field(init=False)
    first: Ints = field(init=False)
    second: Ints = field(init=False)
    far: dict[int, dict[int, Far]] = field(default_factory=dict)
    unseen: dict[int, dict[int, BottomK]] = field(default_factory=dict)
    found: list[tuple[Ints, Ints, Ints]] = field(default_factory=list)

    def __post_init__(self) -> None:
        shape = (self.sizes.size, len(self.layout.columns))
        self.codes = np.empty((shape[1], self.frame.height), np.uint16)
        self.minimum, self.maximum = np.full(shape, np.nan), np.full(shape, np.nan)
        self.first, self.second = np.zeros(shape, np.int64), np.zeros(shape, np.int64)

    @cached_property
    def starts(self) -> Ints:
        """First row of each run and, last, the number of rows."""
        return np.concatenate([[0], np.cumsum(self.sizes)])

    @cached_property
    def group(self) -> Ints:
        """The run of each row."""
        return np.repeat(np.arange(self.sizes.size), self.sizes)

    @cached_property
    def filled(self) -> Ints:
        """Runs that have rows."""
        return np.flatnonzero(self.sizes)

    def add(self, reader: ColumnReader) -> None:
        """Count and sum a column."""
        layout, rows, i = self.layout, self.frame.height, reader.i
        codes = reader.codes(rows)
        self.codes[i] = codes
        start = int(layout.offsets[i])
        self._count(self.group, codes, start, int(layout.offsets[i + 1]) - start)
        binning = layout.binnings[i]
        marked = self._remarks(reader)
        if reader.series is not None and isinstance(binning, CategoricalBinning):
            marked[-1] = np.concatenate([marked[-1], self._strangers(i, binning, codes, reader.series)])
        elif reader.series is not None and not isinstance(binning, CategoricalBinning):
            self._sums(i, binning, reader.series.to_numpy())
        for name, groups in zip(REMARKS, marked, strict=True):
            if groups.size:
                self._count(np.sort(groups), np.zeros(groups.size, np.int64), layout.special(i, name), 1)

    def _remarks(self, reader: ColumnReader) -> list[Ints]:
        """The runs of the rows that carry each remark."""
        odd = reader.remarks()
        kinds = (Odd.FRACTIONAL, Odd.BAD_ENCODING, Odd.TRUNCATED)
        return [self.group[:0] if odd is None else self.group[odd == kind] for kind in kinds]

    def add_joints(self) -> None:
        """Count the joint tables."""
        for (a, b), start in zip(self.layout.joints, self.layout.joint_offsets, strict=False):
            height, width = self.layout.binnings[a].size, self.layout.binnings[b].size
            one, other = self.codes[a].astype(np.int64), self.codes[b]
            both = (one < height) & (other < width)
            cell = (one * width + other)[both]
            self._count(self.group[both], cell, self.layout.slots + int(start), height * width)

    def _count(self, group: Ints, codes: Ints, start: int, width: int) -> None:
        """Count pairs of run and code; remember the non-zero ones."""
        keys = group * width + codes
        cells = self.sizes.size * width
        if cells <= max(16 * keys.size, 1024):
            counts = np.bincount(keys, minlength=cells)
            places = np.flatnonzero(counts)
            rows = counts[places]
            each = np.count_nonzero(counts[: self.sizes.size * width].reshape(-1, width), axis=1)
            run = np.repeat(np.arange(self.sizes.size), each)
        else:
            places, rows = _runs(np.sort(keys))
            run = places // width
        self.found.append((run, places - run * width + start, rows))

    def sparse(self) -> list[SparseCounts]:
        """The counts of each run."""
        run, place, rows = (np.concatenate(parts) for parts in zip(*self.found, strict=True))
        order = np.argsort(run.astype(np.uint16), kind="stable")  # places ascend already within a run
        place, rows = place[order].astype(np.int32), rows[order].astype(np.int32)
        ends = np.cumsum(np.bincount(run, minlength=self.sizes.size))
        return [
            SparseCounts(self.layout.cells, place[start:end], rows[start:end])
            for start, end in zip((0, *ends[:-1].tolist()), ends.tolist(), strict=True)
        ]

    def _sums(self, i: int, binning: NumericBinning | LogBinning, values: npt.NDArray[np.float64]) -> None:
        """Extremes and sums of a numeric column."""
        at, filled = self.starts[self.filled], self.filled
        finite = np.isfinite(values)
        clean = values if finite.all() else np.where(finite, values, np.nan)
        low, high = np.fmin.reduceat(clean, at), np.fmax.reduceat(clean, at)
        self.minimum[filled, i], self.maximum[filled, i] = low, high
        if clean is not values or not is_near(binning, np.concatenate([low, high])).all():
            near = is_near(binning, clean)
            away = np.flatnonzero(finite & ~near)
            for g, rows in _by_run(self.group[away], away):
                self.far.setdefault(g, {})[i] = far_sums(values[rows])
            clean = np.where(near, clean, binning.centre)
        if binning.quantum:
            steps = offsets(binning, clean) / binning.quantum
            self.first[filled, i] = np.add.reduceat(steps, at)
            self.second[filled, i] = np.add.reduceat(steps * steps, at)  # below 2^53: exact

    def _strangers(self, i: int, binning: CategoricalBinning, codes: Ints, series: pl.Series) -> Ints:
        """Sketch the unseen values of a categorical column; returns the runs of those that are too long."""
        strange = np.flatnonzero(codes == binning.unseen)
        if not strange.size:
            return strange
        texts = series.gather(strange).cast(pl.String)
        for g, rows in _by_run(self.group[strange], np.arange(strange.size)):
            self.unseen.setdefault(g, {})[i] = sketch(self.layout.unseen_values, texts.gather(rows))
        long = strange[(texts.str.len_bytes() > TEXT_LIMIT).to_numpy()]
        return np.asarray(self.group[long])

    def moments(self) -> list[Moments]:
        """The exact sums of each run."""
        second = carried(np.stack([np.zeros_like(self.second), self.second], axis=-1))
        return [Moments(self.first[g], second[g], self.far.get(g, {})) for g in range(self.sizes.size)]

    def weights(self) -> Ints:
        """Weight of each run in units."""
        if "@weight" not in self.frame.columns:
            return (self.sizes / WEIGHT_UNIT).astype(np.int64)
        weights: npt.NDArray[np.float64] = self.frame["@weight"].cast(pl.Float64).fill_null(1.0).to_numpy()
        units = np.rint(weights / WEIGHT_UNIT).astype(np.int64)
        sums = np.concatenate([[0], np.cumsum(units)])
        return np.asarray(np.diff(sums[self.starts]))

    def ids(self) -> list[BottomK]:
        """Hashes of the ids of each run."""
        k = self.layout.id_rows
        if "@id" not in self.frame.columns:
            return [BottomK.empty(k)] * self.sizes.size
        series = self.frame["@id"]
        valid = series.is_not_null().to_numpy()
        group, hashes = self.group[valid], hashes_of(series)[valid]
        order = by_run_and_key(group, hashes)
        group, hashes = group[order], hashes[order]
        new = np.ones(hashes.size, np.bool_)
        new[1:] = (hashes[1:] != hashes[:-1]) | (group[1:] != group[:-1])
        first = np.flatnonzero(new)
        counts = np.diff(np.append(first, hashes.size))
        keys, run = hashes[first], group[first]
        ends = np.cumsum(np.bincount(run, minlength=self.sizes.size)).tolist()
        rows = np.bincount(group, minlength=self.sizes.size).tolist()
        return [
            BottomK(k, keys[start : min(start + k, end)], counts[start : min(start + k, end)], (), rows[g])
            for g, (start, end) in enumerate(zip((0, *ends[:-1]), ends, strict=True))
        ]

    def samples(self, keys: Keys) -> list[Sample]:
        """The sample of each run."""
        k = self.layout.sample_rows
        order = by_run_and_key(self.group, keys)
        ranked, codes = keys[order], np.ascontiguousarray(self.codes.T).take(order, axis=0)
        tied = bool(np.any(ranked[1:] == ranked[:-1]))
        samples = []
        for start, size in zip(self.starts[:-1].tolist(), self.sizes.tolist(), strict=True):
            part = slice(start, start + size)
            if tied or size > k:
                samples.append(Sample.of(k, ranked[part], codes[part]))
            else:
                samples.append(Sample(k, ranked[part], codes[part]))
        return samples


def _runs(ordered: Ints) -> tuple[Ints, Ints]:
    """The distinct numbers of an ascending array and how often each comes."""
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: ordered.size])
    return ordered[first], np.diff(np.append(first, ordered.size))


def by_run_and_key(group: Ints, keys: Keys) -> Ints:
    """The order of rows by run, and by key within each; equal keys in any order."""
    order = np.argsort(group.astype(np.uint64) << np.uint64(_RUN_SHIFT) | keys >> np.uint64(64 - _RUN_SHIFT))
    ranked, run = keys[order], group[order]
    if np.any((ranked[1:] < ranked[:-1]) & (run[1:] == run[:-1])):  # they differ in their last bits alone
        return np.lexsort((keys, group))
    return order


def _by_run(group: Ints, rows: Ints) -> Iterator[tuple[int, Ints]]:
    """Rows of each run that has some; `group` ascends."""
    runs, counts = _runs(group)
    start = 0
    for g, count in zip(runs.tolist(), counts.tolist(), strict=True):
        yield g, rows[start : start + count]
        start += count
