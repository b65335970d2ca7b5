"""Small references and windows for the tests of verdicts."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from detectors.base import Result, Window
from detectors.correlation import Correlation
from detectors.drift import Drift
from detectors.layout import Column, Kind, Role
from detectors.profile import Profile, profile_rows
from detectors.reference import Reference

COLUMNS = (
    Column("amount", Kind.NUMERIC),
    Column("twin", Kind.NUMERIC),
    Column("colour", Kind.CATEGORICAL),
    Column("score", Kind.NUMERIC, Role.SCORE),
    Column("label", Kind.CATEGORICAL, Role.LABEL),
)


def frame(seed: int, rows: int) -> pl.DataFrame:
    """Independent rows of five columns; `twin` goes along with `amount`."""
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(size=rows)
    return pl.DataFrame(
        {
            "amount": amount,
            "twin": np.log(amount) + rng.normal(size=rows),
            "colour": rng.choice(["red", "green", "blue", "grey"], size=rows, p=[0.5, 0.3, 0.15, 0.05]),
            "score": rng.beta(2, 5, size=rows),
            "label": rng.choice(["0", "1"], size=rows),
        }
    )


def fit(rows: int = 20_000) -> Reference:
    """A reference of such rows."""
    return Reference.fit(frame(0, rows), COLUMNS)


def window(reference: Reference, *frames: pl.DataFrame, min_rows: int = 1) -> Window:
    """The first frame as the newest window, the others as its history."""
    profiles: list[Profile] = [profile_rows(reference.layout, f) for f in frames]
    return Window(profiles[0], tuple(profiles[1:]), min_rows=min_rows)


def drift(reference: Reference, *frames: pl.DataFrame) -> dict[str, Result]:
    """Results of the default test by column."""
    return {r.column: r for r in Drift().test(reference, window(reference, *frames))}


def correlation(reference: Reference, *frames: pl.DataFrame) -> Sequence[Result]:
    """Results of the correlation test."""
    return Correlation().test(reference, window(reference, *frames))
