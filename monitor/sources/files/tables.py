"""The next piece of a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import polars as pl

from monitor.decode.decoder import Decoder
from monitor.sources.files.damage import told
from monitor.sources.files.footer import row_group_sizes
from monitor.sources.files.readers import Piece
from monitor.sources.files.track import Track

_LOOK_ROWS = 1000

_ANEW = 8
"""How often a row group may be decompressed for the sake of memory: once for each read, however little that takes."""


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

    def look(self, track: Track) -> Piece | None:
        """A few of the next rows, which stay where they are; see `read`."""
        return self.read(track, _LOOK_ROWS)

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
