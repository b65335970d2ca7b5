"""Correlations that break, and that do not."""

import numpy as np
import polars as pl
import pytest

from detectors.base import Cause, Verdict
from detectors.layout import Column, Kind, Role
from detectors.reference import Reference
from tests.unit.detectors.verdict_data import correlation, fit, frame


@pytest.fixture(scope="module")
def reference() -> Reference:
    """Twenty thousand independent rows; two columns go together."""
    return fit()


def test_quiet_windows_are_quiet(reference: Reference) -> None:
    """Of sixty quiet windows at most two carry a warning."""
    found = [correlation(reference, frame(200 + k, 400))[0].verdict for k in range(60)]
    assert found.count(Verdict.OK) >= 58


def test_a_permuted_column_is_named(reference: Reference) -> None:
    """Rows of one column in another order: its own distribution is the same, its correlations are gone."""
    late = frame(1, 1000)
    rng = np.random.default_rng(1)
    result = correlation(reference, late.with_columns(late["twin"][rng.permutation(1000)].alias("twin")))[0]
    assert result.column in {"twin", "amount"}
    assert result.verdict is Verdict.DRIFT
    assert "went from 0.6" in result.detail
    assert result.effect_size == pytest.approx(0.67, abs=0.1)


@pytest.mark.parametrize("rows", [300, 1000, 3000])
def test_columns_that_stand_still_go_along_with_nothing(reference: Reference, rows: int) -> None:
    """Three columns with one value each: what 32-bit sums leave of their variance is no correlation."""
    late = frame(7, rows).with_columns(amount=pl.lit(3.7), score=pl.lit(0.8), colour=pl.lit("grey"))
    found = correlation(reference, late.with_columns(twin=pl.Series(frame(8, rows)["twin"])))
    assert {Verdict.OK} == {result.verdict for result in found}


@pytest.mark.parametrize(
    ("columns", "cause"),
    [
        (("amount", "twin"), Cause.DATA_DRIFT),
        (("amount", "score"), Cause.PREDICTION_DRIFT),
        (("label", "score"), Cause.CONCEPT_DRIFT),
        (("label", "amount"), Cause.CONCEPT_DRIFT),
    ],
)
def test_the_cause_follows_the_pair(reference: Reference, columns: tuple[str, str], cause: Cause) -> None:
    """Two columns that are sorted alike, and so go together now: what they are to the model says which alert it is."""
    late = frame(3, 1000)
    late = late.with_columns(late[name].sort().alias(name) for name in columns)
    if "amount" in columns:
        late = late.with_columns((pl.col("amount").log() + frame(4, 1000)["score"]).alias("twin"))
    late = late.with_columns(frame(5, 1000).drop(columns))
    result = correlation(reference, late)[0]
    assert (Verdict.DRIFT, cause) == (result.verdict, result.cause)


def test_the_column_with_most_broken_pairs_is_named() -> None:
    """Four columns that share a factor: the one that lost it is named, not one of its partners."""

    def make(seed: int, rows: int) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        factor = rng.normal(size=rows)
        return pl.DataFrame({f"x{k}": factor + rng.normal(size=rows) for k in range(4)})

    reference = Reference.fit(make(0, 10_000), [Column(f"x{k}", Kind.NUMERIC) for k in range(4)])
    late = make(1, 1000)
    late = late.with_columns(late["x2"].reverse().alias("x2"))
    found = correlation(reference, late)[0]
    assert ("x2", Verdict.DRIFT) == (found.column, found.verdict)
    assert "and 2 more" in found.detail


def test_correlations_that_wander_are_not_drift() -> None:
    """Two columns whose relation changes its sign every few hundred rows in the reference may do so in a window."""
    rng = np.random.default_rng(4)
    rows = 24_000
    sign = np.repeat(rng.choice([-1.0, 1.0], size=rows // 300), 300)
    x = rng.normal(size=rows)
    stream = pl.DataFrame({"x": x, "y": sign * x + rng.normal(size=rows)})
    reference = Reference.fit(stream[:18_000], [Column(c, Kind.NUMERIC) for c in stream.columns])
    verdicts = [correlation(reference, stream[s : s + 300])[0].verdict for s in range(18_000, 24_000, 300)]
    assert {Verdict.OK} == set(verdicts)


def test_constants_nulls_and_few_rows(reference: Reference) -> None:
    """Columns that are constant or empty, here or in the reference, take part in no pair; thirty rows are the least."""
    flat = frame(2, 500).with_columns(
        pl.lit(1.0).alias("amount"), pl.lit(None, dtype=pl.String).alias("colour")
    )
    assert {Verdict.OK} == {r.verdict for r in correlation(reference, flat)}
    assert correlation(reference, frame(2, 20))[0].verdict is Verdict.INSUFFICIENT
    lonely = Reference.fit(frame(0, 100).select("amount"), [Column("amount", Kind.NUMERIC)])
    assert [] == list(correlation(lonely, frame(1, 100)))


@pytest.mark.parametrize("late", [0.3, 0.5, 0.9, 1.0])
def test_labels_that_come_late_are_no_change(late: float) -> None:
    """The label goes along with the score; rows without one say nothing, in the window or in the reference."""

    def make(seed: int, rows: int, missing: float) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        score = rng.random(rows)
        label = pl.Series((rng.random(rows) < score).astype(int).astype(str))
        known = pl.when(pl.Series(rng.random(rows) >= missing)).then(label)
        return pl.DataFrame({"x": rng.normal(size=rows) + score, "score": score}).with_columns(
            known.alias("label")
        )

    columns = [
        Column("x", Kind.NUMERIC),
        Column("score", Kind.NUMERIC, Role.SCORE),
        Column("label", Kind.CATEGORICAL, Role.LABEL),
    ]
    reference = Reference.fit(make(0, 20_000, 0.2), columns)
    found = [r for seed in range(1, 21) for r in correlation(reference, make(seed, 1000, late))]
    assert 0 == sum(r.verdict is not Verdict.OK for r in found)
    labelled = {r.cause for r in found} - {Cause.DATA_DRIFT, Cause.PREDICTION_DRIFT}
    assert labelled == ({Cause.CONCEPT_DRIFT} if late < 1 else set())
    broken = make(1, 1000, 0.3)
    broken = broken.with_columns(broken["label"].reverse())
    first = correlation(reference, broken)[0]
    assert ("label", Verdict.DRIFT, Cause.CONCEPT_DRIFT) == (first.column, first.verdict, first.cause)
