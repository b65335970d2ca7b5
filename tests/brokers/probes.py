"""Small tries of what a broker can do: one function for each word of `needs.py` that can be tried at little cost.

Each takes a broker that runs and the name of a topic that is not there, and says whether the broker has the feature.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition

from tests.brokers.broker import Broker
from tests.brokers.operations import SECONDS, Operations, Record

SESSION_SECONDS = 6
"""The shortest that Apache Kafka lets a member have unasked."""
PROMPT_SECONDS = 5.0
"""Longest time for what a broker does at once."""
PATIENCE_SECONDS = 25.0
"""Longest time for a group to settle."""

Probe = Callable[[Broker, str], bool]


@contextmanager
def _reading(broker: Broker, group: str, settings: Mapping[str, Any] | None = None) -> Iterator[Consumer]:
    base = {"log_level": 0, "enable.auto.commit": False, "session.timeout.ms": SESSION_SECONDS * 1000}
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": group, **base, **(settings or {})})
    try:
        yield consumer
    finally:
        consumer.close()


def _comes(reached: Callable[[], bool], seconds: float) -> bool:
    """Whether something comes true in time; asking is what waits."""
    limit = time.monotonic() + seconds
    while not (well := reached()) and time.monotonic() < limit:
        pass
    return well


def _held_by(*consumers: Consumer) -> list[int]:
    """How many partitions each of them has; lets them work for a moment."""
    for consumer in consumers:
        consumer.poll(0.05)
    return [len(consumer.assignment()) for consumer in consumers]


def _write_batch(broker: Broker, topic: str) -> None:
    """Ten records in one batch, a millisecond apart from 1,000 on, whatever the broker's own `produce` gets round."""
    broker.create_topic(topic)
    Operations.produce(broker, topic, [Record(b"x", timestamp_ms=1_000 + number) for number in range(10)])


def add_partitions(broker: Broker, topic: str) -> bool:
    """A topic of one partition gets two more."""
    broker.create_topic(topic)
    try:
        broker.add_partitions(topic, 3)
    except KafkaException:
        return False
    return broker.partitions(topic) == [0, 1, 2]


def broker_times(broker: Broker, topic: str) -> bool:
    """A record that says 1970 gets another time."""
    broker.create_topic(topic, config={"message.timestamp.type": "LogAppendTime"})
    broker.produce(topic, [Record(b"x", timestamp_ms=1_000)])
    return [record.timestamp_ms for record in broker.held(topic)] != [1_000]


def cooperative(broker: Broker, topic: str) -> bool:
    """Two members share four partitions in the end."""
    broker.create_topic(topic, 4)
    strategy = {"partition.assignment.strategy": "cooperative-sticky"}
    with _reading(broker, topic, strategy) as first, _reading(broker, topic, strategy) as second:
        first.subscribe([topic])
        if not _comes(lambda: _held_by(first) == [4], PATIENCE_SECONDS):
            return False
        second.subscribe([topic])
        return _comes(lambda: _held_by(first, second) == [2, 2], PATIENCE_SECONDS)


def delete_records(broker: Broker, topic: str) -> bool:
    """The first offset is the one that records were deleted up to."""
    _write_batch(broker, topic)
    try:
        broker.delete_records(topic, {0: 4})
    except KafkaException:
        return False
    return broker.begin_offsets(topic) == {0: 4}


def durability(broker: Broker, topic: str) -> bool:
    """Records are there after a SIGKILL."""
    _write_batch(broker, topic)
    broker.kill()
    broker.start()
    return _has_ten(broker, topic)


def persistence(broker: Broker, topic: str) -> bool:
    """Records are there after an end in the broker's own way."""
    _write_batch(broker, topic)
    broker.stop()
    broker.start()
    return _has_ten(broker, topic)


def _has_ten(broker: Broker, topic: str) -> bool:
    known = broker._admin.list_topics(timeout=SECONDS).topics
    return topic in known and len(list(broker.held(topic))) == 10


def end_offsets(broker: Broker, topic: str) -> bool:
    """The end after a batch of ten is ten."""
    _write_batch(broker, topic)
    return broker.end_offsets(topic) == {0: 10}


MEMBER = """
import json, sys
from confluent_kafka import Consumer
consumer = Consumer(json.loads(sys.argv[1]))
consumer.subscribe([sys.argv[2]])
while not consumer.assignment():
    consumer.poll(0.05)
print("in", flush=True)
while True:
    consumer.poll(1)
"""


