"""Several blocks as one: a look at many lines costs a look's fixed price once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from monitor.decode.blocks import Block, Bounds, Mask, Rows


class Several(Block):
    """Blocks of lines, one after the other.

    Attributes:
        blocks: what it is made of.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        """Join blocks, at least one; nothing is copied before it is needed."""
        self.blocks = blocks
        self._firsts = np.cumsum([0, *map(len, blocks)])
        self._behind = self._firsts[1:].tolist()
        shifts = np.cumsum([0, *(len(block.data) for block in blocks)])
        self.starts, self.ends = (
            np.concatenate([bounds + shift for bounds, shift in zip(all_bounds, shifts, strict=False)])
            for all_bounds in ([b.starts for b in blocks], [b.ends for b in blocks])
        )
        self.ascii = all(block.ascii for block in blocks)

    @property
    def firsts(self) -> Bounds:
        """See `Block`."""
        return self._firsts

    def home(self, i: int) -> int:
        """See `Block.home`."""
        return bisect_right(self._behind, i)

    def line(self, i: int) -> bytes:
        """See `Block.line`."""
        block, own = self._found(i)
        return block.line(own)

    def place(self, i: int) -> tuple[int, bytes]:
        """See `Block.place`."""
        block, own = self._found(i)
        return block.place(own)

    def may_be_blank(self, i: int) -> bool:
        """See `Block.may_be_blank`."""
        block, own = self._found(i)
        return block.may_be_blank(own)

    def _found(self, i: int) -> tuple[Block, int]:
        """The block of a line, and the line's number there."""
        home = self.home(i)
        return self.blocks[home], i - (self._behind[home - 1] if home else 0)

    def plain(self) -> Mask:
        """See `Block.plain`."""
        return np.concatenate([block.plain() for block in self.blocks])

    def joined(self, rows: Rows, room: int) -> bytes:
        """See `Block.joined`."""
        if len(rows) == len(self):
            return b"".join([*(block.data for block in self.blocks), bytes(room)])
        bounds = np.searchsorted(rows, self.firsts)
        parts = zip(self.blocks, self.firsts, bounds, bounds[1:], strict=False)
        picked = [block.picked(rows[low:high] - first) for block, first, low, high in parts]
        return b"".join([*picked, bytes(room)])
