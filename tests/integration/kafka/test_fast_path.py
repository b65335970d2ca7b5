"""The fast unpacker against kafka-python's own, on what real brokers keep of what librdkafka wrote."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from kafka import KafkaConsumer
from kafka.consumer.fetcher import ConsumerRecord
from kafka.structs import TopicPartition

from monitor.sources.kafka.messages import Messages
from monitor.sources.kafka.sampling import Sampling
from monitor.sources.kafka.verification import compare, install
from tests.brokers.operations import Operations, Record

pytestmark = pytest.mark.kafka

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
PARTITIONS = 2
PIECES = 100_000


def records(count: int, seed: int) -> list[Record]:
    """Records of all kinds: with and without key, value, headers and time, empty and long ones."""
    dice = random.Random(seed)
    texts = [b"", b"k", b"key-%d" % seed, b"x" * 300, None]
    headers: list[tuple[tuple[str, bytes | None], ...]] = [
        (),
        (("trace", b"1"), ("trace", b"2")),
        (("null", None), ("\u00fc", b"\x00\xff"), ("long" * 40, b"y" * 200)),
    ]
    return [
        Record(
            value=dice.choice([None, b"", b'{"n": %d}' % i, b"{}" * dice.randrange(2000)]),
            key=dice.choice(texts),
            partition=i % PARTITIONS,
            headers=dice.choice(headers),
            timestamp_ms=dice.choice([None, 1_600_000_000_000 + i]),
        )
        for i in range(count)
    ]


@contextmanager
def reading(kafka: Operations, topic: str, start: int, **options: Any) -> Iterator[KafkaConsumer]:
    """A consumer of the topic's partitions, each from an offset on."""
    places = [TopicPartition(topic, number) for number in kafka.partitions(topic)]
    consumer = KafkaConsumer(
        bootstrap_servers=kafka.address, enable_auto_commit=False, auto_offset_reset="none", **options
    )
    try:
        consumer.assign(places)
        for place in places:
            consumer.seek(place, start)
        yield consumer
    finally:
        consumer.close()


def drained(
    consumer: KafkaConsumer, ends: dict[int, int], most: int
) -> tuple[dict[int, list[Any]], dict[int, int]]:
    """All that `poll` gives until the positions are at the ends, and the positions."""
    found: dict[int, list[Any]] = {number: [] for number in ends}
    positions: dict[int, int] = dict.fromkeys(ends, 0)
    while any(positions[number] < end for number, end in ends.items()):
        for place, items in consumer.poll(timeout_ms=1000, max_records=most).items():
            found[place.partition] += items
        positions = {place.partition: consumer.position(place) for place in consumer.assignment()}
    return found, positions


def read_both(kafka: Operations, topic: str, start: int = 0, **options: Any) -> dict[int, Messages]:
    """The topic by kafka-python alone and by the fast way; compares both and gives the messages by partition."""
    ends = {number: max(start, end) for number, end in kafka.end_offsets(topic).items()}
    with reading(kafka, topic, start, **options) as consumer:
        slow, places = drained(consumer, ends, 5000)
    with reading(kafka, topic, start, **options) as consumer:
        unpacking = install(consumer)
        fast, positions = drained(consumer, ends, PIECES)
        assert unpacking.mode == ("fast" if any(slow.values()) else "verifying")
    assert places == positions
    found = {}
    for number, pieces in fast.items():
        found[number] = Messages.concat([Messages.empty(topic, number, start), *pieces])
        given: list[ConsumerRecord] = slow[number]
        if given:
            wanted = Messages.from_records(given, positions[number])
        else:  # marks alone give the fast way an epoch, and kafka-python nothing that has one
            nothing = Messages.empty(topic, number, positions[number])
            wanted = replace(nothing, leader_epoch=found[number].leader_epoch)
        assert "" == compare(wanted, found[number])
    return found


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec(kafka: Operations, topic: str, codec: str) -> None:
    """Offsets, times, keys, values, headers and positions are the same in both ways, from any offset on."""
    kafka.create_topic(topic, PARTITIONS)
    for seed, linger in ((1, 50), (2, 0)):
        kafka.produce(topic, records(600, seed), compression_type=codec, linger_ms=linger)
    found = read_both(kafka, topic)
    assert [600, 600] == [len(messages) for messages in found.values()]
    wanted = [
        [r.value for r in records(600, 1) + records(600, 2) if r.partition == p] for p in range(PARTITIONS)
    ]
    assert wanted == [messages.values() for messages in found.values()]
    for start in (1, 299, 300, 301, 599):
        assert [600 - start] * 2 == [len(m) for m in read_both(kafka, topic, start).values()]


@pytest.mark.kafka(needs={"broker_times"})
def test_time_of_the_broker(kafka: Operations, topic: str) -> None:
    """Where the broker sets the time, that is the time in both ways."""
    kafka.create_topic(topic, PARTITIONS, config={"message.timestamp.type": "LogAppendTime"})
    kafka.produce(
        topic, [Record(b"%d" % i, timestamp_ms=1000 + i) for i in range(100)], compression_type="lz4"
    )
    times = [time for messages in read_both(kafka, topic).values() for time in messages.timestamps.tolist()]
    assert 100 == len(times)
    assert min(times) > 1_600_000_000_000_000


@pytest.mark.parametrize(
    "isolation",
    [
        pytest.param("read_committed", marks=pytest.mark.kafka(needs={"transactions"})),
        "read_uncommitted",
    ],
)
def test_transactions(kafka: Operations, topic: str, isolation: str) -> None:
    """Of aborted transactions nothing comes when only committed records are read; marks never come."""
    kafka.create_topic(topic)
    kept = []
    for number in range(8):
        values = [b"%d-%d" % (number, i) for i in range(number * 20 + 1)]
        codec = CODECS[number % len(CODECS)]
        commit = number % 3 != 1
        if number % 4 == 3:
            kafka.produce(topic, values, compression_type=codec)
        else:
            kafka.transaction(
                topic, values, commit=commit, name=f"{topic}-{number % 2}", compression_type=codec
            )
        if commit or number % 4 == 3 or isolation == "read_uncommitted":
            kept += values
    (found,) = read_both(kafka, topic, isolation_level=isolation).values()
    assert kept == found.values()
    assert len(kept) < found.next_offset
    for start in (1, 2, 30, found.next_offset - 1):
        read_both(kafka, topic, start, isolation_level=isolation)


def test_a_sample_is_the_same_every_time(kafka: Operations, topic: str) -> None:
    """Sampling keeps the same offsets whatever the fetches are, and counts the others."""
    kafka.create_topic(topic)
    kafka.produce(topic, [b"%06d" % i * 20 for i in range(5000)], compression_type="zstd")
    ends = {0: 5000}
    seen = []
    for size in (20_000, 2**20):
        with reading(kafka, topic, 0, max_partition_fetch_bytes=size) as consumer:
            install(consumer, Sampling(0.05))
            whole = Messages.concat(drained(consumer, ends, PIECES)[0][0])
        seen.append(whole.offsets.tolist())
        assert 5000 == len(whole) + whole.sampled_out
        assert [b"%06d" % i * 20 for i in seen[-1]] == whole.values()
    assert seen[0] == seen[1]
    assert 150 < len(seen[0]) < 350
