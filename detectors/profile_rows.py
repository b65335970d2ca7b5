"""From rows to profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.binning import CategoricalBinning
from detectors.binning_numeric import MOMENT_BITS
from detectors.bottom_k import BottomK
from detectors.hashing import mix
from detectors.layout import REMARKS, SPECIALS, TEXT_LIMIT, Column, Kind, Layout, Odd, Role
from detectors.moments import Moments, carried, far_sums
from detectors.profile_value import WEIGHT_UNIT, Profile, bounded
from detectors.sample import Sample

Codes = npt.NDArray[np.intp]
HASH_SEED = 1
KEPT_TEXT = 200
"""Characters of an unseen value that are kept."""


@dataclass
class _Sums:
    """What is filled column by column."""

    counts: npt.NDArray[np.int64]
    minimum: npt.NDArray[np.float64]
    maximum: npt.NDArray[np.float64]
    moments: Moments
    unseen: dict[int, BottomK]


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
    profiles = []
    rest = unknown or {}
    for group in range(n):
        part = frame.filter(pl.Series(groups == group))
        profiles.append(profile_rows(layout, part, rest if part.height else None))
        rest = {} if part.height else rest
    return profiles


def profile_rows(layout: Layout, frame: pl.DataFrame, unknown: Mapping[str, int] | None = None) -> Profile:
    """The profile of a frame's rows; see `profile_groups`."""
    columns = len(layout.columns)
    sums = _Sums(
        np.zeros(layout.slots, np.int64),
        np.full(columns, np.nan),
        np.full(columns, np.nan),
        Moments.empty(columns),
        {},
    )
    keys = _sample_keys(layout, frame)
    chosen = np.argsort(keys, kind="stable")[: layout.sample_rows]
    sampled = np.empty((chosen.size, columns), np.uint16)
    kept: dict[int, Codes] = {}
    joined = {i for pair in layout.joints for i in pair}
    for i in range(columns):
        codes = _column(layout, frame, i, sums)
        sampled[:, i] = codes[chosen]
        if i in joined:
            kept[i] = codes
    moments = Moments(sums.moments.first, carried(sums.moments.second), sums.moments.far)
    return Profile(
        layout=layout,
        rows=frame.height,
        weight_units=_weight(frame),
        counts=sums.counts,
        joint=_joint(layout, kept),
        minimum=sums.minimum,
        maximum=sums.maximum,
        moments=moments,
        ids=_ids(layout, frame),
        unseen=sums.unseen,
        sample=Sample.of(layout.sample_rows, keys[chosen], sampled),
        unknown=bounded([unknown or {}]),
    )


def numeric_values(layout: Layout, frame: pl.DataFrame, column: Column) -> pl.Series | None:
    """A numeric column as Float64, the derived absolute error included; None where the frame lacks it."""
    if column.role is Role.ERROR:
        pair = [c for role in (Role.PREDICTION, Role.LABEL) for c in layout.columns if c.role is role][:2]
        if any(c.source not in frame.columns for c in pair):
            return None
        one, other = (frame[c.source].cast(pl.Float64, strict=False) for c in pair)
        return (one - other).abs()
    if column.source not in frame.columns:
        return None
    return frame[column.source].cast(pl.Float64, strict=False)


