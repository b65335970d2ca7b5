"""Data as it is, before anybody has said what its columns are."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from monitor.decode.delimited import read_header
from monitor.decode.json_line import BadLineError, read_line
from monitor.decode.paths import format_path
from monitor.sources.files.damage import no_panic
from monitor.sources.files.identity import GZIP_MAGIC
from monitor.sources.files.listing import find_files, kind_of

MOST_BYTES = 256 * 2**20
"""Of logs and CSV only the first bytes are looked at; the beginning tells what the columns are."""

MOST_ROWS = 2_000_000


class NoDataError(ValueError):
    """There is nothing to look at."""


@dataclass(frozen=True)
class Raw:
    """Rows under flattened names.

    Attributes:
        frame: one column for each value of a record, in the order of the rows.
        keys: for each column the keys that lead to it.
        whole: all rows of the data are here.
    """

    frame: pl.DataFrame
    keys: dict[str, tuple[str, ...]]
    whole: bool = True

    def path(self, column: str) -> str:
        """Where a column stands in a record, in the path language."""
        return format_path(*self.keys[column])

    def last_word(self, column: str) -> str:
        """The part of a column's name that tells what it is."""
        return self.keys[column][-1] if column in self.keys else column


def look(patterns: Sequence[str]) -> Raw:
    """Read files, oldest first, as one frame.

    Raises:
        NoDataError: no file, no row, or a file that cannot be read.
    """
    files = find_files(patterns)
    if not files:
        raise NoDataError(f"there is no data in {', '.join(patterns)}")
    frames, left, whole = [], MOST_BYTES, True
    for found in files:
        if left <= 0:
            whole = False
            break
        frame, complete = _read(found.path, left)
        frames.append(frame)
        left -= found.size
        whole &= complete
    frame = pl.concat(frames, how="diagonal_relaxed") if len(frames) > 1 else frames[0]
    return _raw(frame, ", ".join(patterns), whole=whole)


def look_at_lines(data: bytes, name: str) -> Raw:
    """Read NDJSON that is in memory.

    Args:
        data: the lines.
        name: of the data, for the message of the error.

    Raises:
        NoDataError: no line is a record.
    """
    return _raw(_ndjson(data), name, whole=True)


def _raw(frame: pl.DataFrame, name: str, *, whole: bool) -> Raw:
    if not frame.height:
        raise NoDataError(f"there is no row in {name}")
    columns: dict[str, tuple[str, ...]] = {}
    series = [flat for one in frame for flat in _unfold(one, (one.name,), columns)]
    return Raw(pl.DataFrame(series), columns, whole)


def _read(path: Path, most: int) -> tuple[pl.DataFrame, bool]:
    """The first rows of a file, and whether they are all."""
    try:
        kind = kind_of(path, "auto")
        if kind == "parquet":
            with no_panic():
                frame = pl.read_parquet(path, n_rows=MOST_ROWS + 1)
            return frame.head(MOST_ROWS), frame.height <= MOST_ROWS
        data, complete = _head(path, most)
        return (_csv(data) if kind == "csv" else _ndjson(data)), complete
    except (OSError, EOFError, pl.exceptions.PolarsError) as error:
        raise NoDataError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


def _head(path: Path, most: int) -> tuple[bytes, bool]:
    """The first whole lines of a file, and whether they are all."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        source: io.BufferedIOBase | gzip.GzipFile = gzip.GzipFile(fileobj=file) if packed else file
        data = source.read(most + 1)
    if len(data) <= most:
        return data, True
    return data[: data.rfind(b"\n", 0, most) + 1], False


def _csv(data: bytes) -> pl.DataFrame:
    end = data.find(b"\n") + 1
    header = read_header(data[:end])
    return pl.read_csv(
        data[end:],
        has_header=False,
        new_columns=list(header.names),
        separator=header.separator,
        infer_schema_length=100_000,
        ignore_errors=True,
        truncate_ragged_lines=True,
        try_parse_dates=True,
        encoding="utf8-lossy",
    )


def _ndjson(data: bytes) -> pl.DataFrame:
    try:
        return pl.read_ndjson(data, infer_schema_length=None)
    except pl.exceptions.PolarsError:
        return _line_by_line(data)


def _line_by_line(data: bytes) -> pl.DataFrame:
    """Lines that are records; the others will be dead letters."""
    records = []
    for line in data.split(b"\n"):
        try:
            if line.strip():
                records.append(read_line(line))
        except BadLineError:
            continue
    return pl.from_dicts(records, infer_schema_length=None, strict=False) if records else pl.DataFrame()


def _unfold(series: pl.Series, keys: tuple[str, ...], columns: dict[str, tuple[str, ...]]) -> list[pl.Series]:
    """A column, or the columns of an object inside it, under names joined by dots."""
    if isinstance(series.dtype, pl.Struct):
        found = []
        for field in series.dtype.fields:
            found += _unfold(series.struct.field(field.name), (*keys, field.name), columns)
        return found
    name = ".".join(keys)
    columns[name] = keys
    return [series.alias(name)]
