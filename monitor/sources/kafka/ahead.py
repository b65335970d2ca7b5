"""The next messages are decoded on a thread of their own while the loop counts the last ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from monitor.sources.base import SourceError
from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.decoded import Read

Reading = Callable[[Sequence[Sequence[Piece]]], list[Read]]


@dataclass(frozen=True, slots=True)
class Work:
    """Pieces of a partition for the loop.

    Attributes:
        name: of the partition. epoch: of the channel when they were looked at.
        read: what they and those of other partitions say, decoded or about to be; None where the route reads them
            itself. place: of what these say.
    """

    name: str
    pieces: Sequence[Piece]
    epoch: int
    read: Future[list[Read]] | None
    place: int

    def known(self) -> Read | None:
        """What they say, as soon as it is known; None where the route must read them itself.

        It must, too, where a schema could not be had for any of those that were to be decoded together.
        """
        try:
            return None if self.read is None else self.read.result()[self.place]
        except SourceError:
            return None


class Ahead:
    """Decodes pieces while they still wait in the channel, those of several partitions in one go.

    They are taken only when the loop asks for them; until then they may go, as all that waits may, and what was decoded
    is forgotten. So nothing that is on its way here needs to be thought of when partitions are given up or lost.
    """

    def __init__(self, channel: Channel, reading: Reading | None, monitor: str) -> None:
        """`reading` decodes pieces, on one thread; None: nothing is decoded ahead."""
        self._channel, self._reading = channel, reading
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"decode-{monitor}")
        self._begun: dict[str, deque[Work]] = {}
        self._upset = 0

    def begin(self, order: Callable[[], Sequence[str]], rows: int, size: int) -> None:
        """Decode what waits next, until two batches have been begun that are not all taken.

        Args:
            order: gives the partitions, those first that come first.
            rows: of a batch, about; a partition gives at least a piece.
            size: of a batch, bytes.
        """
        self._forget()
        while self._reading is not None and self._batches() <= 1:
            epoch = self._channel.epoch
            chosen = self._next(order(), rows, size)
            if not chosen:
                return
            for work in self._works(chosen, epoch):
                self._begun.setdefault(work.name, deque()).append(work)

    def _next(self, order: Sequence[str], rows: int, size: int) -> list[tuple[str, list[Piece]]]:
        """Pieces for a batch, of partitions of which the least has been begun."""
        names = sorted(order, key=lambda name: len(self._begun.get(name, ())))
        share = size // max(1, len(names))
        chosen: list[tuple[str, list[Piece]]] = []
        for name in names:
            behind = sum(len(work.pieces) for work in self._begun.get(name, ()))
            if rows > 0 and size > 0 and (pieces := self._channel.peek(name, rows, share, behind)):
                chosen.append((name, pieces))
                rows -= sum(len(piece.messages or ()) for piece in pieces)
                size -= sum(piece.size for piece in pieces)
        return chosen

    def take(self, name: str, rows: int, size: int) -> Work | None:
        """Take what waits of a partition: what was begun, where it is still the next."""
        begun = self._begun.get(name)
        if begun:
            work = begun.popleft()
            if self._channel.take_these(name, work.pieces):
                return work
            begun.clear()
        epoch = self._channel.epoch
        pieces = self._channel.take(name, rows, size)
        return self._works([(name, pieces)], epoch)[0] if pieces else None

    def _works(self, chosen: Sequence[tuple[str, list[Piece]]], epoch: int) -> list[Work]:
        """Have pieces decoded together, as far as there are messages in them."""
        full = [self._reading is not None and any(piece.full for piece in pieces) for _, pieces in chosen]
        places = [sum(full[:i]) for i in range(len(full))]
        together = [pieces for (_, pieces), some in zip(chosen, full, strict=True) if some]
        read = self._pool.submit(self._reading, together) if self._reading is not None and together else None
        return [
            Work(name, pieces, epoch, read if some else None, place)
            for (name, pieces), some, place in zip(chosen, full, places, strict=True)
        ]

    def _batches(self) -> int:
        return len({id(work.read) for works in self._begun.values() for work in works})

    def _forget(self) -> None:
        """Let go what is no longer the next of its partition; only where something has upset the order."""
        if self._upset == self._channel.upset:
            return
        self._upset = self._channel.upset
        for name, works in self._begun.items():
            if works and not self._channel.is_next(name, works[0].pieces):
                works.clear()

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)
