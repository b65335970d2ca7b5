"""Event times of all usual writings as microseconds since the epoch, UTC."""

from __future__ import annotations

import numpy as np
import polars as pl

_PER_MICROSECOND = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
_MAGNITUDES = ((1e11, "s"), (1e14, "ms"), (1e17, "us"))
"""Numbers below the limit are of the unit; 1e11 seconds is the year 5138, 1e11 milliseconds is 1973."""

_FACTORS = (1_000_000, 1000, 1, 1)
_NANOSECONDS = 1000
"""Nanoseconds, the last of the units, in a microsecond."""

_LIMIT = 2**62
_ZONED = "%Y-%m-%dT%H:%M:%S%.f%#z"
_NAIVE = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
_DATE = "%Y-%m-%d"


def microseconds(series: pl.Series, time_format: str = "auto") -> pl.Series:
    """Event times as Int64 microseconds; null where there is none or it cannot be read.

    Args:
        series: raw values of one type.
        time_format: see `Records.timestamp_format`.
    """
    dtype = series.dtype
    if dtype == pl.Date:
        return series.cast(pl.Datetime("us")).to_physical()
    if isinstance(dtype, pl.Datetime):
        return series.dt.cast_time_unit("us").to_physical()
    if dtype.is_integer():
        return _integers(series.cast(pl.Int64, strict=False), time_format)
    if dtype.is_numeric():
        return _floats(series.cast(pl.Float64), time_format)
    if dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if series.dtype == pl.String:
        return _texts(series.str.strip_chars(), time_format)
    return pl.repeat(None, len(series), dtype=pl.Int64, eager=True)


def _integers(series: pl.Series, time_format: str) -> pl.Series:
    """Whole numbers keep every digit."""
    if time_format != "auto" and time_format not in _PER_MICROSECOND:
        return pl.repeat(None, len(series), dtype=pl.Int64, eager=True)
    quick = _of_one_unit(series, time_format)
    if quick is not None:
        return quick
    values = series.fill_null(0).to_numpy()
    size = np.abs(values)
    if time_format == "auto":
        unit = np.searchsorted([limit for limit, _ in _MAGNITUDES], size, side="right")
    else:
        unit = np.full(len(values), list(_PER_MICROSECOND).index(time_format))
    factor = np.asarray(_FACTORS)[unit]
    good = series.is_not_null() & pl.Series(size <= _LIMIT // factor)
    divisor = np.where(unit == len(_MAGNITUDES), _NANOSECONDS, 1)
    whole = pl.Series(np.where(good.to_numpy(), values, 0) * factor // divisor)
    return whole.set(~good, None)


def _of_one_unit(series: pl.Series, time_format: str) -> pl.Series | None:
    """Whole numbers that are all of one unit; None where that is not plain from the smallest and the largest."""
    low, high = series.min(), series.max()
    if not isinstance(low, int) or not isinstance(high, int) or low < 0:
        return None
    of_low, of_high = (sum(value >= limit for limit, _ in _MAGNITUDES) for value in (low, high))
    unit = list(_PER_MICROSECOND).index(time_format) if time_format != "auto" else of_low
    factor = _FACTORS[unit]
    if (time_format == "auto" and of_low != of_high) or high > _LIMIT // factor:
        return None
    return series // _NANOSECONDS if unit == len(_MAGNITUDES) else series * factor


def _floats(series: pl.Series, time_format: str) -> pl.Series:
    values = series.fill_null(float("nan")).to_numpy()
    if time_format == "auto":
        size = np.abs(values)
        conditions = [size < limit for limit, _ in _MAGNITUDES]
        factor = np.select(conditions, [_PER_MICROSECOND[u] for _, u in _MAGNITUDES], 1e-3)
    elif time_format in _PER_MICROSECOND:
        factor = np.asarray(_PER_MICROSECOND[time_format])
    else:
        return pl.repeat(None, len(series), dtype=pl.Int64, eager=True)
    scaled = np.rint(values * factor)
    good = np.abs(scaled) < _LIMIT
    whole = np.where(good, scaled, 0).astype(np.int64)
    return pl.Series(whole).zip_with(pl.Series(good), pl.repeat(None, len(whole), dtype=pl.Int64, eager=True))


def _texts(series: pl.Series, time_format: str) -> pl.Series:
    if time_format in _PER_MICROSECOND:
        return _number_texts(series, time_format)
    if time_format != "auto":
        return _parsed(series, time_format)
    found = _parsed(series, _ZONED)
    if found.null_count() == series.null_count():
        return found
    spaced = _joined(series)
    for attempt in (_ZONED, *_NAIVE, _DATE):
        found = _first(found, _parsed(spaced, attempt))
        if found.null_count() == series.null_count():
            return found
    return _first(found, _number_texts(series, "auto"))


def _joined(series: pl.Series) -> pl.Series:
    """Date and time joined by `T`, the zone right behind them and in capitals."""
    return (
        series.str.to_uppercase()
        .str.replace(r"^(\d{4}-\d\d-\d\d) +", "${1}T")
        .str.replace(" ", "", literal=True)
    )


def _number_texts(series: pl.Series, time_format: str) -> pl.Series:
    whole = _integers(series.cast(pl.Int64, strict=False), time_format)
    if whole.null_count() == series.null_count():
        return whole
    return _first(whole, _floats(series.cast(pl.Float64, strict=False), time_format))


def _parsed(series: pl.Series, text_format: str) -> pl.Series:
    """Times by one strptime format; without a zone they are UTC."""
    if "%Y" in text_format and "%H" not in text_format:
        return series.str.to_date(text_format, strict=False).cast(pl.Datetime("us")).to_physical()
    zone = "UTC" if "z" in text_format else None
    kind = pl.Datetime("us", zone)
    return series.str.strptime(kind, text_format, strict=False).to_physical()


def _first(one: pl.Series, other: pl.Series) -> pl.Series:
    return one.zip_with(one.is_not_null(), other)
