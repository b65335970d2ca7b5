"""Realised performance: exact figures, honest intervals, verdicts by size."""

import numpy as np
import polars as pl
import pytest

from detectors.base import Result, Verdict, Window
from detectors.layout import Column, Kind, Role
from detectors.outcomes import Outcome
from detectors.performance import Performance
from detectors.performance_measures import roc_auc
from detectors.profile import profile_rows
from detectors.reference import Reference

COLUMNS = (
    Column("score", Kind.NUMERIC, Role.SCORE),
    Column("y_pred", Kind.CATEGORICAL, Role.PREDICTION),
    Column("y", Kind.CATEGORICAL, Role.LABEL),
)
NUMBERS = (Column("guess", Kind.NUMERIC, Role.PREDICTION), Column("truth", Kind.NUMERIC, Role.LABEL))


def rows(rng: np.random.Generator, n: int, distance: float = 2.0) -> pl.DataFrame:
    """Two normal classes at a distance, a score that says which, the class by its sign."""
    truth = rng.random(n) < 0.4
    score = rng.normal(size=n) + np.where(truth, distance / 2, -distance / 2)
    yes = np.array(["no", "yes"])
    return pl.DataFrame({"score": score, "y_pred": yes[(score > 0).astype(int)], "y": yes[truth.astype(int)]})


def regression(rng: np.random.Generator, n: int, spread: float = 1.0) -> pl.DataFrame:
    """Guesses that miss by normal errors."""
    truth = rng.normal(0, 10, n)
    return pl.DataFrame({"guess": truth + rng.normal(0, spread, n), "truth": truth})


@pytest.fixture
def reference(rng: np.random.Generator) -> Reference:
    """10,000 rows of two classes."""
    return Reference.fit(rows(rng, 10_000), COLUMNS)


def results(reference: Reference, frame: pl.DataFrame) -> dict[str, Result]:
    """Results by figure."""
    return {r.column: r for r in Performance().test(reference, Window(profile_rows(reference.layout, frame)))}


def exact_auc(frame: pl.DataFrame) -> float:
    """Share of pairs in which the positive row has the higher score."""
    ranks = frame["score"].rank().to_numpy()
    positive = (frame["y"] == "yes").to_numpy()
    n1, n0 = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def test_figures_are_exact_within_their_bounds(rng: np.random.Generator, reference: Reference) -> None:
    """Accuracy exactly; the area within the bound that it states, in the reference and in other windows."""
    for frame in (rows(rng, 3000), rows(rng, 500, 0.5)):
        found = results(reference, frame)
        assert found["accuracy"].statistic == (frame["y"] == frame["y_pred"]).mean()
        measured = roc_auc(profile_rows(reference.layout, frame), Outcome.of(reference.layout))
        assert measured is not None
        assert abs(measured.value - exact_auc(frame)) <= measured.error
        assert measured.error < 0.01


def test_the_variance_of_the_area_is_that_of_its_scatter(
    rng: np.random.Generator, reference: Reference
) -> None:
    """DeLong's variance, against 300 samples."""
    measured = [
        roc_auc(profile_rows(reference.layout, rows(rng, 400)), Outcome.of(reference.layout))
        for _ in range(300)
    ]
    values = np.array([m.value for m in measured if m is not None])
    stated = np.median([m.variance for m in measured if m is not None])
    assert float(np.std(values)) == pytest.approx(float(np.sqrt(stated)), rel=0.15)


def test_quiet_windows_are_quiet(rng: np.random.Generator, reference: Reference) -> None:
    """No more of 300 windows than the level of 0.1 % lets through (three for certain)."""
    found = [results(reference, rows(rng, n)) for n in (100, 1000) for _ in range(150)]
    assert sum(any(r.verdict is not Verdict.OK for r in f.values()) for f in found) <= 3


def test_a_worse_model_is_drift(rng: np.random.Generator, reference: Reference) -> None:
    """A loss above the floor for certain: drift; a smaller one: a warning; a gain: a warning as a notice."""
    worse = results(reference, rows(rng, 3000, 1.2))
    assert [Verdict.DRIFT] * 2 == [r.verdict for r in worse.values()]
    assert worse["accuracy"].effect_size == pytest.approx(-0.115, abs=0.03)
    slightly = results(reference, rows(rng, 20_000, 1.85))
    assert slightly["accuracy"].verdict is Verdict.WARNING
    better = results(reference, rows(rng, 3000, 3.0))
    assert better["accuracy"].verdict is Verdict.WARNING
    assert better["accuracy"].detail.endswith("better than the reference")


def test_an_area_below_a_half_is_worse_when_it_rises(rng: np.random.Generator) -> None:
    """A score for the other class is left as it is, and judged by its distance from chance."""
    turned = [frame.with_columns(-pl.col("score")) for frame in (rows(rng, 5000), rows(rng, 3000, 1.0))]
    reference = Reference.fit(turned[0], COLUMNS)
    found = results(reference, turned[1])["roc_auc"]
    assert found.statistic > roc_auc(reference.profile, Outcome.of(reference.layout)).value  # type: ignore[union-attr]
    assert found.verdict is Verdict.DRIFT


def test_mean_absolute_error(rng: np.random.Generator) -> None:
    """Close to the exact one; a rise by a third is drift, a fall by a third a notice."""
    reference = Reference.fit(regression(rng, 5000), NUMBERS)
    frame = regression(rng, 2000)
    found = results(reference, frame)["mae"]
    assert found.statistic == pytest.approx((frame["guess"] - frame["truth"]).abs().mean(), rel=1e-3)
    assert found.verdict is Verdict.OK
    assert results(reference, regression(rng, 2000, 1.33))["mae"].verdict is Verdict.DRIFT
    assert results(reference, regression(rng, 2000, 0.67))["mae"].verdict is Verdict.WARNING


def test_few_labels_are_insufficient(rng: np.random.Generator, reference: Reference) -> None:
    """Fewer than 100 labelled rows, or none at all, are not judged."""
    frame = rows(rng, 1000)
    late = pl.when(pl.int_range(pl.len()) < 50).then(pl.col("y")).alias("y")
    for part in (frame.with_columns(late), frame.drop("y")):
        assert [Verdict.INSUFFICIENT] * 2 == [r.verdict for r in results(reference, part).values()]


def test_without_labels_nothing_is_said(rng: np.random.Generator) -> None:
    """Neither where the layout has no label nor where the reference has too few."""
    frame = rows(rng, 1000)
    assert results(Reference.fit(frame, COLUMNS[:2]), frame) == {}
    unlabelled = Reference.fit(frame.with_columns(pl.lit(None, pl.String).alias("y")), COLUMNS)
    assert results(unlabelled, frame) == {}


def test_dependent_errors_widen_the_intervals(rng: np.random.Generator) -> None:
    """Where errors come in clumps of twenty, a clump more is no loss."""
    reference = Reference.fit(clumps(rng, 500), COLUMNS)
    assert reference.error is not None
    assert reference.error.design_effect > 10
    found = [results(reference, clumps(rng, 20))["accuracy"].verdict for _ in range(30)]
    assert found.count(Verdict.DRIFT) == 0


def clumps(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Each of n rows twenty times."""
    return rows(rng, n, 1.0)[np.repeat(np.arange(n), 20).tolist()]
