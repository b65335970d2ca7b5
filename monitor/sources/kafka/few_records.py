"""Records of small batches, one by one: a pass over arrays costs more than a few dozen of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from monitor.sources.kafka.value_lines import Longs
from monitor.sources.kafka.varints import read_varint

if TYPE_CHECKING:
    from monitor.sources.kafka.record_table import Section

_COLUMNS = 11
_SURE_BYTES = 9
"""Varints of so many bytes have less than 64 bits."""


def read_few(data: bytes, sections: Sequence[Section]) -> list[Longs] | None:
    """The columns of the records of sections, in the order of `RecordTable`; each int64, shape (n,).

    Args:
        data: the buffer.
        sections: of batches without compression.

    Returns:
        Offsets and timestamps are distances to those of the record's batch. None where anything is odd: what is odd
        about broken content is told by the pass over arrays.
    """
    rows: list[tuple[int, ...]] = []
    try:
        for number, section in enumerate(sections):
            place = section.start
            for _ in range(section.header.records):
                size, begin = _read(data, place)
                place = begin + size
                rows.append((number, begin, place, *_content(data, begin, place)))
            if place != section.end:
                return None
    except (IndexError, ValueError):
        return None
    return list(np.array(rows, np.int64).reshape(len(rows), _COLUMNS).T.copy())


def _read(data: bytes, place: int) -> tuple[int, int]:
    """A number that surely fits, and the place after it."""
    number, after = read_varint(data, place)
    if after - place > _SURE_BYTES:
        raise ValueError(place)
    return number, after


def _content(data: bytes, begin: int, limit: int) -> tuple[int, ...]:
    """Offset, time, bounds of key and value, begin and number of headers."""
    time, after = _read(data, begin + 1)
    offset, after = _read(data, after)
    key_start, key_end, after = _field(data, after, limit)
    start, end, after = _field(data, after, limit)
    headers, header_start = _read(data, after)
    after = header_start
    for _ in range(headers):
        name, _, after = _field(data, after, limit)
        _, _, after = _field(data, after, limit)
        if name < 0:
            raise ValueError(name)
    if headers < 0 or after != limit:
        raise ValueError(limit)
    return offset, time, key_start, key_end, start, end, header_start, headers


def _field(data: bytes, place: int, limit: int) -> tuple[int, int, int]:
    """Start and end of a field behind its length, -1 where it is null, and where it ends."""
    size, start = _read(data, place)
    if size < 0:
        if size < -1:
            raise ValueError(size)
        return -1, -1, start
    if size > limit - start:
        raise ValueError(size)
    return start, start + size, start + size
