"""Logs in files: NDJSON, CSV and Parquet, growing or complete."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt
from pydantic import BeforeValidator, Field

from monitor.decode.decoder import Decoder
from monitor.paths import LocalPattern
from monitor.sources.files.ahead import ReadAhead
from monitor.sources.files.catalogue import Catalogue
from monitor.sources.files.stream import FileStream, Pace
from monitor.sources.options import SourceOptions
from sinks.duration import Seconds

FOLLOWED_ROWS = 16_384
"""Most rows of a table in one batch while files are followed: what a batch needs in memory goes with its rows."""


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class FilesSource(SourceOptions):
    """Reads files and, while it follows them, what is appended and the files that come later.

    A file is known by its content, so renaming, compressing or copying it does not read it twice. The next block comes
    from the file whose newest row so far is the oldest, so that files which overlap in time (one for each serving
    pod) are read side by side; without event times one file follows the other, oldest change first.
    """

    type: Literal["files"] = "files"

    path: Annotated[
        tuple[LocalPattern, ...],
        BeforeValidator(_several, json_schema_input_type=str | tuple[str, ...]),
        Field(min_length=1),
    ]
    """A file, a glob (`logs/*.ndjson`, `**` goes into folders), a directory, or a list of these. Name rotated files
    too (`app.ndjson*`), so that the end of a file that was rotated while driftd was down is read."""

    format: Literal["auto", "ndjson", "csv", "parquet"] = "auto"
    """Format of the files; `auto` goes by name, then by content. NDJSON and CSV may be gzip-compressed."""

    follow: bool = True
    """Wait for more when everything has been read. Otherwise a last line without its end counts as whole."""

    poll_interval: Annotated[Seconds, Gt(0)] = 1.0
    """Time between two looks for new files and new lines."""

    batch_rows: Annotated[int, Ge(1)] = 65_536
    """Most rows of a Parquet file that are read at once, twice as many in a replay. A daemon reads no more than an
    eighth of a row group at once, or 16,384 rows."""

    batch_bytes: Annotated[int, Ge(4096)] = 4 * 2**20
    """Bytes of text that are read at once, twice as many in a replay; at least twice the longest record is used."""

    def open(self, decoder: Decoder, monitor: str = "") -> FileStream | ReadAhead:  # noqa: ARG002 - files are not shared
        """The stream of the files' rows; one batch ahead where all of them are there already."""
        times = 1 if self.follow else 2
        rows = times * self.batch_rows
        pace = Pace(
            rows,
            min(rows, FOLLOWED_ROWS) if self.follow else rows,
            max(times * self.batch_bytes, 2 * decoder.max_record_bytes),
            self.poll_interval,
            self.follow,
        )
        stream = FileStream(Catalogue(self.path, self.format, final=not self.follow), decoder, pace)
        if self.follow:
            return stream
        decoder.use_two_cores()
        return ReadAhead(stream)

    def once(self) -> FilesSource:
        """The files as they are now."""
        return self.model_copy(update={"follow": False})
