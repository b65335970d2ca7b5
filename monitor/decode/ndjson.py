"""Blocks of NDJSON lines as rows: lines of the usual shapes all at once, the others one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from detectors.layout import Odd
from monitor.decode.assembly import Decoded, assemble, convert, nothing
from monitor.decode.blocks import Block, Rows
from monitor.decode.cells import Cells
from monitor.decode.json_line import TOO_LONG, BadLineError, read_line
from monitor.decode.matching import match
from monitor.decode.plan import Plan
from monitor.decode.rows import RowReader, row_cells
from monitor.decode.several import Several
from monitor.decode.templates import Template, learn
from monitor.records import Reject

WORTHWHILE = 64
"""Fewer lines than this are read one by one."""

MAX_TEMPLATES = 8
_EXEMPLARS = 8
_LEAST_SHARE = 0.1


@dataclass
class Part:
    """Rows of some lines of a block.

    Attributes:
        lines: number of each row's line, rising. cells: one column for each target.
        unknown: unknown columns that each of the rows carried.
    """

    lines: Rows
    cells: list[Cells]
    unknown: tuple[str, ...] = ()


@dataclass
class LineRows:
    """Rows of the lines of some blocks, in the order of the lines.

    Attributes:
        lines: number of each row's line, counted through all blocks. cells: one column for each target.
        rejects: for each block, lines that hold no record.
        unknown: for each block, rows that carried an unknown column, by name.
    """

    lines: Rows
    cells: list[Cells]
    rejects: list[list[Reject]]
    unknown: list[Counter[str]]


@dataclass
class LineOrigin:
    """Rows of NDJSON lines."""

    partition: str
    block: Block
    lines: Rows

    def place(self, row: int) -> tuple[int, bytes]:
        """Byte offset and first bytes of the row's line."""
        return self.block.place(int(self.lines[row]))


