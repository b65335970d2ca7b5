"""Record batches as producers and brokers write them, for the tests of the unpackers."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from crc32c import crc32c
from kafka.consumer.fetcher import ConsumerRecord, Fetcher
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords
from kafka.structs import TopicPartition

from monitor.sources.kafka.fast_records import FastRecords
from monitor.sources.kafka.header_region import Header
from monitor.sources.kafka.messages import Messages

PARTITION = TopicPartition("loans", 3)
NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
CODECS = (NONE, GZIP, SNAPPY, LZ4, ZSTD)
_CONTROL, _APPEND_TIME = 0x20, 0x08
_COMMITTED = 1


@dataclass(frozen=True)
class Record:
    """One record of a batch."""

    value: bytes | None = b"{}"
    key: bytes | None = None
    headers: Sequence[Header] = ()
    time: int = 1_700_000_000_000
    skip: int = 0
    """Offsets before it that compaction has removed."""


@dataclass(frozen=True)
class Batch:
    """One batch."""

    records: Sequence[Record] = field(default_factory=lambda: (Record(),))
    codec: int = NONE
    producer: int = -1
    transactional: bool = False
    control: bool = False
    append_time: int | None = None
    hole: int = 0
    """Offsets after its last record that compaction has removed."""


def write(*batches: Batch, offset: int = 0, epoch: int = 7) -> bytes:
    """The batches one after the other, as a broker with offsets from `offset` on sends them."""
    data = bytearray()
    for batch in batches:
        piece, offset = _write(batch, offset, epoch)
        data += piece
    return bytes(data)


def mark(producer: int, *, commit: bool) -> Batch:
    """The broker's mark at the end of a transaction."""
    key = struct.pack(">hh", 0, _COMMITTED if commit else 0)
    return Batch([Record(b"\0" * 6, key)], producer=producer, transactional=True, control=True)


def reseal(data: bytes) -> bytes:
    """A single batch with the check sum of what it now holds."""
    return data[:17] + struct.pack(">I", crc32c(data[21:])) + data[21:]


def _write(batch: Batch, offset: int, epoch: int) -> tuple[bytes, int]:
    builder = DefaultRecordBatchBuilder(
        2, batch.codec, batch.transactional, batch.producer, 0 if batch.producer >= 0 else -1,
        0 if batch.producer >= 0 else -1, 2**24,
    )  # fmt: skip
    delta = -1
    for record in batch.records:
        delta += record.skip + 1
        builder.append(delta, record.time, record.key, record.value, list(record.headers))
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, offset)
    struct.pack_into(">i", data, 12, epoch)
    (attributes, last) = struct.unpack_from(">hi", data, 21)
    if batch.control:
        attributes |= _CONTROL
    if batch.append_time is not None:
        attributes |= _APPEND_TIME
        struct.pack_into(">q", data, 35, batch.append_time)
    struct.pack_into(">hi", data, 21, attributes, last + batch.hole)
    return reseal(bytes(data)), offset + last + batch.hole + 1


def fetch(
    kind: type[Any], data: bytes, offset: int = 0, aborted: Sequence[tuple[int, int]] = (), **options: Any
) -> Any:
    """An unpacker of fetched bytes; `aborted` are (producer, first offset) of transactions."""
    transactions = [SimpleNamespace(producer_id=who, first_offset=first) for who, first in aborted]
    return kind(offset, PARTITION, MemoryRecords(data), aborted_transactions=transactions, **options)


def read_all(unpacker: Any) -> Messages:
    """All pieces as one; the unpacker is drained afterwards."""
    pieces = [Messages.empty(PARTITION.topic, PARTITION.partition, unpacker.next_fetch_offset)]
    while unpacker:
        pieces += unpacker.take()
    return Messages.concat(pieces)


def stock(data: bytes, offset: int = 0, **options: Any) -> tuple[list[ConsumerRecord], int]:
    """What kafka-python itself reads, and its position afterwards."""
    unpacker = fetch(Fetcher.PartitionRecords, data, offset, **options)
    return unpacker.take(), unpacker.next_fetch_offset


def fast(data: bytes, offset: int = 0, **options: Any) -> Messages:
    """What the fast unpacker reads."""
    return read_all(fetch(FastRecords, data, offset, **options))


def rows(found: Messages | Sequence[ConsumerRecord]) -> list[tuple[Any, ...]]:
    """Offset, time in microseconds, key, value and headers of each message."""
    if isinstance(found, Messages):
        times = found.timestamps.tolist()
        return [
            (offset, times[i], found.key(i), found.value(i), found.headers(i))
            for i, offset in enumerate(found.offsets.tolist())
        ]
    return [
        (r.offset, -1 if r.timestamp in {-1, None} else r.timestamp * 1000, r.key, r.value, list(r.headers))
        for r in found
    ]
