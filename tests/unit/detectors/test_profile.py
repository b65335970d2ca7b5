"""Profiles: every row in one slot of each column, and the same answer in any order and grouping."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.archive import ArchiveError
from detectors.layout import REMARKS, SPECIALS, Column, Kind, Layout, Odd, Role
from detectors.profile import Profile, profile_groups, profile_rows
from detectors.profile_panes import by_run_and_key
from detectors.reference import Reference

COLUMNS = (
    Column("amount", Kind.NUMERIC),
    Column("age", Kind.NUMERIC, integer=True),
    Column("town", Kind.CATEGORICAL),
    Column("score", Kind.NUMERIC, Role.SCORE),
    Column("label", Kind.CATEGORICAL, Role.LABEL),
)


def make(rows: int, seed: int, *, wild: bool = False) -> pl.DataFrame:
    """Rows in canonical columns; wild ones have nulls, NaN, infinities, values out of range and new categories."""
    rng = np.random.default_rng(seed)
    towns = [f"town {i}" for i in range(30)] + (["x" * 3000, "nowhere"] if wild else [])
    amount = rng.lognormal(3, 1.5, rows)
    age: npt.NDArray[np.float64] = rng.integers(18, 80, rows).astype(np.float64)
    frame = pl.DataFrame(
        {
            "amount": amount,
            "age": age,
            "town": rng.choice(towns, rows),
            "score": rng.random(rows),
            "label": rng.choice(["0", "1"], rows),
            "@id": [f"id-{i}" for i in rng.integers(0, max(rows, 1), rows)],
            "@ordinal": rng.permutation(rows).astype(np.uint64),
            "@latency": rng.lognormal(-4, 1, rows),
            "@status": rng.choice([200, 404, 503], rows).astype(np.int16),
            "@weight": rng.choice([1.0, 2.5], rows),
        }
    )
    if not wild or not rows:
        return frame
    odd = rng.random((5, rows))
    spoilt = np.where(
        odd[0] < 0.05, np.nan, np.where(odd[0] < 0.1, np.inf, np.where(odd[0] < 0.2, -1e300, amount))
    )
    return frame.with_columns(
        pl.Series("amount", np.where(odd[0] > 0.95, -np.inf, spoilt)),
        pl.when(pl.Series(odd[1] < 0.2))
        .then(None)
        .otherwise(pl.Series(age * rng.choice([1, 1.5], rows)))
        .alias("age"),
        pl.when(pl.Series(odd[2] < 0.1)).then(None).otherwise(pl.col("town")).alias("town"),
        pl.when(pl.Series(odd[3] < 0.1)).then(None).otherwise(pl.col("label")).alias("label"),
        pl.col("score") * 1.3,
        pl.Series("@odd.age", rng.choice(len(Odd), rows).astype(np.uint8)),
    )


REFERENCE = Reference.fit(make(20_000, 0), COLUMNS)
LAYOUT = REFERENCE.layout


def brute(layout: Layout, frame: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Counts by a Python loop over numbers, with the standard library's comparison."""
    counts = np.zeros(layout.slots, np.int64)
    for i, column in enumerate(layout.columns[:5]):
        binning, values = layout.binnings[i], frame[column.name].to_list()
        kinds = (
            frame[f"@odd.{column.name}"].to_list()
            if f"@odd.{column.name}" in frame.columns
            else [0] * len(values)
        )
        for value, kind in zip(values, kinds, strict=True):
            if kind > Odd.MISSING:
                counts[layout.special(i, REMARKS[kind - Odd.FRACTIONAL])] += 1
            if value is None:
                hard = Odd(kind).name.lower() if 1 <= kind <= Odd.MISSING else "null"
                counts[layout.special(i, hard)] += 1
            elif isinstance(value, str):
                table = binning.table  # type: ignore[union-attr]  # a column of text
                counts[int(layout.offsets[i]) + table.get(value, len(table) + 1)] += 1
                if len(value) > 1000:
                    counts[layout.special(i, "truncated")] += 1
            elif math.isfinite(value):
                edges = binning.edges  # type: ignore[union-attr]  # a column of numbers
                counts[int(layout.offsets[i]) + sum(value >= edge for edge in edges)] += 1
            else:
                name = "nan" if math.isnan(value) else SPECIALS[2 if value > 0 else 3]
                counts[layout.special(i, name)] += 1
    return counts


