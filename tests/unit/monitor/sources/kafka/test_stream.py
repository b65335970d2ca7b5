"""The loop's side of the source, without a client: order, what holds event time back, commits and going back."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

import pytest

from detectors.layout import Column, Kind
from monitor.decode.decoder import Decoder
from monitor.decode.mapping import Records
from monitor.records import Gap
from monitor.sources.base import PartitionsLostError, Position, SourceError
from monitor.sources.kafka import client_options
from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.options import KafkaSource
from monitor.sources.kafka.reader import Reader
from monitor.sources.kafka.sights import Sight
from monitor.sources.kafka.source import KafkaStream
from monitor.sources.kafka.watching import Watching
from tests.unit.monitor.decode.sent import sent

MAPPING = Records.model_validate({"timestamp": "$.t", "features": ["$.a"]})
OPTIONS = KafkaSource.model_validate({"brokers": "localhost:1", "topics": "t"})


@dataclass
class Silent:
    """A reader whose thread does nothing."""

    away: bool = False
    failure: SourceError | None = None
    told: int = 0
    died: bool = False
    watching: Watching = field(default_factory=lambda: Watching(OPTIONS))

    def is_out_of_touch(self) -> bool:
        """See `Reader`."""
        return self.away

    def tell_kafka(self) -> None:
        """See `Reader`."""
        self.told += 1


@dataclass
class Shelf:
    """Kept values, as the state keeps them."""

    items: dict[bytes, bytes] = field(default_factory=dict)

    def put(self, _kind: str, items: Iterable[tuple[bytes, bytes]]) -> None:
        """See `Store`."""
        self.items |= dict(items)

    def delete(self, _kind: str, keys: Iterable[bytes]) -> None:
        """See `Store`."""
        for key in keys:
            self.items.pop(key, None)

    def load(self, _kind: str) -> list[tuple[bytes, bytes]]:
        """See `Store`."""
        return sorted(self.items.items())


def opened(*, follow: bool = True, records: Records = MAPPING) -> tuple[KafkaStream, Channel, Silent]:
    """A stream, its channel and its reader."""
    options = OPTIONS if follow else OPTIONS.once()
    stream = KafkaStream(options, Decoder(records, (Column("a", Kind.NUMERIC),)), "m")
    reader = Silent()
    stream._reader = cast("Reader", reader)
    return stream, stream._channel, reader


def rows(partition: int, first: int, *times: int) -> Piece:
    """Records of a partition with these times, seconds."""
    values = [b'{"t": %d, "a": 1}' % (1_700_000_000 + time) for time in times]
    found = sent(*values, topic="t", partition=partition, first=first)
    return Piece(f"t/{partition}", found, Counted(first + len(times), 1))


def test_the_partition_that_is_furthest_behind_in_time_comes_next() -> None:
    """A backlog is read in about one order over all partitions; one that is not begun comes first."""
    stream, channel, _ = opened()
    channel.put(0, [rows(0, 0, 10), rows(1, 0, 5)])
    order = []
    for more in (rows(0, 1, 20), rows(1, 1, 6), rows(1, 2, 30)):
        batch = stream.poll(0.0)
        assert batch is not None
        order.append(batch.partition)
        channel.put(0, [more])
    assert ["t/0", "t/1", "t/1"] == order


def test_without_event_times_partitions_take_turns_by_their_messages_times() -> None:
    """No partition waits for another one's whole backlog."""
    stream, channel, _ = opened(records=Records.model_validate({"features": ["$.a"]}))
    channel.put(0, [rows(0, 0, 1), rows(1, 0, 1)])
    taken = []
    for offset in (1, 2):
        batch = stream.poll(0.0)
        assert batch is not None
        taken.append(batch.partition)
        channel.put(0, [rows(0, offset, 1)])
    assert ["t/0", "t/1"] == taken


