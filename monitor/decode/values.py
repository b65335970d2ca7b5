"""Values of messages as a block of lines: each record a line, wherever in a message it stood."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from monitor.decode.assembly import KEPT_BYTES
from monitor.decode.blocks import BOM, Block, Mask

if TYPE_CHECKING:
    from monitor.sources.kafka.messages import Messages


@dataclass(frozen=True, eq=False)
class Texts:
    """Values with a line end behind each; before one there may be blanks.

    Attributes:
        data: all of them. starts, ends: of each, without that line end; int64, shape (values,).
        rows: number of each one's message; int64, shape (values,), rising.
    """

    data: bytes
    starts: Numbers
    ends: Numbers
    rows: Numbers

    def pieces(self) -> list[bytes]:
        """The values."""
        bounds = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        return [self.data[start:end] for start, end in bounds]

    def close(self) -> Texts:
        """The same without blanks between them."""
        if len(self.data) == int((self.ends - self.starts + 1).sum()):
            return self
        return Texts.of(self.pieces(), self.rows)

    @classmethod
    def of(cls, pieces: Sequence[bytes], rows: Numbers) -> Texts:
        """Values one right behind the other; `rows` are the numbers of their messages."""
        widths = np.array([len(piece) for piece in pieces], np.int64)
        ends = np.cumsum(widths + 1) - 1
        return cls(b"\n".join([*pieces, b""]), ends - widths, ends, rows)

    def broken(self) -> list[int]:
        """Values with line ends inside."""
        data = np.frombuffer(self.data, np.uint8)
        if np.count_nonzero(data < _SPACE) == len(self.rows):  # each is the line end behind a value
            return []
        places = np.flatnonzero(data == _NEWLINE)
        owners = np.searchsorted(self.starts, places, side="right") - 1
        return [int(i) for i in np.unique(owners[places < self.ends[owners]])]


Numbers = npt.NDArray[np.int64]
_NEWLINE, _SPACE = 10, 32
_BETWEEN = re.compile(rb"\}[ \t\r]*\n[ \t\r\n]*\{")
"""Stands in no JSON value: between two objects there is a comma, and texts hold no line ends."""

_NO_FILE = 1
"""Offset of a block that does not begin a file: a byte order mark stands before any value, not just the first."""


class ValueBlock(Block):
    """Records of messages as lines.

    Attributes:
        messages: where they come from.
        homes: number of the message of each line; int64, shape (lines,), rising.
        aside: values that hold line ends inside one record, by line; the line itself is empty.
        silent: lines that are blank among others; shape (lines,). None: an empty line is a record that cannot be read.
    """

    def __init__(
        self,
        messages: Messages,
        data: bytes,
        homes: Numbers | None,
        aside: Mapping[int, bytes] | None = None,
        bounds: tuple[Numbers, Numbers] | None = None,
    ) -> None:
        """Find the lines, if `bounds` do not tell them; where `homes` is None, the caller sets it."""
        super().__init__(data, _NO_FILE, bounds)
        self.messages = messages
        self.homes = np.empty(0, np.int64) if homes is None else homes
        self.aside = aside or {}
        self.silent: Mask | None = None

    def line(self, i: int) -> bytes:
        """A record's text without white space around it and without a byte order mark."""
        if i in self.aside:
            return self.aside[i].removeprefix(BOM).strip()
        return super().line(i).removeprefix(BOM)

    def may_be_blank(self, i: int) -> bool:
        """Nothing is wrong with an empty line among others; an empty value is no record."""
        return self.silent is not None and bool(self.silent[i])

    def place(self, i: int) -> tuple[int, bytes]:
        """Offset of the message and the first bytes of its value, or of the line where it holds several."""
        home = int(self.homes[i])
        first, last = np.searchsorted(self.homes, [home, home + 1]).tolist()
        data = self.line(i) if last - first > 1 else self.messages.value(home) or b""
        return int(self.messages.offsets[home]), data[:KEPT_BYTES]


def text_lines(messages: Messages, texts: Mapping[int, bytes], done: Mask | None) -> Texts:
    """Values of messages with a line end behind each.

    Args:
        messages: with values of JSON.
        texts: to be taken instead of some values.
        done: messages to be left out; shape (n,). None leaves out none.
    """
    if not texts and done is None:
        lines = messages.block_parts()
        return Texts(lines.data, lines.starts, lines.ends, lines.rows)
    rows = np.flatnonzero(~messages.nulls if done is None else ~messages.nulls & ~done)
    data = messages.data
    bounds = zip(messages.starts[rows].tolist(), messages.ends[rows].tolist(), strict=True)
    pieces = [data[start:end] for start, end in bounds]
    if texts:
        pieces = [texts.get(i, piece) for i, piece in zip(rows.tolist(), pieces, strict=True)]
    return Texts.of(pieces, rows)


def one_each(messages: Messages, lines: Texts, *, several: bool) -> ValueBlock:
    """One record in each value, whose line ends are put aside with it.

    Args:
        messages: where the values come from.
        lines: the values.
        several: values that can only be several records, one a line, are cut.
    """
    broken = lines.broken()
    if not broken:
        return ValueBlock(messages, lines.data, lines.rows, bounds=(lines.starts, lines.ends))
    pieces = lines.pieces()
    cut = [i for i in broken if several and _BETWEEN.search(pieces[i])]
    if cut:
        block, _ = cut_lines(messages, lines, frozenset(broken) - frozenset(cut))
        if block.silent is not None:
            block.silent &= np.isin(block.homes, lines.rows[cut])
        return block
    aside = {i: pieces[i] for i in broken}
    texts = [b"" if i in aside else piece for i, piece in enumerate(pieces)]
    return ValueBlock(messages, b"\n".join([*texts, b""]), lines.rows, aside)


def cut_lines(
    messages: Messages, lines: Texts, whole: frozenset[int] = frozenset()
) -> tuple[ValueBlock, list[int]]:
    """Each line of each value a record; the messages without any are returned too.

    Args:
        messages: where the values come from.
        lines: the values.
        whole: values that are one record although they have line ends.
    """
    lines = lines.close()
    data, places, aside = lines.data, lines.starts, {}
    if whole:
        pieces = lines.pieces()
        texts = [b"" if i in whole else piece for i, piece in enumerate(pieces)]
        data = b"\n".join([*texts, b""])
        places = np.cumsum([0, *(len(text) + 1 for text in texts)])[:-1]
        aside = {int(places[i]): pieces[i] for i in whole}
    block = ValueBlock(messages, data, None)
    homes = np.searchsorted(places, block.starts, side="right") - 1
    block.homes = lines.rows[homes]
    block.aside = {int(np.searchsorted(block.starts, start)): text for start, text in aside.items()}
    widths = block.ends - block.starts
    first = block.bytes[np.minimum(block.starts, max(len(data) - 1, 0))] if len(block) else block.bytes
    blank = widths == 0
    for i in np.flatnonzero(~blank & (first <= _SPACE)).tolist():
        blank[i] = not block.line(i)
    blank[list(block.aside)] = False
    full = np.bincount(homes[~blank], minlength=len(lines.rows))
    block.silent = blank
    return block, lines.rows[full == 0].tolist()
