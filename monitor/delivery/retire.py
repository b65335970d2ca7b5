"""Alerts of monitors that are no longer configured: nobody would ever resolve them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from monitor.alerts.machine import take_back
from monitor.alerts.track import Track
from monitor.delivery.destinations import alert_message
from monitor.state.alerts import StoredTransition
from monitor.state.state import State
from sinks.base import Alert, Sink


def retire_alerts(state: State, monitors: Collection[str], sinks: Sequence[Sink], now: int) -> list[Alert]:
    """Take back the alerts of all other monitors, tell the sinks, in one transaction.

    Args:
        state: the state file.
        monitors: names that are configured.
        sinks: who is told.
        now: wall time, microseconds since the epoch.

    Returns:
        The alerts that were taken back.

    Raises:
        StateError: the state file cannot be written.
    """
    stored = {key: Track.from_json(value) for key, value in state.alerts.of().items()}
    gone = {key: track for key, track in stored.items() if track.alert.monitor not in monitors}
    ended, told = take_back(gone, now)
    if not ended:
        return []
    with state.transaction():
        for key, track in ended.items():
            alert = track.alert
            state.alerts.put(alert.monitor, key, alert.state, track.to_json(), updated_at=now)
            change = StoredTransition(key, alert.monitor, alert.state, alert.to_json(), alert.at)
            state.alerts.record(change, recorded_at=now)
            for sink in sinks:
                if alert.state in sink.on:
                    state.outbox.enqueue(alert_message(alert, sink, now))
    return told
