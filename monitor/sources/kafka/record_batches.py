"""Record batches of Kafka's message format 2, as they lie in the answer to a fetch.

References:
    Kafka protocol guide, record batch (magic 2): https://kafka.apache.org/documentation/#recordbatch
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import lz4.frame
import numpy as np
import snappy
import zstandard
from crc32c import crc32c

from monitor.sources.kafka.varints import read_varint

HEADER = struct.Struct(">qiibIhiqqqhii")
LOG_OVERHEAD = 12
"""Bytes before those that a batch's length counts."""

MOST_BYTES = 256 * 2**20
"""A batch that is larger without its compression is not read: it was made to fill the memory."""

MAGIC = 2
_MAGIC_PLACE, _CRC_PLACE, _CRC_START = 16, 17, 21
_LEAST_LENGTH = HEADER.size - LOG_OVERHEAD
_CODEC, _APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20
_GZIP, _SNAPPY, _LZ4, _ZSTD = 1, 2, 3, 4
_GZIP_WINDOW = 31
_XERIAL, _XERIAL_HEADER = b"\x82SNAPPY\x00", 16
_INT = struct.Struct(">i")
_KEY = struct.Struct(">hh")
_TOO_LARGE = f"more than {MOST_BYTES} bytes"
_LONGEST_SIZE = 5
_USUAL_RATIO, _LEAST_STEP = 6, 4096
_BEFORE_KEY = 5
"""Varints before a record's key: its length, attributes, time, offset, the key's length."""


class BrokenBatchError(Exception):
    """The content of a batch is not what its header says."""


class UnknownCodecError(Exception):
    """A batch is compressed in a way that is not known here."""


class Header(NamedTuple):
    """Header of a batch; the fields in the order of the format."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int

    @property
    def next_offset(self) -> int:
        """Offset after the last record, removed ones included."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def codec(self) -> int:
        """Compression; 0: none."""
        return self.attributes & _CODEC

    @property
    def append_time(self) -> bool:
        """All records have the time at which the broker got them: `max_timestamp`."""
        return bool(self.attributes & _APPEND_TIME)

    @property
    def is_transactional(self) -> bool:
        """Belongs to a transaction."""
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """Holds a mark of the broker, no records of a producer."""
        return bool(self.attributes & _CONTROL)


def read_header(data: bytes, start: int) -> Header:
    """Header of the batch at a place; there must be enough bytes."""
    return Header._make(HEADER.unpack_from(data, start))


def batch_end(data: bytes, start: int) -> int:
    """Where the batch at a place ends; -1 when it is cut off, as the last one of a fetch may be.

    A length that no batch can have is taken for that of a header alone, so that the batch does not pass its check.
    """
    if start + LOG_OVERHEAD > len(data):
        return -1
    (length,) = _INT.unpack_from(data, start + 8)
    end = start + LOG_OVERHEAD + max(int(length), _LEAST_LENGTH)
    return -1 if end > len(data) else end


def crc_holds(data: bytes, start: int, end: int, crc: int) -> bool:
    """The check sum fits the bytes of a batch."""
    return bool(crc == crc32c(memoryview(data)[start + _CRC_START : end]))


def is_old(data: bytes) -> bool:
    """Some batch is of format 0 or 1, in which each record has a header of its own."""
    start = 0
    while start + _MAGIC_PLACE < len(data):
        if data[start + _MAGIC_PLACE] < MAGIC:
            return True
        (length,) = _INT.unpack_from(data, start + 8)
        start += LOG_OVERHEAD + max(length, 0)
    return False


def next_batch(data: bytes, start: int, end: int, offset: int) -> int:
    """Where the first batch after a broken one begins that is whole and holds, with records from `offset` on.

    Args:
        data: the fetch.
        start: of the broken batch.
        end: of the same. Its length may be wrong, so all places behind its start are tried.
        offset: earlier ones are not wanted.

    Returns:
        The place, -1 where there is none.
    """
    marks = np.flatnonzero(np.frombuffer(data, np.uint8)[start + 1 :] == MAGIC) + (start + 1 - _MAGIC_PLACE)
    for place in (end, *marks[marks > start].tolist()):
        stop = batch_end(data, place)
        if stop < 0 or data[place]:
            continue
        header = read_header(data, place)
        if (
            header.magic == MAGIC
            and header.base_offset >= offset
            and crc_holds(data, place, stop, header.crc)
        ):
            return int(place)
    return -1


