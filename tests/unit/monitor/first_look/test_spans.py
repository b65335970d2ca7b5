"""Windows and references that suit the data."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.first_look.spans import (
    DURATIONS,
    REFERENCE_WINDOWS,
    Clock,
    TooFewRowsError,
    UnfitWindowError,
    choose,
    clock_of,
)

DAY = 86_400.0


def test_a_length_has_enough_rows() -> None:
    """100,000 rows in 600 days: a day has too few rows, a week has enough."""
    choice = choose(100_000, Clock(600 * DAY, 0), 50_000)
    assert (7 * DAY, 1167) == (choice.length, choice.rows)


def test_without_time_there_are_windows_of_rows() -> None:
    """No time, or rows that are not in its order, give windows of a round number of rows."""
    assert "1000rows" == choose(50_000, None, None).name
    assert "1000rows" == choose(50_000, Clock(DAY, DAY / 2), None).name


@given(st.integers(100, 10_000_000), st.floats(60, 1e8), st.booleans())
def test_the_reference_holds_eight_windows(rows: int, span: float, timed: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever the data, eight windows fit into the reference, which is at most half of the rows."""
    choice = choose(rows, Clock(span, 0) if timed else None, None)
    assert choice.reference_rows <= max(rows // 2, 1)
    if choice.length != DURATIONS[0]:
        assert choice.rows * REFERENCE_WINDOWS <= rows // 2 + REFERENCE_WINDOWS
    assert 1 <= choice.min_rows <= max(choice.rows, 1)


def test_the_users_window_is_taken() -> None:
    """A given window is obeyed; one of time needs rows in the order of their time."""
    assert 3600 == choose(1000, Clock(DAY, 0), None, window="1h").length
    assert 250 == choose(1000, None, None, window="250rows").rows
    with pytest.raises(UnfitWindowError, match="needs rows in the order of their time"):
        choose(1000, None, None, window="1h")
    with pytest.raises(UnfitWindowError, match="is no window"):
        choose(1000, None, None, window="often")


def test_too_few_rows_are_refused() -> None:
    """99 rows make no reference; with a reference of its own even one row is enough."""
    with pytest.raises(TooFewRowsError):
        choose(99, None, None)
    assert 0 == choose(1, None, 1000, given_reference=True).reference_rows


def test_lag_is_the_largest_step_back() -> None:
    """How late rows come is measured against the newest time before them."""
    times = pl.Series([*range(0, 200_000_000, 1_000_000), 150_000_000])
    assert Clock(199.0, 49.0) == clock_of(times)
