"""The topic that the Kafka benchmarks read: broker, messages, reference."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench_pipeline import rows

from tests.brokers import apache

PARTITIONS = 4
BLOCK = 50_000
HEAP = {"-Xmx320m": "-Xmx512m", "-XX:TieredStopAtLevel=1": "-XX:+TieredCompilation"}
"""Unlike the tests' broker this one may optimise: it must not be what is measured."""


@contextmanager
def broker(folder: Path) -> Iterator[apache.Apache]:
    """One broker of Apache Kafka, with data in a folder."""
    apache.HEAP = tuple(HEAP.get(word, word) for word in apache.HEAP)
    running = apache.start(folder / "broker")
    try:
        yield running
    finally:
        running.remove()


def messages(first: int, n: int) -> list[bytes]:
    """Seeded records of a serving process, one JSON object each: 25 features, about 820 bytes."""
    frame = rows(first, n).with_columns(
        (pl.col("^feature_.*$") * 1.000_001_234_567_8).round(12),
        pl.format("prediction-request-{}", "id").alias("id"),
    )
    inputs = [name for name in frame.columns if name.startswith(("feature_", "cat_"))]
    nested = frame.select(
        "id", "timestamp", "model_version", pl.struct(inputs).alias("inputs"),
        pl.struct("y_pred", "score").alias("outputs"), "latency_ms", "status",
    )  # fmt: skip
    return nested.write_ndjson().encode().split(b"\n")[:n]


def fill(address: str, topic: str, total: int, compression: str = "none") -> float:
    """Make the topic and write so many messages to it, in turn to each partition; mean bytes of a message."""
    create(address, topic)
    producer = Producer(
        {"bootstrap.servers": address, "linger.ms": 20, "batch.size": 2**18, "compression.type": compression}
    )
    size = 0
    for first in range(0, total, BLOCK):
        for i, value in enumerate(messages(first, min(BLOCK, total - first))):
            size += len(value)
            patiently(producer, lambda v=value, p=i % PARTITIONS: producer.produce(topic, v, partition=p))
    producer.flush()
    return size / total


def create(address: str, topic: str, partitions: int = PARTITIONS) -> None:
    """Make a topic."""
    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic(topic, partitions, 1, config={"retention.ms": "-1"})])[topic].result(30)


def patiently(producer: Producer, produce: Callable[[], None]) -> None:
    """Hand a message over, when the producer's queue has room."""
    while True:
        try:
            produce()
        except BufferError:
            producer.poll(0.05)
        else:
            return
