"""Alerts as events: what the body of a webhook carries."""

from __future__ import annotations

from typing import Any

from detectors.base import Cause
from sinks.base import Alert, AlertState, Evidence, Severity, Span
from sinks.timestamps import rfc3339

_HOUR = 3_600_000_000
_NOON = 1_767_268_800_000_000


def alert_event(alert: Alert) -> dict[str, Any]:
    """`type` (`driftd.alert.firing`, …), `timestamp` of the change, and the alert as `data`."""
    return {
        "type": f"driftd.alert.{alert.state.value}",
        "timestamp": rfc3339(alert.at),
        "data": alert.to_json(),
    }


EXAMPLE_ALERT = Alert(
    fingerprint="0123456789abcdef",
    monitor="car-loan",
    version="1",
    segment="",
    cause=Cause.DATA_DRIFT,
    state=AlertState.FIRING,
    severity=Severity.WARNING,
    at=_NOON,
    starts_at=_NOON,
    ends_at=None,
    window=Span("1h", _NOON - _HOUR, _NOON, 5000),
    columns=(
        Evidence("salary_range", "drift", "drift", 41.5, 4.2, 1e-9, 0.31, "a shift of the distribution"),
    ),
    summary="data drift in car-loan version 1: salary_range",
    links={},
)
"""What templates are checked against when the configuration is read."""
