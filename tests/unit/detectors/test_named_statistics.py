"""PSI, Jensen-Shannon, Kolmogorov-Smirnov, chi-square and Wasserstein from profiles, against exact values."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from detectors.base import Cause, Result, Verdict, Window
from detectors.chi_square import ChiSquare
from detectors.jensen_shannon import JensenShannon
from detectors.kolmogorov_smirnov import KolmogorovSmirnov
from detectors.layout import Column, Kind, Role
from detectors.layout_fit import fit_layout
from detectors.named_statistic import NamedStatistic
from detectors.profile import profile_rows
from detectors.psi import PSI
from detectors.reference import Reference
from detectors.wasserstein import Wasserstein

ALL: tuple[NamedStatistic, ...] = (PSI(), JensenShannon(), KolmogorovSmirnov(), ChiSquare(), Wasserstein())
CASES = Path(__file__).parents[4] / "shared" / "cases" / "peer_numeric_cases.json"


def reference_of(frame: pl.DataFrame, columns: Sequence[Column], bins: int = 256) -> Reference:
    """Bins and profile only."""
    layout = fit_layout(frame, columns, bins=bins)
    return Reference(layout, profile_rows(layout, frame))


def compare(
    test: NamedStatistic, reference: Sequence[Any], current: Sequence[Any], kind: Kind, bins: int = 256
) -> Result:
    """One column's result."""
    dtype = pl.Float64 if kind is Kind.NUMERIC else pl.String
    before, after = (pl.DataFrame({"x": pl.Series(values, dtype=dtype)}) for values in (reference, current))
    fitted = reference_of(before, [Column("x", kind)], bins)
    return test.test(fitted, Window(profile_rows(fitted.layout, after)))[0]


