"""Several blocks as one: a look at many lines costs a look's fixed price once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitor.decode.blocks import Block, Mask, Rows


class Several(Block):
    """Blocks of lines, one after the other.

    Attributes:
        blocks: what it is made of.
        firsts: number of the first line of each block and, last, of all lines; int64, shape (blocks + 1,).
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        """Join blocks, at least one; nothing is copied before it is needed."""
        self.blocks = blocks
        self.firsts = np.cumsum([0, *map(len, blocks)])
        shifts = np.cumsum([0, *(len(block.data) for block in blocks)])
        self.starts, self.ends = (
            np.concatenate([bounds + shift for bounds, shift in zip(all_bounds, shifts, strict=False)])
            for all_bounds in ([b.starts for b in blocks], [b.ends for b in blocks])
        )
        self.ascii = all(block.ascii for block in blocks)

    def line(self, i: int) -> bytes:
        """See `Block.line`."""
        home = int(np.searchsorted(self.firsts, i, side="right")) - 1
        return self.blocks[home].line(i - int(self.firsts[home]))

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
