"""The records of many batches as arrays, in one pass.

Only where a record begins depends on the record before it; that chain is walked one by one. All else is read for all
records at once, field by field; a few records are read one by one (see `few_records`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np

from monitor.records import Gap
from monitor.sources.kafka.few_records import read_few
from monitor.sources.kafka.messages import NULL, Mask, Messages, microseconds
from monitor.sources.kafka.record_batches import Header
from monitor.sources.kafka.value_lines import Longs
from monitor.sources.kafka.varints import Bytes, read_varint, read_varints


class Partition(Protocol):
    """What kafka-python calls a TopicPartition."""

    topic: str
    partition: int


Choice = Callable[[Longs], Mask]
"""Which of some offsets are wanted."""

FEW = 48
"""So many records are read one by one in the time that the passes over arrays take for one."""

_MORE, _LOW_BITS = 0x80, 0x7F
_LEAST_HEADER = 2


@dataclass(frozen=True, slots=True)
class Section:
    """Records of one batch in the common buffer: where they begin and end, and the batch's header."""

    start: int
    end: int
    header: Header


@dataclass(slots=True)
class RecordTable:
    """Records as arrays, each int64, shape (n,).

    Attributes:
        sections: number of each record's section.
        begins, limits: where the record lies, its length not included.
        offsets, timestamps (milliseconds).
        key_starts, key_ends, starts, ends: of keys and values, -1 where they are null.
        header_starts, header_counts: of the record's headers.
    """

    sections: Longs
    begins: Longs
    limits: Longs
    offsets: Longs
    timestamps: Longs
    key_starts: Longs
    key_ends: Longs
    starts: Longs
    ends: Longs
    header_starts: Longs
    header_counts: Longs

    def __len__(self) -> int:
        """Number of records."""
        return len(self.offsets)

    def take(self, rows: Mask) -> RecordTable:
        """Some of the records."""
        return RecordTable(*(getattr(self, field.name)[rows] for field in fields(self)))

    def messages(
        self, place: Partition, data: bytes, next_offset: int, leader_epoch: int, gaps: tuple[Gap, ...]
    ) -> Messages:
        """The records as messages over the buffer in which they were read."""
        return Messages(
            place.topic, place.partition, data, self.starts, self.ends, self.offsets, self.timestamps,
            self.key_starts, self.key_ends, self.header_starts, self.limits, self.header_counts,
            next_offset, leader_epoch, gaps,
        )  # fmt: skip


def read_records(
    data: bytes, sections: Sequence[Section], wanted: Choice
) -> tuple[RecordTable, Longs, set[int]]:
    """Records of sections.

    Args:
        data: the buffer.
        sections: of batches without compression.
        wanted: which offsets to read; of the others only the offset is read.

    Returns:
        The wanted records, the offsets of all, and the numbers of the sections whose content is broken. Of a broken
        section no record is returned.
    """
    few = sum(section.header.records for section in sections) <= FEW
    columns = read_few(data, sections) if few else None
    if columns is None:
        return _read_many(data, sections, wanted)
    table = RecordTable(*columns)
    _add(table.offsets, [section.header.base_offset for section in sections], table.sections)
    offsets, chosen = table.offsets, wanted(table.offsets)
    if not chosen.all():
        table = table.take(chosen)
    _set_times(table, sections)
    return table, offsets, set()


def _read_many(
    data: bytes, sections: Sequence[Section], wanted: Choice
) -> tuple[RecordTable, Longs, set[int]]:
    """The same by passes over arrays."""
    places, counts, broken = _chain(data, sections)
    view = np.frombuffer(data, np.uint8)
    owners = np.repeat(np.arange(len(sections)), counts)
    size, begins = read_varints(view, places)
    limits = begins + size
    deltas, after = read_varints(view, begins + 1)
    offsets, after = read_varints(view, after)
    _add(offsets, [section.header.base_offset for section in sections], owners)
    chosen = wanted(offsets)
    columns = [owners, begins, limits, offsets, deltas, after]
    if not chosen.all():
        columns = [column[chosen] for column in columns]
    table, good = _read_content(view, columns)
    if not good.all():
        broken |= set(np.unique(table.sections[~good]).tolist())
    if broken:
        gone = np.array(sorted(broken))
        table = table.take(~np.isin(table.sections, gone))
        offsets = offsets[~np.isin(owners, gone)]
    _set_times(table, sections)
    return table, offsets, broken


