"""A look at messages of a topic without a group, a commit or any other trace on the cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from monitor.sources.base import SourceError
from monitor.sources.kafka.messages import Messages

if TYPE_CHECKING:
    from kafka import KafkaConsumer, TopicPartition

    from sinks.kafka.connection import KafkaConnection

PURPOSE = "look"
_POLL_MILLISECONDS = 200
_ANSWER_MILLISECONDS = 10_000


@dataclass
class Peek:
    """Messages of a topic.

    Attributes:
        topic: its name.
        partitions: number of its partitions.
        first, last: offset of the first message and the one after the last, by partition.
        messages: what was read, by partition.
    """

    topic: str
    partitions: int
    first: dict[int, int]
    last: dict[int, int]
    messages: list[Messages] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Offsets between the ends of all partitions: messages, at most."""
        return sum(self.last[p] - self.first[p] for p in self.last)

    @property
    def read(self) -> int:
        """Messages read."""
        return sum(len(part) for part in self.messages)


def peek(
    connection: KafkaConnection,
    topic: str,
    count: int,
    *,
    newest: bool,
    seconds: float = 10.0,
    progress: Callable[[int], None] = lambda _read: None,
) -> Peek:
    """Read some messages of a topic.

    Args:
        connection: how the cluster is reached.
        topic: the topic's name.
        count: how many messages at most, about the same number from each partition.
        newest: the last ones; else the first ones.
        seconds: how long to wait for messages where there are none yet.
        progress: gets the number of messages read so far.

    Raises:
        SourceError: the cluster or the topic cannot be read.
    """
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    from sinks.kafka.client_log import listen

    options = {
        **connection.client_options(PURPOSE),
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "allow_auto_create_topics": False,
        "bootstrap_timeout_ms": round(1000 * max(seconds, 1.0)),
        "isolation_level": "read_committed",
    }
    log = listen(connection, PURPOSE)
    try:
        consumer = KafkaConsumer(**options)
        try:
            return _read(consumer, topic, count, newest=newest, seconds=seconds, progress=progress)
        finally:
            consumer.close(autocommit=False, timeout_ms=1000)
    except (KafkaError, OSError) as error:
        why = log.explain(error)
        raise SourceError(why.message, why.hint) from error
    finally:
        log.close()


def _read(
    consumer: KafkaConsumer,
    topic: str,
    count: int,
    *,
    newest: bool,
    seconds: float,
    progress: Callable[[int], None],
) -> Peek:
    from kafka import TopicPartition

    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        hint = "is the name right, and may driftd describe the topic?"
        raise SourceError(f"there is no topic {topic!r} on this cluster", hint)
    places = [TopicPartition(topic, number) for number in sorted(numbers)]
    consumer.assign(places)
    first = consumer.beginning_offsets(places, timeout_ms=_ANSWER_MILLISECONDS)
    last = consumer.end_offsets(places, timeout_ms=_ANSWER_MILLISECONDS)
    each = max(1, count // len(places))
    for place in places:
        consumer.seek(place, max(first[place], last[place] - each) if newest else first[place])
    found = Peek(topic, len(places), _by_number(first), _by_number(last))
    records = _collect(consumer, places, each, seconds, progress)
    found.messages = [Messages.from_records(part) for part in records.values() if part]
    for part in found.messages:
        found.last[part.partition] = max(found.last[part.partition], part.next_offset)
    return found


def _by_number(offsets: Mapping[TopicPartition, int]) -> dict[int, int]:
    return {place.partition: offset for place, offset in offsets.items()}


def _collect(
    consumer: KafkaConsumer,
    places: Iterable[TopicPartition],
    each: int,
    seconds: float,
    progress: Callable[[int], None],
) -> dict[TopicPartition, list[Any]]:
    """Records by partition, until there are enough, or none come any more."""
    records: dict[TopicPartition, list[Any]] = {place: [] for place in places}
    until = time.monotonic() + seconds
    while any(len(part) < each for part in records.values()):
        polled = consumer.poll(timeout_ms=_POLL_MILLISECONDS, max_records=5000)
        for place, part in polled.items():
            records[place] += part[: each - len(records[place])]
            if len(records[place]) >= each:
                consumer.pause(place)
        read = sum(len(part) for part in records.values())
        progress(read)
        if not polled and (time.monotonic() > until or (read and _at_ends(consumer, records))):
            break
    return records


def _at_ends(consumer: KafkaConsumer, records: Iterable[TopicPartition]) -> bool:
    """Every partition that was fetched from has been read to its end."""
    for place in records:
        water = consumer.highwater(place)
        if water is None or (consumer.position(place, timeout_ms=1000) or 0) < water:
            return False
    return True
