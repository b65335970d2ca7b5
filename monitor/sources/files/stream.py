"""Files as one stream of rows, oldest rows first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from monitor.decode.assembly import Decoded
from monitor.decode.decoder import Decoder
from monitor.records import TIME, RecordBatch, Reject
from monitor.sources.base import Position, SourceError
from monitor.sources.files.catalogue import Catalogue
from monitor.sources.files.readers import CORRUPT_FILE, Piece, TextReader
from monitor.sources.files.tables import TableReader, peek
from monitor.sources.files.track import Known, Track

_NEVER = -(2**63)
OPEN_FILES = 64
HELD_LOOKS = 60
"""Looks at the directory after which a file that is out of sight is given back."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is read at once and how often new files are looked for.

    Attributes:
        rows: of a table. part_rows: the most of them in one batch. bytes: of text.
        interval_seconds: between two looks at the directory.
        follow: files may grow and new ones may come.
    """

    rows: int
    part_rows: int
    bytes: int
    interval_seconds: float
    follow: bool


class FileStream:
    """The source: takes the next block from the file whose newest row so far is the oldest.

    Without event times files are read one after the other, oldest change first.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        decoder: Decoder,
        pace: Pace,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """Make the stream; nothing is read before the first poll.

        Args:
            catalogue: of the files.
            decoder: of their records.
            pace: see `Pace`.
            monotonic: a clock, seconds.
            wait: sleeps for some seconds.
        """
        self._catalogue = catalogue
        self._decoder = decoder
        self._pace = pace
        self._monotonic = monotonic
        self._wait = wait
        self._scanned: float | None = None
        self._readers: dict[str, TextReader | TableReader] = {}
        self._saved: dict[str, dict[str, Any]] = {}
        self._newest = _NEVER

    def poll(self, timeout_seconds: float) -> RecordBatch | None:
        """The next rows; see `Source.poll`."""
        for attempt in range(2):
            self._look(force=attempt > 0)
            batch = self._next()
            if batch is None and not self._pace.follow and self._scanned != self._monotonic():
                self._look(force=True)
                batch = self._next()
            if batch is not None or not self._pace.follow or timeout_seconds <= 0:
                return batch
            if attempt == 0:
                self._wait(min(timeout_seconds, self._pace.interval_seconds))
        return None

    def seek(self, position: Position) -> None:
        """Go on from a position; see `Source.seek`."""
        self.close()
        tracks = [Track.from_json(name, saved) for name, saved in position.partitions.items()]
        self._catalogue.restore(tracks)
        self._saved = {track.name: track.to_json() for track in tracks}
        self._newest = max((t.newest for t in tracks if t.newest is not None), default=_NEVER)
        self._scanned = None

    @property
    def exhausted(self) -> bool:
        """Everything that was there at the last look has been read."""
        return self._scanned is not None and not self._waiting()

    @property
    def behind(self) -> frozenset[str]:
        """Files with unread rows; one that is not begun counts once its turn in time has come."""
        waiting = self._waiting()
        if self._decoder.timed:
            self._peek(waiting)
        return frozenset(
            k.track.name for k in waiting if k.track.newest is not None or _age(k) <= self._newest
        )

    @property
    def size_bytes(self) -> tuple[int, int]:
        """(read so far, known in all), bytes on disk; of compressed files a part counts when they are read."""
        total = done = 0
        for known in self._catalogue.known.values():
            size = known.sight.size
            total += size
            partly = min(known.track.offset, size) if known.track.kind != "parquet" else 0
            done += size if known.track.finished or not known.unread else partly
        return done, total

    def close(self) -> None:
        """Give back the open files."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def _look(self, *, force: bool) -> None:
        now = self._monotonic()
        due = self._scanned is None or (
            self._pace.follow and now - self._scanned >= self._pace.interval_seconds
        )
        if due or force:
            self._catalogue.scan()
            self._scanned = now
            self._look_at_hidden()

    def _look_at_hidden(self) -> None:
        """Files that are open here and out of sight may still grow; those that were replaced are let go."""
        for name in tuple(self._readers):
            known = self._catalogue.known.get(name)
            if known is None or known.sight.replaced or known.sight.gone > HELD_LOOKS:
                self._readers.pop(name).close()
            elif not known.sight.present:
                known.sight.size = self._readers[name].size()

    def _waiting(self) -> list[Known]:
        """Files in which something may be there to read, and which can be read."""
        return [
            known
            for known in self._catalogue.known.values()
            if known.unread and (known.sight.present or known.track.name in self._readers)
        ]

    def _next(self) -> RecordBatch | None:
        """The next batch of the files that are known."""
        while waiting := self._waiting():
            known = self._turn(waiting)
            piece = self._read(known)
            if piece is None:
                if known.sight.present or known.track.name in self._readers:
                    known.sight.tried = known.sight.size
                continue
            self._take_over(known, piece)
            if piece.decoded.frame.height or piece.decoded.rejects:
                return self._batch(known.track, piece.decoded)
        return None

    def _turn(self, waiting: list[Known]) -> Known:
        """The file to read from: the one whose rows are held already, else the one that is behind most."""
        for known in waiting:
            reader = self._readers.get(known.track.name)
            if reader is not None and reader.holds and known.track.newest is not None:
                return known
        if not self._decoder.timed or len(waiting) == 1:
            return waiting[0]
        self._peek(waiting)
        return min(waiting, key=_age)

    def _peek(self, waiting: list[Known]) -> None:
        """Look up the first times of files of which nothing was read yet."""
        new = [known for known in waiting if known.track.newest is None and not known.sight.peeked]
        tables = [known for known in new if known.track.kind == "parquet"]
        for start in range(0, len(tables), OPEN_FILES):
            self._peek_tables(tables[start : start + OPEN_FILES])
        for known in new:
            if not known.sight.peeked:
                known.sight.peeked = True
                known.sight.first = self._first_time(known)

    def _peek_tables(self, tables: list[Known]) -> None:
        """The same for tables, all at once; where that fails one by one, and then as whole rows: that tells why."""
        try:
            readers = [(self._reader(known.track), known.track.offset) for known in tables]
            found = peek([(r, offset) for r, offset in readers if isinstance(r, TableReader)], rows=100)
        except (OSError, SourceError):
            for known in tables if len(tables) > 1 else ():
                self._peek_tables([known])
            return
        for known, times in zip(tables, found, strict=True):
            if times.null_count() < times.len():
                known.sight.peeked = True
                known.sight.first = int(times.min())  # type: ignore[arg-type]

    def _first_time(self, known: Known) -> int | None:
        piece = self._read(known, look=True)
        if piece is None or not piece.decoded.frame.height:
            return None
        return int(piece.decoded.frame[TIME].head(100).min())  # type: ignore[arg-type]

    def _read(self, known: Known, *, look: bool = False) -> Piece | None:
        track = known.track
        try:
            reader = self._reader(track)
            return reader.look(track) if look else reader.read(track, self._pace.rows)
        except FileNotFoundError:
            known.sight.present = False
            return None
        except OSError as error:
            raise SourceError(f"cannot read {track.path}: {error.strerror or error}") from error
        except SourceError as error:
            if track.kind != "parquet":
                raise
            empty = self._decoder.ndjson(b"", "", 0, 0)
            empty.rejects.append(Reject(CORRUPT_FILE, str(error)[:200], track.name, track.offset, b""))
            return Piece(empty, track.offset, finished=True)

    def _reader(self, track: Track) -> TextReader | TableReader:
        reader = self._readers.pop(track.name, None)
        if reader is not None and not reader.reads(track):
            reader.close()
            reader = None
        if reader is None:
            if track.kind == "parquet":
                reader = TableReader(self._decoder, track, self._pace.part_rows)
            else:
                reader = TextReader(self._decoder, track, self._pace.bytes, final=not self._pace.follow)
                if not reader.reads(track):
                    reader.close()
                    raise FileNotFoundError(track.path)
            while len(self._readers) >= OPEN_FILES:
                self._readers.pop(next(iter(self._readers))).close()
        self._readers[track.name] = reader
        return reader

    def _take_over(self, known: Known, piece: Piece) -> None:
        track = known.track
        track.offset, track.skip, track.finished = piece.offset, piece.skip, piece.finished
        track.rows += piece.decoded.frame.height
        if self._decoder.timed and piece.decoded.frame.height:
            newest = int(piece.decoded.frame[TIME].max())  # type: ignore[arg-type]
            track.newest = newest if track.newest is None else max(track.newest, newest)
            self._newest = max(self._newest, newest)
        if not track.finished and not self._reader(track).zipped and track.offset >= known.sight.size:
            known.sight.tried = known.sight.size
        if track.finished and track.name in self._readers:
            self._readers.pop(track.name).close()
        self._saved[track.name] = track.to_json()

    def _batch(self, track: Track, decoded: Decoded) -> RecordBatch:
        known = self._catalogue.known
        self._saved = {name: saved for name, saved in self._saved.items() if name in known}
        return RecordBatch(
            frame=decoded.frame,
            position=Position(dict(self._saved)),
            rejects=tuple(decoded.rejects),
            unknown=dict(decoded.unknown),
            absent=decoded.absent,
            partition=track.name,
        )


def _age(known: Known) -> int:
    """Newest event time read of a file; of one that is not begun its first."""
    if known.track.newest is not None:
        return known.track.newest
    return _NEVER if known.sight.first is None else known.sight.first
