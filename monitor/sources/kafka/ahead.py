"""The next messages are decoded on a thread of their own while the loop counts the last ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.rows import Read

Reading = Callable[[Sequence[Piece]], Read]


@dataclass(frozen=True, slots=True)
class Work:
    """Pieces of a partition for the loop.

    Attributes:
        name: of the partition. epoch: of the channel when they were taken.
        read: what they say, decoded or about to be; None where the route reads them itself.
    """

    name: str
    pieces: Sequence[Piece]
    epoch: int
    read: Future[Read] | None

    def known(self) -> Read | None:
        """What they say, as soon as it is known.

        Raises:
            SourceError: a schema cannot be had now.
        """
        return None if self.read is None else self.read.result()


class Ahead:
    """Decodes pieces while they still wait in the channel.

    They are taken only when the loop asks for them; until then they may go, as all that waits may, and what was decoded
    is forgotten. So nothing that is on its way here needs to be thought of when partitions are given up or lost.
    """

    def __init__(self, channel: Channel, reading: Reading | None, monitor: str) -> None:
        """`reading` decodes pieces, on one thread; None: nothing is decoded ahead."""
        self._channel, self._reading = channel, reading
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"decode-{monitor}")
        self._begun: Work | None = None

    def begin(self, choose: Callable[[], str | None], rows: int, size: int) -> None:
        """Decode what waits of the partition that `choose` names, if any; see `Channel.take`."""
        if self._reading is None or (name := choose()) is None:
            return
        epoch = self._channel.epoch
        pieces = self._channel.peek(name, rows, size)
        if pieces and (self._begun is None or pieces[0] is not self._begun.pieces[0]):
            self._begun = self._work(name, pieces, epoch)

    def take(self, name: str, rows: int, size: int) -> Work | None:
        """Take what waits of a partition: what was begun, where it is still the next."""
        begun = self._begun
        if begun is not None and begun.name == name:
            self._begun = None
            if self._channel.take_these(name, begun.pieces):
                return begun
        epoch = self._channel.epoch
        pieces = self._channel.take(name, rows, size)
        return self._work(name, pieces, epoch) if pieces else None

    def _work(self, name: str, pieces: Sequence[Piece], epoch: int) -> Work:
        if self._reading is None or not any(piece.full for piece in pieces):
            return Work(name, pieces, epoch, None)
        return Work(name, pieces, epoch, self._pool.submit(self._reading, pieces))

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)
