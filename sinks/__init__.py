"""Where results go: what an alert is, and one file for each kind of destination."""

from sinks.alertmanager import AlertmanagerSink
from sinks.base import Alert, AlertState, DeliveryError, Evidence, Severity, Sink, Span, WindowSink
from sinks.kafka.sink import KafkaSink
from sinks.log import LogSink
from sinks.webhook import Webhook, WebhookSink

BUILTIN: tuple[type[Sink], ...] = (LogSink, WebhookSink, AlertmanagerSink, KafkaSink)
"""The sinks that driftd brings; others come through the entry point `driftd.sinks`."""

ENTRY_POINTS = "driftd.sinks"

__all__ = [
    "BUILTIN",
    "ENTRY_POINTS",
    "Alert",
    "AlertState",
    "AlertmanagerSink",
    "DeliveryError",
    "Evidence",
    "KafkaSink",
    "LogSink",
    "Severity",
    "Sink",
    "Span",
    "Webhook",
    "WebhookSink",
    "WindowSink",
]