def likely_end(base_offset: int, count: int, next_offset: int, position: int) -> int:
    """Where a batch that does not hold ends, when nothing is known of the next one: not too far for two wrong numbers.

    What is left of it then is fetched again, and passed over again.
    """
    return min((end for end in (base_offset + count, next_offset) if end > position), default=position + 1)


def records_of(data: bytes, start: int, end: int, codec: int) -> tuple[bytes, int, int]:
    """The records of a batch: a buffer and where in it they begin and end. Only compressed ones are copied.

    Raises:
        BrokenBatchError: they cannot be decompressed.
        UnknownCodecError: the codec is not known.
    """
    start += HEADER.size
    if not codec:
        return data, start, end
    if codec not in _CODECS:
        raise UnknownCodecError(f"unknown compression codec {codec}")
    try:
        found = _CODECS[codec](data[start:end])
    except Exception as error:  # each codec has its own errors
        raise BrokenBatchError(f"cannot be decompressed: {error}") from error
    return found, 0, len(found)


def is_abort(data: bytes, start: int, end: int) -> bool:
    """The control batch says that its producer's transaction was aborted."""
    key = start + HEADER.size
    for _ in range(_BEFORE_KEY):
        _, key = read_varint(data, key)
    return key + _KEY.size <= end and _KEY.unpack_from(data, key)[1] == 0


def _gunzip(data: bytes) -> bytes:
    """Gzip members one after the other."""
    parts, left = [], MOST_BYTES
    while data:
        stream = zlib.decompressobj(_GZIP_WINDOW)
        parts.append(stream.decompress(data, left + 1))
        left = _left(left, parts[-1])
        if not stream.eof:
            raise BrokenBatchError("cut off")
        data = stream.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unsnappy(data: bytes) -> bytes:
    """A block of snappy, or blocks with their lengths before them as the Java library xerial writes them."""
    if not data.startswith(_XERIAL):
        return _snappy_block(data, MOST_BYTES)
    parts, place, left = [], _XERIAL_HEADER, MOST_BYTES
    while place < len(data):
        (size,) = _INT.unpack_from(data, place)
        place += _INT.size
        if size < 0 or place + size > len(data):
            raise BrokenBatchError("cut off")
        parts.append(_snappy_block(data[place : place + size], left))
        left = _left(left, parts[-1])
        place += size
    return b"".join(parts)


def _snappy_block(data: bytes, most: int) -> bytes:
    """A block; it begins with its size as a varint without a sign."""
    size = shift = 0
    for byte in data[:_LONGEST_SIZE]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a varint
            break
    if size > most:
        raise BrokenBatchError(_TOO_LARGE)
    return bytes(snappy.decompress(data))


def _unlz4(data: bytes) -> bytes:
    stream = lz4.frame.LZ4FrameDecompressor()
    step, left = _step(data), MOST_BYTES
    parts = [stream.decompress(data, step)]
    while (left := _left(left, parts[-1])) and not stream.eof and not stream.needs_input:
        parts.append(stream.decompress(b"", step))
    if not stream.eof:
        raise BrokenBatchError("cut off" if stream.needs_input else _TOO_LARGE)
    return b"".join(parts)


def _unzstd(data: bytes) -> bytes:
    step, left, parts = _step(data), MOST_BYTES, []
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
        while piece := reader.read(step):
            parts.append(piece)
            left = _left(left, piece)
    return b"".join(parts)


def _step(data: bytes) -> int:
    """Bytes to decompress at once: mostly all, for room that is not needed costs time."""
    return _USUAL_RATIO * len(data) + _LEAST_STEP


def _left(most: int, found: bytes) -> int:
    """What may come yet."""
    if len(found) > most:
        raise BrokenBatchError(_TOO_LARGE)
    return most - len(found)


_CODECS = {_GZIP: _gunzip, _SNAPPY: _unsnappy, _LZ4: _unlz4, _ZSTD: _unzstd}
