"""Where partitions begin, and how reading goes on after errors of single partitions."""

from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from kafka.errors import (
    CorruptRecordError,
    GroupAuthorizationFailedError,
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnsupportedCodecError,
)
from kafka.structs import OffsetAndMetadata, TopicPartition

from monitor.sources.kafka import KafkaSource
from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.client import Client
from monitor.sources.kafka.handover import Committed, Counted, Handover, Note
from monitor.sources.kafka.ledger import Ledger
from monitor.sources.kafka.placing import Placing
from monitor.sources.kafka.recovery import Recovery
from tests.unit.monitor.sources.kafka.fake_client import FakeClient

FIRST, SECOND = TopicPartition("t", 0), TopicPartition("t", 1)
BOTH = frozenset({FIRST, SECOND})
ME = "me"


@dataclass
class Desk:
    """The parts of the reader that settle partitions, over a topic in memory."""

    client: FakeClient
    ledger: Ledger
    placing: Placing
    recovery: Recovery

    @property
    def channel(self) -> Channel:
        """To the loop."""
        return self.ledger.channel

    def settle(self, *partitions: TopicPartition) -> bool:
        """Let partitions begin."""
        fresh = set(partitions)
        return self.placing.settle(fresh, self.channel.epoch) and not fresh

    def pieces(self, name: str = "t/0") -> list[Piece]:
        """What has been handed over."""
        return self.channel.take(name, 100, 2**30)


def desk(stored: dict[str, Counted] | None = None, **options: Any) -> Desk:
    """A desk whose state holds something."""
    client = FakeClient(BOTH)
    ledger = Ledger(Channel(2**20))
    ledger.channel.go_back(stored or {})
    source = KafkaSource.model_validate({"brokers": "kafka", "topics": "t", **options})
    real = cast("Client", client)
    return Desk(client, ledger, Placing(source, ME, real, ledger), Recovery(real, ledger.channel, ledger))


@pytest.mark.parametrize(
    ("start", "expected"),
    [("earliest", 0), ("latest", 100), ("1970-01-01T00:00:00.05Z", 50), ("1970-01-01T00:00:01Z", 100)],
)
def test_where_nobody_has_read(start: str, expected: int) -> None:
    """The configured start counts; Kafka knows it before anything is read."""
    found = desk(start=start)
    assert found.settle(FIRST)
    assert (expected, -1) == found.client.places[FIRST]
    note = Note("id", 1, (Handover(ME, expected, expected),))
    assert Committed(expected, note) == found.client.offsets[FIRST]
    assert [Counted(expected, 1, "id")] == [piece.after for piece in found.pieces()]


def test_a_new_partition_of_a_known_topic_is_read_from_its_beginning() -> None:
    """Its records came after the others were begun, so none of them is older than the start."""
    found = desk({"t/0": Counted(50, 1, "id")}, start="latest")
    assert found.settle(SECOND)
    assert (0, -1) == found.client.places[SECOND]


def test_nothing_is_read_before_kafka_knows() -> None:
    """Where the commit fails the partition stays held, and it is tried again."""
    found = desk()
    found.client.error = KafkaError("no")
    assert not found.settle(FIRST)
    assert {} == found.client.places
    assert found.placing.trouble is not None


def test_no_place_is_settled_while_the_group_is_unsettled() -> None:
    """The commit would wait for the group, and the group waits for the next poll."""
    found = desk()
    found.client.member = ""
    assert not found.settle(FIRST)
    assert {} == found.client.offsets


def test_overlap_is_handed_over_once() -> None:
    """Rows that another member counted again are told with the new place, and by nobody else in the meantime."""
    found = desk({"t/0": Counted(100, 1, "id")})
    note = Note("id", 2, (Handover(ME, 0, 0), Handover("other", 90, 90)))
    found.client.offsets[FIRST] = Committed(200, note)
    assert found.settle(FIRST)
    assert [(10, 200)] == [(piece.overlap, piece.after.offset) for piece in found.pieces()]


