"""Alerts and windows as events: what the body of a webhook and the value of a message carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from detectors.base import Cause
from sinks.base import Alert, AlertState, Evidence, Severity, Span
from sinks.timestamps import rfc3339

MOST_RESULTS = 1000
"""Results that an event carries; where there are more, those that found nothing are left out first."""

_HOUR = 3_600_000_000
_NOON = 1_767_268_800_000_000


class WindowKey(NamedTuple):
    """Whose windows: one monitor's, for one model version and one segment."""

    monitor: str
    version: str
    segment: str


def alert_event(alert: Alert) -> dict[str, Any]:
    """`type` (`driftd.alert.firing`, …), `timestamp` of the change, and the alert as `data`."""
    return {
        "type": f"driftd.alert.{alert.state.value}",
        "timestamp": rfc3339(alert.at),
        "data": alert.to_json(),
    }


def window_event(
    key: WindowKey, span: Span, verdict: str, results: Sequence[Mapping[str, Any]], closed_at: int
) -> dict[str, Any]:
    """`type` (`driftd.window.closed`), `timestamp` of the closing, and the window with its results as `data`.

    Args:
        key: whose window.
        span: which window.
        verdict: the worst of the results.
        results: in the shape of the API.
        closed_at: microseconds since the epoch.
    """
    told = results
    if len(results) > MOST_RESULTS:
        told = sorted(results, key=lambda result: result["verdict"] == "ok")[:MOST_RESULTS]
    return {
        "type": "driftd.window.closed",
        "timestamp": rfc3339(closed_at),
        "data": {
            **key._asdict(),
            "window": span.to_json(),
            "verdict": verdict,
            "results": list(told),
            "results_left_out": len(results) - len(told),
        },
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
