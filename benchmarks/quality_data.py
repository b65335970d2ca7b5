"""Seeded scenarios of `bench_quality`: streams in which nothing changes, and streams in which one column breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from detectors.layout import Column, Kind, Role

ROLES = {
    "employed": Role.LABEL,
    "repaid": Role.LABEL,
    "class": Role.LABEL,
    "Survived": Role.LABEL,
    "y": Role.LABEL,
    "prediction": Role.PREDICTION,
    "y_pred": Role.PREDICTION,
    "predicted_probability": Role.SCORE,
    "y_pred_proba": Role.SCORE,
}
"""What the columns of the shared data sets are to their models; the others are features."""

NOT_FEATURES = ("id", "partition", "timestamp", "timestamp_derived", "row", "date", "year_derived")
"""Record numbers and times: a monitor's configuration does not list them as features."""

WINDOWS = (100, 500, 1000, 5000)


@dataclass(frozen=True)
class Scenario:
    """A reference and the rows that come after it.

    Attributes:
        group: a, b, c or d. name: data set and kind. window: rows of a window.
        reference, stream: canonical frames.
        broken: the columns that break at `stream` row 0 of the break; empty where nothing changes.
        break_row: row of the stream from which they are broken.
    """

    group: str
    name: str
    window: int
    reference: pl.DataFrame
    stream: pl.DataFrame
    broken: tuple[str, ...] = ()
    break_row: int = 0
    limit: int = field(default=1, compare=False)


def columns_of(frame: pl.DataFrame) -> list[Column]:
    """Numbers are numeric, everything else categorical; roles by `ROLES`."""
    return [
        Column(
            name,
            Kind.NUMERIC if dtype.is_numeric() else Kind.CATEGORICAL,
            ROLES.get(name, Role.FEATURE),
        )
        for name, dtype in frame.schema.items()
    ]


def load(data: Path, name: str) -> pl.DataFrame:
    """A shared data set in canonical types, without record numbers and times."""
    frame = pl.read_parquet(data / f"{name}.parquet")
    frame = frame.drop([c for c in NOT_FEATURES if c in frame.columns])
    return frame.with_columns(
        pl.col(c).cast(pl.Float64) if dtype.is_numeric() else pl.col(c).cast(pl.String)
        for c, dtype in frame.schema.items()
    )


