"""How far one file has been read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal["ndjson", "csv", "parquet"]

_ROW_BITS = 40


@dataclass
class Track:
    """One file, whatever it is called, and the place in it.

    Attributes:
        name: the partition's name; stays the same when the file is renamed.
        path: where the file was seen last.
        kind: its format.
        digest, length: fingerprint of its first bytes, see `identity`.
        whole: the fingerprint will not grow.
        inode: device and inode, a hint only.
        offset: bytes of text read (after unzipping), or rows of a table.
        rows: rows taken from it.
        skip: the rest of a line that is too long is being skipped.
        newest: newest event time read, microseconds since the epoch; None before the first row.
        finished: a complete file (gzip, Parquet) was read to its end.
    """

    name: str
    path: str
    kind: Kind
    digest: str
    length: int
    whole: bool
    inode: list[int]
    offset: int = 0
    rows: int = 0
    skip: bool = False
    newest: int | None = None
    finished: bool = False

    @property
    def ordinal(self) -> int:
        """Running number of the next row: the upper bits tell files apart."""
        return int(self.name.rpartition("#")[2][:6], 16) << _ROW_BITS | self.rows

    def to_json(self) -> dict[str, Any]:
        """JSON values for the position."""
        saved = asdict(self)
        del saved["name"]
        return saved

    @classmethod
    def from_json(cls, name: str, saved: dict[str, Any]) -> Track:
        """The track that `to_json` described."""
        return cls(name=name, **saved)


@dataclass
class Sight:
    """What is known of a track's file now, and not kept in the position.

    Attributes:
        size: bytes on disk at the last look. modified: time of the last change.
        tried: size of the file when a look at it last gave nothing.
        first: its first event time, looked up before it is begun; None where there is none.
        peeked: the look-up has been made.
        present: it was there at the last look.
        gone: number of looks since it was last there.
        replaced: the place on disk holds other content now.
    """

    size: int = 0
    modified: float = 0.0
    tried: int = -1
    first: int | None = None
    peeked: bool = False
    present: bool = True
    gone: int = 0
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the listing."""

    path: Path
    size: int
    modified: float
    inode: tuple[int, int]


@dataclass
class Known:
    """A track and the sight of it."""

    track: Track
    sight: Sight = field(default_factory=Sight)

    @property
    def unread(self) -> bool:
        """Something may be there to read."""
        return not self.track.finished and self.sight.size != self.sight.tried and self.sight.size > 0
