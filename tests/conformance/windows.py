"""Rows with everything that a layout can have, for the conformance of window tests."""

import numpy as np
import polars as pl

from detectors.layout import Column, Kind, Odd, Role

COLUMNS = (
    Column("amount", Kind.NUMERIC),
    Column("age", Kind.NUMERIC, integer=True),
    Column("town", Kind.CATEGORICAL),
    Column("constant", Kind.NUMERIC),
    Column("score", Kind.NUMERIC, Role.SCORE),
    Column("y_pred", Kind.CATEGORICAL, Role.PREDICTION),
    Column("y", Kind.CATEGORICAL, Role.LABEL),
)

SECOND = 1_000_000


def rows(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Quiet rows in canonical columns."""
    score = rng.random(n)
    truth = rng.random(n) < score
    yes = np.array(["no", "yes"])
    return pl.DataFrame({
        "@id": [f"{i:x}" for i in rng.integers(0, 2**62, n)],
        "@time": np.arange(n, dtype=np.int64) * SECOND,
        "@ordinal": pl.Series(np.arange(n), dtype=pl.UInt64),
        "@status": pl.Series(np.where(rng.random(n) < 0.01, 500, 200), dtype=pl.Int16),
        "@latency": rng.lognormal(-3, 0.5, n),
        "amount": pl.Series(rng.lognormal(5, 1, n)).set(pl.Series(rng.random(n) < 0.05), None),
        "age": rng.integers(18, 90, n).astype(np.float64),
        "town": [f"town {min(int(z), 50)}" for z in rng.zipf(2, n)],
        "constant": np.ones(n),
        "score": score,
        "y_pred": yes[(score > 0.5).astype(int)],
        "y": yes[truth.astype(int)],
    })  # fmt: skip


def wild(rng: np.random.Generator, n: int) -> dict[str, pl.DataFrame]:
    """Frames that no reference prepares for."""
    quiet = rows(rng, n)
    numbers = ["amount", "age", "constant", "score", "@latency"]
    texts = ["town", "y_pred", "y"]
    return {
        "one row": quiet[:1],
        "two rows": quiet[:2],
        "all null": quiet.with_columns(pl.lit(None).cast(quiet[c].dtype).alias(c) for c in (*numbers, *texts)),
        "all NaN": quiet.with_columns(pl.lit(float("nan")).alias(c) for c in numbers),
        "infinite": quiet.with_columns(pl.lit(float("inf")).alias(c) for c in numbers),
        "huge": quiet.with_columns(pl.lit(1.7e308).alias(c) for c in numbers),
        "negative": quiet.with_columns((-pl.col(c)).alias(c) for c in numbers),
        "constant": pl.concat([quiet[:1]] * n),
        "new values": quiet.with_columns((pl.col(c) + " \N{SNOWMAN}" * 500).alias(c) for c in texts),
        "no columns": quiet.select("@ordinal"),
        "odd": quiet.with_columns(
            pl.lit(None, pl.Float64).alias("amount"),
            pl.lit(int(Odd.NUMBER_AS_STRING), pl.UInt8).alias("@odd.amount"),
            pl.lit(int(Odd.BAD_ENCODING), pl.UInt8).alias("@odd.town"),
        ),
        "strange statuses": quiet.with_columns(pl.lit(799, pl.Int16).alias("@status")),
    }  # fmt: skip
