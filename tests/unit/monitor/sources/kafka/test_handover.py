"""Members of a group that take over, die and come back: rows counted = rows produced + overlap reported."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.sources.kafka.handover import KEPT, Committed, Counted, Handover, Note, settle
from monitor.sources.kafka.offsets import Known, TakeOver, take_over

PRODUCED = 1000
Event = tuple[str, int, int]


@dataclass
class Broker:
    """The committed offset of one partition."""

    committed: Committed | None = None


@dataclass
class Member:
    """One daemon: its state survives its death, what is only in memory does not."""

    name: str
    stored: Counted | None = None
    counted: int = 0
    overlap: int = 0
    reading: TakeOver | None = None
    at: int = 0
    rows: list[tuple[int, int]] = field(default_factory=list)

    def begin(self, broker: Broker) -> None:
        """Take the partition over: the note goes to Kafka before anything is read."""
        known = Known("t/0", "", self.stored, broker.committed)
        self.reading = take_over(self.name, known, 0)
        broker.committed = Committed(self.reading.counted.offset, self.reading.note)
        self.at = self.reading.counted.offset

    def work(self, rows: int, broker: Broker, *, told: bool) -> None:
        """Read rows, commit the state, and Kafka's offset unless the member dies before."""
        assert self.reading is not None
        end = min(PRODUCED, self.at + rows)
        self.rows.append((self.at, end))
        self.counted += end - self.at
        self.overlap += self.reading.overlap
        note = self.reading.note
        self.reading = TakeOver(Counted(end, self.reading.counted.turn), note)
        self.stored, self.at = self.reading.counted, end
        if told:
            broker.committed = Committed(end, note)

    def look(self, broker: Broker) -> None:
        """Without the partition: what of the own rows others have counted too."""
        if self.reading is None and self.stored is not None and broker.committed is not None:
            settled = settle(self.name, self.stored, broker.committed)
            if settled.finally_known and self.stored.turn:
                self.overlap += settled.overlap
                self.stored = Counted(self.stored.offset)


events = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(0, 60), st.sampled_from([0, 1, 2, 3])),
    max_size=25,
)


@settings(max_examples=500)
@given(events)
def test_counted_is_produced_plus_overlap(script: list[Event]) -> None:
    """Whatever members do, the rows counted by all are those of the topic and the overlap that was reported."""
    broker, members = Broker(), {name: Member(name) for name in "ABC"}
    for name, rows, kind in script:
        member = members[name]
        member.begin(broker)
        if kind:  # kind 0: dies after the note, before its state
            member.work(rows, broker, told=True)
            member.work(rows // 2, broker, told=kind == 1)
        if kind == 3:  # comes back at once, nobody in between
            member.begin(broker)
            member.work(rows // 3, broker, told=False)
        member.reading = None
        for other in members.values():
            if other is not member:
                other.look(broker)
    _finish(broker, members)
    union = {row for member in members.values() for start, end in member.rows for row in range(start, end)}
    assert union == set(range(PRODUCED))
    assert sum(m.counted for m in members.values()) == PRODUCED + sum(m.overlap for m in members.values())


def _finish(broker: Broker, members: dict[str, Member]) -> None:
    """One member reads to the end, then the others look once more."""
    last = members["A"]
    last.begin(broker)
    last.work(PRODUCED, broker, told=True)
    last.reading = None
    for member in members.values():
        if member is not last:
            member.look(broker)


def test_clean_handover_has_no_overlap() -> None:
    """A member that committed everything before it gave the partition up has counted nothing twice."""
    note = Note("", 2, (Handover("A", 0, 0), Handover("B", 100, 100)))
    settled = settle("A", Counted(100, 1), Committed(100, note))
    assert (0, True) == (settled.overlap, settled.finally_known)


def test_overlap_of_a_killed_member() -> None:
    """A had counted to 100 and told Kafka 90; B began at 90 and is at 200."""
    note = Note("", 2, (Handover("A", 0, 0), Handover("B", 90, 90)))
    settled = settle("A", Counted(100, 1), Committed(200, note))
    assert (10, True) == (settled.overlap, settled.finally_known)


def test_overlap_waits_until_the_other_has_read_on() -> None:
    """While B has not come as far as A, nobody knows how many rows will be counted twice."""
    note = Note("", 2, (Handover("A", 0, 0), Handover("B", 90, 90)))
    settled = settle("A", Counted(100, 1), Committed(95, note))
    assert (5, False) == (settled.overlap, settled.finally_known)


def test_both_offsets_compared_after_somebody_else() -> None:
    """The larger offset counts when another member held the partition in between."""
    note = Note("", 2, (Handover("A", 0, 0), Handover("B", 90, 90)))
    for committed, expected in ((200, 200), (95, 100)):
        own = Counted(100, 1, time=7)
        taken = take_over("A", Known("t/0", "", own, Committed(committed, note)), 0)
        assert (7 if expected == own.offset else -1) == taken.counted.time
        assert (expected, 3) == (taken.counted.offset, taken.counted.turn)
        assert taken.note.handovers[-1] == Handover("A", expected, committed)


def test_own_offset_counts_when_nobody_came_between() -> None:
    """A log that became shorter put the own offset back; the committed one is out of date."""
    note = Note("", 1, (Handover("A", 0, 0),))
    taken = take_over("A", Known("t/0", "", Counted(70, 1), Committed(100, note)), 0)
    assert (70, 1, note) == (taken.counted.offset, taken.counted.turn, taken.note)


def test_recreated_topic_begins_anew() -> None:
    """Offsets of a topic that is gone say nothing about the one that has its name now."""
    stored = Counted(100, 1, "old", end=130)
    note = Note("old", 1, (Handover("A", 0, 0),))
    taken = take_over("A", Known("t/0", "new", stored, Committed(100, note)), 0)
    assert 0 == taken.counted.offset
    assert [(100, 130, "recreated")] == [(gap.start, gap.end, gap.reason) for gap in taken.gaps]


def test_note_survives_its_text() -> None:
    """A note is read as it was written, and is short enough for a broker with many hand-overs."""
    note = Note("x" * 22)
    for i in range(100):
        note = note.taken(Handover("0123456789abcdef", 10**12 + i, 10**12))
    assert note == Note.from_text(note.to_text())
    assert KEPT == len(note.handovers)
    assert 4096 > len(note.to_text())


def test_an_entry_survives_the_state() -> None:
    """What is written is read; an entry from before a field was known has it as unknown."""
    for entry in (Counted(5), Counted(5, 1, "id", 2, 9, 3, "what waits", 7)):
        assert entry == Counted.from_json(entry.to_json())
    assert -1 == Counted.from_json({"offset": 5, "turn": 1}).time


def test_foreign_metadata_is_no_note() -> None:
    """What other tools write beside an offset is left alone."""
    for text in (None, "", "hello", "[]", '{"v": 2}', '{"v": 1}', "null"):
        assert Note() == Note.from_text(text)


def test_brokers_without_notes_leave_a_join_its_halves() -> None:
    """Where the text beside the offset is lost and nobody has read on, what waits in the own state goes on."""
    known = Known("t/0", "", Counted(100, 1), Committed(100))
    assert take_over("A", known, 0).adopted is None
    known = Known("t/0", "", Counted(90, 1), Committed(100))
    assert "" == take_over("A", known, 0).adopted
    known = Known("t/0", "", Counted(100, 1, given="what waits"), Committed(100))
    assert "what waits" == take_over("A", known, 0).adopted
