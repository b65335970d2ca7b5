"""Whole files as one frame: references, and both sides of a comparison."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from detectors.layout import Column, Kind
from monitor.decode.decoder import Decoder
from monitor.decode.delimited import complete, first_record, read_block, read_header
from monitor.decode.inference import infer_from_lines, infer_from_table
from monitor.decode.mapping import Records
from monitor.records import ODD_PREFIX, Reject
from monitor.sources.base import SourceError
from monitor.sources.files import FilesSource
from monitor.sources.files.damage import no_panic
from monitor.sources.files.identity import GZIP_MAGIC, head_bytes
from monitor.sources.files.listing import find_files, kind_of

LOOKED_AT_BYTES = 8 * 2**20
"""Of text files only the beginning tells what the columns hold; columns that come later are added."""

LOOKED_AT_ROWS = 100_000
LOOKED_AT_LINES = 5_000
_LINES_PER_NAME = 100
_KEPT_REJECTS = 1000


@dataclass
class Rows:
    """All rows of some files.

    Attributes:
        frame: rows in canonical columns, oldest first.
        columns: the modelled columns.
        rejects: the first records that could not be read. rejected: their number.
        unknown: rows with a column that is not among `columns`, by name.
    """

    frame: pl.DataFrame
    columns: tuple[Column, ...]
    rejects: list[Reject] = field(default_factory=list)
    rejected: int = 0
    unknown: dict[str, int] = field(default_factory=dict)


def read_rows(
    paths: Sequence[str], records: Records, columns: Sequence[Column] | None = None, configured: str = "auto"
) -> Rows:
    """Read files to their end.

    Args:
        paths: files, globs or directories.
        records: the mapping.
        columns: the modelled columns; None to find out what there is.
        configured: the format, or `auto`.

    Raises:
        SourceError: there is no file, or one cannot be read.
    """
    if columns is not None:
        return _read(paths, records, tuple(columns), configured)
    found = _look(paths, records, configured)
    rows = _read(paths, records, found, configured)
    late = set(rows.unknown) - {column.name for column in found}
    if late:
        found += tuple(c for c in _look(paths, records, configured, late) if c.name in late)
        rows = _read(paths, records, found, configured)
    return replace(rows, columns=tuple(_with_whole(column, rows.frame) for column in rows.columns))


def _read(paths: Sequence[str], records: Records, columns: tuple[Column, ...], configured: str) -> Rows:
    options = FilesSource.model_validate({"path": tuple(paths), "format": configured, "follow": False})
    stream = options.open(Decoder(records, columns), "")
    frames: list[pl.DataFrame] = []
    rejects: list[Reject] = []
    rejected, unknown = 0, Counter[str]()
    while (batch := stream.poll(0.0)) is not None:
        frames.append(batch.frame)
        rejected += len(batch.rejects)
        rejects += batch.rejects[: _KEPT_REJECTS - len(rejects)]
        unknown.update(batch.unknown)
    stream.close()
    if not frames:
        raise SourceError(f"there is no data in {', '.join(paths)}", "check the path; is the file empty?")
    frame = pl.concat(frames, how="diagonal_relaxed")
    odd = [name for name in frame.columns if name.startswith(ODD_PREFIX)]
    return Rows(frame.with_columns(pl.col(odd).fill_null(0)), columns, rejects, rejected, dict(unknown))


def _look(
    paths: Sequence[str], records: Records, configured: str, names: Iterable[str] = ()
) -> tuple[Column, ...]:
    """The modelled columns by a look at the beginning of the oldest file, or at the lines that hold certain names."""
    files = find_files(paths)
    if not files:
        raise SourceError(f"there is no file in {', '.join(paths)}", "check the path")
    path = files[0].path
    try:
        kind = kind_of(path, configured)
        if kind == "parquet":
            with no_panic():
                rows = pl.scan_parquet(path, glob=False).head(LOOKED_AT_ROWS).collect()
            return infer_from_table(records, rows)
        if kind == "csv":
            head = head_bytes(path, LOOKED_AT_BYTES)
            header = read_header(head[: first_record(head)] or head)
            block = head[header.size :]
            whole = block if len(head) < LOOKED_AT_BYTES else block[: complete(block)]
            return infer_from_table(records, read_block(header, whole, str(path), 0).frame, text=True)
        if names:
            return infer_from_lines(records, _lines_with([f.path for f in files], names))
        head = head_bytes(path, LOOKED_AT_BYTES)
        return infer_from_lines(records, head.split(b"\n")[:LOOKED_AT_LINES])
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SourceError(f"cannot read {path}: {error}") from error


def _lines_with(paths: Sequence[Path], names: Iterable[str]) -> Iterator[bytes]:
    """For each name the first lines of the files that hold its last part as a key."""
    left = {f'"{name.rpartition(".")[2]}"'.encode(): _LINES_PER_NAME for name in names}
    for path in paths:
        with path.open("rb") as raw:
            zipped = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            for line in gzip.GzipFile(fileobj=raw) if zipped else raw:
                held = [key for key, count in left.items() if count and key in line]
                if held:
                    left.update((key, left[key] - 1) for key in held)
                    yield line
                if not any(left.values()):
                    return


def _with_whole(column: Column, frame: pl.DataFrame) -> Column:
    """A numeric column is one of whole numbers when all of its values are whole."""
    if column.kind is not Kind.NUMERIC or column.name not in frame.columns:
        return column
    values = frame[column.name].drop_nulls()
    finite = values.filter(values.is_finite())
    return replace(column, integer=bool(finite.len()) and bool((finite.floor() == finite).all()))
