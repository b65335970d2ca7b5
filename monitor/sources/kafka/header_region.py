"""Record headers as they lie in a record batch: name and value one after the other, each behind its length.

Format: Kafka protocol guide, record batch; lengths are zigzag varints, a value's length of -1 is null.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitor.sources.kafka.varints import read_varint, write_varint

Header = tuple[str, bytes | None]


def read_headers(data: bytes, start: int, count: int) -> list[Header]:
    """Headers of one record.

    Args:
        data: the buffer.
        start: where the first name's length begins.
        count: how many headers there are.

    Names that are no UTF-8 have their broken bytes replaced.
    """
    found: list[Header] = []
    place = start
    for _ in range(count):
        size, place = read_varint(data, place)
        name = data[place : place + size].decode(errors="replace")
        size, place = read_varint(data, place + size)
        found.append((name, None if size < 0 else data[place : place + size]))
        place += max(size, 0)
    return found


def write_headers(headers: Iterable[Header]) -> bytes:
    """The region of some headers: what `read_headers` reads."""
    parts = []
    for name, value in headers:
        text = name.encode()
        parts += [write_varint(len(text)), text]
        parts += [write_varint(-1)] if value is None else [write_varint(len(value)), value]
    return b"".join(parts)
