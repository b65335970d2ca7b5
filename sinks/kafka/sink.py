"""Alerts and windows' results as messages in Kafka topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from annotated_types import Gt, Le
from pydantic import Field, PrivateAttr

from sinks.base import Alert, WindowSink
from sinks.duration import Seconds
from sinks.events import alert_event
from sinks.kafka.connection import KafkaConnection
from sinks.kafka.publisher import Outgoing, Publisher

Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]


class KafkaSink(KafkaConnection, WindowSink):
    """Messages in Kafka topics: alerts, and the results of closed windows where a topic is given for them.

    The value is the webhook's body; the headers are those of a CloudEvent, with `ce_id` the same for every try.
    Messages of one alert have one key, its fingerprint, and so keep their order.
    """

    type: Literal["kafka"] = "kafka"

    topic: Topic
    """Topic for alerts; driftd creates none."""

    windows_topic: Topic | None = None
    """Topic for the results of closed windows; without one they are not sent."""

    timeout: Annotated[Seconds, Gt(0), Le(300)] = 15.0
    """Most time for connecting, and for the brokers' word that a message is written."""

    _publisher: Publisher | None = PrivateAttr(default=None)

    @property
    def wants_windows(self) -> bool:
        """Whether windows have a topic."""
        return self.windows_topic is not None

    def emit(self, alert: Alert, *, message_id: str, now: int) -> None:  # noqa: ARG002 - brokers stamp their own time
        """Write one alert.

        Raises:
            DeliveryError: it is not known to be written.
        """
        self._publish(self.topic, alert.fingerprint, alert.monitor, alert_event(alert), message_id)

    def emit_window(
        self,
        event: Mapping[str, Any],
        *,
        message_id: str,
        now: int,  # noqa: ARG002 - as above
    ) -> None:
        """Write one window's results.

        Raises:
            DeliveryError: they are not known to be written.
        """
        data = event["data"]
        key = "/".join([data["monitor"], data["version"], data["segment"], data["window"]["name"]])
        self._publish(self.windows_topic or self.topic, key, data["monitor"], event, message_id)

    def close(self) -> None:
        """End the producer."""
        if self._publisher is not None:
            self._publisher.close()

    def _publish(self, topic: str, key: str, monitor: str, event: Mapping[str, Any], message_id: str) -> None:
        headers = {
            "content-type": "application/json",
            "ce_specversion": "1.0",
            "ce_id": message_id,
            "ce_source": f"/driftd/monitors/{monitor}",
            "ce_type": str(event["type"]),
            "ce_time": str(event["timestamp"]),
            "ce_subject": key,
        }
        if self._publisher is None:
            self._publisher = Publisher(self, self.destination, self.timeout)
        self._publisher.publish([Outgoing(topic, key, orjson.dumps(event), headers)])
