"""Latency in seconds, status codes and weights."""

from __future__ import annotations

import sys

import polars as pl

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}

_GRPC = (200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401)
"""HTTP status of gRPC codes 0 to 16, as google.rpc.Code maps them."""

_GRPC_NAMES = (
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
)

_WORDS = {
    **dict(zip(_GRPC_NAMES, _GRPC, strict=True)),
    **dict.fromkeys(("success", "succeeded", "successful", "completed", "true", "yes"), 200),
    **dict.fromkeys(("error", "err", "failed", "failure", "fail", "exception", "false", "no"), 500),
    **dict.fromkeys(("timeout", "timed_out"), 504),
}

_LOWEST, _HIGHEST = 100, 599


def statuses(series: pl.Series) -> pl.Series:
    """HTTP status codes as Int16; null where the value is none.

    Numbers from 100 to 599 are themselves, 0 to 16 are gRPC codes, `true` is 200 and `false` 500; words such as
    `ok`, `success`, `error`, `failed`, `timeout` and the gRPC names are understood in any case.
    """
    dtype = series.dtype
    if dtype == pl.Boolean:
        return series.replace_strict({True: 200, False: 500}, default=None, return_dtype=pl.Int16)
    if dtype.is_integer() and _between(series, _LOWEST, _HIGHEST):
        return series.cast(pl.Int16)
    if dtype.is_numeric():
        return _codes(series.cast(pl.Float64, strict=False))
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        texts = series.cast(pl.String).str.strip_chars().str.to_lowercase()
        numbers = _codes(texts.cast(pl.Float64, strict=False))
        if numbers.null_count() == series.null_count():
            return numbers
        words = texts.str.replace_all("[- ]", "_").replace_strict(_WORDS, default=None, return_dtype=pl.Int16)
        return numbers.zip_with(numbers.is_not_null(), words)
    return pl.repeat(None, len(series), dtype=pl.Int16, eager=True)


def _codes(numbers: pl.Series) -> pl.Series:
    whole = numbers.cast(pl.Int32, strict=False)
    whole = whole.set(whole != numbers, None)
    http = whole.set((whole < _LOWEST) | (whole > _HIGHEST), None).cast(pl.Int16)
    if http.null_count() == numbers.null_count():
        return http
    grpc = whole.replace_strict(dict(enumerate(_GRPC)), default=None, return_dtype=pl.Int16)
    return http.zip_with(http.is_not_null(), grpc)


def latencies(series: pl.Series, unit: str) -> pl.Series:
    """Response times as Float64 seconds; null where they are no number, negative or not finite."""
    if isinstance(series.dtype, pl.Duration):
        return series.dt.total_nanoseconds().cast(pl.Float64) * 1e-9
    return _usable(_numbers(series)) * _SECONDS[unit]


def weights(series: pl.Series) -> pl.Series:
    """Weights as Float64; null (which counts as 1) where they are no number, negative or not finite."""
    return _usable(_numbers(series))


def _usable(values: pl.Series) -> pl.Series:
    """Numbers without those that are negative or not finite."""
    if _between(values, 0.0, sys.float_info.max):
        return values
    return values.set(~(values.is_finite() & (values >= 0)), None)


def _between(numbers: pl.Series, lowest: float, highest: float) -> bool:
    """Whether all numbers are there and lie in a range: as nearly always, and quickly told."""
    if numbers.null_count() or not len(numbers):
        return False
    found = numbers.to_numpy()
    return bool(found.min() >= lowest and found.max() <= highest)


def _numbers(series: pl.Series) -> pl.Series:
    if series.dtype.is_numeric() or series.dtype in (pl.String, pl.Null):
        return series.cast(pl.Float64, strict=False)
    return pl.repeat(None, len(series), dtype=pl.Float64, eager=True)