def test_overlap_of_partitions_that_stay_with_others() -> None:
    """It is looked for now and then, told once, and a partition does not come back before that is in the state."""
    found = desk({"t/9": Counted(100, 1, "id")})
    away = TopicPartition("t", 9)
    note = Note("id", 2, (Handover(ME, 0, 0), Handover("other", 90, 90)))
    found.client.offsets[away] = Committed(95, note)
    found.placing.look_at_others(10, found.channel.epoch)
    assert [] == found.pieces("t/9")
    found.client.offsets[away] = Committed(200, note)
    found.placing.look_at_others(20, found.channel.epoch)
    found.placing.look_at_others(30, found.channel.epoch)
    (piece,) = found.pieces("t/9")
    assert (10, 0) == (piece.overlap, piece.after.turn)
    assert not found.settle(away)
    found.channel.commit({"t/9": piece.after}, {})
    assert found.settle(away)


def test_deleted_records_are_a_gap() -> None:
    """Below the beginning reading goes on there."""
    found = desk({"t/0": Counted(10, 1, "id")})
    found.settle(FIRST)
    found.client.begin = 30
    assert found.recovery.handle(OffsetOutOfRangeError({FIRST: 10}), set(), found.channel.epoch)
    gap = found.pieces()[-1].gaps[0]
    assert ("t/0", 10, 30, "retention") == (gap.partition, gap.start, gap.end, gap.reason)
    assert (30, -1) == found.client.places[FIRST]


def test_brokers_that_cannot_say_what_there_is_are_asked_again_later() -> None:
    """No gap is guessed; the partition rests, so that the same question does not go round at full speed."""
    found = desk({"t/0": Counted(10, 1, "id")})
    found.settle(FIRST)
    found.pieces()
    found.client.error = KafkaError("not now")
    assert found.recovery.handle(OffsetOutOfRangeError({FIRST: 10}), set(), found.channel.epoch)
    assert found.recovery.blocked(FIRST)
    assert [] == found.pieces()


def test_a_log_that_is_shorter_is_a_gap() -> None:
    """Behind the end reading goes on there; the new leader may also say where the logs part."""
    found = desk({"t/0": Counted(150, 1, "id", 4)})
    found.settle(FIRST)
    assert (150, 4) == found.client.places[FIRST]
    assert found.recovery.handle(OffsetOutOfRangeError({FIRST: 150}), set(), found.channel.epoch)
    error = LogTruncationError({FIRST: OffsetAndMetadata(80, "", 5)})
    assert found.recovery.handle(error, set(), found.channel.epoch)
    pieces = found.pieces()
    assert [(100, 150), (80, 100)] == [(gap.start, gap.end) for piece in pieces for gap in piece.gaps]
    assert {"truncated"} == {gap.reason for piece in pieces for gap in piece.gaps}
    assert ((80, 5), 80) == (found.client.places[FIRST], pieces[-1].after.offset)


def test_a_recreated_topic_is_no_truncated_one() -> None:
    """Another id: the place is settled anew, with what was known of the old topic as the gap."""
    found = desk({"t/0": Counted(70, 1, "id", end=90)})
    found.settle(FIRST)
    found.client.id = "new"
    assert found.recovery.handle(OffsetOutOfRangeError({FIRST: 70}), set(), found.channel.epoch)
    assert {FIRST} == found.placing.recreated()
    assert found.settle(FIRST)
    last = found.pieces()[-1]
    assert [(70, 90, "recreated")] == [(gap.start, gap.end, gap.reason) for gap in last.gaps]
    assert (0, "new") == (last.after.offset, last.after.topic_id)


def test_partitions_without_a_place_are_settled() -> None:
    """Without a group nobody says that partitions were assigned; the client's complaint does."""
    found, fresh = desk(), set[TopicPartition]()
    assert found.recovery.handle(NoOffsetForPartitionError({FIRST}), fresh, found.channel.epoch)
    assert ({FIRST}, {FIRST}) == (fresh, found.client.consumer.paused)


