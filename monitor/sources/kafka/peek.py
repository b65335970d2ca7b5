"""A look at messages of a topic without a group, a commit or any other trace on the cluster."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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


def missing(topic: str) -> SourceError:
    """What is wrong where there is no such topic."""
    hint = "is the name right, and may driftd describe the topic?"
    return SourceError(f"there is no topic {topic!r} on this cluster", hint)


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
    with _consumer(connection, seconds) as consumer:
        return _read(consumer, topic, count, newest=newest, seconds=seconds, progress=progress)


@dataclass(frozen=True, slots=True)
class TopicSize:
    """What there is of a topic.

    Attributes:
        topic: its name.
        partitions: number of its partitions; 0 where there is no such topic.
        messages: offsets between the ends of all partitions: messages, at most.
    """

    topic: str
    partitions: int
    messages: int


def survey(
    connection: KafkaConnection, names: Iterable[str], pattern: str | None, *, seconds: float = 5.0
) -> list[TopicSize]:
    """Look for topics, without reading from them.

    Args:
        connection: how the cluster is reached.
        names: of topics.
        pattern: a regular expression; topics whose names begin like that are looked at as well.
        seconds: how long to try to reach the cluster.

    Raises:
        SourceError: the cluster cannot be reached, or does not say where the topics end.
    """
    with _consumer(connection, seconds) as consumer:
        found = set(names)
        if pattern is not None:
            found |= {topic for topic in consumer.topics() if re.match(pattern, topic)}
        return [_size(consumer, topic) for topic in sorted(found)]


def _size(consumer: KafkaConsumer, topic: str) -> TopicSize:
    places = _places(consumer, topic)
    if not places:
        return TopicSize(topic, 0, 0)
    first, last = _ends(consumer, places)
    return TopicSize(topic, len(places), sum(last[place] - first[place] for place in places))


@contextmanager
def _consumer(connection: KafkaConnection, seconds: float) -> Iterator[KafkaConsumer]:
    """A consumer without a group; what goes wrong with it is a `SourceError`."""
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    from sinks.kafka.client import connected
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
        consumer = connected(KafkaConsumer, options)
        try:
            yield consumer
        finally:
            consumer.close(autocommit=False, timeout_ms=1000)
    except (KafkaError, OSError) as error:
        why = log.explain(error)
        raise SourceError(why.message, why.hint) from error
    finally:
        log.close()


def _places(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """The partitions of a topic; none where there is no such topic."""
    from kafka import TopicPartition

    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]


def _ends(
    consumer: KafkaConsumer, places: Sequence[TopicPartition]
) -> tuple[Mapping[TopicPartition, int], Mapping[TopicPartition, int]]:
    """The first offset of each partition, and the one after the last."""
    first = consumer.beginning_offsets(places, timeout_ms=_ANSWER_MILLISECONDS)
    return first, consumer.end_offsets(places, timeout_ms=_ANSWER_MILLISECONDS)


def _read(
    consumer: KafkaConsumer,
    topic: str,
    count: int,
    *,
    newest: bool,
    seconds: float,
    progress: Callable[[int], None],
) -> Peek:
    places = _places(consumer, topic)
    if not places:
        raise missing(topic)
    consumer.assign(places)
    first, last = _ends(consumer, places)
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
