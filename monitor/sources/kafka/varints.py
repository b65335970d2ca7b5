"""Zigzag varints of Kafka's record batches, one at a time and many at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Longs = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_MORE, _BITS, _SHIFT, _LONGEST = 0x80, 0x7F, 7, 63
_NOWHERE = 2**62


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """A number and the place after it.

    Raises:
        IndexError: the data end before the number.
    """
    byte = data[place]
    number = shift = 0
    while byte >= _MORE:
        number |= (byte & _BITS) << shift
        shift += _SHIFT
        place += 1
        byte = data[place]
    number |= byte << shift
    return (number >> 1) ^ -(number & 1), place + 1


def write_varint(number: int) -> bytes:
    """The bytes of a number of at most 64 bits."""
    rest = (number << 1) ^ (number >> 63)
    found = bytearray()
    while rest >= _MORE:
        found.append(_MORE | rest & _BITS)
        rest >>= _SHIFT
    found.append(rest)
    return bytes(found)


def read_varints(data: Bytes, places: Longs) -> tuple[Longs, Longs]:
    """Many numbers and the places after them; both int64, shape of `places`.

    A place outside the data is moved to its edge, and after a number of more than 64 bits comes a place far outside of
    all data: who reads broken data has to compare the places after it with where they may be.
    """
    first = data.take(places, mode="clip")
    numbers = first.astype(np.uint64)
    after = places + 1
    more = np.flatnonzero(first >= _MORE)
    if len(more):
        numbers &= np.uint64(_BITS)
        _read_on(data, numbers, after, more)
    return (numbers >> np.uint64(1)).view(np.int64) ^ -(numbers & np.uint64(1)).view(np.int64), after


def _read_on(data: Bytes, numbers: npt.NDArray[np.uint64], after: Longs, more: npt.NDArray[np.intp]) -> None:
    """The further bytes of the numbers that have some."""
    shift = _SHIFT
    places = after[more]
    while len(more):
        byte = data.take(places, mode="clip")
        numbers[more] |= (byte & np.uint8(_BITS)).astype(np.uint64) << np.uint64(shift)
        places = places + 1
        after[more] = places
        onward = byte >= _MORE
        more, places = more[onward], places[onward]
        shift += _SHIFT
        if shift > _LONGEST:
            after[more] = _NOWHERE
            return
