"""Named arrays and JSON values as one compressed byte string; no pickle, the same bytes for the same content."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_MAGIC = b"DRF1"
_LENGTH = 8


class ArchiveError(ValueError):
    """The bytes are not an archive, are cut short, or were written by another version."""


def _narrow(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same whole numbers in the smallest type that holds them."""
    if array.dtype.kind not in "iu" or array.size == 0:
        return array
    low, high = int(array.min()), int(array.max())
    for name in ("uint8", "uint16", "uint32") if low >= 0 else ("int8", "int16", "int32"):
        info = np.iinfo(name)
        if info.min <= low and high <= info.max:
            return array.astype(name)
    return array


def pack(meta: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Compress JSON values and arrays into one byte string.

    Whole numbers travel in the smallest type that holds them; `unpack` gives them back in their own type.
    """
    entries: list[dict[str, Any]] = []
    buffers: list[bytes] = []
    for name, array in arrays.items():
        stored = np.ascontiguousarray(_narrow(array))
        entries.append(
            {"name": name, "type": array.dtype.str, "stored": stored.dtype.str, "shape": list(array.shape)}
        )
        buffers.append(stored.tobytes())
    header = json.dumps({"meta": meta, "arrays": entries}, separators=(",", ":"), sort_keys=True).encode()
    body = len(header).to_bytes(_LENGTH, "little") + header + b"".join(buffers)
    return _MAGIC + zlib.compress(body, 1)


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """The values that `pack` was given.

    Raises:
        ArchiveError: the bytes are damaged or of another format.
    """
    if data[: len(_MAGIC)] != _MAGIC:
        raise ArchiveError("not a driftd archive: the first four bytes differ")
    try:
        body = zlib.decompress(data[len(_MAGIC) :])
        end = _LENGTH + int.from_bytes(body[:_LENGTH], "little")
        header = json.loads(body[_LENGTH:end])
        arrays: dict[str, npt.NDArray[Any]] = {}
        for entry in header["arrays"]:
            stored, count = np.dtype(entry["stored"]), int(np.prod(entry["shape"], dtype=np.int64))
            array = np.frombuffer(body, stored, count, end).reshape(entry["shape"])
            arrays[entry["name"]] = array.astype(np.dtype(entry["type"]))
            end += count * stored.itemsize
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"damaged driftd archive: {error}") from error
    return header["meta"], arrays
