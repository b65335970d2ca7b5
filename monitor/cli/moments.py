"""Times and counts as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.places import LARGEST_ROW_NUMBER

_DAY = 86_400


def moment(place: int) -> str:
    """A window's bound: UTC to the second, or `row 1,000`."""
    if abs(place) < LARGEST_ROW_NUMBER:
        return f"row {place:,}"
    return datetime.fromtimestamp(place / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")


def ago(then: int, now: int) -> str:
    """How long ago, both in microseconds since the epoch.

    >>> ago(0, 90_500_000)
    '1m30s ago'
    """
    from sinks.duration import format_duration

    seconds = (now - then) // 1_000_000
    if seconds < 0:
        return f"in {format_duration(float(-seconds))}"
    coarse = seconds if seconds < _DAY else seconds // 3600 * 3600
    return f"{format_duration(float(coarse))} ago"
