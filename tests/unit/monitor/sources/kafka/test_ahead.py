"""What is decoded ahead is taken only where it still waits."""

from collections.abc import Sequence
from typing import cast

from monitor.sources.kafka.ahead import Ahead
from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.rows import Read
from tests.unit.monitor.decode.sent import sent

MOST = (100, 10**6)


class Log:
    """Decodes nothing and remembers what it was asked for."""

    def __init__(self) -> None:
        self.channel = Channel(10**6)
        self.read: list[list[int]] = []
        self.ahead = Ahead(self.channel, self._reading, "m")

    def _reading(self, pieces: Sequence[Piece]) -> Read:
        self.read.append([piece.after.offset for piece in pieces])
        return cast("Read", tuple(pieces))

    def put(self, offset: int, name: str = "loans/3") -> None:
        """Have one message wait."""
        piece = Piece(name, sent(b"{}", first=offset), Counted(offset + 1))
        assert self.channel.put(self.channel.epoch, [piece])

    def begin(self) -> None:
        """Have what waits of the one partition decoded."""
        self.ahead.begin(lambda: "loans/3", *MOST)

    def take(self, name: str = "loans/3") -> list[int]:
        """Offsets of what is taken, when it has been decoded."""
        work = self.ahead.take(name, *MOST)
        if work is None:
            return []
        assert cast("object", work.known()) == tuple(work.pieces)
        return [piece.after.offset for piece in work.pieces]


def test_what_was_begun_is_decoded_once() -> None:
    """It waits until it is taken, and what came meanwhile is the next."""
    log = Log()
    log.put(0)
    log.begin()
    log.put(1)
    log.begin()
    assert not log.channel.dirty
    assert [[1], [2]] == [log.take(), log.take()]
    assert log.channel.dirty
    assert [[1], [2]] == log.read
    log.ahead.close()


def test_what_went_is_not_taken() -> None:
    """Pieces of a partition that was given up, or is read anew, are forgotten although they were decoded."""
    log = Log()
    log.put(0)
    log.begin()
    log.channel.give_up(["loans/3"])
    assert [] == log.take()
    log.put(5)
    log.begin()
    log.channel.go_back({})
    log.put(3)
    assert [4] == log.take()
    assert not log.channel.bytes
    log.ahead.close()


def test_another_partition_may_come_first() -> None:
    """What was begun stays for later."""
    log = Log()
    log.put(0)
    log.begin()
    log.put(7, "loans/1")
    assert [[8], [1]] == [log.take("loans/1"), log.take()]
    assert [[1], [8]] == log.read
    log.ahead.close()