@pytest.mark.parametrize("rows", [0, 1, 300, 3000])
def test_counts_equal_a_loop_over_rows(rows: int) -> None:
    """Each row is in the slot that a plain comparison with the edges gives."""
    frame = make(rows, 1, wild=True)
    last = int(LAYOUT.offsets[5])
    assert brute(LAYOUT, frame)[:last].tolist() == profile_rows(LAYOUT, frame).counts[:last].tolist()


def test_each_row_is_in_one_slot_of_each_column() -> None:
    """Value bins and specials of every column add up to the rows."""
    profile = profile_rows(LAYOUT, make(5000, 2, wild=True).drop("score"))
    for i in range(len(LAYOUT.columns)):
        end = int(LAYOUT.offsets[i + 1]) - len(REMARKS)
        assert 5000 == profile.counts[int(LAYOUT.offsets[i]) : end].sum()
    assert 5000 == profile.special(LAYOUT.index["score"], "missing")


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(0, 400),
    groups=st.integers(1, 30),
    ordered=st.booleans(),
    data=st.data(),
)
def test_profiles_merge_in_any_order_and_grouping(
    seed: int, rows: int, groups: int, *, ordered: bool, data: st.DataObject
) -> None:
    """Cutting rows anyhow, profiling the parts by either way and merging them anyhow gives the profile of all."""
    frame = make(rows, seed, wild=True)
    group = np.random.default_rng(seed).integers(0, groups, rows)
    group = np.sort(group) if ordered else group
    whole = profile_rows(LAYOUT, frame)
    parts = profile_groups(LAYOUT, frame, group, groups)
    for g, part in enumerate(parts):
        assert profile_rows(LAYOUT, frame.filter(pl.Series(group == g))) == part
    shuffled = data.draw(st.permutations(parts))
    cut = data.draw(st.integers(0, len(parts)))
    merged = Profile.merge(LAYOUT, shuffled[:cut]) + Profile.merge(LAYOUT, shuffled[cut:])
    assert whole == merged


def test_unknown_columns_are_counted_once() -> None:
    """Rows with unknown columns go to the first group that has rows; a hundred names are kept, as merging would."""
    frame = make(6, 1)
    parts = profile_groups(LAYOUT, frame, np.array([1, 1, 2, 2, 2, 1]), 3, {"new": 4})
    assert [{}, {"new": 4}, {}] == [part.unknown for part in parts]
    many = {f"c{i:03}": 1 for i in range(150)}
    merged = profile_rows(LAYOUT, frame, many) + profile_rows(LAYOUT, frame, {"c007": 2, "zz": 1})
    assert (100, 3, False) == (len(merged.unknown), merged.unknown["c007"], "zz" in merged.unknown)


def test_long_and_short_groups_agree() -> None:
    """A group gets the same profile whether it is counted alone or with its neighbours."""
    frame = make(40_000, 5, wild=True)
    group = np.repeat([0, 1, 3, 4, 5], [20_000, 300, 9_000, 10_000, 700])
    parts = profile_groups(LAYOUT, frame, group, 7)
    assert [20_000, 300, 0, 9_000, 10_000, 700, 0] == [part.rows for part in parts]
    for g, part in enumerate(parts):
        assert part == profile_rows(LAYOUT, frame.filter(pl.Series(group == g)))


def test_keys_that_differ_in_their_last_bits_are_ordered() -> None:
    """Keys of samples and ids are in order within each group, however alike they are."""
    rng = np.random.default_rng(8)
    group = np.sort(rng.integers(0, 5, 400))
    for keys in (
        rng.integers(0, 2**16, 400).astype(np.uint64),
        rng.integers(0, 2**63, 400).astype(np.uint64),
    ):
        order = by_run_and_key(group, keys)
        assert list(zip(group[order], keys[order], strict=True)) == sorted(zip(group, keys, strict=True))


