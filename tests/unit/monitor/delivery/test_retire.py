"""Alerts of monitors that are gone."""

from dataclasses import replace

from monitor.alerts import Track
from monitor.delivery import retire_alerts
from monitor.state import State
from sinks.base import AlertState
from sinks.events import EXAMPLE_ALERT
from sinks.memory import MemorySink

NOW = EXAMPLE_ALERT.at + 1


def test_alerts_of_a_monitor_that_is_gone_are_resolved_once() -> None:
    """Firing ones are resolved and told, pending ones end in silence, those of other monitors stay."""
    sink = MemorySink()
    with State.memory() as state:
        with state.transaction() as tx:
            for name, monitor, word in (
                ("a", "gone", "firing"),
                ("b", "gone", "pending"),
                ("c", "kept", "firing"),
            ):
                alert = replace(EXAMPLE_ALERT, fingerprint=name, monitor=monitor, state=AlertState(word))
                track = Track(alert, frozenset({"1h"}), alert.at, alert.at)
                tx.alerts.put(monitor, name, word, track.to_json(), updated_at=1)
        told = retire_alerts(state, ["kept"], [sink], NOW)
        assert {alert.fingerprint: alert.state for alert in told} == {
            "a": AlertState.RESOLVED,
            "b": AlertState.INACTIVE,
        }
        assert set(state.alerts.of(state="firing")) == {"c"}
        assert [entry.message.body["ends_at"] for entry in state.outbox.find()] == [
            "2026-01-01T12:00:00.000001Z"
        ]
        assert retire_alerts(state, ["kept"], [sink], NOW + 1) == []
        assert len(state.alerts.history()) == 2
