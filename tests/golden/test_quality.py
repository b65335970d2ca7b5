"""Few, true alarms: the shares of quiet windows that warn, and breaks that are named, with default settings.

A moderate form of `benchmarks/bench_quality.py`, with seeds of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from detectors.base import Result, Verdict, Window
from detectors.correlation import Correlation
from detectors.drift import Drift
from detectors.layout import Column, Kind, Role
from detectors.profile import Profile, profile_rows
from detectors.reference import Reference

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SHARED = pytest.mark.skipif(not DATA.is_dir(), reason="the shared data sets are not beside the repository")

LABELS = {"employed", "class", "Survived", "repaid", "y"}
PREDICTIONS = {"prediction", "y_pred"}
SCORES = {"predicted_probability", "y_pred_proba"}
NOT_FEATURES = ("id", "partition", "timestamp", "timestamp_derived", "row", "date")

Values = npt.NDArray[np.float64]


def role(name: str) -> Role:
    """What a column of the shared data is to its model."""
    found = {**dict.fromkeys(LABELS, Role.LABEL), **dict.fromkeys(PREDICTIONS, Role.PREDICTION)}
    return {**found, **dict.fromkeys(SCORES, Role.SCORE)}.get(name, Role.FEATURE)


def fit(frame: pl.DataFrame) -> Reference:
    """A reference of all columns of a frame."""
    numeric = {name: dtype.is_numeric() for name, dtype in frame.schema.items()}
    return Reference.fit(
        frame, [Column(c, Kind.NUMERIC if n else Kind.CATEGORICAL, role(c)) for c, n in numeric.items()]
    )


def load(name: str) -> pl.DataFrame:
    """A shared data set in canonical types without record numbers and times."""
    frame = pl.read_parquet(DATA / f"{name}.parquet").drop(NOT_FEATURES, strict=False)
    return frame.with_columns(
        pl.col(c).cast(pl.Float64 if dtype.is_numeric() else pl.String) for c, dtype in frame.schema.items()
    )


def judge(reference: Reference, stream: pl.DataFrame, rows: int) -> Iterator[list[Result]]:
    """The bad results of each window of a stream."""
    history: tuple[Profile, ...] = ()
    for start in range(0, stream.height - rows + 1, rows):
        profile = profile_rows(reference.layout, stream[start : start + rows])
        window = Window(profile, history)
        results = [*Drift().test(reference, window), *Correlation().test(reference, window)]
        yield [r for r in results if r.verdict in {Verdict.WARNING, Verdict.DRIFT}]
        history = (profile, *history)[:7]


def shares(windows: Sequence[Sequence[Result]]) -> tuple[float, float]:
    """Shares of windows with any warning and with any drift."""
    drift = sum(any(r.verdict is Verdict.DRIFT for r in found) for found in windows)
    return sum(map(bool, windows)) / len(windows), drift / len(windows)


def shuffled(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The rows in a seeded order."""
    return frame[np.random.default_rng(seed).permutation(frame.height)]


def remembering(rng: np.random.Generator, rows: int, memory: float) -> Values:
    """Five autoregressive columns."""
    noise = rng.normal(size=(rows, 5))
    for k in range(1, rows):
        noise[k] = memory * noise[k - 1] + (1 - memory**2) ** 0.5 * noise[k]
    return noise


def zipf(rng: np.random.Generator, rows: int, values: int) -> Values:
    """Five columns of categories by Zipf's law."""
    share = 1 / np.arange(1, values + 1)
    return rng.choice(values, size=(rows, 5), p=share / share.sum()).astype(float)


