"""Record headers as they lie in a record batch: name and value one after the other, each behind its length.

Format: Kafka protocol guide, record batch; lengths are zigzag varints, a value's length of -1 is null.
"""

from __future__ import annotations

from collections.abc import Iterable

Header = tuple[str, bytes | None]

_MORE, _BITS, _BYTES = 0x80, 0x7F, 7


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
        size, place = _read_varint(data, place)
        name = data[place : place + size].decode(errors="replace")
        size, place = _read_varint(data, place + size)
        found.append((name, None if size < 0 else data[place : place + size]))
        place += max(size, 0)
    return found


def write_headers(headers: Iterable[Header]) -> bytes:
    """The region of some headers: what `read_headers` reads."""
    parts = []
    for name, value in headers:
        text = name.encode()
        parts += [_write_varint(len(text)), text]
        parts += [_write_varint(-1)] if value is None else [_write_varint(len(value)), value]
    return b"".join(parts)


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    byte = data[place]
    if byte < _MORE:
        return (byte >> 1) ^ -(byte & 1), place + 1
    number = shift = 0
    while byte >= _MORE:
        number |= (byte & _BITS) << shift
        shift += _BYTES
        place += 1
        byte = data[place]
    number |= byte << shift
    return (number >> 1) ^ -(number & 1), place + 1


def _write_varint(number: int) -> bytes:
    rest = (number << 1) ^ (number >> 63)
    found = bytearray()
    while rest >= _MORE:
        found.append(_MORE | rest & _BITS)
        rest >>= _BYTES
    found.append(rest)
    return bytes(found)
