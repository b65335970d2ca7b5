"""From messages to rows: records out of values, columns beside them, and numbers that no cut into batches changes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from monitor.decode.assembly import KEPT_BYTES, Decoded, Ordinals, assemble_each
from monitor.decode.beside import beside_cells
from monitor.decode.cells import Cells
from monitor.decode.formats import ValueReader, Values
from monitor.decode.ndjson import LineRows, NdjsonReader, Part, in_order, joined
from monitor.decode.plan import Plan, Target, Want
from monitor.decode.values import ValueBlock
from monitor.records import ID, WEIGHT, Reject

if TYPE_CHECKING:
    from monitor.sources.kafka.messages import Messages

TOMBSTONE = "tombstone"
INDEX_BITS = 20
"""Bits of an ordinal for the place of a row within its message: a message of the largest size holds no more rows."""

Homes = npt.NDArray[np.int64]


def decode_messages(
    lines: NdjsonReader,
    values: ValueReader,
    several: Sequence[Messages],
    weight: float = 1.0,
    sides: Mapping[str, Messages] | None = None,
) -> list[Decoded]:
    """Rows of messages, each of one partition; see `Decoder.messages`."""
    plan = lines.plan
    reads = [values.read(messages, plan) for messages in several]
    found = lines.rows_of([read.block for read in reads], [messages.name for messages in several])
    firsts = np.cumsum([0, *map(len, several)])
    homes, places, cells = _with_parts(plan, reads, firsts, found)
    index = index_within(homes)
    cells += [_gathered(_beside(plan, target, several, sides), homes) for target in plan.beside]
    targets = [*plan.targets, *plan.beside]
    if plan.beside and (plan.expand is not None or index.any()):
        cells = _told_apart(targets, cells, homes, index, every=plan.expand is not None)
    bounds = np.searchsorted(homes, firsts).tolist()
    shares = list(zip(several, reads, firsts.tolist(), pairwise(bounds), strict=False))
    ordinals = [
        row_ordinals(m, homes[low:high] - first, index[low:high]) for m, _, first, (low, high) in shares
    ]
    line_firsts = np.cumsum([0, *(len(read.block) for read in reads)]).tolist()
    origins = [
        MessageOrigin(read.block, homes[low:high] - first, places[low:high], line_first)
        for (_, read, first, (low, high)), line_first in zip(shares, line_firsts, strict=False)
    ]
    decoded = assemble_each(targets, cells, bounds, origins, np.concatenate(ordinals))
    for one, read, rejects, unknown in zip(decoded, reads, found.rejects, found.unknown, strict=True):
        _complete(one, read, rejects, unknown, weight)
    return decoded


def _complete(
    decoded: Decoded, read: Values, rejects: Sequence[Reject], unknown: Counter[str], weight: float
) -> None:
    """What the rows of a partition do not tell."""
    rejects = [*decoded.rejects, *rejects, *read.rejects]
    decoded.rejects = sorted(rejects, key=lambda reject: reject.offset)
    decoded.unknown = dict(unknown + read.unknown)
    decoded.frame = weighted(decoded.frame, weight)
    if read.tombstones:
        decoded.outcomes[TOMBSTONE] = read.tombstones


@dataclass
class MessageOrigin:
    """Rows of the messages of one partition.

    Attributes:
        block: the lines of the messages. homes: message of each row.
        places: line of each row, -1 where its message has become no line.
        first: number of the block's first line among these.
    """

    block: ValueBlock
    homes: Homes
    places: Homes
    first: int

    @property
    def partition(self) -> str:
        """`topic/3`."""
        return self.block.messages.name

    def place(self, row: int) -> tuple[int, bytes]:
        """Offset of the row's message and the first bytes of its value."""
        if self.places[row] >= 0:
            return self.block.place(int(self.places[row]) - self.first)
        home = int(self.homes[row])
        return int(self.block.messages.offsets[home]), (self.block.messages.value(home) or b"")[:KEPT_BYTES]


