"""Batches out of a list: for tests and for programs that bring their own rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from monitor.records import RecordBatch
from monitor.sources.base import Position, SourceError

PARTITION = "memory"


class MemorySource:
    """A source over batches that are there already.

    Attributes:
        failure: raised by the next poll, once; for tests of sources that are out of reach.
    """

    def __init__(self, batches: Iterable[RecordBatch] = ()) -> None:
        self._batches = list(batches)
        self._next = 0
        self.failure: SourceError | None = None
        self.closed = False

    def add(self, *batches: RecordBatch) -> None:
        """Append batches; they are given out after the ones that wait."""
        self._batches.extend(batches)

    def poll(self, timeout_seconds: float) -> RecordBatch | None:  # noqa: ARG002 - what is there is there
        """The next batch; its position is the number of batches up to it."""
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        if self.exhausted:
            return None
        batch = self._batches[self._next]
        self._next += 1
        position = Position({PARTITION: {"batches": self._next}})
        return replace(batch, position=position, partition=batch.partition or PARTITION)

    def seek(self, position: Position) -> None:
        """Go on after so many batches."""
        self._next = int(position.partitions.get(PARTITION, {}).get("batches", 0))

    @property
    def exhausted(self) -> bool:
        """No batch is left."""
        return self._next >= len(self._batches)

    @property
    def behind(self) -> frozenset[str]:
        """The partitions of the batches that are left."""
        return frozenset(batch.partition or PARTITION for batch in self._batches[self._next :])

    @property
    def size_bytes(self) -> tuple[int, int]:
        """Sizes of the frames."""
        sizes = [int(batch.frame.estimated_size()) for batch in self._batches]
        return sum(sizes[: self._next]), sum(sizes)

    def close(self) -> None:
        """Nothing is held."""
        self.closed = True
