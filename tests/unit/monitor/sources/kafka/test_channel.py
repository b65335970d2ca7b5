"""What the polling thread and the loop hand to each other."""

from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.sights import Sight
from tests.unit.monitor.sources.kafka.test_ledger import messages


def piece(name: str, offset: int, rows: int = 0) -> Piece:
    """A piece that ends before an offset."""
    return Piece(name, messages(name, offset - rows, rows) if rows else None, Counted(offset, 1))


def test_pieces_come_in_their_order_up_to_a_size() -> None:
    """A batch has whole pieces: at least one, and no more when it has its rows."""
    channel = Channel(2**20)
    channel.put(0, [piece("t/0", 10, 10), piece("t/0", 20, 10), piece("t/0", 30, 10), piece("t/1", 5, 5)])
    assert ["t/0", "t/1"] == channel.waiting()
    assert [10, 20] == [taken.after.offset for taken in channel.take("t/0", 15, 2**20)]
    assert [30] == [taken.after.offset for taken in channel.take("t/0", 15, 2**20)]
    assert [] == channel.take("t/0", 15, 2**20)
    assert channel.bytes == channel.held()["t/1"]


def test_nothing_from_before_going_back_arrives() -> None:
    """After the loop has gone back to its state, pieces of the time before are dropped, also those under way."""
    channel = Channel(2**20)
    channel.put(0, [piece("t/0", 10, 10)])
    channel.go_back({"t/0": Counted(0, 1)})
    assert [] == channel.waiting()
    assert not channel.put(0, [piece("t/0", 20, 10)])
    assert channel.put(channel.epoch, [piece("t/0", 10, 10)])
    assert 0 == channel.stored("t/0").offset  # type: ignore[union-attr]


def test_partitions_stand_anew_after_going_back() -> None:
    """What was read up may be unread again: nobody knows until the polling thread has gone back too."""
    channel = Channel(2**20)
    sights = {"t/0": Sight(10, 10, reachable=True)}
    channel.see(sights, 0)
    channel.go_back({"t/0": Counted(0, 1)})
    channel.see(sights, 0)
    assert {} == channel.sights
    channel.see(sights, channel.epoch)
    assert sights == channel.sights


def test_a_partition_goes_after_the_next_commit() -> None:
    """What was taken is committed before a partition is given up; what still waited is dropped."""
    channel = Channel(2**20)
    woken: list[int] = []
    channel.wake = lambda: woken.append(1)
    channel.put(0, [piece("t/0", 10, 10), piece("t/0", 20, 10), piece("t/1", 5, 5)])
    channel.take("t/0", 1, 1)
    number = channel.give_up(["t/0"])
    assert (frozenset({"t/0"}), ["t/1"]) == (channel.leaving, channel.waiting())
    assert not channel.is_given_up(number)
    assert woken
    channel.commit({"t/0": Counted(10, 1)}, {"t/0": "note"})
    assert channel.is_given_up(number)
    assert (frozenset(), "note") == (channel.leaving, channel.note("t/0", ""))


def test_a_partition_of_which_nothing_was_taken_goes_at_once() -> None:
    """There is nothing to commit; in a join there always is, as halves go with their partition."""
    for always in (False, True):
        channel = Channel(2**20, always=always)
        channel.put(0, [piece("t/0", 10, 10)])
        assert channel.is_given_up(channel.give_up(["t/0"])) is not always


def test_halves_leave_before_their_partition_goes() -> None:
    """A commit that was under way when a partition was asked for still held its halves: it does not count."""
    channel = Channel(2**20, always=True)
    channel.put(0, [piece("t/0", 10, 10)])
    channel.take("t/0", 1, 1)
    number = channel.give_up(["t/0"])
    channel.commit({"t/0": Counted(10, 1)}, {"t/0": "note"})
    assert (frozenset({"t/0"}), False) == (channel.leaving, channel.is_given_up(number))
    channel.commit({"t/0": Counted(10, 1)}, {"t/0": "note"}, frozenset({"t/0"}))
    assert (frozenset(), True) == (channel.leaving, channel.is_given_up(number))


def test_lost_partitions_are_told_only_when_it_matters() -> None:
    """Rows that are not committed must be forgotten; where there are none, reading just begins again."""
    channel = Channel(2**20)
    channel.put(0, [piece("t/0", 10, 10)])
    channel.lose("evicted")
    assert ("", []) == (channel.lost, channel.waiting())
    channel.put(channel.epoch, [piece("t/0", 10, 10)])
    channel.take("t/0", 1, 1)
    channel.lose("evicted")
    assert "evicted" == channel.lost
    assert not channel.put(channel.epoch, [piece("t/0", 20, 10)])
    channel.go_back({})
    assert "" == channel.lost


def test_pieces_that_could_not_be_read_come_again() -> None:
    """They stand at the front; of a partition that is given up they are gone."""
    channel = Channel(2**20)
    channel.put(0, [piece("t/0", 10, 10), piece("t/0", 20, 10)])
    taken = channel.take("t/0", 1, 1)
    channel.put_back(0, "t/0", taken)
    assert [10, 20] == [one.after.offset for one in channel.take("t/0", 100, 2**20)]
    channel.give_up(["t/0"])
    channel.put_back(0, "t/0", taken)
    assert [] == channel.waiting()


def test_unread() -> None:
    """A partition whose end nobody knows yet may hold anything."""
    assert [True, True, False] == [Sight(5, end, reachable=True).unread for end in (None, 6, 5)]
