"""The next piece of a file of text, and what a piece is."""

from __future__ import annotations

import gzip
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from monitor.decode.assembly import Decoded
from monitor.decode.decoder import Decoder
from monitor.decode.delimited import Header, complete, first_record, read_header
from monitor.records import Reject
from monitor.sources.base import SourceError
from monitor.sources.files.identity import GZIP_MAGIC
from monitor.sources.files.track import Track

CORRUPT_FILE = "corrupt_file"
_HEADER_BYTES = 2**20
LOOK_BYTES = 2**18
"""Of text that is read to learn when a file begins."""


@dataclass
class Piece:
    """What a look at a file gave; it is not taken over into the track before the batch is made.

    Attributes:
        decoded: rows and rejects. offset: the place after them. skip: inside a line that is too long.
        finished: a file that cannot grow was read to its end.
    """

    decoded: Decoded
    offset: int
    skip: bool = False
    finished: bool = False


class TextReader:
    """Reads NDJSON and CSV, plain or gzip, in blocks that end with a whole record."""

    def __init__(self, decoder: Decoder, track: Track, batch_bytes: int, *, final: bool) -> None:
        """Open the file.

        Raises:
            OSError: it cannot be read.
        """
        self._decoder = decoder
        self._bytes = batch_bytes
        self._final = final
        self._raw = Path(track.path).open("rb")  # noqa: SIM115 - closed by `close`; held so that a renamed file is read to its end
        stat = os.fstat(self._raw.fileno())
        self._inode = [stat.st_dev, stat.st_ino]
        self.zipped = self._raw.read(2) == GZIP_MAGIC
        self._raw.seek(0)
        self._file = cast("IO[bytes]", gzip.GzipFile(fileobj=self._raw)) if self.zipped else self._raw
        self._header: Header | None = None
        self._damage = ""

    def reads(self, track: Track) -> bool:
        """It is the track's file that is open here, whatever its name has become."""
        return self._inode == track.inode

    @property
    def holds(self) -> bool:
        """Rows that were read wait to be handed out: never with text."""
        return False

    def look(self, track: Track) -> Piece | None:
        """A few of the next records, which stay where they are; a whole block where the first of them is long.

        Raises:
            SourceError: the file cannot be read.
        """
        return self._next(track, min(LOOK_BYTES, self._bytes)) or self._next(track, self._bytes)

    def read(self, track: Track, rows: int) -> Piece | None:  # noqa: ARG002 - blocks of text are measured in bytes
        """The next records, or None where there is no whole one.

        Raises:
            SourceError: the file cannot be read.
        """
        return self._next(track, self._bytes)

    def _next(self, track: Track, size: int) -> Piece | None:
        try:
            if track.kind == "csv" and self._header is None and not self._read_header():
                return None
            start = max(track.offset, self._header.size if self._header else 0)
            block = self._read(start, size)
        except OSError as error:
            raise SourceError(f"cannot read {track.path}: {error.strerror or error}") from error
        ended = len(block) < size
        if track.skip:
            return self._skipping(block, start, ended=ended)
        end = complete(block) if track.kind == "csv" else block.rfind(b"\n") + 1
        if ended and (self._final or (self.zipped and not self._damage)):
            end = len(block)
        if not end:
            return self._without_end(track, block, start, ended=ended)
        return self._decoded(track, block[:end], start, finished=ended and self.zipped)

    def size(self) -> int:
        """Bytes on disk now, also when the file has another name by now or none."""
        return os.fstat(self._raw.fileno()).st_size

    def close(self) -> None:
        """Give the file back."""
        self._file.close()
        self._raw.close()

    def _read_header(self) -> bool:
        """Read the first line of a CSV file; False while it is not whole."""
        head = self._read(0, _HEADER_BYTES)
        end = complete(head)
        if not end and not self._final:
            return False
        line = head[: end and first_record(head)] or head
        self._header = read_header(line)
        return bool(self._header.names)

    def _read(self, start: int, length: int) -> bytes:
        self._damage = ""
        if not self.zipped:
            self._file.seek(start)
            return self._file.read(length)
        pieces, size = [], 0
        try:
            self._file.seek(start)
            while size < length and (piece := self._file.read(min(length - size, 2**18))):
                pieces.append(piece)
                size += len(piece)
        except EOFError:
            self._damage = "unfinished"
        except (zlib.error, gzip.BadGzipFile) as error:
            self._damage = str(error)
        return b"".join(pieces)

    def _skipping(self, block: bytes, start: int, *, ended: bool) -> Piece | None:
        """Go on inside a line that is too long."""
        if not block:
            return None
        end = block.find(b"\n") + 1
        nothing = self._decoder.ndjson(b"", "", 0, 0)
        return Piece(nothing, start + (end or len(block)), skip=not end and not (ended and self._final))

    def _without_end(self, track: Track, block: bytes, start: int, *, ended: bool) -> Piece | None:
        """No whole record in the block: wait for its end, refuse it when it is too long, or give the file up."""
        if len(block) > self._decoder.max_record_bytes:
            piece = Piece(self._decoder.ndjson(b"", "", 0, 0), start + len(block), skip=True)
            piece.decoded.rejects.append(self._decoder.too_long(block, track.name, start))
            return piece
        if ended and self._damage and (self._final or self._damage != "unfinished"):
            piece = Piece(self._decoder.ndjson(b"", "", 0, 0), start + len(block), finished=True)
            piece.decoded.rejects.append(
                Reject(CORRUPT_FILE, self._damage[:200], track.name, start, block[:4096])
            )
            return piece
        return None

    def _decoded(self, track: Track, block: bytes, start: int, *, finished: bool) -> Piece:
        if self._header is not None:
            decoded = self._decoder.csv(self._header, block, track.name, start, track.ordinal)
        else:
            decoded = self._decoder.ndjson(block, track.name, start, track.ordinal)
        return Piece(decoded, start + len(block), finished=finished and not self._damage)
