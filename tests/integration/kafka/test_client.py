"""The client's answers about offsets, of a real broker."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from kafka.errors import KafkaTimeoutError

from monitor.sources.kafka import client as module
from monitor.sources.kafka.client import AsyncConsumerRebalanceListener, Client, Place, TopicPartition
from monitor.sources.kafka.client_options import LEAST_PIECES, consumer_options
from monitor.sources.kafka.handover import Committed
from monitor.sources.kafka.options import KafkaSource
from monitor.sources.kafka.reader import POLL_MS
from tests.brokers.broker import Broker
from tests.integration.kafka.members import produce, until

pytestmark = [pytest.mark.integration, pytest.mark.kafka]


class Newcomers(AsyncConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Gives partitions a place as they come: without one a poll fails."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Partitions have come."""
        for partition in assigned:
            self._client.hold(partition)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Partitions go."""


@contextmanager
def connected(broker: Broker, topic: str) -> Iterator[Client]:
    """A client that reads the topic's first partition without being a member of the group of the same name."""
    source = KafkaSource.model_validate({"brokers": broker.address, "topics": topic, "group": topic})
    client = Client(consumer_options(source, "m", topic), None)
    client.assign([TopicPartition(topic, 0)])
    try:
        yield client
    finally:
        client.close()


def test_an_answer_that_came_too_late_is_not_believed(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An offset is asked for anew, also where an answer has come to an earlier question that was given up."""
    broker.create_topic(topic)
    partition = TopicPartition(topic, 0)
    with connected(broker, topic) as client, connected(broker, topic) as other:
        client.commit({partition: Committed(5)})
        assert 5 == client.committed([partition])[partition].offset
        broker.pause()
        try:
            with monkeypatch.context() as patch:
                patch.setattr(module, "CALL_MS", 200)
                with pytest.raises(KafkaTimeoutError):
                    client.committed([partition])
        finally:
            broker.resume()
        until(lambda: all(asked.is_done for asked in client._coordinator._offset_fetch_futures.values()))
        other.commit({partition: Committed(9)})
        assert 9 == client.committed([partition])[partition].offset


def test_short_polls_come_to_join_by_pattern(broker: Broker, topic: str) -> None:
    """The metadata of all topics, which a join by pattern asks for first, may take longer than a poll."""
    broker.create_topic(topic)
    source = KafkaSource.model_validate({"brokers": broker.address, "pattern": f"^{topic}$", "group": topic})
    client = Client(consumer_options(source, "m", topic), None)
    try:
        client.subscribe([], source.pattern, Newcomers(client))

        def joined() -> bool:
            client.poll(1)
            return client.assignment() == {TopicPartition(topic, 0)}

        until(joined)
    finally:
        client.close()


@pytest.mark.kafka(needs={"quick_joins"})
def test_a_join_that_outlasts_a_poll_is_seen_through(broker: Broker, topic: str) -> None:
    """Also one for the sake of the topic's partitions, which as soon as they are shared out are no reason any more."""
    broker.create_topic(topic)
    source = KafkaSource.model_validate({"brokers": broker.address, "topics": topic, "group": topic})
    client = Client(consumer_options(source, "m", topic), None)
    try:
        client.subscribe([topic], None, Newcomers(client))

        def settled() -> bool:
            client.poll(POLL_MS)
            return bool(client.membership()[0]) and client.assignment() == {TopicPartition(topic, 0)}

        until(settled)
        before, coordinator = client.membership(), client._coordinator
        coordinator._assignment_snapshot = {}  # as if it had shared them out before it knew any
        client.poll(0)
        until(lambda: coordinator._assignment_snapshot)
        until(settled)
        assert before < client.membership()
    finally:
        client.close()


def test_a_fetch_without_records_leaves_the_epoch(broker: Broker, topic: str) -> None:
    """By the epoch of the last record the brokers tell where a log was cut back, however long ago it came."""
    broker.create_topic(topic)
    produce(broker, topic, range(10), partitions=1)
    partition = TopicPartition(topic, 0)
    with connected(broker, topic) as client:
        client.seek(partition, 0)

        def read() -> bool:
            client.poll(100)
            return client.place(partition) == Place(10, 0, 10)

        until(read)
        for _ in range(3):
            client.poll(600)  # longer than a broker waits for records
        assert Place(10, 0, 10) == client.place(partition)


def test_many_small_pieces_come_at_a_time(broker: Broker, topic: str) -> None:
    """A few, as long as it is not known that they are small; of many partitions nearly all with the next poll."""
    partitions = [TopicPartition(topic, number) for number in range(40)]
    broker.create_topic(topic, len(partitions))
    produce(broker, topic, range(len(partitions)), len(partitions))
    source = KafkaSource.model_validate({"brokers": broker.address, "topics": topic, "group": topic})
    client = Client(consumer_options(source, "m", topic), None)
    found: list[int] = []
    try:
        client.assign(partitions)
        for partition in partitions:
            client.seek(partition, 0)

        def read() -> bool:
            pieces = [piece for several in client.poll(POLL_MS).values() for piece in several]
            found.append(sum(map(len, pieces)))
            return sum(found) == len(partitions)

        until(read)
    finally:
        client.close()
    first, *later = [number for number in found if number]
    assert first <= LEAST_PIECES
    assert max(later) > 2 * LEAST_PIECES
