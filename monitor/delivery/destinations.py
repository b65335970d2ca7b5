"""Who gets messages from the outbox, and the messages for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from monitor.alerts.track import message_id
from monitor.retraining.options import RetrainingWebhook
from monitor.retraining.request import RetrainingRequest
from monitor.state.outbox import Message
from sinks.base import Alert, AlertState, DeliveryError, Sink, WindowSink

ALERT = "alert"
RETRAINING = "retraining"
WINDOW = "window"
DEAD_LETTERS = "dead_letters"

KEPT = frozenset({ALERT, RETRAINING})
"""Kinds whose bodies stay in the state after delivery; the others are large, and what they say stands elsewhere."""


class Destination(Protocol):
    """Takes messages one at a time, from one thread."""

    @property
    def name(self) -> str:
        """Its name in the outbox."""
        ...

    @property
    def give_up_after_seconds(self) -> float:
        """How long a message is tried."""
        ...

    @property
    def repeat_seconds(self) -> float:
        """Firing alerts are sent anew after so many seconds; 0 for never."""
        ...

    def send(self, message: Message, now: int) -> None:
        """Send once.

        Raises:
            DeliveryError: it did not arrive, or that is not known.
        """
        ...

    def repeat(self, alert: Alert, now: int) -> None:
        """Say again that an alert fires.

        Raises:
            DeliveryError: it did not arrive.
        """
        ...

    def close(self) -> None:
        """Give back connections, when no more messages come."""
        ...


@dataclass(frozen=True)
class AlertDestination:
    """A sink for alerts, and for windows where it takes them."""

    sink: Sink

    @property
    def name(self) -> str:
        """The sink's name."""
        return self.sink.destination

    @property
    def give_up_after_seconds(self) -> float:
        """As the sink's options say."""
        return self.sink.give_up_after

    @property
    def repeat_seconds(self) -> float:
        """As the sink needs it."""
        return self.sink.repeat_seconds if AlertState.FIRING in self.sink.on else 0.0

    def send(self, message: Message, now: int) -> None:
        """Emit the alert, or the window, in the message.

        Raises:
            DeliveryError: it did not arrive.
        """
        if message.kind == WINDOW:
            self._send_window(message, now)
            return
        self.sink.emit(Alert.from_json(message.body), message_id=message.id, now=now)

    def repeat(self, alert: Alert, now: int) -> None:
        """Emit the alert again under the id that it had.

        Raises:
            DeliveryError: it did not arrive.
        """
        self.sink.emit(alert, message_id=message_id(alert, self.name), now=now)

    def close(self) -> None:
        """Close the sink."""
        self.sink.close()

    def _send_window(self, message: Message, now: int) -> None:
        if not isinstance(self.sink, WindowSink) or not self.sink.wants_windows:
            raise DeliveryError("this sink no longer takes windows", retryable=False)
        self.sink.emit_window(message.body, message_id=message.id, now=now)


@dataclass(frozen=True)
class RetrainingDestination:
    """The retraining webhook of one monitor."""

    monitor: str
    webhook: RetrainingWebhook
    repeat_seconds: float = 0.0

    @property
    def name(self) -> str:
        """Told apart from sinks by its colon."""
        return retraining_destination(self.monitor)

    @property
    def give_up_after_seconds(self) -> float:
        """As the webhook's options say."""
        return self.webhook.give_up_after

    def send(self, message: Message, now: int) -> None:
        """Call the webhook.

        Raises:
            DeliveryError: the call was not taken.
        """
        self.webhook.call(message.body, message_id=message.id, now=now)

    def repeat(self, alert: Alert, now: int) -> None:
        """A retraining call is never repeated by itself."""

    def close(self) -> None:
        """Each call has a connection of its own."""


def retraining_destination(monitor: str) -> str:
    """The name of a monitor's retraining webhook in the outbox."""
    return f"retraining:{monitor}"


def alert_message(alert: Alert, sink: Sink, created_at: int) -> Message:
    """The message that tells a sink of an alert's new state; messages of one alert stay in order.

    Args:
        alert: in its new state.
        sink: who is told.
        created_at: wall time, microseconds since the epoch.
    """
    identity = message_id(alert, sink.destination)
    return Message(identity, sink.destination, ALERT, alert.to_json(), created_at, alert.fingerprint)


def window_message(event: Mapping[str, Any], sink: Sink, created_at: int) -> Message:
    """The message that tells a sink of a closed window's results; those of one kind of window stay in order.

    Args:
        event: as `sinks.events.window_event` makes it.
        sink: who is told.
        created_at: wall time, microseconds since the epoch.
    """
    data = event["data"]
    thread = [data["monitor"], data["version"], data["segment"], data["window"]["name"]]
    parts = [*thread, data["window"]["start"], data["window"]["end"], sink.destination]
    identity = f"window_{hashlib.sha256(orjson.dumps(parts)).hexdigest()[:32]}"
    return Message(identity, sink.destination, WINDOW, dict(event), created_at, "/".join(thread))


def retraining_message(request: RetrainingRequest, created_at: int) -> Message:
    """The message that asks for retraining, under the id of the request.

    Args:
        request: the call.
        created_at: wall time, microseconds since the epoch.
    """
    destination = retraining_destination(request.monitor)
    return Message(request.id, destination, RETRAINING, request.event(), created_at)
