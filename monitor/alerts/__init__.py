"""From verdicts to alerts: pending, firing, resolved."""

from monitor.alerts.machine import Tracks, advance, expire, keep_kinds, take_back
from monitor.alerts.options import AlertOptions
from monitor.alerts.track import Findings, Track, alert_line, columns, episode, fingerprint, message_id

__all__ = [
    "AlertOptions",
    "Findings",
    "Track",
    "Tracks",
    "advance",
    "alert_line",
    "columns",
    "episode",
    "expire",
    "fingerprint",
    "keep_kinds",
    "message_id",
    "take_back",
]