def shuffled(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    return frame[np.random.default_rng(seed).permutation(frame.height)]


def quiet_tables(data: Path, seeds: range) -> Iterator[Scenario]:
    """(a) Shuffled tables, and one in household order."""
    for name in ("acs_employment_ma", "adult_census", "titanic"):
        frame = load(data, name)
        for seed in seeds:
            mixed = shuffled(frame, seed)
            half = min(mixed.height // 2, 50_000)
            for window in WINDOWS:
                if mixed.height - half >= window:
                    stream = mixed[half : half + window * 60]
                    yield Scenario("a", name, window, mixed[:half], stream)
    households = load(data, "acs_employment_ma").filter(pl.col("year") == 2015)
    half = households.height // 2
    for window in WINDOWS:
        yield Scenario(
            "a", "acs household order", window, households[:half], households[half : half + window * 60]
        )


def _mean(shift: float) -> Callable[[pl.Series, np.random.Generator], pl.Series]:
    return lambda s, _: s + shift * float(s.std() or 0.0)  # type: ignore[arg-type]  # numeric columns only


def _variance(s: pl.Series, _: np.random.Generator) -> pl.Series:
    mean = float(s.mean() or 0.0)  # type: ignore[arg-type]  # numeric columns only
    return (s - mean) * np.sqrt(1.5) + mean


def _nulls(s: pl.Series, rng: np.random.Generator) -> pl.Series:
    return pl.select(pl.when(pl.Series(rng.random(len(s)) < 0.05)).then(None).otherwise(s)).to_series()


def _moved(share: float, rank: int | None = None) -> Callable[[pl.Series, np.random.Generator], pl.Series]:
    """Rows of the most frequent value become another: that of a rank by frequency, or the one in the middle."""

    def change(s: pl.Series, rng: np.random.Generator) -> pl.Series:
        ranked = s.value_counts(sort=True)[s.name].to_list()
        source, target = ranked[0], ranked[min(len(ranked) // 2 if rank is None else rank, len(ranked) - 1)]
        have = float((s == source).mean() or 0.0)
        hit = (s == source) & pl.Series(rng.random(len(s)) < share / max(have, share))
        return pl.select(pl.when(hit).then(pl.lit(target)).otherwise(s)).to_series()

    return change


def _new(s: pl.Series, rng: np.random.Generator) -> pl.Series:
    value = pl.lit("brand new") if s.dtype == pl.String else pl.lit(-77.0)
    return pl.select(pl.when(pl.Series(rng.random(len(s)) < 0.02)).then(value).otherwise(s)).to_series()


def _permuted(s: pl.Series, rng: np.random.Generator) -> pl.Series:
    return s[rng.permutation(len(s))]


BREAKS: dict[str, Callable[[pl.Series, np.random.Generator], pl.Series]] = {
    "mean + 0.1 sd": _mean(0.1),
    "mean + 0.25 sd": _mean(0.25),
    "mean + 0.5 sd": _mean(0.5),
    "5 % moved": _moved(0.05),
    "10 % moved": _moved(0.10),
    "5 % moved to the third value": _moved(0.05, 2),
    "10 % moved to the third value": _moved(0.10, 2),
    "5 % nulls": _nulls,
    "unit x 1,000": lambda s, _: s * 1000,
    "variance x 1.5": _variance,
    "2 % new category": _new,
    "permuted": _permuted,
}

TARGETS = {
    "adult_census": {
        "numeric": ("age", "fnlwgt"),
        "category": ("education", "occupation"),
        "permuted": ("age",),
    },
    "acs_employment_ma": {
        "numeric": ("AGEP", "predicted_probability"),
        "category": ("MAR", "SCHL"),
        "permuted": ("AGEP", "MAR"),
    },
}
"""The columns that are broken, one at a time."""


def kind_of(name: str) -> str:
    """Which columns a break applies to."""
    if name == "permuted":
        return "permuted"
    return "category" if "moved" in name or "category" in name else "numeric"


def broken_tables(data: Path, seeds: range) -> Iterator[Scenario]:
    """(b) One column breaks after two quiet windows of a shuffle."""
    for table, targets in TARGETS.items():
        frame = load(data, table)
        for seed in seeds:
            mixed = shuffled(frame, 1000 + seed)
            half = min(mixed.height // 2, 50_000)
            for window in (1000, 5000):
                stream, at = mixed[half : half + window * 5], window * 2
                for name, change in BREAKS.items():
                    for column in targets[kind_of(name)]:
                        rng = np.random.default_rng(seed)
                        late = stream[at:]
                        late = late.with_columns(change(late[column], rng).alias(column))
                        after = pl.concat([stream[:at], late])
                        limit = 3 if name == "mean + 0.1 sd" and window == 1000 else 1
                        yield Scenario(
                            "b", f"{table}: {name}", window, mixed[:half], after, (column,), at, limit
                        )


def known_streams(data: Path) -> Iterator[Scenario]:
    """(c) What the cards of the data state."""
    loan = load(data, "nannyml_car_loan")
    for window in (500, 1000, 5000):
        stream = loan[50_000:]
        broken = ("car_value", "y_pred_proba", "y_pred")
        yield Scenario("c", "nannyml_car_loan", window, loan[:50_000], stream, broken, 25_000)
    elec = load(data, "elec2")
    broken = ("vicprice", "vicdemand", "transfer")
    for window, start in ((336, 9024), (1344, 9360)):
        yield Scenario("c", "elec2", window, elec[:start], elec[start:19_000], broken, 17_424 - start)
    bank = load(data, "bank_marketing")  # drifts all the time: only the named break is judged
    yield Scenario(
        "c", "bank_marketing", 1000, bank[:24_060], bank[24_060:28_060], ("pdays", "previous", "poutcome"), 0
    )


def _autoregressive(rng: np.random.Generator, rows: int, memory: float) -> np.ndarray:
    noise = rng.normal(size=(rows, 10))
    values = np.empty_like(noise)
    values[0] = noise[0]
    scale = np.sqrt(1 - memory**2)
    for i in range(1, rows):
        values[i] = memory * values[i - 1] + scale * noise[i]
    return values


def _periodic(rng: np.random.Generator, rows: int, period: int) -> np.ndarray:
    return rng.normal(size=(rows, 10)) + np.sin(2 * np.pi * np.arange(rows) / period)[:, None]


def _zipf(rng: np.random.Generator, rows: int, values: int) -> np.ndarray:
    share = 1 / np.arange(1, values + 1)
    return rng.choice(values, size=(rows, 10), p=share / share.sum())


GENERATED: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "independent lognormal": lambda rng, rows, _: rng.lognormal(size=(rows, 10)),
    "90 % zeros": lambda rng, rows, _: rng.lognormal(size=(rows, 10)) * (rng.random((rows, 10)) < 0.1),
    "Poisson": lambda rng, rows, _: rng.poisson(3.0, size=(rows, 10)).astype(float),
    "5 % nulls": lambda rng, rows, _: np.where(
        rng.random((rows, 10)) < 0.05, np.nan, rng.normal(size=(rows, 10))
    ),
    "10 categories": lambda rng, rows, _: _zipf(rng, rows, 10),
    "1,000 Zipf categories": lambda rng, rows, _: _zipf(rng, rows, 1000),
    "clumps of 3": lambda rng, rows, _: np.repeat(rng.normal(size=(rows // 3 + 1, 10)), 3, axis=0)[:rows],
    "AR(1) 0.9": lambda rng, rows, _: _autoregressive(rng, rows, 0.9),
    "AR(1) 0.99": lambda rng, rows, _: _autoregressive(rng, rows, 0.99),
    "period of one window": _periodic,
    "period of three windows": lambda rng, rows, window: _periodic(rng, rows, 3 * window),
}

SIZES = ((50_000, 1000), (20_000, 200), (2000, 500), (5000, 50))
"""Rows of the reference and of a window."""


def generated(seeds: range, windows: int = 30) -> Iterator[Scenario]:
    """(d) Quiet data of ten columns."""
    for k, (name, make) in enumerate(GENERATED.items()):
        for reference, window in SIZES:
            for seed in seeds:
                rng = np.random.default_rng([seed, k, window])
                values = make(rng, reference + windows * window, window)
                frame = pl.DataFrame({f"x{j}": values[:, j] for j in range(10)})
                texts = "categories" in name
                frame = frame.cast(pl.String) if texts else frame.cast(pl.Float64).fill_nan(None)
                yield Scenario("d", name, window, frame[:reference], frame[reference:])