def test_a_sample_smaller_than_the_rows_merges_exactly() -> None:
    """Samples of parts give the sample of all, also where the parts have more rows than the sample."""
    frame = make(12_000, 6)
    parts = [profile_rows(LAYOUT, frame.slice(start, 3000)) for start in range(0, 12_000, 3000)]
    whole = profile_rows(LAYOUT, frame)
    assert 2000 == len(whole.sample)
    assert whole == Profile.merge(LAYOUT, parts[::-1])


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum([f"town {i}" for i in range(40)])])
def test_text_and_categories_count_alike(dtype: pl.DataType) -> None:
    """String, Categorical and Enum columns of the same values have the same profile."""
    frame = make(4000, 7).with_columns(
        pl.when(pl.col("town") == "town 3").then(None).otherwise(pl.col("town")).alias("town")
    )
    assert profile_rows(LAYOUT, frame) == profile_rows(LAYOUT, frame.with_columns(pl.col("town").cast(dtype)))


def test_mean_and_variance_are_those_of_the_values() -> None:
    """Moments agree with numpy to a millionth of the range, far values included."""
    frame = make(10_000, 8)
    for factor in (1.0, 1000.0):
        values = frame["amount"].to_numpy() * factor
        profile = profile_rows(LAYOUT, frame.with_columns(pl.Series("amount", values)))
        assert profile.mean(0) == pytest.approx(values.mean(), rel=1e-4)
        assert profile.variance(0) == pytest.approx(values.var(), rel=1e-4)
        assert (values.min(), values.max()) == (profile.minimum[0], profile.maximum[0])
    assert math.isnan(profile.mean(LAYOUT.index["town"]))


def test_bytes_give_the_same_profile() -> None:
    """A profile survives its bytes, sparse or dense; equal profiles have equal bytes."""
    frame = make(3000, 9, wild=True)
    whole = profile_rows(LAYOUT, frame, {"extra": 3000})
    sparse = profile_groups(LAYOUT, frame, np.arange(3000) // 100, 30)[4]
    for profile in (whole, sparse, Profile.empty(LAYOUT)):
        data = profile.to_bytes()
        assert profile == Profile.from_bytes(LAYOUT, data)
        assert data == Profile.from_bytes(LAYOUT, data).to_bytes()


def test_damaged_bytes_are_refused() -> None:
    """Cut or foreign bytes raise `ArchiveError`, never something else."""
    data = REFERENCE.profile.to_bytes()
    for bad in (b"", b"DRF1", data[:-9], b"x" + data, data[:40] + b"\0\0" + data[42:]):
        with pytest.raises(ArchiveError):
            Profile.from_bytes(LAYOUT, bad)
    other = Reference.fit(make(50, 1), COLUMNS[:2])
    with pytest.raises(ArchiveError, match="another reference"):
        Profile.from_bytes(other.layout, data)


def test_duplicates_are_measured_on_ids() -> None:
    """The share of repeated ids is near the true one, and exact for few ids."""
    rng = np.random.default_rng(3)
    ids = [f"i{i}" for i in rng.integers(0, 40_000, 50_000)]
    profile = profile_rows(LAYOUT, make(50_000, 1).with_columns(pl.Series("@id", ids)))
    assert profile.ids.duplicates == pytest.approx(1 - len(set(ids)) / 50_000, abs=0.06)
    assert profile.ids.distinct == pytest.approx(len(set(ids)), rel=0.25)
    few = profile_rows(LAYOUT, make(100, 1).with_columns(pl.Series("@id", ["a", "b"] * 50)))
    assert (2, 0.98, 100) == (few.ids.distinct, few.ids.duplicates, few.ids.rows)


def test_unseen_values_are_named_and_cut() -> None:
    """New categories are kept with their rows, at most 200 characters of each."""
    towns = ["town 1"] * 10 + ["new"] * 5 + ["y" * 5000]
    profile = profile_rows(LAYOUT, make(16, 1).with_columns(pl.Series("town", towns)))
    assert ("new", 5) == profile.unseen[2].most_frequent()
    assert {"new", "y" * 200} == set(profile.unseen[2].values)
    assert 1 == profile.special(2, "truncated")
