"""The verdict rule, one change at a time."""

import numpy as np
import polars as pl
import pytest

from detectors.base import Cause, Verdict
from detectors.drift import Drift
from detectors.layout import Column, Kind
from detectors.reference import Reference
from tests.unit.detectors.verdict_data import COLUMNS, drift, fit, frame, window


@pytest.fixture(scope="module")
def reference() -> Reference:
    """Twenty thousand independent rows."""
    return fit()


def every(step: int, colour: str) -> pl.Expr:
    """Every so many rows have another colour."""
    return pl.when(pl.int_range(pl.len()) % step == 0).then(pl.lit(colour)).otherwise(pl.col("colour"))


def bad(results: dict[str, object]) -> list[str]:
    """Columns that are not well."""
    return [name for name, r in results.items() if r.verdict is not Verdict.OK]  # type: ignore[attr-defined]


def test_the_reference_is_no_drift_of_itself(reference: Reference) -> None:
    """Every column is well, with no effect."""
    results = Drift().test(reference, reference.as_window())
    assert [c.name for c in COLUMNS] == [r.column for r in results]
    assert {Verdict.OK} == {r.verdict for r in results}
    assert max(r.statistic for r in results) == 0


def test_quiet_windows_are_quiet(reference: Reference) -> None:
    """Of fifty quiet windows at most two carry a warning, none a drift."""
    verdicts = [{r.verdict for r in drift(reference, frame(100 + k, 500)).values()} for k in range(50)]
    assert sum(Verdict.WARNING in v for v in verdicts) <= 2
    assert not any(Verdict.DRIFT in v for v in verdicts)


def test_a_shift_is_drift_and_names_its_column(reference: Reference) -> None:
    """Half a standard deviation of the score: drift of the score only, as a prediction, in words."""
    late = frame(1, 1000).with_columns(pl.col("score") + 0.08)
    results = drift(reference, late)
    assert ["score"] == bad(results)  # type: ignore[arg-type]
    found = results["score"]
    assert (Verdict.DRIFT, Cause.PREDICTION_DRIFT) == (found.verdict, found.cause)
    assert "mean shifted up by 0.48 sd" == found.detail
    assert found.p_value is not None
    assert found.p_value < 1e-10
    assert 0.15 < found.statistic < 0.35
    assert found.threshold == 0.05


def test_a_small_real_shift_is_a_warning(reference: Reference) -> None:
    """A tenth of a standard deviation over eight windows is certain, and smaller than what matters."""
    late = [frame(10 + k, 1000).with_columns(pl.col("score") + 0.016) for k in range(8)]
    found = drift(reference, *late)["score"]
    assert found.verdict is Verdict.WARNING
    assert "over the last" in found.detail


def test_a_shift_that_is_over_is_not_told_again(reference: Reference) -> None:
    """One broken window between quiet ones leaves the next window alone."""
    late = frame(1, 1000).with_columns(pl.col("score") + 0.08)
    assert drift(reference, frame(2, 1000), late, frame(3, 1000))["score"].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("change", "column", "words"),
    [
        (pl.col("amount") * 1000, "amount", ""),
        (pl.when(pl.int_range(pl.len()) % 20 != 0).then(pl.col("amount")), "amount", "without a value"),
        (every(50, "pink"), "colour", "'pink'"),
        (every(10, "grey"), "colour", "'grey'"),
        ((pl.col("twin") * 1.5), "twin", ""),
    ],
)  # fmt: skip
def test_breaks_are_named_in_the_first_window(
    reference: Reference, change: pl.Expr, column: str, words: str
) -> None:
    """Unit, nulls, a new category, moved rows, spread: named with the right column and in words."""
    results = drift(reference, frame(4, 1000).with_columns(change.alias(column)))
    assert [column] == bad(results)  # type: ignore[arg-type]
    assert words in results[column].detail


