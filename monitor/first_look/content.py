"""What a column holds, as far as guessing its role needs it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

_PROBE = 1000
_MOSTLY = 0.99
_EPOCH = {"s": (1e8, 1e10), "ms": (1e11, 1e13), "us": (1e14, 1e16), "ns": (1e17, 1e19)}


@dataclass(frozen=True, slots=True)
class Content:
    """Facts about one column.

    Attributes:
        name: the column's name in the frame.
        dtype: its type in the frame.
        rows: number of rows. nulls: of these without a value.
        distinct: number of different values.
        runs: number of maximal blocks of equal values, in the order of the rows.
        minimum, maximum: of numbers; None otherwise.
        whole: numbers, all of them whole.
        rising: rank correlation of the value with the row's number, -1 to 1; 0 where it has no order.
    """

    name: str
    dtype: pl.DataType
    rows: int
    nulls: int
    distinct: int
    runs: int
    minimum: float | None
    maximum: float | None
    whole: bool
    rising: float

    @property
    def numeric(self) -> bool:
        """It holds numbers, booleans not among them."""
        return self.dtype.is_numeric()

    @property
    def unique(self) -> bool:
        """Every row has a value of its own."""
        return self.nulls == 0 and self.distinct == self.rows and self.rows > 1

    @property
    def blocks(self) -> bool:
        """Each value stands in one block of rows, so the column only tells where a row stands."""
        return self.runs == self.distinct and self.distinct > 1

    @property
    def share(self) -> bool:
        """Numbers between 0 and 1 that are not only 0 and 1."""
        inside = self.minimum is not None and self.maximum is not None
        return inside and self.minimum >= 0 and self.maximum <= 1 and not self.whole  # type: ignore[operator]


def content(series: pl.Series) -> Content:
    """Look at one column."""
    rows, nulls = len(series), series.null_count()
    physical = series.to_physical() if series.dtype.is_temporal() else series
    ordered = physical.dtype.is_numeric() and nulls < rows
    minimum = maximum = None
    whole, rising = False, 0.0
    if ordered:
        numbers = physical.cast(pl.Float64).fill_nan(None)
        minimum, maximum = _number(numbers.min()), _number(numbers.max())
        whole = physical.dtype.is_integer() or bool((numbers.drop_nulls() % 1 == 0).all())
        rising = _rising(numbers)
    return Content(
        name=series.name,
        dtype=series.dtype,
        rows=rows,
        nulls=nulls,
        distinct=series.drop_nulls().n_unique(),
        runs=_runs(series),
        minimum=minimum,
        maximum=maximum,
        whole=whole,
        rising=rising,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _runs(series: pl.Series) -> int:
    return int(series.ne_missing(series.shift(1)).sum()) if len(series) > 1 else len(series)


def _rising(numbers: pl.Series) -> float:
    """Rank correlation with the row number over the rows that have a value."""
    frame = pl.DataFrame({"value": numbers, "row": pl.int_range(len(numbers), eager=True)}).drop_nulls()
    found = frame.select(pl.corr(pl.col("value").rank(), pl.col("row").rank())).item()
    return float(found) if found is not None and found == found else 0.0  # noqa: PLR0124 - NaN for constants


def time_unit(series: pl.Series) -> str | None:
    """How a column tells the time: `native`, `iso` or an epoch unit (`s`, `ms`, `us`, `ns`); None if not."""
    if series.dtype in (pl.Datetime, pl.Date):
        return "native"
    probe = series.drop_nulls().head(_PROBE)
    if not len(probe):
        return None
    if series.dtype == pl.String:
        parsed = probe.str.to_datetime(strict=False, time_zone="UTC") if _dated(probe) else None
        return "iso" if parsed is not None and parsed.count() >= _MOSTLY * len(probe) else None
    if series.dtype.is_numeric():
        low, high = probe.cast(pl.Float64).min(), probe.cast(pl.Float64).max()
        for unit, (least, most) in _EPOCH.items():
            if isinstance(low, float) and isinstance(high, float) and least <= low <= high <= most:
                return unit
    return None


def _dated(probe: pl.Series) -> bool:
    return float(probe.str.contains(r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}|$)").mean() or 0) >= _MOSTLY  # type: ignore[arg-type]
