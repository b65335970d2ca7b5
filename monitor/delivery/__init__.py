"""From the outbox to sinks and webhooks: at least once, under an id that never changes."""

from monitor.delivery.dead_letters import DeadLetterDestination, DeadLetterQueue, dead_letter_topic
from monitor.delivery.deliveries import Deliveries
from monitor.delivery.destinations import (
    AlertDestination,
    Destination,
    RetrainingDestination,
    alert_message,
    retraining_message,
    window_message,
)
from monitor.delivery.retire import retire_alerts
from monitor.delivery.worker import Worker

__all__ = [
    "AlertDestination",
    "DeadLetterDestination",
    "DeadLetterQueue",
    "Deliveries",
    "Destination",
    "RetrainingDestination",
    "Worker",
    "alert_message",
    "dead_letter_topic",
    "retire_alerts",
    "retraining_message",
    "window_message",
]