def test_a_corrupt_batch_is_passed_over() -> None:
    """On the client's own path one offset at a time, as it does not say how long the batch is."""
    found = desk()
    found.settle(FIRST)
    found.client.unpacked = FIRST
    assert found.recovery.handle(CorruptRecordError(), set(), found.channel.epoch)
    assert [(0, 1, "corrupt")] == [(g.start, g.end, g.reason) for g in found.pieces()[-1].gaps]
    assert (1, -1) == found.client.places[FIRST]


def test_a_missing_codec_blocks_one_partition() -> None:
    """The others go on; an error of the whole group is not for the recovery."""
    found = desk()
    found.settle(FIRST, SECOND)
    found.client.unpacked = FIRST
    assert found.recovery.handle(UnsupportedCodecError("lz4"), set(), found.channel.epoch)
    assert (True, False) == (found.recovery.blocked(FIRST), found.recovery.blocked(SECOND))
    assert isinstance(found.recovery.trouble, UnsupportedCodecError)
    assert not found.recovery.handle(GroupAuthorizationFailedError("g"), set(), found.channel.epoch)


def test_halves_that_wait_are_read_again() -> None:
    """In a join reading begins at the first message that waits, whatever is counted already."""
    join = {"request": {"topic": "t"}, "response": {"topic": "u"}}
    found = desk(topics=None, join=join)
    waiting = '[90,0,""]'
    note = replace(Note("id", 1, (Handover("other", 0, 0),)), waiting=waiting)
    found.client.offsets[FIRST] = Committed(100, note)
    assert found.settle(FIRST)
    (piece,) = found.pieces()
    assert ((90, -1), 100, waiting) == (found.client.places[FIRST], piece.after.offset, piece.adopted)


def test_what_a_returning_member_counts_again_is_told() -> None:
    """Another had read on to 170, which this one had counted up to 200: in a join all from 170 on is counted anew."""
    join = {"request": {"topic": "t"}, "response": {"topic": "u"}}
    found = desk({"t/0": Counted(200, 1, "id")}, topics=None, join=join)
    turns = (Handover(ME, 0, 0), Handover("other", 150, 150))
    found.client.offsets[FIRST] = Committed(170, Note("id", 2, turns, waiting='[170,0,""]'))
    assert found.settle(FIRST)
    (piece,) = found.pieces()
    assert (170, 20 + 30) == (found.client.places[FIRST][0], piece.overlap)


def test_what_waits_is_told_with_the_offset_that_it_belongs_to() -> None:
    """A member whose state is beyond Kafka's offset: the old pair stays until its own note is there."""
    join = {"request": {"topic": "t"}, "response": {"topic": "u"}}
    found = desk({"t/0": Counted(150, 1, "id")}, topics=None, join=join)
    told = Committed(100, replace(Note("id", 1, (Handover(ME, 0, 0),)), waiting='[100,0,""]'))
    found.client.offsets[FIRST] = told
    assert found.settle(FIRST)
    assert told == found.client.offsets[FIRST]
    assert {} == found.ledger.due([FIRST])
    found.channel.commit({"t/0": Counted(150, 1, "id")}, {"t/0": '[150,0,""]'})
    (wanted,) = found.ledger.due([FIRST]).values()
    assert (150, '[150,0,""]') == (wanted.offset, wanted.note.waiting)


def test_a_partition_that_comes_back_is_told_with_what_it_was_given_up_with() -> None:
    """The note of the state belongs to the offset of the state, whatever of it has reached Kafka."""
    join = {"request": {"topic": "t"}, "response": {"topic": "u"}}
    found = desk({"t/0": Counted(150, 1, "id", given='[150,7,""]')}, topics=None, join=join)
    note = replace(Note("id", 1, (Handover(ME, 0, 0),)), waiting='[100,0,""]')
    found.client.offsets[FIRST] = Committed(100, note)
    assert found.settle(FIRST)
    assert Committed(150, replace(note, waiting='[150,7,""]')) == found.client.offsets[FIRST]
