"""From rows to profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.bottom_k import BottomK
from detectors.column_reader import ColumnReader, categorical_values, numeric_values, sketch
from detectors.hashing import mix
from detectors.layout import Layout
from detectors.moments import Far, Moments, carried
from detectors.numeric_pass import Tally
from detectors.profile_panes import profile_panes
from detectors.profile_value import WEIGHT_UNIT, Profile, bounded
from detectors.sample import Sample
from detectors.text_codes import hashes_of
from detectors.workspace import BLOCK

__all__ = ["categorical_values", "numeric_values", "profile_groups", "profile_rows"]

Ints = npt.NDArray[np.int64]

_LONG_RUN = 12_288
"""A group with this many rows is counted column by column; smaller ones are counted together."""


def profile_rows(layout: Layout, frame: pl.DataFrame, unknown: Mapping[str, int] | None = None) -> Profile:
    """The profile of a frame's rows; see `profile_groups`."""
    readers = ColumnReader.open_all(layout, frame)
    rows = frame.height
    counted = ColumnReader.count_all(readers, rows)
    tallies = {i: c.tally for i, c in enumerate(counted) if c.tally is not None}
    strangers = {
        i: c.strangers for i, c in enumerate(counted) if c.strangers is not None and c.strangers.len()
    }
    minimum, maximum = np.full(len(counted), np.nan), np.full(len(counted), np.nan)
    for i, found in tallies.items():
        minimum[i], maximum[i] = found.minimum, found.maximum
    return Profile(
        layout=layout,
        rows=rows,
        weight_units=int(weight_units(frame).sum()) if "@weight" in frame.columns else _whole(rows),
        cells=np.concatenate([*(c.slots for c in counted), *_joint(layout, readers, rows)]),
        minimum=minimum,
        maximum=maximum,
        moments=_moments(len(counted), tallies),
        ids=_ids(layout, frame),
        unseen={i: sketch(layout.unseen_values, texts) for i, texts in strangers.items()},
        sample=_sample(layout, frame, readers),
        unknown=bounded([unknown or {}]),
    )


def profile_groups(
    layout: Layout,
    frame: pl.DataFrame,
    groups: npt.NDArray[np.integer],
    n: int,
    unknown: Mapping[str, int] | None = None,
) -> list[Profile]:
    """One profile for each group of rows.

    Args:
        layout: columns and bins.
        frame: rows in canonical columns; columns that it lacks are counted as missing.
        groups: whole numbers, shape (rows,), 0 to n - 1: each row's group.
        n: number of groups.
        unknown: rows that carried unknown columns, by name; they go to the first group that has rows.
    """
    every = np.bincount(groups, minlength=n)
    filled = np.flatnonzero(every)
    sizes = every[filled]
    if np.any(groups[1:] < groups[:-1]):
        frame = frame[np.argsort(groups, kind="stable")]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    empty = Profile.empty(layout)
    profiles = [empty] * n
    for first, last in _batches(sizes):
        part = frame.slice(int(starts[first]), int(starts[last] - starts[first]))
        if last - first == 1:
            profiles[filled[first]] = profile_rows(layout, part)
            continue
        panes = profile_panes(layout, part, sizes[first:last], _sample_keys(layout, part))
        for group, profile in zip(filled[first:last].tolist(), panes, strict=True):
            profiles[group] = profile
    if unknown and filled.size:
        profiles[filled[0]] = profiles[filled[0]].with_unknown(unknown)
    return profiles


def _batches(sizes: Ints) -> list[tuple[int, int]]:
    """Ranges of groups that have rows: long ones alone, neighbouring short ones together up to a block of rows."""
    ranges: list[tuple[int, int]] = []
    filled = BLOCK + 1
    for group, rows in enumerate(sizes.tolist()):
        if rows >= _LONG_RUN or filled + rows > BLOCK:
            ranges.append((group, group + 1))
            filled = BLOCK + 1 if rows >= _LONG_RUN else rows
        else:
            ranges[-1] = (ranges[-1][0], group + 1)
            filled += rows
    return ranges


def _moments(columns: int, tallies: Mapping[int, Tally]) -> Moments:
    """The exact sums of all columns."""
    first, second = np.zeros(columns, np.int64), np.zeros((columns, 2), np.int64)
    far: dict[int, Far] = {}
    for i, found in tallies.items():
        first[i] = found.first
        second[i] = divmod(found.second, 1 << 32)
        if found.far[0]:
            far[i] = found.far
    return Moments(first, carried(second), far)


def _joint(layout: Layout, readers: Sequence[ColumnReader], rows: int) -> list[Ints]:
    """All joint tables, over rows where both columns have a value."""
    tables = []
    for a, b in layout.joints:
        height, width = readers[a].size, readers[b].size
        table = np.zeros(height * width, np.int64)
        for start in range(0, rows, BLOCK):
            size = min(BLOCK, rows - start)
            one, other = (readers[i].slice(start, size).codes(size) for i in (a, b))
            both = (one < height) & (other < width)
            table += np.bincount((one * width + other)[both], minlength=table.size)
        tables.append(table)
    return tables


def _sample_keys(layout: Layout, frame: pl.DataFrame) -> npt.NDArray[np.uint64]:
    """The hash of each row's running number."""
    if "@ordinal" in frame.columns:
        ordinals = frame["@ordinal"].cast(pl.UInt64).to_numpy()
    else:
        ordinals = np.arange(frame.height, dtype=np.uint64)
    return mix(ordinals, layout.seed)


def _sample(layout: Layout, frame: pl.DataFrame, readers: Sequence[ColumnReader]) -> Sample:
    """The bin codes of the rows with the smallest keys."""
    keys = _sample_keys(layout, frame)
    chosen = np.flatnonzero(keys <= _cut(keys, layout.sample_rows))
    codes = np.empty((chosen.size, len(layout.columns)), np.uint16)
    for i, reader in enumerate(readers):
        codes[:, i] = reader.codes_at(chosen)
    return Sample.of(layout.sample_rows, keys[chosen], codes)


def _cut(keys: npt.NDArray[np.uint64], k: int) -> np.uint64:
    """A bound that at least k of the hashes do not exceed, if there are so many, and not many more than k."""
    if keys.size <= k:
        return np.uint64(2**64 - 1)
    guess = np.uint64(min((k + 6.0 * np.sqrt(k)) / keys.size, 0.99) * 2.0**64)
    few = keys[keys <= guess]
    return np.uint64(np.partition(few if few.size >= k else keys, k - 1)[k - 1])


def _ids(layout: Layout, frame: pl.DataFrame) -> BottomK:
    """Hashes of the non-null ids."""
    if "@id" not in frame.columns:
        return BottomK.empty(layout.id_rows)
    hashes = hashes_of(frame["@id"].drop_nulls())
    return BottomK.smallest(layout.id_rows, hashes)


def weight_units(frame: pl.DataFrame) -> Ints:
    """Each row's weight in units of 2^-20; a missing weight is 1."""
    weights = frame["@weight"].cast(pl.Float64).fill_null(1.0).to_numpy()
    return np.rint(weights / WEIGHT_UNIT).astype(np.int64)


def _whole(rows: int) -> int:
    """The units of rows that weigh 1."""
    return int(rows / WEIGHT_UNIT)
