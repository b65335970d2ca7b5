"""What tests do to a broker: topics, records, offsets. By librdkafka, which is not the client under test."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic, OffsetSpec, PartitionMetadata

SECONDS = 30.0
"""How long one call may take; a broker that was just started may need some of it."""
LINGER_MS = 5000
"""The records of one call are one batch of each partition, as far as they fit: the end of the call sends them."""

MOVING = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError._TRANSPORT,
}
"""Errors of a broker that does not lead, or not yet."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Record:
    """One record to write. `timestamp_ms`: milliseconds since the epoch; None = now."""

    value: bytes | None
    key: bytes | None = None
    partition: int | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """One record that a topic holds."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


class Operations:
    """Calls to the brokers at one address.

    Args:
        address: `host:port`, several with commas. settings: of librdkafka, for a secured listener.
    """

    def __init__(self, address: str, settings: Mapping[str, Any] | None = None) -> None:
        self.address = address
        self._settings = {"bootstrap.servers": address, "log_level": 0, **(settings or {})}

    @cached_property
    def _admin(self) -> AdminClient:
        return AdminClient(self._settings)

    def forget_connections(self) -> None:
        """Connect anew: an admin client whose broker was away may wait for good."""
        self.__dict__.pop("_admin", None)

    def create_topic(
        self,
        topic: str,
        partitions: int = 1,
        *,
        replication: int = 1,
        config: Mapping[str, str] | None = None,
    ) -> None:
        """Make a topic that keeps its records for good, unless `config` says otherwise; return when it is there."""
        settings = {"retention.ms": "-1", **(config or {})}
        new = NewTopic(topic, partitions, replication, config=settings)
        self._admin.create_topics([new], operation_timeout=SECONDS)[topic].result(SECONDS)
        self._wait(topic, partitions)

    def add_partitions(self, topic: str, total: int) -> None:
        """Give a topic more partitions."""
        self._admin.create_partitions([NewPartitions(topic, total)])[topic].result(SECONDS)
        self._wait(topic, total)

    def delete_topic(self, topic: str) -> None:
        """Delete a topic; return when the broker does not know it any more."""
        self._admin.delete_topics([topic], operation_timeout=SECONDS)[topic].result(SECONDS)
        self._wait(topic, 0)

    def _wait(self, topic: str, partitions: int) -> None:
        """Until the brokers say that a topic has so many partitions, all with a leader."""
        limit = time.monotonic() + SECONDS
        while time.monotonic() < limit:
            known = self._admin.list_topics(timeout=SECONDS).topics.get(topic)
            leaders = [p.leader for p in known.partitions.values()] if known and not known.error else []
            if len(leaders) == partitions and -1 not in leaders:
                return
            self._admin.poll(0.02)
        raise RuntimeError(f"{topic} has not got {partitions} partitions")

    def partitions(self, topic: str) -> list[int]:
        """The partitions of a topic."""
        return sorted(self._admin.list_topics(topic, timeout=SECONDS).topics[topic].partitions)

    def wait_for_brokers(self, count: int = 1) -> None:
        """Return when the brokers know so many of them that serve.

        Raises:
            RuntimeError: that took too long.
        """
        limit = time.monotonic() + 4 * SECONDS
        while len(self._admin.list_topics(timeout=4 * SECONDS).brokers) < count:
            if time.monotonic() > limit:
                raise RuntimeError(f"{self.address}: there are not {count} brokers that serve")
            self._admin.poll(0.02)

    def leader_of(self, topic: str, partition: int) -> int:
        """The id of the broker that leads a partition; -1 where nobody does."""
        return self._partition(topic, partition).leader

    def in_sync(self, topic: str, partition: int) -> set[int]:
        """The ids of the brokers whose replicas of a partition are in sync."""
        return set(self._partition(topic, partition).isrs)

    def _partition(self, topic: str, partition: int) -> PartitionMetadata:
        return self._admin.list_topics(topic, timeout=SECONDS).topics[topic].partitions[partition]

    def delete_records(self, topic: str, before: Mapping[int, int]) -> None:
        """Delete the records of each partition whose offset is lower than the one given."""
        wanted = [TopicPartition(topic, partition, offset) for partition, offset in before.items()]
        self._patiently(
            lambda: [future.result(SECONDS) for future in self._admin.delete_records(wanted).values()]
        )

    def begin_offsets(self, topic: str) -> dict[int, int]:
        """The first offset that each partition holds."""
        return self._offsets(topic, OffsetSpec.earliest())

    def end_offsets(self, topic: str, **options: Any) -> dict[int, int]:
        """The offset that the next record of each partition gets; with an `isolation_level` where reading stops."""
        return self._offsets(topic, OffsetSpec.latest(), **options)

    def _offsets(self, topic: str, spec: OffsetSpec, **options: Any) -> dict[int, int]:
        wanted = {TopicPartition(topic, partition): spec for partition in self.partitions(topic)}

        def ask() -> dict[int, int]:
            found = self._admin.list_offsets(wanted, request_timeout=SECONDS, **options)
            return {place.partition: future.result(SECONDS).offset for place, future in found.items()}

        return self._patiently(ask)

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """The answer to a question, asked again while leaders move."""
        limit = time.monotonic() + SECONDS
        while True:
            try:
                return ask()
            except KafkaException as error:
                if time.monotonic() > limit or not (
                    error.args[0].retriable() or error.args[0].code() in MOVING
                ):
                    raise
                self._admin.poll(0.05)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """The offsets that a group has committed, of the partitions that have one."""
        # A consumer asks, which joins nothing: the admin client waits for good when the broker was restarted.
        consumer = Consumer({**self._settings, "group.id": group})
        try:
            wanted = [TopicPartition(topic, partition) for partition in self.partitions(topic)]
            found = self._patiently(lambda: consumer.committed(wanted, timeout=SECONDS))
        finally:
            consumer.close()
        return {place.partition: place.offset for place in found if place.offset >= 0}

    def produce(self, topic: str, records: Iterable[Record | bytes | None], **settings: Any) -> None:
        """Write records, all of them or an error. `settings` of librdkafka, `compression_type` for compression.type."""
        producer = Producer({**self._settings, **_dotted({"linger_ms": LINGER_MS, **settings})})
        self._write(producer, topic, records)

    def transaction(
        self,
        topic: str,
        records: Iterable[Record | bytes | None],
        *,
        commit: bool,
        name: str,
        **settings: Any,
    ) -> None:
        """Write records in one transaction, which is committed or aborted."""
        producer = Producer({**self._settings, "transactional.id": name, **_dotted(settings)})
        producer.init_transactions(SECONDS)
        producer.begin_transaction()
        self._write(producer, topic, records)
        (producer.commit_transaction if commit else producer.abort_transaction)(SECONDS)

    @staticmethod
    def _write(producer: Producer, topic: str, records: Iterable[Record | bytes | None]) -> None:
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error)

        for record in records:
            item = record if isinstance(record, Record) else Record(record)
            while True:
                try:
                    producer.produce(topic, **_arguments(item), on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.1)
        if producer.flush(4 * SECONDS) or failed:
            raise KafkaException(failed[0] if failed else KafkaError(KafkaError._TIMED_OUT))

    def held(
        self, topic: str, *, committed: bool = True, begin: Mapping[int, int] | None = None
    ) -> Iterator[Held]:
        """What a topic holds, each partition in its order; of transactions only what was committed, unless told.

        Args:
            topic: its name.
            committed: leave out open and aborted transactions.
            begin: first offset by partition, where it is not 0.
        """
        isolation = "read_committed" if committed else "read_uncommitted"
        consumer = Consumer(
            {
                **self._settings,
                "group.id": "driftd-tests-oracle",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "isolation.level": isolation,
            }
        )
        open_ends = set(self.partitions(topic))
        try:
            consumer.assign(
                [TopicPartition(topic, partition, (begin or {}).get(partition, 0)) for partition in open_ends]
            )
            while open_ends:
                message = consumer.poll(SECONDS)
                if message is None:
                    raise RuntimeError(f"nothing came in {SECONDS} seconds")
                if _good(message):
                    yield _held(message)
                else:
                    open_ends.discard(message.partition() or 0)
        finally:
            consumer.close()


def _good(message: Message) -> bool:
    """Whether it is a record; not the end of a partition.

    Raises:
        KafkaException: it is an error.
    """
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    return error is None


def _held(message: Message) -> Held:
    partition, offset = message.partition(), message.offset()
    if partition is None or offset is None:
        raise RuntimeError("a message without a place")
    return Held(partition, offset, message.timestamp()[1], message.key(), message.value())


def _dotted(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "."): value for name, value in settings.items()}


def _arguments(record: Record) -> dict[str, Any]:
    given: dict[str, Any] = {"value": record.value, "key": record.key}
    if record.partition is not None:
        given["partition"] = record.partition
    if record.headers:
        given["headers"] = list(record.headers)
    if record.timestamp_ms is not None:
        given["timestamp"] = record.timestamp_ms
    return given
