"""When the polling thread pauses partitions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
from kafka.structs import TopicPartition

from monitor.sources.kafka.backpressure import Backpressure
from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.client import name_of
from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.ledger import Ledger
from monitor.sources.kafka.messages import Messages
from tests.unit.monitor.sources.kafka.batches import Batch, Record, fast, write
from tests.unit.monitor.sources.kafka.fake_client import FakeClient

PARTITIONS = [TopicPartition("t", number) for number in range(4)]
SHARE = 100_000
BOUND = SHARE * len(PARTITIONS)


def made(channel: Channel) -> tuple[Callable[[], None], FakeClient]:
    """What balances the partitions once, and the client that it acts on."""
    ledger, client = Ledger(channel), FakeClient(frozenset(PARTITIONS))
    ledger.lines = cast("Any", dict.fromkeys(PARTITIONS))
    backpressure = Backpressure(cast("Any", client), ledger, lambda _partition: False)
    return lambda: backpressure.balance(set()), client


def put(channel: Channel, partition: TopicPartition, size: int) -> None:
    """Have so many bytes of a partition wait, in one piece."""
    messages: Messages = fast(write(Batch([Record(b"x" * (size - 200))])))
    assert abs(messages.size - size) < 200
    assert np.array_equal([0], messages.offsets)
    channel.put(channel.epoch, [Piece(name_of(partition), messages, Counted(1, 1))])


def test_a_partition_rests_while_much_of_it_waits() -> None:
    """A partition is paused when its share waits, and read on when half of that is left; the others go on."""
    channel = Channel(BOUND)
    balance, client = made(channel)
    put(channel, PARTITIONS[0], SHARE // 2)
    put(channel, PARTITIONS[0], SHARE // 2 + 1000)
    balance()
    assert {PARTITIONS[0]} == client.consumer.paused
    channel.take("t/0", 1, 1)
    balance()
    assert {PARTITIONS[0]} == client.consumer.paused
    channel.take("t/0", 1, 1)
    balance()
    assert set() == client.consumer.paused


def test_all_rest_when_the_bound_is_reached() -> None:
    """What waits of few partitions stops all of them: of each a fetch may bring more than its share."""
    channel = Channel(BOUND)
    balance, client = made(channel)
    for partition in PARTITIONS[:2]:
        put(channel, partition, BOUND // 2 + 1000)
    balance()
    assert set(PARTITIONS) == client.consumer.paused
    channel.take("t/0", 1, 1)
    balance()
    assert {PARTITIONS[1]} == client.consumer.paused
    channel.take("t/1", 1, 1)
    balance()
    assert set() == client.consumer.paused


def test_while_all_rest_the_loop_is_waited_for() -> None:
    """Until it has taken something; where nothing waits there is nothing that it could take."""
    channel = Channel(BOUND)
    put(channel, PARTITIONS[0], BOUND + 1000)
    assert not channel.wait_for_room(0.0)
    with ThreadPoolExecutor(1) as pool:
        came = pool.submit(channel.wait_for_room, 60.0)
        channel.take("t/0", 1, 1)
        assert came.result(30.0)
    assert channel.wait_for_room(0.0)