QUIET: dict[str, Callable[[np.random.Generator, int], Values]] = {
    "lognormal": lambda rng, rows: rng.lognormal(size=(rows, 5)),
    "mostly zeros": lambda rng, rows: rng.lognormal(size=(rows, 5)) * (rng.random((rows, 5)) < 0.1),
    "nulls": lambda rng, rows: np.where(rng.random((rows, 5)) < 0.05, np.nan, rng.normal(size=(rows, 5))),
    "ten categories": lambda rng, rows: zipf(rng, rows, 10),
    "thousand categories": lambda rng, rows: zipf(rng, rows, 1000),
    "clumps": lambda rng, rows: np.repeat(rng.normal(size=(rows // 3 + 1, 5)), 3, axis=0)[:rows],
    "memory": lambda rng, rows: remembering(rng, rows, 0.95),
    "season": lambda rng, rows: (
        rng.normal(size=(rows, 5)) + np.sin(np.arange(rows) * 2 * np.pi / 600)[:, None]
    ),
}


def test_generated_quiet_data_is_quiet() -> None:
    """At most 1 % of the windows warn over all kinds, and of each kind not more than chance explains at 2.5 %."""
    pooled: list[list[Result]] = []
    for k, (name, make) in enumerate(QUIET.items()):
        mine: list[list[Result]] = []
        for reference_rows, rows in ((20_000, 200), (2000, 500), (5000, 50)):
            values = make(np.random.default_rng([k, rows]), reference_rows + 30 * rows)
            frame = pl.DataFrame({f"x{j}": values[:, j] for j in range(5)}).fill_nan(None)
            if "categories" in name:
                frame = frame.cast(pl.String)
            mine += judge(fit(frame[:reference_rows]), frame[reference_rows:], rows)
        assert shares(mine)[0] <= 0.05, name
        pooled += mine
    warned, drifted = shares(pooled)
    assert warned <= 0.01
    assert drifted <= 0.005


@SHARED
@pytest.mark.parametrize("name", ["acs_employment_ma", "adult_census", "titanic"])
def test_shuffled_tables_are_quiet(name: str) -> None:
    """At most 3 % of the windows of a shuffled table warn, none is drift."""
    frame = shuffled(load(name), 21)
    half = min(frame.height // 2, 30_000)
    reference = fit(frame[:half])
    found: list[list[Result]] = []
    for rows in (100, 500, 1000, 5000):
        found += judge(reference, frame[half : half + 40 * rows], rows)
    warned, drifted = shares(found)
    assert warned <= 0.03
    assert drifted == 0


@SHARED
def test_households_are_not_drift() -> None:
    """Rows in household order depend on each other; no window warns."""
    frame = load("acs_employment_ma").filter(pl.col("year") == 2015)
    reference = fit(frame[:34_000])
    for rows in (100, 500, 1000, 5000):
        found = list(judge(reference, frame[34_000 : 34_000 + 40 * rows], rows))
        assert [] == [r for window in found for r in window]


BREAKS: dict[str, tuple[str, pl.Expr, int]] = {
    "mean + 0.1 sd": ("predicted_probability", pl.col("predicted_probability") + 0.1 * 0.4, 3),
    "mean + 0.25 sd": ("AGEP", pl.col("AGEP") + 0.25 * 23, 1),
    "variance x 1.5": ("AGEP", (pl.col("AGEP") - 41) * 1.5**0.5 + 41, 1),
    "unit x 1,000": ("AGEP", pl.col("AGEP") * 1000, 1),
    "5 % nulls": ("SCHL", pl.when(pl.int_range(pl.len()) % 20 == 3).then(None).otherwise(pl.col("SCHL")), 1),
    "5 % moved": ("MIG", pl.when(pl.int_range(pl.len()) % 20 == 3).then(2.0).otherwise(pl.col("MIG")), 1),
    "2 % new": ("RELP", pl.when(pl.int_range(pl.len()) % 50 == 3).then(99.0).otherwise(pl.col("RELP")), 1),
    "permuted": ("AGEP", pl.col("AGEP").reverse(), 1),
}


@SHARED
@pytest.mark.parametrize("name", BREAKS)
def test_breaks_are_named(name: str) -> None:
    """One column breaks after two quiet windows of 1,000 rows: it is named, and soon enough."""
    column, change, limit = BREAKS[name]
    frame = shuffled(load("acs_employment_ma"), 22)
    reference = fit(frame[:50_000])
    stream = pl.concat([frame[50_000:52_000], frame[52_000:55_000].with_columns(change.alias(column))])
    found = [{r.column for r in window} for window in judge(reference, stream, 1000)]
    assert column in set().union(*found[2 : 2 + limit])


@SHARED
def test_the_car_loan_break_is_drift_at_once() -> None:
    """25 quiet windows of 1,000 rows alert nowhere; the first one after row 75,000 does, and names the car's value."""
    frame = load("nannyml_car_loan")
    found = list(judge(fit(frame[:50_000]), frame[50_000:77_000], 1000))
    assert shares(found[:25])[1] == 0
    assert "car_value" in {r.column for r in found[25] if r.verdict is Verdict.DRIFT}


@SHARED
def test_elec2_is_quiet_until_the_market_opens() -> None:
    """25 weeks without a warning, then drift of the three columns that had been constant, in the first week."""
    frame = load("elec2")
    found = list(judge(fit(frame[:9024]), frame[9024:17_760], 336))
    assert [] == [r for window in found[:25] for r in window]
    assert {"vicprice", "vicdemand", "transfer"} <= {
        r.column for r in found[25] if r.verdict is Verdict.DRIFT
    }
