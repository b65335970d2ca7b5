"""When the fast unpacker is used, and what happens when it is not."""

from types import SimpleNamespace
from typing import Any, Literal

import pytest
from kafka.consumer.fetcher import Fetcher
from kafka.errors import UnsupportedCodecError
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.structs import OffsetAndMetadata
from structlog.testing import capture_logs

from monitor.sources.kafka import verification
from monitor.sources.kafka.fast_records import FastRecords
from monitor.sources.kafka.messages import Messages
from monitor.sources.kafka.sampling import Sampling
from monitor.sources.kafka.stock_records import StockRecords
from monitor.sources.kafka.verification import Unpacking, install
from tests.unit.monitor.sources.kafka.batches import (
    CODECS,
    PARTITION,
    Batch,
    Record,
    fast,
    fetch,
    mark,
    read_all,
    reseal,
    rows,
    stock,
    write,
)


def consumer() -> Any:
    """As much of a KafkaConsumer as `install` touches, with kafka-python's own class in it."""
    return SimpleNamespace(
        _fetcher=SimpleNamespace(PartitionRecords=Fetcher.PartitionRecords),
        _subscription=SimpleNamespace(assignment={}),
    )


def unpack(unpacking: Unpacking, data: bytes, offset: int = 0) -> Messages:
    """What the consumer would get of a fetch."""
    return read_all(unpacking(offset, PARTITION, MemoryRecords(data)))


def numbered(n: int, codec: int = 0) -> Batch:
    """A batch of n records with different values."""
    return Batch([Record(b'{"n": %d}' % i, b"k%d" % i, [("h", None)]) for i in range(n)], codec)


def old_format(magic: int, codec: int, offset: int = 0) -> bytes:
    """Records as brokers before 0.11 kept them."""
    builder = MemoryRecordsBuilder(magic, codec, 2**16, offset=offset)
    for i in range(5):
        builder.append(1_700_000_000_000 + i, b"k%d" % i, None if i == 2 else b"old %d" % i * 20)
    builder.close()
    return bytes(builder.buffer())


def test_the_first_fetch_with_records_decides() -> None:
    """Until a fetch with records came all are compared; after it nothing is, and all goes the fast way."""
    one = consumer()
    unpacking = install(one)
    assert unpacking.installed
    assert one._fetcher.PartitionRecords is unpacking
    unpack(unpacking, write(mark(1, commit=True)))
    assert "verifying" == unpacking.mode
    with capture_logs() as logs:
        found = unpack(unpacking, write(*[numbered(5, codec) for codec in CODECS]))
    assert 25 == len(found)
    assert "fast" == unpacking.mode
    assert [] == [entry for entry in logs if entry["log_level"] != "debug"]
    assert isinstance(unpacking(0, PARTITION, MemoryRecords(write(numbered(1)))), FastRecords)


@pytest.mark.parametrize("mode", ["fast", "stock"])
def test_a_fetch_without_records_keeps_the_epoch(mode: Literal["fast", "stock"]) -> None:
    """It stands at the epoch of the last record, where the consumer stands at the offset that was asked for."""
    one = consumer()
    unpacking = install(one)
    unpacking.mode = mode
    one._subscription.assignment[PARTITION] = SimpleNamespace(position=OffsetAndMetadata(7, "", 4))
    assert 4 == unpacking(7, PARTITION, MemoryRecords(b"")).leader_epoch
    assert -1 == unpacking(6, PARTITION, MemoryRecords(b"")).leader_epoch
    one._subscription.assignment[PARTITION].position = None
    assert -1 == unpacking(7, PARTITION, MemoryRecords(b"")).leader_epoch


