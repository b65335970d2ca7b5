"""The next piece of one file."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import IO, cast

import polars as pl

from monitor.decode.assembly import Decoded
from monitor.decode.decoder import Decoder
from monitor.decode.delimited import Header, complete, first_record, read_header
from monitor.records import Reject
from monitor.sources.base import SourceError
from monitor.sources.files.damage import told
from monitor.sources.files.footer import row_group_sizes
from monitor.sources.files.identity import GZIP_MAGIC
from monitor.sources.files.track import Track

CORRUPT_FILE = "corrupt_file"
_HEADER_BYTES = 2**20

_ANEW = 8
"""How often a row group may be decompressed for the sake of memory: once for each read, however little that takes."""


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

    def read(self, track: Track, rows: int) -> Piece | None:  # noqa: ARG002 - blocks of text are measured in bytes
        """The next records, or None where there is no whole one.

        Raises:
            SourceError: the file cannot be read.
        """
        try:
            if track.kind == "csv" and self._header is None and not self._read_header():
                return None
            start = max(track.offset, self._header.size if self._header else 0)
            block = self._block(start)
        except OSError as error:
            raise SourceError(f"cannot read {track.path}: {error.strerror or error}") from error
        ended = len(block) < self._bytes
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

    def _block(self, start: int) -> bytes:
        return self._read(start, self._bytes)

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


class TableReader:
    """Reads Parquet by row groups or by large parts of them, and hands out a smaller part of that at a time.

    What is handed out has its own copy in canonical types, and profiling takes room for it once more: small parts keep
    a daemon small; but a large row group that is decompressed anew for each costs three times the processor time.
    """

    zipped = True

    def __init__(self, decoder: Decoder, track: Track, part_rows: int) -> None:
        """Read the schema.

        Args:
            decoder: of the rows.
            track: of the file.
            part_rows: the most rows that are handed out at once.

        Raises:
            SourceError: the file is damaged.
            OSError: it cannot be read.
        """
        self._decoder = decoder
        self._inode, self._path = track.inode, Path(track.path)
        with told(track.path):
            with self._path.open("rb"):
                self._whole = pl.scan_parquet(self._path, glob=False)
            self._table = decoder.table_map(self._whole.collect_schema())
        self._part_rows = part_rows
        self._held = pl.DataFrame()
        self._held_from = self._share = 0

    def reads(self, track: Track) -> bool:
        """It is the track's file, under the name that it has now: it is opened anew for each part."""
        return (self._inode, self._path) == (track.inode, Path(track.path))

    @property
    def holds(self) -> bool:
        """Rows that were read wait to be handed out."""
        return self._held.height > 0

    @cached_property
    def _rows(self) -> pl.LazyFrame:
        return self._whole.select(self._table.wanted)

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        """Rows up to the end of each row group; looked up for the first rows only: a wide table has a long footer."""
        return tuple(accumulate(row_group_sizes(self._path)))

    @cached_property
    def _height(self) -> int:
        return self._ends[-1] if self._ends else int(self._whole.select(pl.len()).collect().item())

    def read(self, track: Track, rows: int) -> Piece | None:
        """The next rows, or None at the end; at most so many are read from the file at once.

        Raises:
            SourceError: the file is damaged.
            OSError: it cannot be read.
        """
        with told(track.path):
            if track.offset >= self._height:
                return None
            frame = self._part(track.offset, rows)
        decoded = self._decoder.table(frame, self._table.unknown, track.name, track.offset, track.ordinal)
        end = track.offset + frame.height
        return Piece(decoded, end, finished=end >= self._height)

    def _part(self, offset: int, rows: int) -> pl.DataFrame:
        """The next part of the rows that are held, or of the next ones in the file."""
        if not self.holds or offset != self._held_from:
            self._held_from = offset
            self._held = self._rows.slice(offset, self._count(offset, rows)).collect()
            if not self.holds:
                raise pl.exceptions.ComputeError("it has fewer rows than its footer says")
            self._share = _share(self._held.height, self._part_rows)
        part = self._held.head(self._share)
        self._held_from += part.height
        self._held = self._held.slice(part.height) if part.height < self._held.height else pl.DataFrame()
        return part

    def times_of(self, rows: pl.DataFrame) -> pl.Series:
        """Event times of what `at` has read, microseconds."""
        return self._decoder.times(rows, self._table)

    def at(self, offset: int, rows: int) -> pl.LazyFrame:
        """The column of the event times, of some rows."""
        return self._whole.select(self._decoder.time_columns(self._table)).slice(offset, rows)

    def _count(self, offset: int, rows: int) -> int:
        """How many rows to read: what is left of a row group, in as few equal parts as have at most so many rows.

        Of a small row group less is read at once: to decompress it some times over costs little, and less is held.
        """
        end = next((end for end in self._ends if end > offset), self._height)
        start = max((end for end in self._ends if end <= offset), default=0)
        return _share(end - offset, min(rows, max(self._part_rows, (end - start) // _ANEW)))

    def size(self) -> int:
        """A table is read while it is there; nothing of it is held."""
        return 0

    def close(self) -> None:
        """Nothing is held open."""


def peek(tables: Sequence[tuple[TableReader, int]], rows: int) -> list[pl.Series]:
    """Event times of the rows behind an offset of each table, microseconds; nothing else of them is read.

    Raises:
        SourceError: a file is damaged.
    """
    with told("the times"):
        found = pl.collect_all([table.at(offset, rows) for table, offset in tables])
        return [table.times_of(frame) for (table, _), frame in zip(tables, found, strict=True)]


def _share(rows: int, most: int) -> int:
    """The first of as few equal parts of some rows as have at most so many."""
    return -(-rows // -(-rows // most))