@contextmanager
def other_member(
    address: str, group: str, topic: str, **settings: object
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has partitions of a topic, and commits nothing; killed in the end."""
    base = {"bootstrap.servers": address, "group.id": group, "session.timeout.ms": SESSION_SECONDS * 1000}
    given = json.dumps({**base, "enable.auto.commit": False, **settings})
    with subprocess.Popen([sys.executable, "-c", MEMBER, given, topic], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()
            yield process
        finally:
            process.kill()


def eviction(broker: Broker, topic: str) -> bool:
    """The partition of a member that was killed goes to another one."""
    broker.create_topic(topic)
    with other_member(broker.address, topic, topic):
        pass
    with _reading(broker, topic) as heir:
        heir.subscribe([topic])
        return _comes(lambda: _held_by(heir) == [1], PATIENCE_SECONDS)


def group_members(broker: Broker, topic: str) -> bool:
    """The admin client is told of the one member that there is."""
    broker.create_topic(topic)
    with _reading(broker, topic) as consumer:
        consumer.subscribe([topic])
        _comes(lambda: _held_by(consumer) == [1], PATIENCE_SECONDS)
        found = broker._admin.describe_consumer_groups([topic])[topic].result(SECONDS)
    return len(found.members) == 1


def leader_epochs(broker: Broker, topic: str) -> bool:
    """What was written after a restart is of a later epoch."""
    _write_batch(broker, topic)
    broker.stop()
    broker.start()
    if not _has_ten(broker, topic):
        return False
    Operations.produce(broker, topic, [b"later"])
    epochs: list[int | None] = []
    with _reading(broker, topic) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])

        def all_read() -> bool:
            message = consumer.poll(0.05)
            if message is not None and message.error() is None:
                epochs.append(message.leader_epoch())
            return len(epochs) == 11

        _comes(all_read, PATIENCE_SECONDS)
    return len(epochs) == 11 and (epochs[-1] or 0) > (epochs[0] or 0)


def long_poll(broker: Broker, topic: str) -> bool:
    """In two seconds over an empty partition there are few fetches, each of half a second."""
    broker.create_topic(topic)
    fetches: list[int] = []

    def told(text: str) -> None:
        nodes = json.loads(text)["brokers"].values()
        fetches.append(sum(node["req"].get("Fetch", 0) for node in nodes))

    settings = {"statistics.interval.ms": 500, "fetch.wait.max.ms": 500, "stats_cb": told}
    with _reading(broker, topic, settings) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        _comes(lambda: consumer.poll(0.05) is None and len(fetches) > 4, PATIENCE_SECONDS)
    return 0 < fetches[-1] - fetches[0] < 10


def missing_topics(broker: Broker, topic: str) -> bool:
    """A topic that was asked for is not there afterwards."""
    broker._admin.list_topics(topic, timeout=SECONDS)
    return topic not in broker._admin.list_topics(timeout=SECONDS).topics


def offset_notes(broker: Broker, topic: str) -> bool:
    """The text that was committed with an offset comes back."""
    broker.create_topic(topic)
    with _reading(broker, topic) as consumer:
        consumer.commit(offsets=[TopicPartition(topic, 0, 5, metadata="note")], asynchronous=False)
        (found,) = consumer.committed([TopicPartition(topic, 0)], timeout=SECONDS)
    return (found.offset, found.metadata) == (5, "note")


def offsets_for_times(broker: Broker, topic: str) -> bool:
    """A time in the middle of a batch is found there."""
    _write_batch(broker, topic)
    with _reading(broker, topic) as consumer:
        (found,) = consumer.offsets_for_times([TopicPartition(topic, 0, 1_005)], timeout=SECONDS)
    return bool(found.offset == 5)


def out_of_range(broker: Broker, topic: str) -> bool:
    """A fetch far behind the end is an error."""
    _write_batch(broker, topic)
    with _reading(broker, topic, {"auto.offset.reset": "error"}) as consumer:
        consumer.assign([TopicPartition(topic, 0, 1_000)])
        message = consumer.poll(PROMPT_SECONDS)
    return message is not None and message.error() is not None


def quick_joins(broker: Broker, topic: str) -> bool:
    """The first member of a group is in it long before half of its session is over."""
    broker.create_topic(topic)
    with _reading(broker, topic, {"session.timeout.ms": 20_000}) as consumer:
        consumer.subscribe([topic])
        return _comes(lambda: _held_by(consumer) == [1], PROMPT_SECONDS)


def topic_ids(broker: Broker, topic: str) -> bool:
    """A topic that was deleted and made again has another id."""
    found = set()
    for _ in range(2):
        broker.create_topic(topic)
        asked = broker._admin.describe_topics(TopicCollection([topic]))
        found.add(str(asked[topic].result(SECONDS).topic_id))
        broker.delete_topic(topic)
    return len(found) == 2


def transactions(broker: Broker, topic: str) -> bool:
    """Of an aborted and a committed transaction the second one is read."""
    broker.create_topic(topic)
    broker.transaction(topic, [b"no"], commit=False, name=topic)
    broker.transaction(topic, [b"yes"], commit=True, name=topic)
    return [record.value for record in broker.held(topic)] == [b"yes"]


PROBES: Final[dict[str, Probe]] = {
    probe.__name__: probe
    for probe in (
        add_partitions, broker_times, cooperative, delete_records, durability, end_offsets, eviction,
        group_members, leader_epochs, long_poll, missing_topics, offset_notes, offsets_for_times,
        out_of_range, persistence, quick_joins, topic_ids, transactions,
    )
}  # fmt: skip
"""By the feature's name."""
