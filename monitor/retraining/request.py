"""What a retraining call says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from sinks.base import Alert, Evidence, Span
from sinks.timestamps import rfc3339

EVENT_TYPE = "driftd.retraining.requested"
SCHEDULE = "schedule"
"""The cause of a call that a calendar asked for."""

MAX_COLUMNS = 20
"""Findings that a call carries; with names and details of at most 200 characters it stays far below 64 kB."""

NO_WINDOW = Span("", 0, 0, 0)


@dataclass(frozen=True, slots=True)
class RetrainingRequest:
    """One call, made once.

    Attributes:
        id: follows from what caused it alone, so that it is the same after a crash; the receiver's key.
        monitor, version: whose model.
        at: event time of the decision, or the calendar's time, microseconds since the epoch.
        causes: causes of the alerts behind it, or `schedule`.
        segments: segments in which the alerts fire; empty when all rows are meant.
        window: the largest window that showed a cause.
        columns: the worst findings of all the alerts.
        alerts: fingerprints of the alerts.
        links: pages with more, by name.
    """

    id: str
    monitor: str
    version: str
    at: int
    causes: tuple[str, ...]
    segments: tuple[str, ...] = ()
    window: Span = NO_WINDOW
    columns: tuple[Evidence, ...] = ()
    alerts: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)

    def event(self) -> dict[str, Any]:
        """The body by Standard Webhooks: `type`, `timestamp`, `data`."""
        return {
            "type": EVENT_TYPE,
            "timestamp": rfc3339(self.at),
            "data": {
                "id": self.id,
                "monitor": self.monitor,
                "version": self.version,
                "segments": list(self.segments),
                "window": self.window.to_json(),
                "causes": list(self.causes),
                "columns": [asdict(evidence) for evidence in self.columns],
                "alerts": list(self.alerts),
                "links": dict(self.links),
            },
        }


def request_id(parts: Sequence[object]) -> str:
    """A stable id, without a dot, for what caused a call."""
    return f"retrain_{hashlib.sha256(orjson.dumps(parts)).hexdigest()[:32]}"


def from_alerts(alerts: Sequence[Alert], episodes: Sequence[str], at: int) -> RetrainingRequest:
    """One call for firing alerts of one monitor and version.

    Args:
        alerts: at least one; their order decides about the order of causes and columns.
        episodes: names of the alerts' episodes.
        at: event time, microseconds since the epoch.
    """
    first = alerts[0]
    columns = [evidence for alert in alerts for evidence in alert.columns]
    columns.sort(key=lambda evidence: -abs(evidence.effect_size or 0.0))
    return RetrainingRequest(
        id=request_id([first.monitor, first.version, sorted(episodes)]),
        monitor=first.monitor,
        version=first.version,
        at=at,
        causes=tuple(dict.fromkeys(alert.cause.value for alert in alerts)),
        segments=tuple(dict.fromkeys(alert.segment for alert in alerts if alert.segment)),
        window=max((alert.window for alert in alerts), key=lambda window: window.rows),
        columns=tuple(dict.fromkeys(columns))[:MAX_COLUMNS],
        alerts=tuple(alert.fingerprint for alert in alerts),
        links={name: link for alert in reversed(alerts) for name, link in alert.links.items()},
    )
