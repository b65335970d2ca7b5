"""Arrays and bytes as one blob."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_HEAD = struct.Struct("<I")


def pack(arrays: Mapping[str, Array]) -> bytes:
    """One-dimensional arrays one after the other, behind a list of their names, types and lengths."""
    entries = [[name, array.dtype.str, len(array)] for name, array in arrays.items()]
    head = json.dumps(entries).encode()
    return b"".join(
        [_HEAD.pack(len(head)), head, *(np.ascontiguousarray(a).tobytes() for a in arrays.values())]
    )


def unpack(blob: bytes) -> dict[str, Array]:
    """The arrays that `pack` was given; copies, so that they can be written to."""
    (size,) = _HEAD.unpack_from(blob)
    place = _HEAD.size + size
    found: dict[str, Array] = {}
    for name, kind, length in json.loads(blob[_HEAD.size : place]):
        array = np.frombuffer(blob, np.dtype(kind), length, place)
        found[name] = array.copy()
        place += array.nbytes
    return found
