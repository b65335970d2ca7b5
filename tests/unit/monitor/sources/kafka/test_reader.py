"""When the polling thread pauses partitions."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from kafka.structs import TopicPartition

from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.client import name_of
from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.membership import Holdings
from monitor.sources.kafka.messages import Messages
from monitor.sources.kafka.options import KafkaSource
from monitor.sources.kafka.reader import Reader
from monitor.sources.kafka.recovery import Recovery
from tests.unit.monitor.sources.kafka.batches import Batch, Record, fast, write
from tests.unit.monitor.sources.kafka.fake_client import FakeClient

PARTITIONS = [TopicPartition("t", number) for number in range(4)]
SHARE = 100_000
BOUND = SHARE * len(PARTITIONS)


def reader_of(channel: Channel) -> tuple[Reader, FakeClient]:
    """A reader that holds the partitions, without its thread."""
    reader = Reader(KafkaSource(brokers=("localhost:9092",), topics=("t",)), "m", "me", channel)
    client = FakeClient(frozenset(PARTITIONS))
    reader._client = cast("Any", client)
    reader.membership = cast("Any", SimpleNamespace(holdings=Holdings()))
    reader.ledger.lines = cast("Any", dict.fromkeys(PARTITIONS))
    reader._recovery = Recovery(cast("Any", client), channel, reader.ledger)
    return reader, client


def put(channel: Channel, partition: TopicPartition, size: int) -> None:
    """Have so many bytes of a partition wait, in one piece."""
    messages: Messages = fast(write(Batch([Record(b"x" * (size - 200))])))
    assert abs(messages.size - size) < 200
    assert np.array_equal([0], messages.offsets)
    channel.put(channel.epoch, [Piece(name_of(partition), messages, Counted(1, 1))])


def test_a_partition_rests_while_much_of_it_waits() -> None:
    """A partition is paused when its share waits, and read on when half of that is left; the others go on."""
    channel = Channel(BOUND)
    reader, client = reader_of(channel)
    put(channel, PARTITIONS[0], SHARE // 2)
    put(channel, PARTITIONS[0], SHARE // 2 + 1000)
    reader._balance()
    assert {PARTITIONS[0]} == client.consumer.paused
    channel.take("t/0", 1, 1)
    reader._balance()
    assert {PARTITIONS[0]} == client.consumer.paused
    channel.take("t/0", 1, 1)
    reader._balance()
    assert set() == client.consumer.paused


def test_all_rest_when_the_bound_is_reached() -> None:
    """What waits of few partitions stops all of them: of each a fetch may bring more than its share."""
    channel = Channel(BOUND)
    reader, client = reader_of(channel)
    for partition in PARTITIONS[:2]:
        put(channel, partition, BOUND // 2 + 1000)
    reader._balance()
    assert set(PARTITIONS) == client.consumer.paused
    channel.take("t/0", 1, 1)
    reader._balance()
    assert set(PARTITIONS) == client.consumer.paused
    channel.take("t/1", 1, 1)
    reader._balance()
    assert set() == client.consumer.paused
