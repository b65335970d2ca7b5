"""The fast unpacker against kafka-python's own, on batches that kafka-python's own builder writes."""

import gzip

import numpy as np
import pytest
import snappy
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.consumer.fetcher import IsolationLevel
from kafka.errors import UnsupportedCodecError

from monitor.sources.kafka import fast_records, record_batches
from monitor.sources.kafka.fast_records import FastRecords
from monitor.sources.kafka.sampling import Sampling
from tests.unit.monitor.sources.kafka.batches import (
    CODECS,
    GZIP,
    NONE,
    SNAPPY,
    ZSTD,
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

COMMITTED = {"isolation_level": IsolationLevel.READ_COMMITTED}
BYTES = st.none() | st.binary(max_size=40) | st.binary(min_size=60, max_size=9000)
RECORDS = st.builds(
    Record,
    value=BYTES,
    key=BYTES,
    headers=st.lists(st.tuples(st.text(max_size=70), BYTES), max_size=3),
    time=st.integers(0, 2**42),
    skip=st.sampled_from([0, 0, 0, 5]),
)
BATCHES = st.builds(
    Batch,
    records=st.lists(RECORDS, min_size=1, max_size=6),
    codec=st.sampled_from(CODECS),
    append_time=st.none() | st.integers(0, 2**42),
    hole=st.sampled_from([0, 0, 3]),
)


def numbered(n: int, **options: object) -> Batch:
    """A batch of n records with different values."""
    return Batch([Record(b'{"n": %d}' % i, b"k%d" % i) for i in range(n)], **options)  # type: ignore[arg-type]


@settings(max_examples=60)
@given(st.lists(BATCHES, min_size=1, max_size=5), st.integers(0, 2**40), st.data())
def test_all_is_as_kafka_python_reads_it(batches: list[Batch], first: int, data: st.DataObject) -> None:
    """Offsets, times, keys, values, headers and the position are those of kafka-python, wherever the fetch began."""
    written = write(*batches, offset=first)
    end = stock(written, first)[1]
    offset = data.draw(st.integers(first, end - 1))
    records, position = stock(written, offset)
    found = fast(written, offset)
    assert rows(records) == rows(found)
    assert position == found.next_offset
    assert () == found.gaps
    assert 7 == found.leader_epoch


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec(codec: int) -> None:
    """Batches of each codec are read, large enough that they really are compressed."""
    written = write(numbered(300, codec=codec), numbered(1, codec=codec), numbered(40))
    records, position = stock(written)
    assert 341 == len(records)
    assert (rows(records), position) == (rows(fast(written)), 341)


@pytest.mark.parametrize("cut", [1, 11, 12, 30, 61, 62])
def test_a_cut_off_batch_is_left_to_the_next_fetch(cut: int) -> None:
    """What is cut off at the end of a fetch is not read, and the position is before it."""
    whole, rest = write(numbered(5)), write(numbered(5), offset=5)
    found = fast(whole + rest[:cut])
    assert [0, 1, 2, 3, 4] == found.offsets.tolist()
    assert 5 == found.next_offset
    assert () == found.gaps


def test_a_piece_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fetch is given in pieces that end with the batch in which they pass the bound; each tells its next offset."""
    monkeypatch.setattr(fast_records, "PIECE_BYTES", 1000)
    batch = Batch([Record(b"x" * 600)] * 2, codec=GZIP)
    unpacker = fetch(FastRecords, write(batch, batch, batch))
    ends = []
    while unpacker:
        (piece,) = unpacker.take(1)
        ends.append((len(piece), piece.next_offset, unpacker.next_fetch_offset))
    assert [(2, 2, 2), (2, 4, 4), (2, 6, 6)] == ends


def test_control_batches_and_aborted_transactions() -> None:
    """Marks are never given; records of aborted transactions are not when only committed ones are read."""
    written = write(
        Batch([Record(b"a")], producer=1, transactional=True),
        Batch([Record(b"b")], producer=2, transactional=True),
        mark(1, commit=False),
        mark(2, commit=True),
        Batch([Record(b"c")], producer=1, transactional=True),
        Batch([Record(b"d")], producer=1),
        mark(1, commit=True),
    )
    aborted = [(1, 0)]
    for options, values in (({}, [b"a", b"b", b"c", b"d"]), (COMMITTED, [b"b", b"c", b"d"])):
        records, position = stock(written, aborted=aborted, **options)
        found = fast(written, aborted=aborted, **options)
        assert values == found.values()
        assert (rows(records), position) == (rows(found), found.next_offset)
        assert 7 == found.next_offset


def test_marks_alone_move_the_position() -> None:
    """A fetch that holds marks only gives a piece without messages, so that the reader learns its new place."""
    unpacker = fetch(FastRecords, write(mark(1, commit=True), offset=9), 9)
    (piece,) = unpacker.take()
    assert 0 == len(piece)
    assert 10 == piece.next_offset == unpacker.next_fetch_offset
    assert not unpacker
    assert [] == unpacker.take()


def test_the_reader_is_told_when_a_fetch_is_done() -> None:
    """With the last piece the client is told that it may fetch the partition again, and what was read."""
    told: list[FastRecords] = []
    unpacker = fetch(FastRecords, write(numbered(3)), on_drain=told.append)
    assert 3 == len(unpacker.take()[0])
    assert [unpacker] == told
    assert 3 == unpacker.records_read
    assert 0 < unpacker.bytes_read


@settings(max_examples=150)
@given(st.sampled_from(CODECS), st.integers(0, 10**6), st.integers(0, 7))
def test_no_flipped_bit_gives_a_wrong_record(codec: int, place: int, bit: int) -> None:
    """Whatever bit of a batch flips, its records are a gap or still right, and those of the others are all there.

    Not so in base offset and epoch, which no check sum covers.
    """
    first, hurt = write(numbered(5)), bytearray(write(numbered(7, codec=codec), offset=5))
    last = write(numbered(4), offset=12)
    covered = [i for i in range(len(hurt)) if not (i < 8 or 12 <= i < 16)]
    hurt[covered[place % len(covered)]] ^= 1 << bit
    truth = rows(fast(first)) + rows(fast(write(numbered(7, codec=codec), offset=5))) + rows(fast(last))
    found = fast(first + bytes(hurt) + last)
    lost = {offset for gap in found.gaps for offset in range(gap.start, gap.end)}
    wanted = [row for row in truth if row[0] not in lost and row[0] < found.next_offset]
    assert wanted == rows(found)
    assert lost <= set(range(5, 12))
    assert found.next_offset in {5, 16}


def test_a_broken_batch_at_the_end_is_passed_over_by_its_own_words() -> None:
    """Where nothing follows, the broken batch's own header tells its last offset; bytes are counted."""
    hurt = write(numbered(7), offset=5)
    found = fast(write(numbered(5)) + hurt[:-3] + b"!!!")
    (gap,) = found.gaps
    assert ("loans/3", 5, 12, "corrupt", len(hurt)) == (
        gap.partition,
        gap.start,
        gap.end,
        gap.reason,
        gap.bytes,
    )
    assert 12 == found.next_offset
    assert 5 == len(found)


def test_a_gap_begins_where_the_fetch_began() -> None:
    """Records before the fetch's offset were read earlier and are no part of the gap."""
    hurt = write(numbered(7))
    found = fast(hurt[:-1] + b"!" + write(numbered(1), offset=7), 4)
    assert [(4, 7)] == [(gap.start, gap.end) for gap in found.gaps]
    assert [7] == found.offsets.tolist()


@pytest.mark.parametrize("damage", ["length", "key", "headers", "rest", "count"])
def test_content_that_contradicts_its_header(damage: str) -> None:
    """A batch whose check sum holds but whose records do not fit is a gap; the batches around it are read."""
    batch = bytearray(write(Batch([Record(b"value", b"key", [("h", b"x")])] * 3), offset=5))
    record = 61  # length, attributes, time, offset, key's length, "key", value's length, "value", headers
    match damage:
        case "length":
            batch[record] += 2
        case "key":
            batch[record + 4] = 126
        case "headers":
            batch[record + 14] = 6
        case "rest":
            batch += b"\0"
            batch[8:12] = (len(batch) - 12).to_bytes(4, "big")
        case "count":
            batch[57:61] = (9).to_bytes(4, "big")
    found = fast(write(numbered(5)) + reseal(bytes(batch)) + write(numbered(2), offset=8))
    assert [0, 1, 2, 3, 4, 8, 9] == found.offsets.tolist()
    assert [(5, 8, "corrupt", len(batch))] == [(g.start, g.end, g.reason, g.bytes) for g in found.gaps]


def test_an_unknown_codec_is_raised_after_what_can_be_read() -> None:
    """Records before a batch of an unknown codec are given first; then it is raised, and the fetch is let go."""
    strange = bytearray(write(numbered(2), offset=5))
    strange[22] |= 7
    unpacker = fetch(FastRecords, write(numbered(5)) + reseal(bytes(strange)))
    assert 5 == len(unpacker.take()[0])
    assert 5 == unpacker.next_fetch_offset
    with pytest.raises(UnsupportedCodecError, match="codec 7"):
        unpacker.take()
    assert not unpacker


@pytest.mark.parametrize(
    ("codec", "pack"),
    [
        (GZIP, lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
        (SNAPPY, snappy.compress),
        (ZSTD, lambda data: zstandard.compress(data[:9]) + zstandard.compress(data[9:])),
    ],
    ids=["gzip members", "snappy without blocks", "zstd frames"],
)
def test_other_forms_of_the_codecs(codec: int, pack: object) -> None:
    """Forms that other producers write: several members or frames, snappy without xerial's blocks."""
    plain = write(numbered(6))
    data = bytearray(plain[:61] + pack(plain[61:]))  # type: ignore[operator]
    data[8:12] = (len(data) - 12).to_bytes(4, "big")
    data[22] |= codec
    sealed = reseal(bytes(data))
    assert rows(fast(plain)) == rows(fast(sealed)) == rows(stock(sealed)[0])


@pytest.mark.parametrize("codec", CODECS[1:])
def test_a_batch_that_would_fill_the_memory_is_a_gap(codec: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a batch may hold without its compression has a bound; one beyond it is passed over."""
    batch = Batch([Record(b"x" * 30_000)] * 3, codec)
    written = write(batch, Batch([Record(b"y" * 500)], codec))
    assert 4 == len(fast(written))
    monkeypatch.setattr(record_batches, "MOST_BYTES", 80_000)
    found = fast(written)
    assert [b"y" * 500] == found.values()
    assert [(0, 3, "corrupt")] == [(gap.start, gap.end, gap.reason) for gap in found.gaps]


@given(st.sampled_from(CODECS), st.integers(0, 30), st.sampled_from([0.01, 0.3, 1.0]))
def test_sampling_by_offset_is_the_same_however_it_is_cut(codec: int, offset: int, rate: float) -> None:
    """The offsets that are kept do not depend on batches and fetches; the others are counted, each once."""
    sampling = Sampling(rate)
    written = write(*[numbered(n, codec=codec) for n in (1, 30, 9)])
    unpacker = fetch(FastRecords, written, offset)
    unpacker.sampling = sampling
    found = read_all(unpacker)
    every = np.arange(offset, 40)
    kept = every[sampling.keeps_offsets("loans/3", every)]
    assert kept.tolist() == found.offsets.tolist()
    assert len(every) - len(kept) == found.sampled_out
    whole = {row[0]: row for row in rows(fast(written))}
    assert [whole[i] for i in kept.tolist()] == rows(found)
    if len(found) > 1:
        first, _ = found.split(1)
        assert first.next_offset - offset == len(first) + first.sampled_out


def test_what_is_sampled_out_is_not_kept_in_memory() -> None:
    """The buffer of a sample holds the sample only, but all that was fetched for it is known."""
    unpacker = fetch(FastRecords, write(Batch([Record(b"x" * 1000)] * 500, codec=NONE)))
    unpacker.sampling = Sampling(0.02)
    found = read_all(unpacker)
    assert 0 < len(found) < 30
    assert 1000 * len(found) == len(found.data)
    assert 1000 * 500 < found.fetched_bytes < 1020 * 500


def test_sampling_by_key_goes_with_the_key() -> None:
    """All records of a key are kept or none, in any partition; the rate holds about."""
    records = [Record(b"%d" % i, b"key%d" % (i % 200)) for i in range(2000)]
    unpacker = fetch(FastRecords, write(Batch(records)))
    unpacker.sampling = Sampling(0.25, "key")
    found = read_all(unpacker)
    kept = set(found.keys())
    assert 10 * len(kept) == len(found)
    assert 30 < len(kept) < 70
    assert 2000 - len(found) == found.sampled_out
