"""Which file is which, whatever it is called: the content tells."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PREFIX_BYTES = 1024
"""Bytes after the first line that belong to a text file's fingerprint; the first line is often the same header."""

FIRST_LINE_BYTES = 2**16
"""Of a longer first line only this much is looked at."""

_TAIL_BYTES = 4096
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file begins with.

    Attributes:
        digest: of the first `length` bytes, hexadecimal.
        length: number of bytes; grows with the file until the fingerprint is whole.
        whole: more bytes would not be added.
    """

    digest: str
    length: int
    whole: bool


def text_fingerprint(path: Path, length: int | None = None, *, final: bool = False) -> Fingerprint | None:
    """The fingerprint of an NDJSON or CSV file, the same for the file and its gzip copy.

    Args:
        path: the file.
        length: look at exactly so many bytes, to compare with an earlier fingerprint.
        final: the file does not grow any more, its last line is whole.

    Returns:
        None as long as the file has no whole line, or fewer bytes than `length`.

    Raises:
        OSError: it cannot be read.
    """
    head = head_bytes(path, FIRST_LINE_BYTES + PREFIX_BYTES if length is None else length)
    if length is not None:
        return Fingerprint(_digest(head), length, whole=False) if len(head) == length else None
    first = head.find(b"\n", 0, FIRST_LINE_BYTES) + 1
    if not first and len(head) < FIRST_LINE_BYTES and not (final and head):
        return None
    wanted = (first or FIRST_LINE_BYTES) + PREFIX_BYTES
    body = head[:wanted]
    return Fingerprint(_digest(body), len(body), whole=len(body) == wanted)


def table_fingerprint(path: Path) -> Fingerprint:
    """The fingerprint of a Parquet file: beginning, end (where the statistics are) and size.

    Raises:
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(PREFIX_BYTES)
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read(_TAIL_BYTES)
    return Fingerprint(_digest(head + tail + str(size).encode()), size, whole=True)


def head_bytes(path: Path, length: int) -> bytes:
    """The first bytes of a file's text; of a damaged or unfinished gzip file what can be read.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if file.read(2) != GZIP_MAGIC:
            file.seek(0)
            return file.read(length)
        file.seek(0)
        return _unzipped(file, length)


def _unzipped(file: IO[bytes], length: int) -> bytes:
    found = io.BytesIO()
    try:
        with gzip.GzipFile(fileobj=file) as text:
            while found.tell() < length and (piece := text.read1(length - found.tell())):
                found.write(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        pass
    return found.getvalue()


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
