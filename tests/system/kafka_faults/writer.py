"""The producer of numbered records, in a thread of its own: it goes on while brokers come and go."""

import threading
from collections.abc import Sequence

from confluent_kafka import KafkaError, Message, Producer

from tests.system.kafka_faults.member import ANSWERS

PARTITIONS = 4
RUN = 3
"""Neighbours in one partition: the versions, which change every fourth record, are in all of them."""

TICK_SECONDS = 0.02


class Writer:
    """Writes lines in order, three at a time to each partition, up to a limit that moves.

    Args:
        address: of the brokers. topic: where to. lines: the records. rate: of records in a second.
        answers: of each record, for the topic of the answers; none: there is no such topic.
    """

    def __init__(
        self, address: str, topic: str, lines: Sequence[bytes], rate: float, answers: Sequence[bytes] = ()
    ) -> None:
        self._topic, self._lines, self._answers = topic, lines, answers
        self._batch = max(1, round(rate * TICK_SECONDS))
        settings = {
            "bootstrap.servers": address,
            "enable.idempotence": True,
            "linger.ms": 5,
            "delivery.timeout.ms": 600_000,
            "request.timeout.ms": 5_000,
            "socket.timeout.ms": 10_000,
            "reconnect.backoff.max.ms": 1_000,
            "log_level": 0,
        }
        self._producer = Producer(settings)
        self._limit = 0
        self._failed: list[KafkaError] = []
        self._ended = False
        self._changed = threading.Condition()
        self.written = 0
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    @property
    def joined(self) -> bool:
        """Each record has an answer in another topic."""
        return bool(self._answers)

    def allow(self, rows: int) -> None:
        """Write up to this number."""
        with self._changed:
            self._limit = min(rows, len(self._lines))
            self._changed.notify_all()

    def wait_for(self, rows: int) -> None:
        """Return when so many rows were handed to the client, or all that are allowed."""
        with self._changed:
            wanted = min(rows, self._limit)
            if not self._changed.wait_for(lambda: self.written >= wanted, timeout=120):
                raise RuntimeError(f"the writer stands at {self.written}")

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self.written < self._limit or self._ended)
                if self._ended:
                    return
                end = min(self.written + self._batch, self._limit)
            for number in range(self.written, end):
                partition = number // RUN % PARTITIONS
                self._put(self._topic, self._lines[number], partition)
                if self._answers:
                    self._put(self._topic + ANSWERS, self._answers[number], partition)
            with self._changed:
                self.written = end
                self._changed.notify_all()
            self._producer.poll(TICK_SECONDS)

    def _put(self, topic: str, line: bytes, partition: int) -> None:
        self._producer.produce(topic, line, partition=partition, on_delivery=self._delivered)

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failed.append(error)

    def finish(self) -> None:
        """Write the rest, and return when the brokers have everything.

        Raises:
            RuntimeError: something was not written.
        """
        self.allow(len(self._lines))
        self.wait_for(len(self._lines))
        self.end()
        left = self._producer.flush(120)
        if left or self._failed:
            raise RuntimeError(f"{left} records were not written: {self._failed[:1]}")

    def flush(self) -> None:
        """Return when the brokers have what was handed over."""
        if self._producer.flush(120):
            raise RuntimeError("the brokers do not take what was written")

    def end(self) -> None:
        """End the thread."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()
