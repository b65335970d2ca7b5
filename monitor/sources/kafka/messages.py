"""Many Kafka messages as arrays over one buffer, instead of one object for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from monitor.records import Gap
from monitor.sources.kafka.header_region import Header, read_headers, write_headers
from monitor.sources.kafka.value_lines import Lines, Longs, lines_in

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

Mask = npt.NDArray[np.bool_]

NULL = -1
"""Start of a key or value that is null."""

NO_TIME = -1
ROW_BYTES = 96
"""Memory of one message beside its buffer: the arrays."""

_MICROSECONDS = 1000
_NO_LONGS = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Messages:
    """Messages of one partition in the order of their offsets; keys, values and headers lie in one buffer.

    Nothing is written to the arrays. Parts that `take` and `split` make share the buffer.

    Attributes:
        topic, partition: where they come from.
        data: the buffer. It may hold bytes that belong to no message.
        starts, ends: of the values in the buffer; int64, shape (n,). A null value (tombstone) has start -1, end -1.
        offsets: int64, shape (n,), rising, not necessarily by one.
        timestamps: microseconds since the epoch, -1 where there is none; int64, shape (n,).
        key_starts, key_ends: the same for keys.
        header_starts, header_ends, header_counts: where the headers lie (`header_region`) and how many there are;
            int64, shape (n,).
        next_offset: where reading goes on. Control batches and holes of compaction may lie before it.
        leader_epoch: of the last batch, -1 where unknown.
        gaps: records that were broken and have been skipped, in the stretch up to `next_offset`.
        left_out: how many messages sampling has left out before each message and, last, after all of them; int64,
            shape (n + 1,). Empty where there is no sampling.
        fetched_bytes: of the records that were unpacked for these messages, those that sampling has left out as well.
    """

    topic: str
    partition: int
    data: bytes
    starts: Longs
    ends: Longs
    offsets: Longs
    timestamps: Longs
    key_starts: Longs
    key_ends: Longs
    header_starts: Longs
    header_ends: Longs
    header_counts: Longs
    next_offset: int
    leader_epoch: int = -1
    gaps: tuple[Gap, ...] = ()
    left_out: Longs = field(default_factory=lambda: _NO_LONGS)
    fetched_bytes: int = 0

    @classmethod
    def from_records(cls, records: Sequence[ConsumerRecord], next_offset: int | None = None) -> Messages:
        """The same from what kafka-python's own unpacker gives.

        Args:
            records: of one partition, at least one; keys and values as bytes.
            next_offset: the consumer's position after them; by default one more than the last offset.
        """
        last = records[-1]
        regions = [write_headers(record.headers) if record.headers else b"" for record in records]
        times = _longs(NO_TIME if r.timestamp is None else r.timestamp for r in records)
        gathered = _gathered(
            [record.key for record in records], [record.value for record in records], regions
        )
        return cls(
            topic=last.topic,
            partition=last.partition,
            **gathered,
            offsets=_longs(record.offset for record in records),
            timestamps=microseconds(times),
            header_counts=_longs(len(record.headers or ()) for record in records),
            next_offset=last.offset + 1 if next_offset is None else next_offset,
            leader_epoch=-1 if last.leader_epoch is None else last.leader_epoch,
            fetched_bytes=len(gathered["data"]),
        )

    @classmethod
    def empty(cls, topic: str, partition: int, next_offset: int = 0) -> Messages:
        """No message, but a place."""
        arrays: dict[str, Any] = dict.fromkeys(_ARRAYS, _NO_LONGS)
        return cls(topic, partition, b"", next_offset=next_offset, **arrays)

    def __len__(self) -> int:
        """Number of messages."""
        return len(self.offsets)

    @property
    def name(self) -> str:
        """The partition's name in positions and gaps: `topic/3`."""
        return f"{self.topic}/{self.partition}"

    @property
    def size(self) -> int:
        """Bytes that these messages hold in memory (those of a shared buffer count in each part)."""
        return len(self.data) + ROW_BYTES * len(self)

    @property
    def sampled_out(self) -> int:
        """How many messages sampling has left out."""
        return int(self.left_out.sum())

    @property
    def nulls(self) -> Mask:
        """Messages without a value (tombstones); shape (n,)."""
        return self.starts < 0

    def value(self, i: int) -> bytes | None:
        """Value of a message; None where it is null."""
        return _piece(self.data, int(self.starts[i]), int(self.ends[i]))

    def key(self, i: int) -> bytes | None:
        """Key of a message; None where it is null."""
        return _piece(self.data, int(self.key_starts[i]), int(self.key_ends[i]))

    def headers(self, i: int) -> list[Header]:
        """Headers of a message, in their order; a name may come more than once."""
        return read_headers(self.data, int(self.header_starts[i]), int(self.header_counts[i]))

    def values(self) -> list[bytes | None]:
        """Values of all messages."""
        return _pieces(self.data, self.starts, self.ends)

    def keys(self) -> list[bytes | None]:
        """Keys of all messages."""
        return _pieces(self.data, self.key_starts, self.key_ends)

    def header_column(self, name: str) -> list[bytes | None]:
        """The value of one header in all messages: the last of that name; None where it is null or missing."""
        column: list[bytes | None] = [None] * len(self)
        for i in np.flatnonzero(self.header_counts).tolist():
            column[i] = dict(self.headers(i)).get(name)
        return column

    def block_parts(self) -> Lines:
        """The values as lines, for the readers of lines."""
        return lines_in(self.data, self.starts, self.ends)

    def take(self, rows: Longs | Mask | slice) -> Messages:
        """Some of the messages, in their order; the others are forgotten, not counted as sampled out.

        Args:
            rows: a mask of shape (n,), rising numbers, or a slice.
        """
        chosen = np.arange(len(self))[rows]
        left_out = self.left_out
        if len(left_out):
            left_out = _regrouped(left_out, chosen)
        return replace(self, left_out=left_out, **{name: getattr(self, name)[chosen] for name in _ARRAYS})

    def sample(self, kept: Mask) -> Messages:
        """The messages that sampling keeps; the others are counted as left out. `kept` has shape (n,)."""
        groups = np.zeros(len(self) + 1, np.int64)
        groups[:-1] = ~kept
        if len(self.left_out):
            groups += self.left_out
        return replace(self, left_out=groups).take(kept)

    def split(self, n: int) -> tuple[Messages, Messages]:
        """The first n messages and the others, 0 < n < len.

        What lies between the two (messages left out, gaps, what was fetched) belongs to the first part.
        """
        first, second = self.take(slice(0, n)), self.take(slice(n, None))
        end = int(self.offsets[n])
        left, right = _NO_LONGS, _NO_LONGS
        if len(self.left_out):
            left, right = self.left_out[: n + 1], self.left_out[n:].copy()
            right[0] = 0
        before = tuple(gap for gap in self.gaps if gap.end <= end)
        after = tuple(gap for gap in self.gaps if gap.end > end)
        return (
            replace(first, next_offset=end, left_out=left, gaps=before),
            replace(second, left_out=right, gaps=after, fetched_bytes=0),
        )

    def compact(self) -> Messages:
        """The same in a buffer that holds nothing else."""
        bounds = zip(self.header_starts.tolist(), self.header_ends.tolist(), strict=True)
        regions = [self.data[start:end] for start, end in bounds]
        return replace(self, **_gathered(self.keys(), self.values(), regions))

    @classmethod
    def concat(cls, parts: Sequence[Messages]) -> Messages:
        """Parts of one partition that follow each other, as one; at least one."""
        if len(parts) == 1:
            return parts[0]
        sizes = np.array([0, *(len(part.data) for part in parts[:-1])])
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS
        }
        moves = np.repeat(np.cumsum(sizes), [len(part) for part in parts])
        for name in _PLACES:
            arrays[name] = np.where(arrays[name] < 0, NULL, arrays[name] + moves)
        return replace(
            parts[-1],
            data=b"".join([part.data for part in parts]),
            gaps=tuple(gap for part in parts for gap in part.gaps),
            left_out=_joined_groups(parts),
            fetched_bytes=sum(part.fetched_bytes for part in parts),
            **arrays,
        )