def _chain(data: bytes, sections: Sequence[Section]) -> tuple[Longs, list[int], set[int]]:
    """Where the records begin, how many each section has, and which sections are broken."""
    places: list[int] = []
    counts: list[int] = []
    broken: set[int] = set()
    append = places.append
    for i, section in enumerate(sections):
        place, before = section.start, len(places)
        try:
            for _ in range(section.header.records):
                append(place)
                low = data[place]
                if low < _MORE:
                    place += 1 + (low >> 1)
                elif (high := data[place + 1]) < _MORE:
                    place += 2 + (((low & _LOW_BITS) | high << 7) >> 1)
                else:
                    size, place = read_varint(data, place)
                    place += max(size, 0)
        except IndexError:
            place = -1
        if place != section.end:
            del places[before:]
            broken.add(i)
        counts.append(len(places) - before)
    return np.array(places, np.int64), counts, broken


def _read_content(view: Bytes, columns: list[Longs]) -> tuple[RecordTable, Mask]:
    """Keys, values and headers of records, and which of the records are sound."""
    owners, begins, limits, offsets, deltas, after = columns
    good = after <= limits
    key_starts, key_ends, after = _field(view, after, limits, good)
    starts, ends, after = _field(view, after, limits, good)
    header_counts, header_starts = read_varints(view, after)
    good &= (header_counts >= 0) & (header_counts <= (limits - header_starts) // _LEAST_HEADER)
    _check_headers(view, header_starts, np.where(good, header_counts, 0), limits, good)
    table = RecordTable(
        owners, begins, limits, offsets, deltas,
        key_starts, key_ends, starts, ends, header_starts, header_counts,
    )  # fmt: skip
    return table, good


def _field(view: Bytes, places: Longs, limits: Longs, good: Mask) -> tuple[Longs, Longs, Longs]:
    """Starts and ends of a field behind its length, and where it ends; records that it passes are marked."""
    sizes, starts = read_varints(view, places)
    after = starts + np.maximum(sizes, 0)
    good &= (sizes >= NULL) & (sizes <= limits - starts)
    nulls = sizes < 0
    if nulls.any():
        return np.where(nulls, NULL, starts), np.where(nulls, NULL, after), after
    return starts, after, after


def _check_headers(view: Bytes, places: Longs, counts: Longs, limits: Longs, good: Mask) -> None:
    """Records whose headers do not end where the record ends are marked."""
    ends = places.copy()
    rows = np.flatnonzero(counts)
    left = counts[rows]
    while len(rows):
        fine = np.ones(len(rows), dtype=bool)
        names, _, after = _field(view, ends[rows], limits[rows], fine)
        fine &= names >= 0
        _, _, after = _field(view, after, limits[rows], fine)
        ends[rows] = after
        left = left - 1
        good[rows[~fine]] = False
        onward = fine & (left > 0)
        rows, left = rows[onward], left[onward]
    good &= ends == limits


def _add(numbers: Longs, bases: list[int], owners: Longs) -> None:
    numbers += np.array(bases, np.int64)[owners]


def _set_times(table: RecordTable, sections: Sequence[Section]) -> None:
    """Make the times' distances to their batch's first one times, in microseconds."""
    headers = [section.header for section in sections]
    _add(table.timestamps, [header.first_timestamp for header in headers], table.sections)
    if any(header.append_time for header in headers):
        fixed = np.array([header.append_time for header in headers])[table.sections]
        times = np.array([header.max_timestamp for header in headers], np.int64)[table.sections]
        table.timestamps = np.where(fixed, times, table.timestamps)
    table.timestamps = microseconds(table.timestamps)
