"""What the polling thread and the loop share: fetched messages up to a bound, and who waits for what."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import is_not
from threading import Condition

from monitor.records import Gap
from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.messages import Messages
from monitor.sources.kafka.sights import Sight

MUCH_BYTES = 2**20
"""So much does not wait for the loop's next round; less does, as small batches cost as much as middling ones."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one partition on its way to the loop.

    Attributes:
        name: of the partition.
        messages: None where only the place changes (records of aborted transactions, gaps, hand-overs).
        after: the position's entry once it is counted.
        gaps: records that are missing before or in it. overlap: rows that others have counted too.
        adopted: see `TakeOver.adopted`. begins: the partition begins here; all that
            are assigned.
    """

    name: str
    messages: Messages | None
    after: Counted
    gaps: tuple[Gap, ...] = ()
    overlap: int = 0
    adopted: str | None = None
    begins: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return 0 if self.messages is None else self.messages.size

    @property
    def full(self) -> bool:
        """There are messages in it."""
        return self.messages is not None and len(self.messages) > 0


@dataclass(slots=True)
class Shelf:
    """Pieces of one partition that wait, and their bytes."""

    pieces: deque[Piece] = field(default_factory=deque)
    bytes: int = 0


class Channel:
    """Pieces and signs between the threads; every method may be called from any of them.

    Attributes:
        bound: bytes of pieces; a partition may hold its share of them.
        always: partitions that go always need a commit, also when nothing was taken since the last.
        epoch: counts the times that the loop has gone back; pieces from before are dropped.
        upset: counts the times that what waits was dropped or put back.
        wake: called when there is much to take or a commit is wanted.
    """

    def __init__(self, bound: int, *, always: bool = False) -> None:
        self.bound = bound
        self.always = always
        self.epoch = self.upset = 0
        self.wake: Callable[[], None] = lambda: None
        self._changed = Condition()
        self._shelves: dict[str, Shelf] = {}
        self._bytes = 0
        self._stored: dict[str, Counted] = {}
        self._notes: Mapping[str, str] = {}
        self._commits = 0
        self._dirty = False
        self._lost = ""
        self._leaving: frozenset[str] = frozenset()
        self._sights: Mapping[str, Sight] = {}

    # The polling thread.

    def put(self, epoch: int, pieces: Iterable[Piece]) -> bool:
        """Hand pieces over; False, and nothing happens, when the loop has gone back since `epoch`."""
        with self._changed:
            if epoch != self.epoch or self._lost:
                return False
            for piece in pieces:
                shelf = self._shelves.setdefault(piece.name, Shelf())
                shelf.pieces.append(piece)
                shelf.bytes += piece.size
                self._bytes += piece.size
            self._changed.notify_all()
            if self._bytes >= MUCH_BYTES:
                self.wake()
            return True

    def wait_for_room(self, seconds: float) -> bool:
        """Wait until the loop has taken something of what waits; False when it has not in that time."""
        with self._changed:
            before = self._bytes
            return self._changed.wait_for(lambda: self._bytes < before or not self._bytes, seconds)

    def held(self) -> dict[str, int]:
        """Bytes that wait, by partition."""
        with self._changed:
            return {name: shelf.bytes for name, shelf in self._shelves.items()}

    def see(self, sights: Mapping[str, Sight], epoch: int | None = None) -> None:
        """Tell how the assigned partitions stand; nothing happens when the loop has gone back since `epoch`."""
        with self._changed:
            if epoch is None or epoch == self.epoch:
                self._sights = sights
                self._changed.notify_all()

    def stored(self, name: str) -> Counted | None:
        """How far the state has counted a partition."""
        with self._changed:
            return self._stored.get(name)

    def note(self, name: str, unknown: str) -> str:
        """What waits of a partition, as of the last commit; `unknown` where there was none since the loop went back."""
        with self._changed:
            return self._notes.get(name, unknown)

    def all_stored(self) -> dict[str, Counted]:
        """The same for all partitions that were ever read."""
        with self._changed:
            return dict(self._stored)

    def lose(self, why: str) -> None:
        """Everything that is not in the state may be somebody else's: drop it, and let the loop know."""
        with self._changed:
            self.epoch += 1
            self._drop(tuple(self._shelves))
            if self._dirty:
                self._lost = why
            self._leaving = frozenset()
            self._changed.notify_all()
            self.wake()

    def give_up(self, names: Iterable[str]) -> int:
        """Drop what waits of these partitions and ask for a commit; a number for `is_given_up`."""
        with self._changed:
            names = tuple(names)
            self._drop(names)
            needed = bool(names) and (self._dirty or self.always)
            if needed:
                self._leaving |= set(names)
            self._changed.notify_all()
            self.wake()
            return self._commits if needed else -1

    def is_given_up(self, number: int) -> bool:
        """Everything that was read before `give_up` is in the state, and nothing that goes along is held any more."""
        with self._changed:
            return self._commits > number and (number < 0 or not self._leaving)

    # The loop.

    @property
    def leaving(self) -> frozenset[str]:
        """Partitions that the polling thread gives up as soon as the state is committed."""
        with self._changed:
            return self._leaving

    @property
    def lost(self) -> str:
        """Why what was read since the last commit must be forgotten; "" when all is well."""
        with self._changed:
            return self._lost

    @property
    def dirty(self) -> bool:
        """Something was taken since the last commit."""
        with self._changed:
            return self._dirty

    def go_back(self, stored: Mapping[str, Counted]) -> None:
        """Everything begins again at the state."""
        with self._changed:
            self.epoch += 1
            self._drop(tuple(self._shelves))
            self._stored, self._notes = dict(stored), {}
            self._lost, self._dirty, self._leaving = "", False, frozenset()
            self._sights = {}  # they told of places further on

    def commit(
        self, stored: Mapping[str, Counted], notes: Mapping[str, str], given: frozenset[str] = frozenset()
    ) -> None:
        """The state holds everything that was taken.

        Args:
            stored: how far each partition is counted.
            notes: what still waits, for the partitions' next owners.
            given: partitions whose halves are no longer held. Where halves go along, others stay until theirs are not.
        """
        with self._changed:
            self._stored, self._notes = dict(stored), notes
            self._commits += 1
            self._dirty, self._leaving = False, self._leaving - given if self.always else frozenset()
            self._changed.notify_all()

    def waiting(self) -> list[str]:
        """Partitions of which something waits."""
        with self._changed:
            return [name for name, shelf in self._shelves.items() if shelf.pieces]

    def peek(self, name: str, rows: int, size: int, behind: int = 0) -> list[Piece]:
        """The next pieces of a partition behind so many, at least one if any waits, about so many rows or bytes."""
        with self._changed:
            shelf = self._shelves.get(name)
            found: list[Piece] = []
            for piece in () if shelf is None else islice(shelf.pieces, behind, None):
                if rows <= 0 or size <= 0:
                    break
                rows -= 0 if piece.messages is None else len(piece.messages)
                size -= piece.size
                found.append(piece)
            return found

    def take(self, name: str, rows: int, size: int) -> list[Piece]:
        """The pieces that `peek` gives, which wait no more."""
        with self._changed:
            found = self.peek(name, rows, size)
            self.take_these(name, found)
            return found

    def is_next(self, name: str, pieces: Sequence[Piece]) -> bool:
        """These pieces, at least one, are what waits next of a partition."""
        with self._changed:
            shelf = self._shelves.get(name)
            enough = shelf is not None and 0 < len(pieces) <= len(shelf.pieces)
            return shelf is not None and enough and not any(map(is_not, pieces, shelf.pieces))

    def take_these(self, name: str, pieces: Sequence[Piece]) -> bool:
        """Take certain pieces, unless they are no longer the next ones of their partition."""
        with self._changed:
            if not self.is_next(name, pieces):
                return False
            shelf = self._shelves[name]
            for piece in pieces:
                shelf.pieces.popleft()
                shelf.bytes -= piece.size
                self._bytes -= piece.size
            self._dirty = True
            self._changed.notify_all()
            return True

    def take_note(self) -> None:
        """Rows were made of what was taken before: they wait for a commit too."""
        with self._changed:
            self._dirty = True

    def put_back(self, epoch: int, name: str, pieces: Sequence[Piece]) -> None:
        """What was taken could not be read now and comes again, unless its partition has gone since `epoch`."""
        with self._changed:
            if epoch != self.epoch or name in self._leaving:
                return
            shelf = self._shelves.setdefault(name, Shelf())
            shelf.pieces.extendleft(reversed(pieces))
            self.upset += 1
            size = sum(piece.size for piece in pieces)
            shelf.bytes += size
            self._bytes += size

    def wait(self, seconds: float) -> None:
        """Wait until something changes."""
        with self._changed:
            self._changed.wait(seconds)

    @property
    def sights(self) -> Mapping[str, Sight]:
        """How the assigned partitions stand."""
        with self._changed:
            return self._sights

    @property
    def bytes(self) -> int:
        """Bytes that wait."""
        with self._changed:
            return self._bytes

    def _drop(self, names: Iterable[str]) -> None:
        self.upset += 1
        for name in names:
            shelf = self._shelves.pop(name, None)
            if shelf is not None:
                self._bytes -= shelf.bytes
