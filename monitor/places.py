"""Times, row numbers and deliveries as JSON: one shape for the command line and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.records import Gap
    from monitor.sources.base import SourceReport
    from monitor.state.outbox import Entry

LARGEST_ROW_NUMBER = 10**13
"""Places of windows below this are row numbers; as microseconds it would be April 1970."""


def place_json(place: int | None) -> str | int | None:
    """A window's bound or a time: UTC in RFC 3339, or the row number that it is."""
    from sinks.timestamps import rfc3339

    return place if place is None or abs(place) < LARGEST_ROW_NUMBER else rfc3339(place)


def delivery_json(entry: Entry) -> dict[str, Any]:
    """A message's fate; its body may hold what the destination alone should see, and is left out."""
    message = entry.message
    return {
        "id": message.id,
        "destination": message.destination,
        "kind": message.kind,
        "state": entry.state.value,
        "attempts": entry.attempts,
        "created_at": place_json(message.created_at),
        "next_at": place_json(entry.next_at) if entry.state.value == "pending" else None,
        "finished_at": place_json(entry.finished_at),
        "error": entry.error,
    }


def source_json(report: SourceReport | None, gaps: Sequence[Gap]) -> dict[str, Any]:
    """How a source stands: its trouble, what is still to be read by topic, and what can never be read."""
    return {
        "trouble": "" if report is None else report.trouble,
        "lag_records": {} if report is None else dict(report.lag_records),
        "lag_seconds": {} if report is None else dict(report.lag_seconds),
        "assigned_partitions": {} if report is None else dict(report.assigned),
        "gaps": [gap_json(gap) for gap in gaps],
    }


def gap_json(gap: Gap) -> dict[str, Any]:
    """Records that are missing in a source."""
    return {
        "partition": gap.partition,
        "start": gap.start,
        "end": gap.end,
        "records": gap.records,
        "reason": gap.reason,
        "bytes": gap.bytes,
    }