def draw(kind: int, rows: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Numbers of several shapes, with and without ties."""
    shapes = (
        lambda: rng.normal(size=rows),
        lambda: rng.lognormal(0.1, 1.3, rows),
        lambda: rng.integers(0, 40, rows) + 0.0,
        lambda: np.where(rng.random(rows) < 0.6, 0.0, rng.random(rows)),
        lambda: np.round(rng.normal(0.2, 1.1, rows), 1),
    )
    return np.asarray(shapes[kind](), np.float64)


@settings(max_examples=60)
@given(
    kinds=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    seed=st.integers(0, 2**31),
    bins=st.sampled_from([16, 256]),
)
def test_kolmogorov_smirnov_is_within_one_bin_of_the_exact_statistic(
    kinds: tuple[int, int], seed: int, bins: int
) -> None:
    """Never above the exact statistic, and at most 1/bins below."""
    rng = np.random.default_rng(seed)
    before, after = draw(kinds[0], 3000, rng), draw(kinds[1], int(rng.integers(1, 900)), rng)
    exact = stats.ks_2samp(before, after).statistic
    found = compare(KolmogorovSmirnov(), before.tolist(), after.tolist(), Kind.NUMERIC, bins).statistic
    assert exact - 1 / bins - 1e-12 <= found <= exact + 1e-12


@settings(max_examples=60)
@given(kinds=st.tuples(st.integers(0, 4), st.integers(0, 4)), seed=st.integers(0, 2**31))
def test_wasserstein_is_within_its_stated_bound(kinds: tuple[int, int], seed: int) -> None:
    """The distance in the column's unit differs from the exact one by at most half the sum of h (r + w)."""
    rng = np.random.default_rng(seed)
    before, after = draw(kinds[0], 3000, rng), draw(kinds[1], int(rng.integers(1, 900)), rng)
    frame, window = pl.DataFrame({"x": before}), pl.DataFrame({"x": after})
    reference = reference_of(frame, [Column("x", Kind.NUMERIC)])
    profile = profile_rows(reference.layout, window)
    found = Wasserstein().test(reference, Window(profile))[0]
    edges = reference.layout.binnings[0].edges  # type: ignore[union-attr]  # a column of numbers
    ends = np.concatenate([[min(edges[0], after.min())], edges, [max(edges[-1], after.max())]])
    shares = reference.profile.values(0) / 3000 + profile.values(0) / after.size
    bound = float((np.diff(ends) * shares).sum() / 2)
    assert found.effect_size == pytest.approx(stats.wasserstein_distance(before, after), abs=bound + 1e-9)
    assert found.statistic == pytest.approx((found.effect_size or 0) / before.std(), rel=1e-3)


def golden(statistics: Sequence[str]) -> list[dict[str, Any]]:
    """Published cases with inline values; none where the data is not beside the tree."""
    if not CASES.exists():
        return []
    cases = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
    plain = [
        c for c in cases if c["statistic"] in statistics and c["reference"].keys() <= {"values", "repeat"}
    ]
    return [c for c in plain if c["params"].get("alternative", "two-sided") == "two-sided"]


def values_of(side: dict[str, Any], weights: Sequence[int] | None = None) -> list[Any]:
    """The rows that a case describes; weights are taken as repetitions."""
    if "repeat" in side:
        return [
            v
            for v, n in zip(side["repeat"]["values"], side["repeat"]["counts"], strict=True)
            for _ in range(n)
        ]
    return [
        v for v, n in zip(side["values"], weights or [1] * len(side["values"]), strict=True) for _ in range(n)
    ]


@pytest.mark.skipif(not CASES.exists(), reason="the published cases are not beside this tree")
@pytest.mark.parametrize("case", golden(["ks_2samp"]), ids=lambda case: case["id"])
def test_published_kolmogorov_smirnov_statistics(case: dict[str, Any]) -> None:
    """Two-sided statistics that scipy published come out exactly."""
    before, after = values_of(case["reference"]), values_of(case["current"])
    found = compare(KolmogorovSmirnov(), before, after, Kind.NUMERIC, 4096)
    assert case["expected"]["statistic"] == pytest.approx(found.statistic, abs=1e-12)


@pytest.mark.skipif(not CASES.exists(), reason="the published cases are not beside this tree")
@pytest.mark.parametrize("case", golden(["hellinger_cat", "chi2_gof_p"]), ids=lambda case: case["id"])
def test_published_counts_of_categories_give_the_exact_chi_square(case: dict[str, Any]) -> None:
    """On Evidently's published counts the statistic is scipy's for the two-row table."""
    before, after = (
        [None if v is None else str(v) for v in values_of(case[side])] for side in ("reference", "current")
    )
    found = compare(ChiSquare(least=0), before, after, Kind.CATEGORICAL)
    names = sorted({v for v in before + after if v is not None})
    table = [[side.count(name) for name in names] for side in (before, after)]
    exact = stats.chi2_contingency(table, correction=False)
    assert (exact.statistic, exact.pvalue) == pytest.approx((found.statistic, found.p_value))


@pytest.mark.parametrize(
    ("before", "after", "distance"),
    [
        ([0, 0, 0, 1], [0], 0.25),
        ([1, 2, 3], [2, 1, 3], 0.0),
        ([0, 2], [0], 1.0),
        ([4, 5, 6], [5, 5, 5], 2 / 3),
    ],
)
def test_wasserstein_is_exact_where_values_have_bins_of_their_own(
    before: list[float], after: list[float], distance: float
) -> None:
    """The examples of scipy's documentation."""
    assert compare(Wasserstein(), before, after, Kind.NUMERIC).effect_size == pytest.approx(
        distance, abs=1e-9
    )


def test_psi_and_jensen_shannon_equal_their_formulas() -> None:
    """On categories both are what the formula gives on the shares, half a count for a side that has none."""
    before, after = ["a"] * 60 + ["b"] * 30 + ["c"] * 10, ["a"] * 20 + ["b"] * 25 + [None] * 5
    r, w = np.array([60, 30, 10, 0.5]), np.array([20, 25, 0.5, 5])
    r, w = r / r.sum(), w / w.sum()
    assert compare(PSI(), before, after, Kind.CATEGORICAL).statistic == pytest.approx(
        ((w - r) * np.log(w / r)).sum()
    )
    r, w = np.array([60, 30, 10, 0]) / 100, np.array([20, 25, 0, 5]) / 50
    m = (r + w) / 2
    kl = [(p[p > 0] * np.log2(p[p > 0] / m[p > 0])).sum() for p in (r, w)]
    found = compare(JensenShannon(), before, after, Kind.CATEGORICAL).statistic
    assert found == pytest.approx(math.sqrt(sum(kl) / 2))


def test_numbers_are_pooled_into_groups_of_equal_share() -> None:
    """PSI on ten groups of a continuous column is near that of exact deciles."""
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=50_000), rng.normal(0.3, 1.2, 20_000)
    deciles = np.quantile(before, np.linspace(0, 1, 11)[1:-1])
    r, w = (np.bincount(np.searchsorted(deciles, x), minlength=10) / x.size for x in (before, after))
    found = compare(PSI(), before.tolist(), after.tolist(), Kind.NUMERIC).statistic
    assert found == pytest.approx(((w - r) * np.log(w / r)).sum(), rel=0.02)


