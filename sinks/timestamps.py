"""Moments as microseconds since the epoch, and as RFC 3339 text for the outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = int((datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds()) * 1_000_000


def rfc3339(microseconds: int) -> str:
    """The moment in UTC, to the microsecond; moments outside the years 1970 to 9999 become the nearest inside.

    >>> rfc3339(1_767_323_045_000_000)
    '2026-01-02T03:04:05Z'
    """
    moment = _EPOCH + timedelta(microseconds=min(max(microseconds, 0), _LAST))
    return moment.isoformat().replace("+00:00", "Z")


def parse_rfc3339(text: str) -> int:
    """Microseconds since the epoch of what `rfc3339` wrote.

    >>> parse_rfc3339('2026-01-02T03:04:05Z')
    1767323045000000
    """
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
