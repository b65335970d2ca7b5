"""Sketches and samples by hash: merging is exact, whatever the order."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.bottom_k import BottomK
from detectors.hashing import mix
from detectors.moments import Moments, far_sums
from detectors.sample import Sample

parts = st.lists(st.lists(st.integers(0, 60), max_size=40), max_size=6)


def sketch(k: int, numbers: list[int]) -> BottomK:
    """A sketch of numbers, by hashes that spread them."""
    return BottomK.of(k, mix(np.array(numbers, np.uint64), 0), values=[str(n) for n in numbers])


@given(parts=parts, k=st.integers(1, 20), data=st.data())
def test_merging_sketches_equals_one_sketch_of_all(
    parts: list[list[int]], k: int, data: st.DataObject
) -> None:
    """Counts of the kept values are exact after any order and nesting of merges."""
    everything = [n for part in parts for n in part]
    whole = sketch(k, everything)
    shuffled = [sketch(k, part) for part in data.draw(st.permutations(parts))]
    cut = data.draw(st.integers(0, len(parts)))
    assert whole == BottomK.merge(k, shuffled[:cut]) + BottomK.merge(k, shuffled[cut:])
    assert all(everything.count(int(v)) == n for v, n in zip(whole.values, whole.counts, strict=True))
    assert whole.exact == (len(set(everything)) <= k)
    assert whole == BottomK.from_json(json.loads(json.dumps(whole.to_json())))


@given(numbers=st.lists(st.integers(0, 3000), max_size=600), k=st.integers(1, 40))
def test_the_fast_way_to_a_sketch_gives_the_same(numbers: list[int], k: int) -> None:
    """Leaving out large hashes first changes nothing, also where most rows repeat."""
    hashes = mix(np.array(numbers, np.uint64), 3)
    assert BottomK.of(k, hashes) == BottomK.smallest(k, hashes)


def test_the_number_of_distinct_values_is_estimated() -> None:
    """With 256 kept hashes the estimate is within a fifth, and exact for few values."""
    hashes = mix(np.arange(50_000, dtype=np.uint64), 1)
    assert abs(BottomK.smallest(256, hashes).distinct / 50_000 - 1) < 0.2
    assert 40.0 == BottomK.smallest(256, np.tile(hashes[:40], 9)).distinct


@given(
    rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=40),
    k=st.integers(1, 12),
    data=st.data(),
)
def test_samples_merge_to_the_same_rows(rows: list[tuple[int, int]], k: int, data: st.DataObject) -> None:
    """Rows with equal keys are told apart by their codes, so that every order keeps the same."""

    def sample(chosen: list[tuple[int, int]]) -> Sample:
        table = np.array(chosen, np.int64).reshape(-1, 2)
        return Sample.of(k, table[:, 0].astype(np.uint64), table.astype(np.uint16))

    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    assert sample(rows) == Sample.merge(k, 2, [sample(shuffled[:cut]), sample(shuffled[cut:])])


def test_hashes_are_the_same_everywhere() -> None:
    """The first outputs of SplitMix64 with seed 0, as published."""
    assert [0xE220A8397B1DCDAF] == mix(np.zeros(1, np.uint64), 0).tolist()
    published = [0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert published == [int(mix(np.zeros(1, np.uint64), seed)[0]) for seed in (1, 2)]


@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50), data=st.data()
)
def test_far_values_add_up_exactly(values: list[float], data: st.DataObject) -> None:
    """Sums of values of any size are the same in any order and grouping."""
    shuffled = data.draw(st.permutations(values))
    cut = data.draw(st.integers(0, len(values)))
    halves = [far_sums(np.array(part, np.float64)) for part in (shuffled[:cut], shuffled[cut:])]
    empty = Moments.empty(1)
    merged = Moments.merge(1, [Moments(empty.first, empty.second, {0: half}) for half in halves])
    assert far_sums(np.array(values)) == merged.far[0]
    restored = Moments.far_from_json(json.loads(json.dumps(merged.to_json())))
    assert merged.far == restored
