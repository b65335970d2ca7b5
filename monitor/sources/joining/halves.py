"""The raw halves in memory: segments of messages over one buffer each, with a mark for every half that still counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from monitor.sources.joining.sides import Bytes, Hashes, Longs, Mask
from monitor.sources.kafka.messages import Messages

ROW_BYTES = 160
"""Memory of one half beside its bytes: the arrays."""

_ROW_BITS = 32
_ROW = (1 << _ROW_BITS) - 1


@dataclass(slots=True, eq=False)
class Segment:
    """Halves of any side and partition.

    Attributes:
        number: of the segment. A half's reference is number * 2^32 + row.
        messages: the halves; `topic`, `partition` and `next_offset` mean nothing.
        sides: uint8, shape (n,). partitions: index of the partition in the lane; int64.
        times: when each half counts as come, microseconds; int64.
        first, second: hashes of the identifiers; uint64.
        living: halves that still wait; bool.
        stored: it is in the state under this number.
    """

    number: int
    messages: Messages
    sides: Bytes
    partitions: Longs
    times: Longs
    first: Hashes
    second: Hashes
    living: Mask
    stored: bool = False

    def __len__(self) -> int:
        """Number of halves, dead ones included."""
        return len(self.times)

    @property
    def size(self) -> int:
        """Bytes that the segment holds in memory."""
        return len(self.messages.data) + ROW_BYTES * len(self)

    @property
    def living_size(self) -> int:
        """Bytes that it would hold without the dead."""
        m, rows = self.messages, self.living
        widths = (m.ends - m.starts) + (m.key_ends - m.key_starts) + (m.header_ends - m.header_starts)
        return int(widths[rows].sum()) + ROW_BYTES * int(rows.sum())

    @property
    def references(self) -> Longs:
        """Reference of each half."""
        return np.arange(len(self)) + (self.number << _ROW_BITS)

    def take(self, rows: Longs | Mask) -> Segment:
        """Some of the halves; the buffer is shared."""
        arrays = {name: getattr(self, name)[rows] for name in _ARRAYS}
        return replace(self, messages=self.messages.take(rows), stored=False, **arrays)


_ARRAYS = ("sides", "partitions", "times", "first", "second", "living")


def joined_segment(number: int, parts: Sequence[Segment]) -> Segment:
    """Several segments as one with a buffer of its own."""
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS
    }
    messages = Messages.concat([part.messages for part in parts]).compact()
    return Segment(number, messages, **arrays)


@dataclass
class Halves:
    """The segments of one lane.

    Attributes:
        segments: by number.
        deaths: references of halves in stored segments that died since the last save.
        dropped: stored segments that are gone since the last save.
    """

    segments: dict[int, Segment] = field(default_factory=dict)
    deaths: list[Longs] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    next_number: int = 0

    @property
    def size(self) -> int:
        """Bytes in memory; any thread may ask."""
        return sum(segment.size for segment in tuple(self.segments.values()))

    @property
    def count(self) -> int:
        """Halves that wait; any thread may ask."""
        return sum(int(segment.living.sum()) for segment in tuple(self.segments.values()))

    def add(
        self,
        messages: Messages,
        side: int,
        partition: int,
        times: Longs,
        hashes: tuple[Hashes, Hashes],
    ) -> Longs:
        """Take messages of one partition in; their references."""
        n = len(messages)
        sides, partitions = np.full(n, side, np.uint8), np.full(n, partition, np.int64)
        segment = Segment(
            self.next_number, messages, sides, partitions, times, hashes[0], hashes[1], np.ones(n, bool)
        )
        self.segments[segment.number] = segment
        self.next_number += 1
        return segment.references

    def kill(self, references: Longs) -> None:
        """These halves wait no longer."""
        for segment, rows, _ in self.located(references):
            segment.living[rows] = False
            if segment.stored:
                self.deaths.append(segment.references[rows])
            if not segment.living.any():
                self._drop(segment)

    def located(self, references: Longs) -> Iterator[tuple[Segment, Longs, Longs]]:
        """References by segment: the segment, rows in it, and where in `references` they stand."""
        if not len(references):
            return
        numbers = references >> _ROW_BITS
        order = np.argsort(numbers, kind="stable")
        numbers = numbers[order]
        bounds = [0, *(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist(), len(numbers)]
        for begin, end in pairwise(bounds):
            places = order[begin:end]
            yield self.segments[int(numbers[begin])], references[places] & _ROW, places

    def gather(self, references: Longs, name: str) -> Longs:
        """An integer array of the segments or of their messages at some references; -1 for reference -1."""
        return self.gather_all(references, (name,))[0]

    def gather_all(self, references: Longs, names: Sequence[str]) -> list[Longs]:
        """The same for several arrays."""
        found = [np.full(len(references), -1, np.int64) for _ in names]
        known = np.flatnonzero(references >= 0)
        for segment, rows, places in self.located(references[known]):
            targets = known[places]
            for array, name in zip(found, names, strict=True):
                array[targets] = getattr(segment if name in _ARRAYS else segment.messages, name)[rows]
        return found

    def rewrite(self, segments: Iterable[Segment]) -> tuple[Longs, Longs]:
        """Copy what lives in some segments into a new one.

        Returns:
            Old references, ascending, and the new ones.
        """
        old = sorted(segments, key=lambda segment: segment.number)
        parts = [segment.take(segment.living) for segment in old]
        for segment in old:
            self._drop(segment)
        if not parts:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        whole = joined_segment(self.next_number, parts)
        self.segments[whole.number] = whole
        self.next_number += 1
        references = np.concatenate([segment.references[segment.living] for segment in old])
        return references, whole.references

    def sparse(self, share: float) -> list[Segment]:
        """Segments of which a smaller share than this lives."""
        return [s for s in self.segments.values() if s.living_size < s.size * share]

    def young(self) -> list[Segment]:
        """Segments that are not in the state."""
        return [segment for segment in self.segments.values() if not segment.stored]

    def _drop(self, segment: Segment) -> None:
        del self.segments[segment.number]
        if segment.stored:
            self.dropped.append(segment.number)


def renumbered(references: Longs, old: Longs, new: Longs) -> Longs:
    """References after a rewrite; those that were not rewritten stay."""
    if not len(old):
        return references
    places = np.minimum(np.searchsorted(old, references), len(old) - 1)
    return np.where(old[places] == references, new[places], references)
