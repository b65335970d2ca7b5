"""The lanes of a join: one for all partitions, or one for each partition number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from monitor.clock import Clock
from monitor.sources.joining import saving
from monitor.sources.joining.finished import ROW_BYTES
from monitor.sources.joining.lane import Lane
from monitor.sources.joining.options import JoinOptions
from monitor.sources.joining.sides import NEVER, Terms

if TYPE_CHECKING:
    from monitor.sources.base import Store

_ALL = -1
"""Number of the lane that holds all partitions."""

_FINISHED_SHARE = 4
"""One byte of so many is for identifiers that were joined lately."""


class Lanes:
    """Lanes by number, made when their first message comes."""

    def __init__(self, options: JoinOptions, terms: Terms, clock: Clock) -> None:
        self._options, self._terms, self._clock = options, terms, clock
        self._lanes: dict[int, Lane] = {}
        self._books: dict[int, saving.Book] = {}
        self._gone: set[int] = set()

    def __iter__(self) -> Iterator[Lane]:
        """All of them, as they are now."""
        return iter(tuple(self._lanes.values()))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._lanes)

    def number(self, partition: str) -> int:
        """Number of a partition's lane."""
        return int(partition.rpartition("/")[2]) if self._options.partitions == "same" else _ALL

    def name(self, number: int) -> str:
        """The name under which the rows of a lane travel on."""
        return f"{self._options.response.topic}/{'*' if number == _ALL else number}"

    def get(self, partition: str) -> Lane | None:
        """The lane of a partition, if there is one."""
        return self._lanes.get(self.number(partition))

    def of(self, partition: str) -> Lane:
        """The lane of a partition."""
        return self._made(self.number(partition))

    def behind(self, lane: Lane, partitions: Iterable[str]) -> list[str]:
        """Those of some partitions that belong to a lane."""
        return [name for name in partitions if self.number(name) == lane.number]

    def reached(self, partition: str) -> int:
        """Time that a partition has reached."""
        lane = self.get(partition)
        return NEVER if lane is None else lane.newest.get(partition, NEVER)

    def drop(self, partition: str) -> None:
        """Forget what waits of a partition."""
        lane = self.get(partition)
        if lane is not None and lane.drop(partition):
            del self._lanes[lane.number]
            self._books.pop(lane.number, None)
            self._gone.add(lane.number)

    def save(self, store: Store) -> None:
        """Write what changed since the last call."""
        for number in self._gone:
            saving.delete(number, store)
        self._gone.clear()
        for number, lane in self._lanes.items():
            saving.save(lane, self._books.setdefault(number, saving.Book()), store)

    def load(self, store: Store, rehash: saving.Rehash) -> None:
        """Take up what `save` wrote; there are no lanes yet."""
        for number, saved in saving.lane_numbers(store).items():
            self._books[number] = saving.load(self._made(number), saved, store, rehash)

    def _made(self, number: int) -> Lane:
        if number not in self._lanes:
            self._lanes[number] = Lane(self.name(number), number, self._terms, self._clock.monotonic())
            for lane in self:
                lane.table.finished.limit(
                    self._options.max_bytes // _FINISHED_SHARE // ROW_BYTES // len(self)
                )
        return self._lanes[number]