@dataclass
class NdjsonReader:
    """Reads blocks of lines and remembers the shapes that it met.

    Attributes:
        plan: what is wanted.
        max_record_bytes: longer lines are refused.
        worthwhile: fewer lines of one shape are read one by one.
        templates: of the lines met lately, the last useful one first.
    """

    plan: Plan
    max_record_bytes: int
    worthwhile: int = WORTHWHILE
    templates: list[Template] = field(default_factory=list)

    def read(self, data: bytes, partition: str, offset: int, ordinal: int) -> Decoded:
        """The rows of whole lines, in their order.

        Args:
            data: the lines.
            partition: their file.
            offset: of the first byte in the file.
            ordinal: running number of the first row.
        """
        block = Block(data, offset)
        return self.decoded(block, self.rows(block, partition), partition, ordinal)

    def decoded(self, block: Block, found: LineRows, partition: str, ordinal: int) -> Decoded:
        """The rows of a block without those that lack a time or all values."""
        origin = LineOrigin(partition, block, found.lines)
        decoded = assemble(self.plan.targets, found.cells, len(found.lines), origin, ordinal)
        (rejects,), (unknown,) = found.rejects, found.unknown
        if rejects:
            decoded.rejects = sorted([*decoded.rejects, *rejects], key=lambda reject: reject.offset)
        decoded.unknown = dict(unknown)
        return decoded

    def rows(self, block: Block, partition: str) -> LineRows:
        """The values of a block's rows, before rows that lack a time or all values are sorted out."""
        return self.rows_of([block], [partition])

    def rows_of(self, blocks: Sequence[Block], partitions: Sequence[str]) -> LineRows:
        """The same for blocks of several partitions in one go, which costs less than one by one."""
        block = blocks[0] if len(blocks) == 1 else Several(blocks)
        parts: list[Part] = []
        left = np.arange(len(block))
        if len(block) >= self.worthwhile and self.plan.expand is None:
            left = self._by_templates(block, parts)
        unknown = _unknown(parts, block)
        rejects = self._one_by_one(block, left, parts, unknown, partitions)
        return LineRows(*in_order(parts, self.plan), rejects, unknown)

    def _by_templates(self, block: Block, parts: list[Part]) -> Rows:
        """Read what fits known templates or new ones; the lines that are left."""
        plain = block.plain() & (block.ends - block.starts <= self.max_record_bytes)
        rows, odd = np.flatnonzero(plain), np.flatnonzero(~plain)
        for template in tuple(self.templates):
            rows = self._by_template(template, block, rows, parts)
        for _ in range(MAX_TEMPLATES):
            if len(rows) < self.worthwhile:
                break
            before = len(rows)
            exemplars = rows[np.linspace(0, before - 1, _EXEMPLARS).astype(np.intp)]
            found = next((t for i in exemplars if (t := learn(self.plan, block.line(int(i))))), None)
            if found is None:
                break
            self.templates = [found, *self.templates][:MAX_TEMPLATES]
            rows = self._by_template(found, block, rows, parts)
            if before - len(rows) < _LEAST_SHARE * before:
                break
        return np.sort(np.concatenate([rows, odd]))

    def _by_template(self, template: Template, block: Block, rows: Rows, parts: list[Part]) -> Rows:
        """Read the lines that fit a template; the lines that do not."""
        if len(rows) < self.worthwhile:
            return rows
        fits, values = match(template, block, rows)
        count = int(fits.sum())
        if not count:
            return rows
        whole = count == len(rows)
        cells = []
        for target, place in zip(self.plan.targets, template.places, strict=True):
            if place is None:
                cells.append(nothing(target, count))
            else:
                cells.append(convert(self.plan, target, values[place], ascii_only=block.ascii))
        parts.append(Part(rows if whole else rows[fits], cells, tuple(template.unknown)))
        self.templates = [template, *(other for other in self.templates if other is not template)]
        return rows[~fits]

    def _one_by_one(
        self,
        block: Block,
        lines: Rows,
        parts: list[Part],
        unknown: Sequence[Counter[str]],
        partitions: Sequence[str],
    ) -> list[list[Reject]]:
        """Read lines of any shape; those of each block that hold no record."""
        reader = RowReader(self.plan)
        rows: list[tuple[Any, ...]] = []
        homes: list[int] = []
        rejects: list[list[Reject]] = [[] for _ in partitions]
        for i in lines.tolist():
            line = block.line(i)
            if not line and block.may_be_blank(i):
                continue
            reader.unknown.clear()
            try:
                if len(line) > self.max_record_bytes:
                    raise BadLineError(TOO_LONG, f"longer than {self.max_record_bytes} bytes")  # noqa: TRY301 - one way out for all refusals
                found = reader.rows(read_line(line))
            except BadLineError as error:
                home = block.home(i)
                rejects[home].append(Reject(error.reason, error.detail, partitions[home], *block.place(i)))
                continue
            if reader.unknown:
                unknown[block.home(i)].update(reader.unknown)
            rows += found
            homes += [i] * len(found)
        if rows:
            parts.append(Part(np.asarray(homes, np.intp), row_cells(self.plan, rows)))
        return rejects


def _unknown(parts: Sequence[Part], block: Block) -> list[Counter[str]]:
    """For each block, the rows of parts that carried an unknown column, by name."""
    found: list[Counter[str]] = [Counter() for _ in block.firsts[1:]]
    for part in parts:
        if part.unknown:
            counts = np.diff(np.searchsorted(part.lines, block.firsts))
            for home in np.flatnonzero(counts).tolist():
                found[home].update(dict.fromkeys(part.unknown, int(counts[home])))
    return found


def in_order(parts: Sequence[Part], plan: Plan) -> tuple[Rows, list[Cells]]:
    """All parts as one, in the order of the lines."""
    if not parts:
        return np.empty(0, np.intp), [nothing(target, 0) for target in plan.targets]
    if len(parts) == 1:
        return parts[0].lines, parts[0].cells
    lines = np.concatenate([part.lines for part in parts])
    cells = [joined(columns) for columns in zip(*(part.cells for part in parts), strict=True)]
    if (lines[1:] >= lines[:-1]).all():
        return lines, cells
    order = np.argsort(lines, kind="stable")
    moved = [Cells(c.values.gather(order), None if c.odd is None else c.odd[order]) for c in cells]
    return lines[order], moved


def joined(columns: Sequence[Cells]) -> Cells:
    """The cells of one target, one part after the other."""
    values = pl.concat([c.values.cast(columns[0].values.dtype) for c in columns], rechunk=True)
    if all(c.odd is None for c in columns):
        return Cells(values)
    pieces = [np.full(len(c.values), Odd.NONE, np.uint8) if c.odd is None else c.odd for c in columns]
    return Cells(values, np.concatenate(pieces))
