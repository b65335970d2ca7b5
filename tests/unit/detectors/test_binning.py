"""Bins of numbers: equal to bisection on every float, and no bin but a heavy value's holds too much."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from detectors.binning import LogBinning, NumericBinning, binning_from_json
from detectors.numeric_pass import tally
from detectors.numeric_together import tally_together
from detectors.workspace import Workspace

Floats = npt.NDArray[np.float64]

RNG = np.random.default_rng(7)
N = 20_000
SHAPES: dict[str, Floats] = {
    "normal": RNG.normal(size=N),
    "lognormal": RNG.lognormal(0, 2, N),
    "mostly zero": np.where(RNG.random(N) < 0.9, 0.0, RNG.lognormal(size=N)),
    "age": RNG.integers(17, 90, N).astype(float),
    "flag": RNG.integers(0, 2, N).astype(float),
    "whole": RNG.integers(-(10**6), 10**6, N).astype(float),
    "seconds": 1.7e9 + RNG.random(N) * 1e5,
    "cauchy": RNG.standard_cauchy(N),
    "prices": np.round(RNG.lognormal(3, 1, N), 2),
    "rounded": np.round(RNG.lognormal(10, 1, N), -3),
    "constant": np.full(N, 3.7),
    "huge": RNG.normal(size=N) * 1e307,
    "denormal": RNG.normal(size=N) * 1e-310,
    "two scales": np.concatenate([RNG.normal(size=N // 2) * 1e-8, RNG.normal(size=N // 2) * 1e8]),
    "mirrored": -RNG.lognormal(0, 2, N),
    "next to each other": np.array([1.0, np.nextafter(1.0, 2.0), np.nextafter(1.0, 0.0)] * 200),
    "extremes": np.array([-1.7e308, 1.7e308, 0.0, 5e-324] * 300),
    "one": np.array([0.1]),
    "none": np.array([np.nan, np.inf]),
}
BINNINGS = {name: NumericBinning.fit(values) for name, values in SHAPES.items()}

MANY = 600
"""Fewer values than 512 are bisected anyhow."""

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
anything = st.floats(width=64)


def around(edges: Floats) -> Floats:
    """Every edge with its neighbours on both sides."""
    with np.errstate(over="ignore"):
        every = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
    return np.asarray(every[np.isfinite(every)])


@pytest.mark.parametrize("name", SHAPES)
def test_codes_equal_bisection_at_every_edge(name: str) -> None:
    """The table's answer is bisection's at the reference values, at each edge and at its neighbours."""
    binning = BINNINGS[name]
    values = SHAPES[name][np.isfinite(SHAPES[name])]
    probes = np.concatenate(
        [values, np.tile(around(binning.edges), 3), [0.0, -0.0, 5e-324, -5e-324, 1.7e308, -1.7e308] * 90]
    )
    assert np.searchsorted(binning.edges, probes, side="right").tolist() == binning.codes(probes).tolist()


@settings(max_examples=150)
@given(
    name=st.sampled_from(sorted(SHAPES)),
    values=hnp.arrays(np.float64, st.integers(1, 60), elements=finite),
)
def test_codes_equal_bisection_on_every_float(name: str, values: Floats) -> None:
    """No finite float is put elsewhere than bisection of the edges would put it."""
    binning = BINNINGS[name]
    values = np.resize(values, MANY)
    assert np.array_equal(np.searchsorted(binning.edges, values, side="right"), binning.codes(values))


@settings(max_examples=100)
@given(
    values=hnp.arrays(np.float64, st.integers(1, 40), elements=finite),
    bins=st.sampled_from([2, 16, 256, 4096]),
    probes=hnp.arrays(np.float64, st.integers(1, 20), elements=finite),
)
@example(values=np.array([1.5, 1.5, 2.0]), bins=2, probes=np.full(5, 1.5))
def test_any_reference_gives_bins_that_equal_bisection(values: Floats, bins: int, probes: Floats) -> None:
    """Whatever the reference, the fitted table agrees with bisection and covers the reference."""
    binning = NumericBinning.fit(values, bins)
    probes = np.resize(np.concatenate([probes, values, around(binning.edges)]), MANY + 6 * values.size)
    codes = binning.codes(probes)
    assert np.array_equal(np.searchsorted(binning.edges, probes, side="right"), codes)
    inside = binning.codes(np.resize(values, MANY))
    assert 1 <= inside.min() <= inside.max() <= binning.bins


@settings(max_examples=60)
@given(
    name=st.sampled_from(sorted(SHAPES)),
    seed=st.integers(0, 2**32 - 1),
    strange=hnp.arrays(np.float64, st.integers(0, 300), elements=anything),
)
def test_counting_cells_equals_counting_values(name: str, seed: int, strange: Floats) -> None:
    """The pass over a column gives the counts, extremes and specials of a plain count, in any order."""
    binning, rng = BINNINGS[name], np.random.default_rng(seed)
    usual = rng.choice(SHAPES[name], int(rng.integers(0, 9000)))
    values = rng.permutation(np.concatenate([usual, strange, rng.choice(around(binning.edges), 50)]))
    kept = values[np.isfinite(values)]
    found = tally(binning, values, Workspace(values.size))
    expected = np.bincount(np.searchsorted(binning.edges, kept, side="right"), minlength=binning.size)
    assert expected.tolist() == found.counts.tolist()
    assert np.isnan(values).sum() == found.nan
    assert (values == np.inf).sum() == found.positive_infinity
    assert (values == -np.inf).sum() == found.negative_infinity
    assert (kept.min(), kept.max()) == (found.minimum, found.maximum)
    again = tally(binning, rng.permutation(values), Workspace(values.size))
    assert (again.first, again.second, again.far) == (found.first, found.second, found.far)


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 3000), strange=st.booleans(), holes=st.booleans())
def test_counting_columns_together_equals_counting_them_alone(
    seed: int, rows: int, *, strange: bool, holes: bool
) -> None:
    """Columns of one pass have the tally of a pass of their own; only unusual ones are left out."""
    rng = np.random.default_rng(seed)
    numbers = {}
    for i, (name, binning) in enumerate(BINNINGS.items()):
        values = rng.choice(SHAPES[name] if SHAPES[name].size else np.zeros(1), rows)
        odd = np.array([np.nan, np.inf, -np.inf, 1e300, *binning.edges[[0, -1]]])
        if strange and rng.random() < 0.5:
            values[rng.integers(0, rows, 3)] = rng.choice(odd, 3)
        finite, nulls = np.isfinite(values), 0
        if holes and finite.any():
            places = rng.choice(np.flatnonzero(finite), 1 + int(finite.sum()) // 7)
            values[places] = np.nan
            nulls = np.unique(places).size
        numbers[i] = (binning, values, nulls)
    together = tally_together(numbers)
    for i, found in together.items():
        binning, values, nulls = numbers[i]
        alone = tally(binning, values, Workspace(rows))
        assert alone.counts.tolist() == found.counts.tolist()
        assert (alone.nan, alone.minimum, alone.maximum) == (nulls, found.minimum, found.maximum)
        assert (alone.first, alone.second, alone.far) == (found.first, found.second, (0, 0, 0))
    usual = {i for i, (binning, _, _) in numbers.items() if binning.plain is not None}
    assert len(usual) > 2
    assert set(together) <= usual
    if not strange and not holes:
        assert set(together) == usual


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "none"])
@pytest.mark.parametrize("bins", [16, 256])
def test_only_a_heavy_value_holds_more_than_its_share(name: str, bins: int) -> None:
    """A bin above 1/bins of the reference is one value wide."""
    values = SHAPES[name]
    binning = NumericBinning.fit(values, bins)
    counts = np.bincount(binning.codes(np.sort(values)), minlength=binning.size)[1:-1]
    with np.errstate(over="ignore"):
        single = np.nextafter(binning.edges[:-1], np.inf) == binning.edges[1:]
    assert np.all((counts <= values.size / bins) | single)
    assert values.size == counts.sum()
    assert binning.bins <= 3 * bins


@pytest.mark.parametrize("name", SHAPES)
def test_binnings_survive_json(name: str) -> None:
    """A binning read back gives the same codes and the same scale of sums."""
    binning = BINNINGS[name]
    again = binning_from_json(json.loads(json.dumps(binning.to_json())))
    assert isinstance(again, NumericBinning)
    assert np.array_equal(binning.edges, again.edges)
    assert (binning.grid, binning.centre, binning.quantum) == (again.grid, again.centre, again.quantum)


@settings(max_examples=100)
@given(values=hnp.arrays(np.float64, st.integers(1, 300), elements=finite))
def test_log_bins_equal_bisection_and_keep_their_relative_error(values: Floats) -> None:
    """Latency bins agree with bisection; quantiles are within 0.8 % of the value at that rank."""
    binning = LogBinning()
    codes = binning.codes(values)
    assert np.searchsorted(binning.edges, values, side="right").tolist() == codes.tolist()
    inside = np.sort(values[(values >= binning.edges[0]) & (values < binning.edges[-1])])
    if inside.size:
        counts = np.bincount(binning.codes(inside), minlength=binning.size)
        for q in (0.0, 0.5, 0.9, 1.0):
            true = inside[int(np.floor(q * (inside.size - 1)))]
            assert abs(binning.quantile(counts, q) - true) <= true * binning.relative_error


def test_unknown_binnings_are_refused() -> None:
    """A binning of another type raises, with its name."""
    with pytest.raises(ValueError, match="cubist"):
        binning_from_json({"type": "cubist"})
