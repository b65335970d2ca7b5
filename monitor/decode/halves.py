"""Both halves of a block of NDJSON at the same time: nearly all of the work is done outside Python's lock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from monitor.decode.assembly import Decoded
from monitor.decode.blocks import Block
from monitor.decode.ndjson import LineRows, NdjsonReader, Part, in_order
from monitor.decode.plan import Plan

SMALLEST = 2**16
"""Bytes below which a half is not worth a thread's while."""


class HalvesReader:
    """Reads what `NdjsonReader` reads, on two cores; for replays, where nothing else waits for the second one."""

    def __init__(self, plan: Plan, max_record_bytes: int, smallest: int = SMALLEST) -> None:
        """Start empty; each half remembers shapes of its own.

        Args:
            plan: what is wanted.
            max_record_bytes: longer lines are refused.
            smallest: bytes of a half below which the block is read as one.
        """
        self._plan = plan
        self._smallest = smallest
        self._first, self._second = (NdjsonReader(plan, max_record_bytes) for _ in range(2))
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="driftd-half")

    def read(self, data: bytes, partition: str, offset: int, ordinal: int) -> Decoded:
        """The rows of whole lines; see `NdjsonReader.read`."""
        cut = data.rfind(b"\n", 0, len(data) // 2) + 1
        if cut < self._smallest:
            return self._first.read(data, partition, offset, ordinal)
        later = self._pool.submit(_rows, self._second, data[cut:], partition, offset + cut)
        first, found = _rows(self._first, data[:cut], partition, offset)
        second, more = later.result()
        parts = [Part(found.lines, found.cells), Part(more.lines + len(first), more.cells)]
        both = LineRows(
            *in_order([part for part in parts if len(part.lines)], self._plan),
            [found.rejects[0] + more.rejects[0]],
            [found.unknown[0] + more.unknown[0]],
        )
        return self._first.decoded(_whole(data, first, second), both, partition, ordinal)


def _whole(data: bytes, first: Block, second: Block) -> Block:
    """The block that was cut in two."""
    shift = len(first.data)
    starts = np.concatenate([first.starts, second.starts + shift])
    return Block(data, first.offset, (starts, np.concatenate([first.ends, second.ends + shift])))


def _rows(reader: NdjsonReader, data: bytes, partition: str, offset: int) -> tuple[Block, LineRows]:
    block = Block(data, offset)
    return block, reader.rows(block, partition)