@pytest.mark.parametrize("wrong", ["offsets", "values", "headers", "error"])
def test_a_difference_switches_to_the_clients_own_way(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One warning says what differs; reading goes on, all messages right."""
    take = FastRecords.take

    def mistaken(self: FastRecords, n: int | None = None) -> list[Messages]:
        pieces = take(self, n)
        for piece in pieces:
            match wrong:
                case "offsets":
                    piece.offsets[-1] += 1
                case "values":
                    piece.ends[-1] -= 1
                case "headers":
                    piece.header_counts[-1] = 0
                case "error":
                    raise ValueError("mistaken")
        return pieces

    monkeypatch.setattr(FastRecords, "take", mistaken)
    unpacking = install(consumer())
    data = write(numbered(5))
    with capture_logs() as logs:
        found = unpack(unpacking, data)
        unpack(unpacking, data)
    assert rows(stock(data)[0]) == rows(found)
    assert "stock" == unpacking.mode
    (entry,) = logs
    assert "warning" == entry["log_level"]
    assert "loans/3 from 0" in entry["reason"]
    assert {"error": "ValueError"}.get(wrong, "other") in entry["reason"]


def other_version(monkeypatch: pytest.MonkeyPatch, _one: Any) -> None:
    """kafka-python of a later series."""
    monkeypatch.setattr(verification, "_version", lambda: "3.1.0")


def other_arguments(_monkeypatch: pytest.MonkeyPatch, one: Any) -> None:
    """The class takes something else."""
    one._fetcher.PartitionRecords = SimpleNamespace


def no_class(_monkeypatch: pytest.MonkeyPatch, one: Any) -> None:
    """The class is gone."""
    del one._fetcher.PartitionRecords


def no_fetcher(_monkeypatch: pytest.MonkeyPatch, one: Any) -> None:
    """The fetcher is gone."""
    del one._fetcher


def no_positions(_monkeypatch: pytest.MonkeyPatch, one: Any) -> None:
    """It is not known where the consumer stands."""
    del one._subscription.assignment


@pytest.mark.parametrize("change", [other_version, other_arguments, no_class, no_fetcher, no_positions])
def test_an_unexpected_client_is_left_alone(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where kafka-python is not as expected, the consumer is not touched; its own records become messages."""
    one = consumer()
    change(monkeypatch, one)
    before = getattr(getattr(one, "_fetcher", None), "PartitionRecords", None)
    with capture_logs() as logs:
        unpacking = install(one, Sampling(0.5))
    assert ("stock", False) == (unpacking.mode, unpacking.installed)
    assert getattr(getattr(one, "_fetcher", None), "PartitionRecords", None) is before
    assert [unpacking.reason] == [entry["reason"] for entry in logs]
    records, position = stock(write(numbered(40)))
    (found,) = unpacking.messages(records, position + 1)
    assert 40 == len(found) + found.sampled_out
    assert 0 < len(found) < 40
    assert position + 1 == found.next_offset


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", [0, 1, 2])
def test_old_formats_go_the_clients_own_way(magic: int, codec: int) -> None:
    """A fetch with batches of format 0 or 1 is unpacked by kafka-python, also where new ones follow."""
    unpacking = install(consumer())
    assert "fast" == (unpack(unpacking, write(numbered(1))), unpacking.mode)[1]
    data = old_format(magic, codec) + write(numbered(3), offset=5)
    records, position = stock(data)
    found = unpack(unpacking, data)
    assert 8 == len(found)
    assert (rows(records), position) == (rows(found), found.next_offset)


@pytest.mark.parametrize("codec", CODECS)
def test_both_ways_pass_over_the_same_batches(codec: int) -> None:
    """Batches whose check sum is wrong are gaps of the same offsets and sizes in both ways, and reading goes on."""
    hurt = bytearray(write(numbered(7, codec), offset=5))
    hurt[-3] ^= 1
    data = write(numbered(5)) + bytes(hurt) + write(numbered(4), offset=12)
    with pytest.raises(Exception, match="crc"):
        fetch(Fetcher.PartitionRecords, bytes(hurt), 5).take()
    slow = read_all(fetch(StockRecords, data))
    quick = fast(data)
    assert [(5, 12)] == [(gap.start, gap.end) for gap in slow.gaps]
    assert slow.gaps == quick.gaps
    assert rows(slow) == rows(quick)
    unpacking = install(consumer())
    assert 9 == len(unpack(unpacking, data))
    assert "fast" == unpacking.mode


def test_an_unknown_codec_is_raised_by_both() -> None:
    """A batch of an unknown codec does not decide between the ways; both raise it after what can be read."""
    strange = bytearray(write(numbered(2), offset=5))
    strange[22] |= 6
    data = write(numbered(5)) + reseal(bytes(strange))
    unpacking = install(consumer())
    for kind in (unpacking, StockRecords):
        unpacker = kind(0, PARTITION, MemoryRecords(data))
        assert 5 == len(unpacker.take()[0])
        with pytest.raises(UnsupportedCodecError):
            unpacker.take()
        assert not unpacker
    assert "verifying" == unpacking.mode


def test_the_clients_own_way_samples_too() -> None:
    """Both ways keep the same messages and count the others."""
    data = write(numbered(200))
    slow, quick = fetch(StockRecords, data), fetch(FastRecords, data)
    slow.sampling = quick.sampling = Sampling(0.1)
    one, other = read_all(slow), read_all(quick)
    assert rows(one) == rows(other)
    assert one.left_out.tolist() == other.left_out.tolist()
    assert 0 < len(one) < 60
