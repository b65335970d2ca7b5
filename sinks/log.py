"""Alerts in driftd's own log."""

from __future__ import annotations

from typing import Literal

import structlog

from sinks.base import Alert, AlertState, Severity, Sink

_LEVELS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "error"}


class LogSink(Sink):
    """One event in the log for each change of an alert."""

    type: Literal["log"] = "log"

    def emit(self, alert: Alert, *, message_id: str, now: int) -> None:  # noqa: ARG002 - the log stamps its own time
        """Write one alert; firing ones at the level of their severity, others as information."""
        level = _LEVELS[alert.severity] if alert.state is AlertState.FIRING else "info"
        getattr(structlog.get_logger("driftd.alerts"), level)(
            alert.summary, message_id=message_id, alert=alert.to_json()
        )
