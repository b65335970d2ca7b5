"""Times and counts as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

LARGEST_ROW_NUMBER = 10**13
"""Places of windows below this are row numbers; as microseconds it would be April 1970."""

_DAY = 86_400


def moment(place: int) -> str:
    """A window's bound: UTC to the second, or `row 1,000`."""
    if abs(place) < LARGEST_ROW_NUMBER:
        return f"row {place:,}"
    return datetime.fromtimestamp(place / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")


def place_json(place: int | None) -> str | int | None:
    """A window's bound or a time for JSON: UTC in RFC 3339, or the row number that it is."""
    from sinks.timestamps import rfc3339

    return place if place is None or abs(place) < LARGEST_ROW_NUMBER else rfc3339(place)


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
