"""Schema findings: loud where the schema broke, silent where chance explains it."""

import numpy as np
import polars as pl
import pytest

from detectors.base import Result, Verdict, Window
from detectors.layout import Column, Kind, Odd, Role
from detectors.profile import profile_rows
from detectors.reference import Reference
from detectors.schema import Schema

COLUMNS = (
    Column("age", Kind.NUMERIC, integer=True),
    Column("income", Kind.NUMERIC),
    Column("town", Kind.CATEGORICAL),
    Column("label", Kind.CATEGORICAL, Role.LABEL),
)


def rows(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Quiet rows: whole ages, skewed incomes of which some are null, Zipf towns with rare ones, labels, ids."""
    income = pl.Series(rng.lognormal(10, 1, n)).set(pl.Series(rng.random(n) < 0.1), None)
    return pl.DataFrame({
        "@id": [f"{i:x}" for i in rng.integers(0, 2**62, n)],
        "age": rng.integers(18, 90, n).astype(np.float64),
        "income": income,
        "town": [f"town {min(int(z), 300)}" for z in rng.zipf(1.8, n)],
        "label": rng.choice(["no", "yes"], n),
    })  # fmt: skip


@pytest.fixture
def reference(rng: np.random.Generator) -> Reference:
    """5,000 quiet rows."""
    return Reference.fit(rows(rng, 5000), COLUMNS)


def findings(
    reference: Reference, frame: pl.DataFrame, unknown: dict[str, int] | None = None
) -> dict[str, Result]:
    """Results that are not ok, by column."""
    window = Window(profile_rows(reference.layout, frame, unknown))
    return {r.column: r for r in Schema().test(reference, window) if r.verdict is not Verdict.OK}


def odd(frame: pl.DataFrame, column: str, kind: Odd, n: int) -> pl.DataFrame:
    """The first n values of a column are odd; hard oddities are null as well."""
    codes = [int(kind)] * n + [0] * (frame.height - n)
    if kind <= Odd.MISSING:
        kept = pl.when(pl.int_range(pl.len()) < n).then(None).otherwise(pl.col(column))
        frame = frame.with_columns(kept.alias(column))
    return frame.with_columns(pl.Series(f"@odd.{column}", codes, dtype=pl.UInt8))


def test_quiet_windows_are_quiet(rng: np.random.Generator, reference: Reference) -> None:
    """No finding in 100 windows of 50 to 1,000 rows with fresh extremes and rare new towns."""
    loud = [
        f for size in (50, 100, 500, 1000) for _ in range(25) if (f := findings(reference, rows(rng, size)))
    ]
    assert loud == []


def test_a_missing_column_is_breaking(rng: np.random.Generator, reference: Reference) -> None:
    """A column that no row carries."""
    found = findings(reference, rows(rng, 200).drop("age"))
    assert list(found) == ["age"]
    assert found["age"].verdict is Verdict.DRIFT
    assert found["age"].statistic == 1
    assert found["age"].detail == "100.0% of the rows are missing (breaking)"


def test_labels_may_be_late(rng: np.random.Generator, reference: Reference) -> None:
    """A window without labels has the schema of one with labels."""
    frame = rows(rng, 200)
    assert findings(reference, frame.drop("label")) == {}
    assert findings(reference, frame.with_columns(pl.lit(None, pl.String).alias("label"))) == {}


@pytest.mark.parametrize(
    ("column", "kind", "words"),
    [
        ("age", Odd.NUMBER_AS_STRING, "a number sent as text"),
        ("income", Odd.WRONG_TYPE, "of the wrong type"),
        ("age", Odd.FRACTIONAL, "a fraction in a column of whole numbers"),
        ("town", Odd.BAD_ENCODING, "damaged text"),
        ("income", Odd.MISSING, "missing"),
    ],
)
def test_changed_types_are_breaking(
    rng: np.random.Generator, reference: Reference, column: str, kind: Odd, words: str
) -> None:
    """A fifth of the rows: drift. Ten of a thousand: a warning. One: nothing."""
    for n, verdict in ((200, Verdict.DRIFT), (10, Verdict.WARNING), (1, None)):
        found = findings(reference, odd(rows(rng, 1000), column, kind, n))
        assert [column] * (verdict is not None) == list(found)
        if verdict is not None:
            assert found[column].verdict is verdict
            assert found[column].detail == f"{n / 10:.1f}% of the rows are {words} (breaking)"


def test_a_fraction_in_a_column_of_fractions_is_none(rng: np.random.Generator, reference: Reference) -> None:
    """Only columns whose reference values were whole are held to it."""
    assert findings(reference, odd(rows(rng, 1000), "income", Odd.FRACTIONAL, 500)) == {}


def test_nulls_where_there_were_none_are_breaking(rng: np.random.Generator, reference: Reference) -> None:
    """A null share that moves is drift's business; nulls in a column without any are the schema's."""
    frame = rows(rng, 1000)
    some = pl.int_range(pl.len()) < 200
    hole = [pl.when(some).then(None).otherwise(pl.col(c)).alias(c) for c in ("age", "income")]
    found = findings(reference, frame.with_columns(hole))
    assert list(found) == ["age"]
    assert found["age"].verdict is Verdict.DRIFT
    empty = findings(reference, frame.with_columns(pl.lit(None, pl.Float64).alias("income")))
    assert empty["income"].verdict is Verdict.DRIFT


def test_infinite_values_are_breaking(rng: np.random.Generator, reference: Reference) -> None:
    """NaN and infinities where there were none."""
    values = np.where(np.arange(1000) < 100, np.inf, 1.0)
    found = findings(reference, rows(rng, 1000).with_columns(pl.Series("income", values)))
    assert found["income"].verdict is Verdict.DRIFT


def test_a_constant_column_is_breaking(rng: np.random.Generator, reference: Reference) -> None:
    """A value that never moves, in a column that varied; known or new, number or text."""
    frame = rows(rng, 300)
    for column, value in (("age", 40.0), ("age", 400.0), ("town", "town 1"), ("town", "nowhere")):
        found = findings(reference, frame.with_columns(pl.lit(value).alias(column)))
        assert found[column].verdict is Verdict.DRIFT
        assert "the same value" in found[column].detail


def test_a_constant_column_that_always_was_is_none(rng: np.random.Generator) -> None:
    """It has not changed; nor has one that is nearly always the same."""
    frame = rows(rng, 2000).with_columns(
        pl.lit("town 1").alias("town"), pl.Series("age", [1.0] + [0.0] * 1999)
    )
    reference = Reference.fit(frame, COLUMNS)
    assert findings(reference, frame[500:700]) == {}


def test_values_out_of_range_and_new_categories_are_additive(
    rng: np.random.Generator, reference: Reference
) -> None:
    """A tenth of the rows: a warning that says additive."""
    frame, some = rows(rng, 1000), pl.int_range(pl.len()) < 100
    far = pl.when(some).then(pl.lit(1e9)).otherwise(pl.col("income")).alias("income")
    new = pl.when(some).then(pl.lit("Atlantis")).otherwise(pl.col("town")).alias("town")
    found = findings(reference, frame.with_columns(far, new))
    assert {"income", "town"} == set(found)
    assert {Verdict.WARNING} == {r.verdict for r in found.values()}
    assert all(r.detail.endswith("(additive)") for r in found.values())


def test_a_new_column_is_told_once(rng: np.random.Generator, reference: Reference) -> None:
    """A warning in the window in which it appears; afterwards it is reported as ok. One stray row is nothing."""
    frame = rows(rng, 200)
    profile = profile_rows(reference.layout, frame, {"colour": 200})
    first, later = Window(profile), Window(profile, history=(profile,))
    verdicts = [{r.column: r.verdict for r in Schema().test(reference, w)}["colour"] for w in (first, later)]
    assert [Verdict.WARNING, Verdict.OK] == verdicts
    assert findings(reference, frame, {"colour": 1}) == {}


def test_repeated_ids_are_breaking(rng: np.random.Generator, reference: Reference) -> None:
    """Every row twice: half of the rows repeat an id."""
    frame = rows(rng, 500)
    found = findings(reference, pl.concat([frame, frame]))
    assert found["@id"].verdict is Verdict.DRIFT
    assert found["@id"].statistic == pytest.approx(0.5, abs=0.1)


def test_too_few_rows_are_insufficient(rng: np.random.Generator, reference: Reference) -> None:
    """Below the minimum nothing is said of the columns."""
    window = Window(profile_rows(reference.layout, rows(rng, 20)), min_rows=50)
    assert [Verdict.INSUFFICIENT] == [r.verdict for r in Schema().test(reference, window)]