def _with_parts(
    plan: Plan, reads: Sequence[Values], firsts: Homes, found: LineRows
) -> tuple[Homes, Homes, list[Cells]]:
    """Rows of lines and others in the order of their messages: message and line of each, and the columns.

    Messages and lines are counted through all partitions; `firsts`: number of the first message of each.
    """
    blocks = [read.block.homes + first for read, first in zip(reads, firsts, strict=False)]
    homes = np.concatenate(blocks)[found.lines]
    parts = [
        Part(part.lines + first, part.cells)
        for read, first in zip(reads, firsts, strict=False)
        for part in read.parts
    ]
    if not parts:
        return homes, found.lines, list(found.cells)
    together = [Part(homes, found.cells), *parts] if len(homes) else parts
    all_homes, cells = in_order(together, plan)
    places = np.concatenate([found.lines, np.full(len(all_homes) - len(homes), -1)])
    order = np.argsort(np.concatenate([homes, *(part.lines for part in parts)]), kind="stable")
    return all_homes, places[order], list(cells)


def _beside(
    plan: Plan, target: Target, several: Sequence[Messages], sides: Mapping[str, Messages] | None
) -> Cells:
    """A column beside the records, with one value for each message."""
    found = [beside_cells(plan, target, messages, sides) for messages in several]
    return found[0] if len(found) == 1 else joined(found)


def index_within(homes: Homes) -> Homes:
    """Place of each row within its message; `homes` are the rows' messages, rising."""
    if len(homes) < 2 or (homes[1:] > homes[:-1]).all():  # noqa: PLR2004 - one row alone is the first
        return np.zeros(len(homes), np.int64)
    return np.arange(len(homes)) - np.searchsorted(homes, homes)


def row_ordinals(messages: Messages, homes: Homes, index: Homes) -> Ordinals:
    """Running numbers of rows: hash of the partition + offset * 2^20 + place within the message, modulo 2^64.

    They seed the hash that draws the sample, so a row must get the same number however its partition is cut into
    batches, whoever reads it and whatever was read before. A count of rows would not do: it depends on where reading
    began and on what was rejected. Rows of different partitions must not share numbers, or a sample would hold them
    together or not at all: partitions begin at random places of the circle of 2^64, each with room for 2^44 offsets.
    """
    start = np.uint64(partition_hash(messages.name))
    offsets = messages.offsets[homes].astype(np.uint64)
    return np.asarray(start + (offsets << np.uint64(INDEX_BITS)) + index.astype(np.uint64), np.uint64)


def partition_hash(name: str) -> int:
    """A number from 0 to 2^64 - 1 for the name of a partition; always the same."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def weighted(frame: pl.DataFrame, weight: float) -> pl.DataFrame:
    """Rows that stand for so many each, times what their records say themselves."""
    if weight == 1.0:
        return frame
    own = pl.col(WEIGHT).fill_null(1.0) * weight if WEIGHT in frame.columns else pl.lit(weight)
    return frame.with_columns(own.alias(WEIGHT))


def _gathered(cells: Cells, homes: Homes) -> Cells:
    """Values of messages for their rows."""
    if len(homes) == len(cells.values) and (homes == np.arange(len(homes))).all():
        return cells
    return Cells(cells.values.gather(homes), None if cells.odd is None else cells.odd[homes])


def _told_apart(
    targets: Sequence[Target], cells: Sequence[Cells], homes: Homes, index: Homes, *, every: bool
) -> list[Cells]:
    """An identifier from beside the records, which all rows of a message share, gets the row's place behind it."""
    found = list(cells)
    for i, target in enumerate(targets):
        if target.beside is not None and target.want is Want.TEXT and target.name == ID:
            several = np.bincount(homes)[homes] > 1
            numbered = cells[i].values + "#" + pl.Series(index).cast(pl.String)
            found[i] = Cells(numbered if every else numbered.zip_with(pl.Series(several), cells[i].values))
    return found
