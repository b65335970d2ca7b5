"""Cron expressions: cron's rules, as arithmetic."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.retraining import Schedule

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(text: str) -> int:
    """Microseconds since the epoch of a time in UTC."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def after(expression: str, text: str) -> str:
    """The time of the schedule after a time, with its weekday."""
    moment = Schedule(expression).next_after(micros(text))
    assert moment is not None
    return (EPOCH + timedelta(microseconds=moment)).strftime("%a %Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("0 3 * * *", "Sun 2026-11-22 03:00"),
        ("*/15 * * * *", "Sat 2026-11-21 12:15"),
        ("0 3 * * 0", "Sun 2026-11-22 03:00"),
        ("0 3 * * 7", "Sun 2026-11-22 03:00"),
        ("0 3 * * sun", "Sun 2026-11-22 03:00"),
        ("0 3 * * 1-5", "Mon 2026-11-23 03:00"),
        ("0 3 * * MON,wed", "Mon 2026-11-23 03:00"),
        ("0 3 * * 5-7", "Sun 2026-11-22 03:00"),
        ("0 3 * * 1/2", "Mon 2026-11-23 03:00"),
        ("0 3 * * */3", "Sun 2026-11-22 03:00"),
        ("0 3 1 * *", "Tue 2026-12-01 03:00"),
        ("0 3 1 * 3", "Wed 2026-11-25 03:00"),
        ("0 3 22 * 3", "Sun 2026-11-22 03:00"),
        ("30 4 29 2 *", "Tue 2028-02-29 04:30"),
    ],
)
def test_the_next_time_is_crons(expression: str, following: str) -> None:
    """Sunday is 0 and 7; with both days restricted either is enough (Saturday, 21 November 2026, noon)."""
    assert following == after(expression, "2026-11-21T12:00:00")


def test_a_time_is_after_itself() -> None:
    """The next time after a time of the schedule is the one after it."""
    assert after("0 3 * * *", "2026-11-22T03:00:00") == "Mon 2026-11-23 03:00"
    assert after("0 3 * * *", "2026-11-22T02:59:59.999999") == "Sun 2026-11-22 03:00"


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "0 3 * *",
        "0 3 * * * *",
        "@daily",
        "60 3 * * *",
        "0 3 * * 8",
        "0 3 * * 5-2",
        "0 3 * * */0",
        "0 3 31 2 *",
        "a b c d e",
    ],
)
def test_what_is_not_a_schedule_is_refused(expression: str) -> None:
    """Also one whose time never comes."""
    with pytest.raises(ValueError, match=r"cron|never"):
        Schedule(expression)


@given(st.integers(0, 59), st.integers(0, 23), st.integers(0, 6), st.integers(0, 4_000_000_000))
def test_the_next_time_fits_and_none_is_skipped(minute: int, hour: int, weekday: int, seconds: int) -> None:
    """The next weekly time is on that minute and weekday, and less than a week and a minute away."""
    moment = Schedule(f"{minute} {hour} * * {weekday}").next_after(seconds * 1_000_000)
    assert moment is not None
    time = EPOCH + timedelta(microseconds=moment)
    assert (minute, hour, weekday) == (time.minute, time.hour, time.isoweekday() % 7)
    assert 0 < moment - seconds * 1_000_000 <= 7 * 86_400_000_000
