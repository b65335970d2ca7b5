"""Dead letters on their way to a topic: in the outbox by the transaction that moves past their records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from monitor.decode.assembly import KEPT_BYTES
from monitor.decode.dead_letters import data_of, entry_of
from monitor.delivery.destinations import DEAD_LETTERS
from monitor.records import Reject
from monitor.state.outbox import Message, Outbox
from sinks.base import Alert, DeliveryError
from sinks.kafka.connection import KafkaConnection
from sinks.kafka.dead_letters import DeadLetterTopic, Letter
from sinks.kafka.publisher import Publisher

log = structlog.get_logger()

MOST_WAITING = 256
"""Messages in the outbox; while so many wait, further letters go to the file alone."""

LETTERS_IN_A_MESSAGE = 500
BYTES_IN_A_MESSAGE = 128 * 2**10
_FOR_GOOD_SECONDS = 10 * 365 * 86400.0


@dataclass
class DeadLetterQueue:
    """Puts the rejected records of one monitor into the outbox, many to a message, so many and no more.

    Attributes:
        left_out: records for which there was no room since there was some.
    """

    monitor: str
    left_out: int = 0

    def put(self, outbox: Outbox, rejects: Sequence[Reject], now: int) -> bool:
        """Queue records, inside the transaction of their batch; whether there were any.

        Args:
            outbox: of the state.
            rejects: of one commit, in order.
            now: wall time in microseconds since the epoch.
        """
        if not rejects:
            return False
        name = dead_letter_destination(self.monitor)
        room = MOST_WAITING - outbox.pending(name)
        for number, batch in enumerate(_batches(rejects)):
            if number >= room:
                self._leave_out(len(batch))
                continue
            self.left_out = 0
            parts = [name, now, number, batch[0].partition, batch[0].offset]
            identity = f"letters_{hashlib.sha256(orjson.dumps(parts)).hexdigest()[:32]}"
            body = {"letters": [entry_of(reject) for reject in batch]}
            outbox.enqueue(Message(identity, name, DEAD_LETTERS, body, now, self.monitor))
        return room > 0

    def _leave_out(self, records: int) -> None:
        if not self.left_out:
            log.warning(
                "no room for more dead letters in the outbox",
                monitor=self.monitor,
                hint="they are in the file",
            )
        self.left_out += records


def _batches(rejects: Sequence[Reject]) -> Iterator[list[Reject]]:
    batch: list[Reject] = []
    size = 0
    for reject in rejects:
        if batch and (len(batch) >= LETTERS_IN_A_MESSAGE or size + len(reject.data) > BYTES_IN_A_MESSAGE):
            yield batch
            batch, size = [], 0
        batch.append(reject)
        size += len(reject.data)
    if batch:
        yield batch


class DeadLetterDestination:
    """Writes the dead letters of one monitor to a topic; it never gives up: the outbox holds a bounded number."""

    repeat_seconds: float = 0.0
    give_up_after_seconds: float = _FOR_GOOD_SECONDS

    def __init__(self, monitor: str, connection: KafkaConnection, topic: DeadLetterTopic) -> None:
        """Nothing is connected yet.

        Args:
            monitor: whose letters.
            connection: to the cluster that the records came from.
            topic: where the letters go.
        """
        self._monitor = monitor
        self._topic = topic.topic
        self._publisher = Publisher(connection, f"{monitor}.dead-letters", topic.timeout)

    @property
    def name(self) -> str:
        """Told apart from sinks by its colon."""
        return dead_letter_destination(self._monitor)

    def send(self, message: Message, now: int) -> None:  # noqa: ARG002 - brokers stamp their own time
        """Write all letters of a message.

        Raises:
            DeliveryError: some are not known to be written; all are sent again, under their ids.
        """
        letters = message.body.get("letters")
        if not isinstance(letters, list):
            raise DeliveryError("there are no letters in this message", retryable=False)
        self._publisher.publish(
            [self._letter(f"{message.id}-{i}", one).message(self._topic) for i, one in enumerate(letters)]
        )

    def _letter(self, identity: str, saved: dict[str, Any]) -> Letter:
        data = data_of(saved)
        return Letter(
            identity,
            self._monitor,
            *(saved["reason"], saved["detail"], saved["partition"], saved["offset"]),
            data=data,
            whole=len(data) < KEPT_BYTES,
        )

    def repeat(self, alert: Alert, now: int) -> None:
        """Letters are not alerts."""

    def close(self) -> None:
        """End the producer."""
        self._publisher.close()


def dead_letter_destination(monitor: str) -> str:
    """The name of a monitor's dead letters in the outbox."""
    return f"dead-letters:{monitor}"


def dead_letter_topic(source: object) -> tuple[KafkaConnection, DeadLetterTopic] | None:
    """Where the options of a source want its dead letters, beside the file."""
    topic = getattr(source, "dead_letters", None)
    if isinstance(source, KafkaConnection) and isinstance(topic, DeadLetterTopic):
        return source, topic
    return None