def categorical_values(frame: pl.DataFrame, column: Column) -> pl.Series | None:
    """A categorical column as text; None where the frame lacks it."""
    if column.source not in frame.columns:
        return None
    series = frame[column.source]
    if column.role is Role.STATUS:
        return (series.cast(pl.Int64, strict=False) // 100).cast(pl.String) + "xx"
    return series if isinstance(series.dtype, pl.Categorical | pl.Enum) else series.cast(pl.String)


def _column(layout: Layout, frame: pl.DataFrame, i: int, sums: _Sums) -> Codes:
    """Count column i; returns the slot of each row within the column."""
    column, size = layout.columns[i], layout.binnings[i].size
    codes = np.full(frame.height, size + SPECIALS.index("missing"), np.intp)
    if column.kind is Kind.NUMERIC:
        series = numeric_values(layout, frame, column)
        if series is not None:
            _numeric(layout, i, series, codes, sums)
    else:
        series = categorical_values(frame, column)
        if series is not None:
            _categorical(layout, i, series, codes, sums)
    start, end = layout.offsets[i : i + 2]
    odd = f"@odd.{column.source}"
    if odd in frame.columns:
        kinds = frame[odd].to_numpy()
        null = size + SPECIALS.index("null")
        for kind in (Odd.NUMBER_AS_STRING, Odd.WRONG_TYPE, Odd.MISSING):
            codes[(kinds == kind) & (codes == null)] = size + SPECIALS.index(kind.name.lower())
        for kind in (Odd.FRACTIONAL, Odd.BAD_ENCODING, Odd.TRUNCATED):
            sums.counts[layout.special(i, kind.name.lower())] += int((kinds == kind).sum())
    sums.counts[start : end - len(REMARKS)] += np.bincount(codes, minlength=end - start - len(REMARKS))
    return codes


def _numeric(layout: Layout, i: int, series: pl.Series, codes: Codes, sums: _Sums) -> None:
    """Codes, extremes and sums of a numeric column."""
    binning = layout.binnings[i]
    assert not isinstance(binning, CategoricalBinning)
    values = series.to_numpy()
    finite = np.isfinite(values)
    inside = values[finite]
    codes[finite] = binning.codes(inside)
    for name, mask in (
        ("nan", np.isnan(values)),
        ("positive_infinity", values == np.inf),
        ("negative_infinity", values == -np.inf),
        ("null", series.is_null().to_numpy()),
    ):
        codes[mask] = binning.size + SPECIALS.index(name)
    if inside.size == 0:
        return
    sums.minimum[i], sums.maximum[i] = inside.min(), inside.max()
    steps = (inside - binning.centre) / binning.quantum if binning.quantum else np.full(inside.size, np.inf)
    near = np.abs(steps) <= 2.0**MOMENT_BITS
    q = np.rint(steps[near]).astype(np.int64)
    sums.moments.first[i] = q.sum()
    squares = q * q
    sums.moments.second[i] = (int((squares >> 32).sum()), int((squares & 0xFFFFFFFF).sum()))
    if not near.all():
        sums.moments.far[i] = far_sums(inside[~near])


def _categorical(layout: Layout, i: int, series: pl.Series, codes: Codes, sums: _Sums) -> None:
    """Codes and unseen values of a categorical column."""
    binning = layout.binnings[i]
    assert isinstance(binning, CategoricalBinning)
    valid = series.is_not_null()
    present = valid.to_numpy()
    codes[present] = binning.codes(series.filter(valid))
    codes[~present] = binning.size + SPECIALS.index("null")
    strange = series.filter(pl.Series(codes == binning.unseen)).cast(pl.String)
    if strange.len():
        counted = strange.alias("value").value_counts(name="rows")
        texts = counted["value"].str.slice(0, KEPT_TEXT).to_list()
        hashes, rows = (
            counted["value"].hash(HASH_SEED).to_numpy(),
            counted["rows"].to_numpy().astype(np.int64),
        )
        sums.unseen[i] = BottomK.of(layout.unseen_values, hashes, rows, texts)
        sums.counts[layout.special(i, "truncated")] += int((strange.str.len_bytes() > TEXT_LIMIT).sum())


def _sample_keys(layout: Layout, frame: pl.DataFrame) -> npt.NDArray[np.uint64]:
    """The hash of each row's running number."""
    if "@ordinal" in frame.columns:
        ordinals = frame["@ordinal"].to_numpy().astype(np.uint64)
    else:
        ordinals = np.arange(frame.height, dtype=np.uint64)
    return mix(ordinals, layout.seed)


def _ids(layout: Layout, frame: pl.DataFrame) -> BottomK:
    """Hashes of the non-null ids."""
    if "@id" not in frame.columns:
        return BottomK.empty(layout.id_rows)
    return BottomK.of(layout.id_rows, frame["@id"].drop_nulls().hash(HASH_SEED).to_numpy())


def _weight(frame: pl.DataFrame) -> int:
    """Sum of the weights in units; a missing weight is 1."""
    if "@weight" not in frame.columns:
        return int(frame.height / WEIGHT_UNIT)
    weights = frame["@weight"].fill_null(1.0).to_numpy()
    return int(np.rint(weights / WEIGHT_UNIT).astype(np.int64).sum())


def _joint(layout: Layout, kept: Mapping[int, Codes]) -> npt.NDArray[np.int64]:
    """All joint tables over rows where both columns have a value."""
    tables = []
    for a, b in layout.joints:
        rows, width = layout.binnings[a].size, layout.binnings[b].size
        both = (kept[a] < rows) & (kept[b] < width)
        tables.append(np.bincount(kept[a][both] * width + kept[b][both], minlength=rows * width))
    return np.concatenate(tables).astype(np.int64) if tables else np.empty(0, np.int64)