def test_labels_may_come_late(reference: Reference) -> None:
    """A window without labels is no drift of the label."""
    late = frame(5, 1000).with_columns(pl.lit(None, dtype=pl.String).alias("label"))
    assert [] == bad(drift(reference, late))  # type: ignore[arg-type]


def test_few_rows_are_insufficient(reference: Reference) -> None:
    """Under the minimum of rows there is no score."""
    results = Drift().test(reference, window(reference, frame(6, 20), min_rows=100))
    assert {Verdict.INSUFFICIENT} == {r.verdict for r in results}
    assert all(np.isnan(r.statistic) for r in results)


def test_counters_and_times_are_quiet() -> None:
    """Columns that only grow leave the reference's range in every window, and are no drift."""
    rows = np.arange(12_000, dtype=float)
    everything = pl.DataFrame(
        {"id": rows, "day": np.floor(rows / 500), "x": np.random.default_rng(3).normal(size=12_000)}
    )
    columns = [Column(c, Kind.NUMERIC) for c in everything.columns]
    reference = Reference.fit(everything[:10_000], columns)
    for start in range(10_000, 12_000, 500):
        results = drift(reference, everything[start : start + 500])
        assert Verdict.DRIFT not in {results["id"].verdict, results["day"].verdict}


def test_dependent_rows_are_not_drift() -> None:
    """A stream with long memory wanders; independent judgement would call every window drift."""
    rng = np.random.default_rng(8)
    values = np.zeros(24_000)
    for k in range(1, len(values)):
        values[k] = 0.98 * values[k - 1] + rng.normal()
    stream = pl.DataFrame({"x": values})
    reference = Reference.fit(stream[:16_000], [Column("x", Kind.NUMERIC)])
    verdicts = [drift(reference, stream[s : s + 400])["x"].verdict for s in range(16_000, 24_000, 400)]
    assert verdicts.count(Verdict.OK) >= 19


def test_a_short_reference_is_said_to_be_short() -> None:
    """Windows of a third of a dependent reference are judged with wide margins, and that is told."""
    rng = np.random.default_rng(8)
    stream = pl.DataFrame({"x": np.repeat(rng.normal(size=100), 60)})
    reference = Reference.fit(stream[:4500], [Column("x", Kind.NUMERIC)])
    found = drift(reference, stream[4500:])["x"]
    assert found.verdict is Verdict.OK
    assert "3.0 such windows" in found.detail


@pytest.mark.parametrize("rows", [1, 2, 7, 40])
def test_tiny_references_and_windows_give_verdicts(rows: int) -> None:
    """One row, constants, nothing but nulls: a verdict for each column, no error, no alarm."""
    few = frame(9, rows).with_columns(
        pl.lit(1.0).alias("score"), pl.lit(None, dtype=pl.Float64).alias("twin")
    )
    reference = Reference.fit(few, COLUMNS)
    results = drift(reference, few)
    assert len(COLUMNS) == len(results)
    assert {Verdict.OK} == {r.verdict for r in results.values()}


def test_columns_without_values_in_the_window(reference: Reference) -> None:
    """A numeric column that is all null is a change of its null share, told as such."""
    found = drift(reference, frame(7, 300).with_columns(pl.lit(None, dtype=pl.Float64).alias("amount")))[
        "amount"
    ]
    assert found.verdict is Verdict.DRIFT
    assert "from 0.0% to 100.0%" in found.detail


def test_the_same_again_after_saving(reference: Reference) -> None:
    """A reference that was saved and loaded judges the same."""
    late = frame(1, 1000).with_columns(pl.col("score") + 0.08)
    again = Reference.from_bytes(reference.to_bytes())
    assert drift(reference, late) == drift(again, late)


def test_nothing_is_written_to(reference: Reference) -> None:
    """Twice the same window, twice the same results."""
    given = window(reference, frame(1, 500), frame(2, 500))
    assert Drift().test(reference, given) == Drift().test(reference, given)
