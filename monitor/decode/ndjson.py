"""Blocks of NDJSON lines as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor.decode.assembly import KEPT_BYTES, Decoded, assemble
from monitor.decode.json_line import BadLineError, read_line
from monitor.decode.plan import Plan
from monitor.decode.rows import RowReader, row_cells
from monitor.records import Reject

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One record's bytes and where they begin in the partition."""

    offset: int
    data: bytes


@dataclass(frozen=True)
class LineOrigin:
    """Rows of NDJSON lines: the line of each row."""

    partition: str
    lines: Sequence[Line]
    records: Sequence[int]

    def place(self, row: int) -> tuple[int, bytes]:
        """Byte offset and first bytes of the row's line."""
        line = self.lines[self.records[row]]
        return line.offset, line.data[:KEPT_BYTES]


def cut_lines(block: bytes, offset: int) -> list[Line]:
    """The lines of a block that are not empty; a byte order mark and carriage returns are left out."""
    lines = []
    place = offset
    for raw in block.split(b"\n"):
        data = raw.removeprefix(BOM) if place == 0 else raw
        data = data.strip(b" \t\r")
        if data:
            lines.append(Line(place, data))
        place += len(raw) + 1
    return lines


def decode_lines(plan: Plan, lines: Sequence[Line], partition: str, ordinal: int) -> Decoded:
    """Records of any shape, one by one.

    Args:
        plan: what is wanted.
        lines: the records.
        partition: their file.
        ordinal: running number of the first row.
    """
    reader = RowReader(plan)
    rows: list[tuple[Any, ...]] = []
    records: list[int] = []
    rejects = []
    for i, line in enumerate(lines):
        try:
            found = reader.rows(read_line(line.data))
        except BadLineError as error:
            rejects.append(Reject(error.reason, error.detail, partition, line.offset, line.data[:KEPT_BYTES]))
            continue
        rows += found
        records += [i] * len(found)
    origin = LineOrigin(partition, lines, records)
    decoded = assemble(plan.targets, row_cells(plan, rows), len(rows), origin, ordinal)
    decoded.rejects = sorted([*decoded.rejects, *rejects], key=lambda reject: reject.offset)
    decoded.unknown = dict(reader.unknown)
    return decoded
