"""Messages to Kafka, each known to be written when `publish` returns."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sinks.base import DeliveryError

if TYPE_CHECKING:
    from sinks.kafka.client_log import ClientLog
    from sinks.kafka.connection import KafkaConnection

LARGEST_BYTES = 16 * 2**20
"""Of a message before its compression; what the broker takes after it is the topic's business."""

_GRACE_SECONDS = 5.0
_HOPELESS = frozenset({"message_too_large", "bad_topic_name"})
"""The same message would be refused again; everything else heals, or somebody heals it."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be.

    Attributes:
        topic: where to. key: messages of one key keep their order. value: the content.
        headers: by name, in order.
    """

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Publisher:
    """An idempotent producer that waits for every copy, made when it is first needed and anew after each failure.

    Used by one thread at a time. A producer that failed may be beyond help (a refused right, a lost epoch), and its
    messages must not come after those of the next try: it is closed.
    """

    def __init__(self, connection: KafkaConnection, purpose: str, timeout_seconds: float) -> None:
        """Nothing is connected yet.

        Args:
            connection: where to.
            purpose: becomes a part of the client id.
            timeout_seconds: the most that the brokers may take for a message, and for connecting before it.
        """
        self._connection = connection
        self._purpose = purpose
        self._timeout = timeout_seconds
        self._log: ClientLog | None = None
        self._producer: Any = None
        self._lock = threading.Lock()

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Write messages in this order.

        Raises:
            DeliveryError: not every message is known to be written; with the reason and what to do about it.
        """
        from sinks.kafka.client_log import listen

        with self._lock:
            if self._log is None:
                self._log = listen(self._connection, self._purpose)
            self._log.follow()
            try:
                self._write(messages)
            except Exception as error:
                told = self._log.explain(error)
                self._close_producer()
                raise DeliveryError(str(told), retryable=told.cause not in _HOPELESS) from error
            self._log.clear()

    def _write(self, messages: Sequence[Outgoing]) -> None:
        if self._producer is None:
            self._producer = self._connect()
        waiting = [
            self._producer.send(
                message.topic,
                value=message.value,
                key=message.key.encode(),
                headers=[(name, text.encode()) for name, text in message.headers.items()],
            )
            for message in messages
        ]
        self._producer.flush(self._timeout + _GRACE_SECONDS)
        for future in waiting:
            future.get(timeout=_GRACE_SECONDS)

    def _connect(self) -> Any:
        from kafka import KafkaProducer

        from sinks.kafka.client import connected

        milliseconds = round(self._timeout * 1000)
        return connected(
            KafkaProducer,
            self._connection.client_options(self._purpose)
            | {
                "enable_idempotence": True,
                "acks": "all",
                "compression_type": "gzip",
                "allow_auto_create_topics": False,
                "max_request_size": LARGEST_BYTES,
                "bootstrap_timeout_ms": milliseconds,
                "max_block_ms": milliseconds,
                "delivery_timeout_ms": milliseconds,
                "request_timeout_ms": max(1, milliseconds - 100),
                "metrics_enabled": False,
            },
        )

    def close(self) -> None:
        """End the producer's thread; the next message would begin another."""
        with self._lock:
            self._close_producer()
            if self._log is not None:
                self._log.close()
                self._log = None

    def _close_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):  # what is left in it counts as not written either way
                producer.close(timeout=1)
