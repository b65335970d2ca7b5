"""The book of the partitions that are read."""

from dataclasses import replace
from typing import Any

from kafka.consumer.fetcher import ConsumerRecord
from kafka.structs import TopicPartition

from monitor.records import Gap
from monitor.sources.kafka.channel import Channel
from monitor.sources.kafka.client import Place
from monitor.sources.kafka.handover import Committed, Counted, Handover, Note
from monitor.sources.kafka.ledger import Ledger, Line
from monitor.sources.kafka.messages import Messages

PARTITION = TopicPartition("t", 0)
NOTE = Note("id", 1, (Handover("a", 0, 0),))


def messages(name: str, first: int, count: int) -> Messages:
    """Some messages of a partition from an offset on."""
    topic, _, number = name.rpartition("/")
    rows = [
        ConsumerRecord(topic, int(number), 0, offset, 1000 + offset, 0, None, b"{}", [], None, -1, 2, -1)
        for offset in range(first, first + count)
    ]
    return Messages.from_records(rows)


def ledger(offset: int = 0, **line: Any) -> Ledger:
    """A book with one line."""
    found = Ledger(Channel(2**20))
    counted = Counted(offset, 1, "id")
    found.lines[PARTITION] = replace(Line(counted, NOTE, Committed(offset, NOTE)), **line)
    return found


def test_pieces_carry_the_place_after_them() -> None:
    """The entry after a piece is where its partition goes on, with what is known of its end and leader."""
    book = ledger()
    first, second = book.pieces(PARTITION, [messages("t/0", 0, 5), messages("t/0", 5, 5)], Place(10, 0, 40))
    assert Counted(5, 1, "id", 0, 40, time=1_004_000) == first.after
    assert Counted(10, 1, "id", 0, 40, time=1_009_000) == second.after


def test_reading_stops_at_its_end() -> None:
    """In a replay records that came later are left out."""
    book = ledger(stop=7)
    (piece,) = book.pieces(PARTITION, [messages("t/0", 0, 10)], Place(10, 0, 40))
    assert piece.messages is not None
    assert (7, 7) == (len(piece.messages), piece.after.offset)


def test_place_moves_without_records() -> None:
    """Marks of transactions have offsets and are no records."""
    book = ledger(10)
    assert book.moved(PARTITION, Place(10, 0, 40)) is None
    piece = book.moved(PARTITION, Place(12, 0, 40))
    assert piece is not None
    assert (None, 12) == (piece.messages, piece.after.offset)


def test_jumps_forward_and_back() -> None:
    """After retention reading goes on later, after a truncation earlier; the gap goes with it."""
    book = ledger(10)
    gap = Gap("t/0", 10, 20, "retention")
    assert (20, (gap,)) == ((piece := book.jump(PARTITION, 20, -1, gap)).after.offset, piece.gaps)
    assert 15 == book.jump(PARTITION, 15, 3, Gap("t/0", 15, 20, "truncated")).after.offset


def test_halves_are_read_again_without_the_offset_going_back() -> None:
    """While messages before the offset are read again for a join, what is counted stays counted."""
    book = ledger(10)
    book.lines[PARTITION].reading = replace(book.lines[PARTITION].reading, again=4)
    first, second = book.pieces(PARTITION, [messages("t/0", 4, 3), messages("t/0", 7, 5)], None)
    assert (10, 7) == (first.after.offset, first.after.place)
    assert (12, 12) == (second.after.offset, second.after.place)
    assert (-1, 1_011_000) == (first.after.time, second.after.time)


def test_kafka_is_told_what_the_state_holds() -> None:
    """Only what the state holds is committed, once, and nothing of another turn or topic."""
    book = ledger(10)
    assert {} == book.due([PARTITION])
    book.channel.commit({"t/0": Counted(30, 1, "id")}, {})
    expected = {PARTITION: Committed(30, NOTE)}
    assert expected == book.due([PARTITION])
    book.confirm(expected)
    assert {} == book.due([PARTITION])
    for other in (Counted(40, 2, "id"), Counted(40, 1, "other")):
        book.channel.commit({"t/0": other}, {})
        assert {} == book.due([PARTITION])


def test_a_note_that_changed_is_told() -> None:
    """What waits in a join may change without an offset that moves."""
    book = ledger(10)
    book.channel.commit({"t/0": Counted(10, 1, "id")}, {"t/0": "halves"})
    assert {PARTITION: Committed(10, replace(NOTE, waiting="halves"))} == book.due([PARTITION])


def test_nobody_commits_for_partitions_that_were_given_up() -> None:
    """A commit after the hand-over would put the new owner's offset back."""
    book = ledger(10)
    book.channel.commit({"t/0": Counted(30, 1, "id")}, {})
    book.drop([PARTITION])
    assert {} == book.due([PARTITION])
