"""What is decoded ahead is taken only where it still waits."""

from collections.abc import Sequence
from typing import cast

from monitor.sources.base import SourceError
from monitor.sources.kafka.ahead import Ahead
from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.decoded import Read
from monitor.sources.kafka.handover import Counted
from tests.unit.monitor.decode.sent import sent

MOST = (100, 10**6)


class Log:
    """Decodes nothing and remembers what it was asked for."""

    def __init__(self) -> None:
        self.channel = Channel(10**6)
        self.read: list[list[int]] = []
        self.calls = 0
        self.ahead = Ahead(self.channel, self._reading, "m")

    def _reading(self, several: Sequence[Sequence[Piece]]) -> list[Read]:
        self.calls += 1
        self.read += [[piece.after.offset for piece in pieces] for pieces in several]
        return [cast("Read", tuple(pieces)) for pieces in several]

    def put(self, offset: int, name: str = "loans/3") -> None:
        """Have one message wait."""
        piece = Piece(name, sent(b"{}", first=offset), Counted(offset + 1))
        assert self.channel.put(self.channel.epoch, [piece])

    def begin(self) -> None:
        """Have what waits of the one partition decoded."""
        self.ahead.begin(lambda: ["loans/3"], *MOST)

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


def test_two_batches_are_begun_in_one_go() -> None:
    """So the next is decoded while the loop counts the last; a third waits until one of them is taken."""
    log = Log()
    for offset in range(3):
        log.put(offset)
    log.ahead.begin(lambda: ["loans/3"], 1, 10**6)
    assert [[1], [2]] == [log.take(), log.take()]
    assert 2 == log.calls
    assert [3] == log.take()
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


def test_partitions_are_decoded_together() -> None:
    """What waits of several partitions is one batch, as far as it is not too much; the next one is begun beside it."""
    log = Log()
    for name in ("a/0", "b/0", "c/0"):
        log.put(0, name)
        log.put(1, name)
    size = log.channel.bytes // 2
    for _ in range(3):
        log.ahead.begin(lambda: ["a/0", "b/0", "c/0"], 100, size)
    assert [[1], [1], [1], [2], [2], [2]] == [log.take(n) for n in ("c/0", "a/0", "b/0", "a/0", "c/0", "b/0")]
    assert 2 == log.calls
    log.ahead.close()


def test_partitions_that_went_do_not_stop_others() -> None:
    """What was begun of partitions that are somebody else's now counts no more."""
    log = Log()
    log.put(0, "a/0")
    log.ahead.begin(lambda: ["a/0"], *MOST)
    log.put(0, "b/0")
    log.ahead.begin(lambda: ["b/0"], *MOST)
    log.channel.give_up(["a/0", "b/0"])
    log.put(0, "c/0")
    log.ahead.begin(lambda: ["c/0"], *MOST)
    log.put(1, "c/0")
    assert [[1], [2]] == [log.take("c/0"), log.take("c/0")]
    log.ahead.close()


def test_a_schema_that_cannot_be_had_stops_its_own_partition() -> None:
    """Where it was missing for some of a batch, each partition is read alone."""

    def refuse(_: Sequence[Sequence[Piece]]) -> list[Read]:
        raise SourceError("the registry does not answer")

    log = Log()
    log.ahead = Ahead(log.channel, refuse, "m")
    log.put(0)
    log.begin()
    work = log.ahead.take("loans/3", *MOST)
    assert work is not None
    assert work.known() is None
    log.ahead.close()
