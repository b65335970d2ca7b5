"""The demo's requests as lines of a serving log."""

from __future__ import annotations

import io
from importlib.resources import as_file, files
from typing import Literal

import numpy as np
import polars as pl

FEATURES = (
    "car_value",
    "salary_range",
    "debt_to_income_ratio",
    "loan_length",
    "repaid_loan_on_prev_car",
    "size_of_downpayment",
    "driver_tenure",
)
OUTPUTS = ("y_pred", "y_pred_proba")
BREAK_ROW = 75_000
"""From this row on the requests are different; the card of the data says how."""

MEDIAN_LATENCY_MS = 18.0


def loans(part: Literal["reference", "requests"]) -> pl.DataFrame:
    """Rows of the shipped data; its README is beside it."""
    with as_file(files("monitor.demo") / "data" / f"{part}.parquet") as path:
        return pl.read_parquet(path)


def moment(row: int) -> int:
    """Event time of a row of the requests, in microseconds since the epoch."""
    at = loans("requests").filter(pl.col("id") == row)["timestamp"].dt.epoch("us")
    return int(at[0])


def log_lines(frame: pl.DataFrame, *, seed: int = 0) -> list[bytes]:
    """One line of JSON a row, as a serving program writes them: request, response, and the label known later.

    The data has neither latencies nor statuses: latencies are drawn (log-normal), every status is 200.
    """
    latency = np.random.default_rng(seed).lognormal(np.log(MEDIAN_LATENCY_MS), 0.35, frame.height)
    lines = frame.select(
        id=pl.format("loan-{}", "id"),
        timestamp=pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        model_version=pl.lit("1"),
        inputs=pl.struct(FEATURES),
        outputs=pl.struct(OUTPUTS),
        repaid="repaid",
        latency_ms=pl.Series(latency.round(2)),
        status=pl.lit(200),
    )
    buffer = io.BytesIO()
    lines.write_ndjson(buffer)
    return buffer.getvalue().splitlines(keepends=True)