_PLACES = ("starts", "ends", "key_starts", "key_ends", "header_starts", "header_ends")
_ARRAYS = (*_PLACES, "offsets", "timestamps", "header_counts")


def microseconds(milliseconds: Longs) -> Longs:
    """Kafka's timestamps in microseconds; -1 stays what it is: none."""
    return np.asarray(np.where(milliseconds == NO_TIME, NO_TIME, milliseconds * _MICROSECONDS), np.int64)


def _longs(numbers: Iterable[int]) -> Longs:
    return np.fromiter(numbers, np.int64)


def _gathered(
    keys: Sequence[bytes | None], values: Sequence[bytes | None], regions: Sequence[bytes]
) -> dict[str, Any]:
    """A buffer and where in it keys, values and headers lie."""
    found: dict[str, Any] = {}
    buffers: list[bytes] = []
    for name, pieces in (("key_", keys), ("", values), ("header_", regions)):
        widths = _longs(0 if piece is None else len(piece) for piece in pieces)
        nulls = np.array([piece is None for piece in pieces], dtype=bool)
        ends = np.cumsum(widths) + sum(map(len, buffers))
        found[f"{name}starts"] = np.where(nulls, NULL, ends - widths)
        found[f"{name}ends"] = np.where(nulls, NULL, ends)
        buffers.append(b"".join([piece for piece in pieces if piece is not None]))
    return {"data": b"".join(buffers), **found}


def _piece(data: bytes, start: int, end: int) -> bytes | None:
    return None if start < 0 else data[start:end]


def _pieces(data: bytes, starts: Longs, ends: Longs) -> list[bytes | None]:
    bounds = zip(starts.tolist(), ends.tolist(), strict=True)
    return [None if start < 0 else data[start:end] for start, end in bounds]


def _regrouped(left_out: Longs, chosen: Longs) -> Longs:
    """Counts between fewer messages: those around a message that goes are added up."""
    total = np.concatenate([[0], np.cumsum(left_out)])
    bounds = np.concatenate([[0], chosen + 1, [len(left_out)]])
    return np.asarray(np.diff(total[bounds]), np.int64)


def _joined_groups(parts: Sequence[Messages]) -> Longs:
    if not any(len(part.left_out) for part in parts):
        return _NO_LONGS
    groups = np.zeros(sum(len(part) for part in parts) + 1, np.int64)
    place = 0
    for part in parts:
        if len(part.left_out):
            groups[place : place + len(part) + 1] += part.left_out
        place += len(part)
    return groups