def test_a_polling_thread_that_died_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had fetched is forgotten, what was counted stays; another one goes on from the state."""
    monkeypatch.setattr(client_options, "BOOTSTRAP_MS", 100)  # nobody is there
    stream, channel, reader = opened()
    channel.put(0, [rows(0, 0, 1), rows(0, 1, 2)])
    assert stream.poll(0.0) is not None
    channel.put(0, [rows(1, 0, 1)])
    reader.died = True
    with pytest.raises(PartitionsLostError, match="polling thread"):
        stream.poll(0.0)
    stream.seek(Position({}))
    assert [] == channel.waiting()
    assert stream._reader is not cast("Reader", reader)
    stream.close()


def test_what_holds_event_time_back() -> None:
    """Partitions with unread records do, unless their leader is away for long."""
    stream, channel, _ = opened()
    channel.see(
        {
            "t/0": Sight(10, 10, reachable=True),
            "t/1": Sight(10, 20, reachable=True),
            "t/2": Sight(0, None, reachable=True),
            "t/3": Sight(10, 20, reachable=False),
        }
    )
    assert frozenset({"t/1", "t/2"}) == stream.behind
    channel.put(0, [rows(0, 0, 1)])
    assert frozenset({"t/0", "t/1", "t/2"}) == stream.behind


def test_gaps_and_overlap_come_with_the_place_behind_them() -> None:
    """They are in the same transaction as the position, so they are counted once."""
    stream, channel, _ = opened()
    gap = Gap("t/0", 5, 9, "retention")
    channel.put(0, [Piece("t/0", None, Counted(9, 2), (gap,), 3)])
    batch = stream.poll(0.0)
    assert batch is not None
    assert ((gap,), {"overlap": 3}, 0) == (batch.gaps, batch.outcomes, batch.frame.height)
    assert (9, 2) == tuple(batch.position.partitions["t/0"][key] for key in ("offset", "turn"))


def test_rows_are_not_committed_when_they_may_be_somebody_elses() -> None:
    """A member that slept, and one whose partitions are lost, go back to the state; then reading goes on."""
    stream, channel, reader = opened()
    reasons: list[Callable[[], None]] = [
        lambda: setattr(reader, "away", True),
        lambda: channel.lose("evicted"),
    ]
    for lose in reasons:
        stream.seek(Position({}))
        channel.put(channel.epoch, [rows(0, 0, 1)])
        assert stream.poll(0.0) is not None
        lose()
        with pytest.raises(PartitionsLostError):
            stream.before_commit()
        reader.away = False
        with pytest.raises(PartitionsLostError):
            stream.poll(0.0)
    stream.seek(Position({}))
    assert stream.poll(0.0) is None
    stream.before_commit()


def test_nothing_is_taken_while_nobody_answers() -> None:
    """What waits is read when the coordinator answers again, without going back."""
    stream, channel, reader = opened()
    channel.put(0, [rows(0, 0, 1)])
    reader.away = True
    assert stream.poll(0.0) is None
    stream.before_commit()
    reader.away = False
    assert stream.poll(0.0) is not None


def test_kafka_is_told_after_every_commit() -> None:
    """And the id under which the others know this daemon is kept with the first."""
    stream, channel, reader = opened()
    channel.put(0, [rows(0, 0, 1)])
    batch = stream.poll(0.0)
    assert batch is not None
    shelf = Shelf()
    stream.save(shelf)
    stream.committed(batch.position)
    assert (1, Counted(1, 1)) == (reader.told, channel.stored("t/0"))
    again, _, _ = opened()
    again.load(shelf)
    assert stream._me == again._me
    assert {b"id"} == set(shelf.items)


def test_a_replay_ends_at_the_ends_or_with_the_reason() -> None:
    """Who reads to the end does not wait for what cannot be had."""
    stream, channel, reader = opened(follow=False)
    assert stream.poll(0.0) is None
    assert not stream.exhausted
    channel.see({"t/0": Sight(1, 1, reachable=True)})
    channel.put(0, [rows(0, 0, 1)])
    assert stream.poll(0.0) is not None
    assert stream.poll(0.0) is None
    assert stream.exhausted
    stream, _, reader = opened(follow=False)
    reader.failure = SourceError("no broker")
    with pytest.raises(SourceError, match="no broker"):
        stream.poll(0.0)
