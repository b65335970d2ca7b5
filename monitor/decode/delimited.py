"""Blocks of CSV as tables of text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from monitor.decode.assembly import KEPT_BYTES
from monitor.records import Reject

if TYPE_CHECKING:
    import _csv

WRONG_FIELD_COUNT, MALFORMED_CSV = "wrong_field_count", "malformed_csv"
_LONGEST_FIELD = 2**31 - 1
"""Python's csv refuses fields over 128 KiB; the block that they stand in bounds them here."""

SEPARATORS = b",;\t|"


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a CSV file.

    Attributes:
        names: of the columns. separator: between two fields. size: bytes of the line with its end.
    """

    names: tuple[str, ...]
    separator: str
    size: int


def read_header(line: bytes) -> Header:
    """Names and separator; columns without a name are `column_1`, a repeated name gets `_2`."""
    body = line.removeprefix(b"\xef\xbb\xbf")
    separator = chr(max(SEPARATORS, key=lambda byte: (body.count(byte), -SEPARATORS.index(byte))))
    text = body.decode(errors="replace")
    try:
        found = next(_reader(io.StringIO(text), separator), [])
    except csv.Error:  # a line end of its own kind inside, as in a file that is no text
        found = text.rstrip("\r\n").split(separator)
    names: list[str] = []
    for i, raw in enumerate(found):
        name = raw.strip() or f"column_{i + 1}"
        names.append(name if name not in names else f"{name}_{names.count(name) + 1}")
    return Header(tuple(names), separator, len(line))


@dataclass
class TextTable:
    """Rows of a block of CSV.

    Attributes:
        frame: text columns; null where the field is empty.
        offsets: byte offset of each row.
        rejects: lines that are no rows.
    """

    frame: pl.DataFrame
    offsets: Sequence[int]
    rejects: list[Reject]


def read_block(header: Header, block: bytes, partition: str, offset: int) -> TextTable:
    """Cut a block of whole records into fields.

    Args:
        header: names and separator.
        block: records, each with its line end but perhaps the last.
        partition: the file.
        offset: of the block in the file.
    """
    if b'"' in block:
        return _quoted(header, block, partition, offset)
    lines = block.split(b"\n")
    starts = np.concatenate([[0], np.cumsum([len(line) + 1 for line in lines])[:-1]]) + offset
    kept, offsets, rejects = [], [], []
    separator, wanted = header.separator.encode(), len(header.names) - 1
    for line, start in zip(lines, starts.tolist(), strict=True):
        if line.count(separator) == wanted and line.strip():
            kept.append(line)
            offsets.append(start)
        elif line.strip():
            rejects.append(_wrong(line, partition, start, line.count(separator) + 1, wanted + 1))
    return TextTable(_frame(header, b"\n".join(kept)), offsets, rejects)


def _frame(header: Header, data: bytes) -> pl.DataFrame:
    schema = dict.fromkeys(header.names, pl.String)
    if not data:
        return pl.DataFrame(schema=schema)
    return pl.read_csv(
        data.replace(b"\r\n", b"\n"),
        has_header=False,
        schema=schema,
        separator=header.separator,
        quote_char=None,
        encoding="utf8-lossy",
    )


def _quoted(header: Header, block: bytes, partition: str, offset: int) -> TextTable:
    """Records with quotes, which may hold separators and line ends."""
    lines = block.split(b"\n")
    starts = np.concatenate([[0], np.cumsum([len(line) + 1 for line in lines])]) + offset
    rows, offsets, rejects = [], [], []
    for line, row in _records(lines, header.separator):
        start = int(starts[line])
        if isinstance(row, list) and len(row) == len(header.names):
            rows.append([field or None for field in row])
            offsets.append(start)
        elif row:
            data = block[start - offset : start - offset + KEPT_BYTES].split(b"\n")[0]
            if isinstance(row, csv.Error):
                rejects.append(Reject(MALFORMED_CSV, str(row), partition, start, data))
            else:
                rejects.append(_wrong(data, partition, start, len(row), len(header.names)))
    schema = dict.fromkeys(header.names, pl.String)
    return TextTable(pl.DataFrame(rows, schema=schema, orient="row"), offsets, rejects)


def _records(lines: Sequence[bytes], separator: str) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Each record with the number of its first line; what is wrong with it where it is none."""
    reader = _reader((f"{line.decode(errors='replace')}\n" for line in lines), separator)
    while (line := reader.line_num) < len(lines):
        try:
            yield line, next(reader)
        except csv.Error as error:
            yield line, error


def _reader(lines: Iterable[str], separator: str) -> _csv.Reader:
    csv.field_size_limit(_LONGEST_FIELD)
    return csv.reader(lines, delimiter=separator)


def _wrong(line: bytes, partition: str, offset: int, found: int, wanted: int) -> Reject:
    detail = f"{found} fields where the header has {wanted}"
    return Reject(WRONG_FIELD_COUNT, detail, partition, offset, line[:KEPT_BYTES])


def complete(block: bytes) -> int:
    """Length of the part of a block that ends with a whole record: line ends inside quotes do not count."""
    end = block.rfind(b"\n") + 1
    while end and block.count(b'"', 0, end) % 2:
        end = block.rfind(b"\n", 0, end - 1) + 1
    return end


def first_record(head: bytes) -> int:
    """Length of the first record of CSV with its line end."""
    end = head.find(b"\n") + 1
    while end and head.count(b'"', 0, end) % 2:
        end = head.find(b"\n", end) + 1
    return end
