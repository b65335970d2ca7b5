"""Which windows suit the data, and how much of it becomes the reference."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from sinks.duration import format_duration, parse_duration

DURATIONS = (
    60, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 28_800, 43_200, 86_400, 172_800, 604_800, 1_209_600,
    2_419_200,
)  # fmt: skip
"""Lengths that people think in, in seconds."""

ENOUGH_ROWS = 500
GOOD_ROWS = 1000
REFERENCE_WINDOWS = 8
_SHARE = 3
_LARGEST_SHARE = 2
_DISORDERLY = 50
_MIN_ROWS = 100
FEWEST_ROWS = 100
_GIVEN = "given on the command line"


class TooFewRowsError(ValueError):
    """There is not enough data to make a reference from."""


class UnfitWindowError(ValueError):
    """The window that the user wants cannot be had."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Windows and reference for some data.

    Attributes:
        length: seconds of event time, or None for windows of rows.
        rows: rows of a window: exactly for windows of rows, on average for windows of time.
        min_rows: fewer rows say nothing.
        disorder: seconds that a row may come late.
        reference_rows: rows from the beginning that become the reference; 0 where it is given.
        why: the reason for the window, in a sentence.
    """

    length: float | None
    rows: int
    min_rows: int
    disorder: float
    reference_rows: int
    why: str

    @property
    def name(self) -> str:
        """`1h` or `1000rows`."""
        return format_duration(self.length) if self.length else f"{self.rows}rows"


@dataclass(frozen=True, slots=True)
class Clock:
    """How the rows lie in event time.

    Attributes:
        span: seconds between the first and the last row.
        lag: the most seconds that a row comes after a row that is newer.
    """

    span: float
    lag: float

    @property
    def orderly(self) -> bool:
        """Rows come more or less in the order of their time, so windows of time can be closed."""
        return self.span > 0 and self.lag * _DISORDERLY <= self.span


def clock_of(times: pl.Series) -> Clock:
    """How event times, Int64 microseconds in the order of the rows, lie."""
    present = times.drop_nulls()
    if len(present) < FEWEST_ROWS:
        return Clock(0.0, 0.0)
    newest = present.cum_max()
    values = [(newest - present).max(), present.max(), present.min()]
    lag, last, first = (v if isinstance(v, int) else 0 for v in values)
    return Clock((last - first) / 1e6, lag / 1e6)


def choose(
    rows: int,
    clock: Clock | None,
    reference_rows: int | None,
    *,
    given_reference: bool = False,
    window: str | None = None,
) -> Choice:
    """Choose windows and reference.

    Args:
        rows: rows of the data.
        clock: how they lie in time; None where they have no time.
        reference_rows: rows of a reference that is marked in the data or given; None where one must be cut off.
        given_reference: the reference is another file.
        window: what the user wants, such as `1h` or `1000rows`.

    Raises:
        TooFewRowsError: fewer than 100 rows to make a reference from.
        UnfitWindowError: the wanted window cannot be had.
    """
    if not given_reference and rows < FEWEST_ROWS:
        raise TooFewRowsError(f"{rows} rows are too few to make a reference from (at least {FEWEST_ROWS})")
    most = reference_rows if reference_rows is not None else rows // _LARGEST_SHARE
    rate = rows / clock.span if clock is not None and clock.orderly else None
    if window is not None:
        length, size, why = _wanted(window, rate)
    elif rate is not None:
        length, size = _length(rate, most)
        why = f"about {size:,} rows each, and {most // max(size, 1)} of them would fit into the reference"
    else:
        length, size = None, _rounded(min(GOOD_ROWS, max(most // REFERENCE_WINDOWS, 1)))
        why = "the data has no time" if clock is None else "the rows are not in the order of their time"
    cut = reference_rows
    if cut is None:
        cut = max(rows // _SHARE, min(REFERENCE_WINDOWS * size, most))
    return Choice(length, size, _fewest(size), _disorder(clock), 0 if given_reference else cut, why)


def _wanted(window: str, rate: float | None) -> tuple[float | None, int, str]:
    """Length, rows and reason of the window that the user asks for."""
    number = window.removesuffix("rows").strip()
    if window.endswith("rows") and number.isdecimal() and int(number) > 0:
        return None, int(number), _GIVEN
    try:
        length = parse_duration(window)
    except ValueError:
        length = 0.0
    if length <= 0:
        raise UnfitWindowError(f"{window!r} is no window (write 1h or 1000rows)")
    if rate is None:
        raise UnfitWindowError(f"a window of {window} needs rows in the order of their time (write 1000rows)")
    return length, max(round(length * rate), 1), _GIVEN


def _length(rate: float, reference_rows: int) -> tuple[float, int]:
    """The shortest length with enough rows of which eight fit into the reference, or the longest that fit."""
    fitting = [d for d in DURATIONS if d * rate * REFERENCE_WINDOWS <= reference_rows] or [DURATIONS[0]]
    enough = [d for d in fitting if d * rate >= ENOUGH_ROWS]
    length = enough[0] if enough else fitting[-1]
    return float(length), round(length * rate)


def _rounded(rows: int) -> int:
    """The number with at most two digits that are not zero."""
    digits: int = 10 ** max(len(str(rows)) - 2, 0)
    return rows // digits * digits


def _fewest(window: int) -> int:
    return _MIN_ROWS if window >= 2 * _MIN_ROWS else max(window // 2, 1)


def _disorder(clock: Clock | None) -> float:
    if clock is None or not clock.orderly or clock.lag == 0:
        return 60.0
    return float(next((d for d in DURATIONS if d >= clock.lag), clock.lag))
