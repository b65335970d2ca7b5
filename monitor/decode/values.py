"""Values of messages as a block of lines: each record a line, wherever in a message it stood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from monitor.decode.assembly import KEPT_BYTES
from monitor.decode.blocks import BOM, Block, Mask

if TYPE_CHECKING:
    from monitor.sources.kafka.messages import Messages

Numbers = npt.NDArray[np.int64]
_NO_FILE = 1
"""Offset of a block that does not begin a file: a byte order mark stands before any value, not just the first."""


class ValueBlock(Block):
    """Records of messages as lines.

    Attributes:
        messages: where they come from.
        homes: number of the message of each line; int64, shape (lines,), rising.
        aside: values that hold line ends inside one record, by line; the line itself is empty.
        silent: lines that are no records: blank ones between others, and those of messages that were dealt with in
            another way; shape (lines,). None: there are none, and an empty value is a record that cannot be read.
        cut: a message may hold several lines.
    """

    def __init__(
        self,
        messages: Messages,
        data: bytes,
        homes: Numbers,
        aside: Mapping[int, bytes],
        silent: Mask | None = None,
        *,
        cut: bool = False,
    ) -> None:
        super().__init__(data, _NO_FILE)
        self.messages = messages
        self.homes = homes
        self.aside = aside
        self.silent = silent
        self.cut = cut

    def line(self, i: int) -> bytes:
        """A record's text without white space around it and without a byte order mark."""
        if i in self.aside:
            return self.aside[i].removeprefix(BOM).strip()
        return super().line(i).removeprefix(BOM)

    def may_be_blank(self, i: int) -> bool:
        """Nothing is wrong with an empty line where lines are cut; an empty value is no record."""
        return self.silent is not None and bool(self.silent[i])

    def place(self, i: int) -> tuple[int, bytes]:
        """Offset of the message and the first bytes of its value, or of the line where it holds several."""
        home = int(self.homes[i])
        data = self.line(i) if self.cut else self.messages.value(home) or b""
        return int(self.messages.offsets[home]), data[:KEPT_BYTES]