COLUMNS = (
    Column("x", Kind.NUMERIC),
    Column("town", Kind.CATEGORICAL),
    Column("score", Kind.NUMERIC, Role.SCORE),
    Column("label", Kind.CATEGORICAL, Role.LABEL),
)


def four(rows: int, seed: int) -> pl.DataFrame:
    """Four columns in four roles."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "x": rng.normal(size=rows),
            "town": rng.choice(["a", "b", "c"], rows),
            "score": rng.random(rows),
            "label": rng.choice(["0", "1"], rows),
        }
    )


REFERENCE = reference_of(four(5000, 0), COLUMNS)


@pytest.mark.parametrize("test", ALL, ids=lambda test: test.type)
def test_the_reference_against_itself_is_zero(test: NamedStatistic) -> None:
    """Equal rows: statistic 0, no verdict, for every column that the test is for; roles give the cause."""
    results = test.test(REFERENCE, REFERENCE.as_window())
    assert all(result.statistic == pytest.approx(0, abs=1e-7) for result in results)
    assert {Verdict.OK} == {result.verdict for result in results}
    causes = {result.column: result.cause for result in results}
    assert all((cause is Cause.PREDICTION_DRIFT) == (name == "score") for name, cause in causes.items())


@pytest.mark.parametrize("test", ALL, ids=lambda test: test.type)
def test_too_few_rows_are_insufficient(test: NamedStatistic) -> None:
    """Under the minimum of rows there is no number; nor where a column has no value."""
    few = Window(profile_rows(REFERENCE.layout, four(50, 1)), min_rows=100)
    assert {Verdict.INSUFFICIENT} == {result.verdict for result in test.test(REFERENCE, few)}
    assert {Verdict.INSUFFICIENT} == {
        r.verdict for r in test.test(REFERENCE, Window(profile_rows(REFERENCE.layout, four(0, 1))))
    }


@pytest.mark.parametrize("test", ALL, ids=lambda test: test.type)
def test_a_column_without_values_leaves_the_others_alone(test: NamedStatistic) -> None:
    """A column of nulls does not change any other column's result."""
    frame = four(800, 2)
    blank = frame.with_columns(pl.lit(None, pl.Float64).alias("x"), pl.lit(None, pl.String).alias("town"))
    whole, partly = (
        {r.column: r for r in test.test(REFERENCE, Window(profile_rows(REFERENCE.layout, f)))}
        for f in (frame, blank)
    )
    assert [whole[name] for name in ("score", "label") if name in whole] == [
        partly[name] for name in ("score", "label") if name in partly
    ]
    assert all(math.isfinite(r.statistic) or r.verdict is Verdict.INSUFFICIENT for r in partly.values())


@pytest.mark.parametrize("kind", [PSI, JensenShannon, KolmogorovSmirnov, ChiSquare, Wasserstein])
def test_a_threshold_is_judged_where_it_is_given(kind: type[NamedStatistic]) -> None:
    """Above the threshold the verdict is drift; the default reports only."""
    frame = four(800, 3).with_columns(pl.col("x") + 1, pl.lit("a").alias("town"))
    window = Window(profile_rows(REFERENCE.layout, frame))
    moved = {"x", "town"}
    for threshold, expected in ((None, Verdict.OK), (0.09, Verdict.DRIFT), (1e9, Verdict.OK)):
        results = kind.model_validate({"threshold": threshold}).test(REFERENCE, window)
        assert {expected} == {r.verdict for r in results if r.column in moved}
        assert {threshold} == {r.threshold for r in results}


def test_a_number_that_overflows_is_an_error_of_its_column() -> None:
    """A distance beyond the floats gives *error* for that column alone."""
    frame = four(800, 4).with_columns(pl.lit(1.7e308).alias("x"))
    reference = reference_of(four(500, 1).with_columns(pl.lit(-1.7e308).alias("x")), COLUMNS)
    results = {
        r.column: r for r in Wasserstein().test(reference, Window(profile_rows(reference.layout, frame)))
    }
    assert (Verdict.ERROR, Verdict.OK) == (results["x"].verdict, results["score"].verdict)
