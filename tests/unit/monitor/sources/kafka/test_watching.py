"""How partitions stand, as the polling thread tells the loop."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import cast

import pytest
from kafka.structs import TopicPartition

from monitor.sources.kafka.channel import Channel
from monitor.sources.kafka.client import Client, Place
from monitor.sources.kafka.handover import Counted, Note
from monitor.sources.kafka.ledger import Ledger, Line
from monitor.sources.kafka.membership import Holdings
from monitor.sources.kafka.options import KafkaSource
from monitor.sources.kafka.sights import Sight
from monitor.sources.kafka.watching import SLEPT_SECONDS, Watching

PARTITION = TopicPartition("t", 0)


@dataclass
class Leader:
    """A client that reads one partition up to its end."""

    end: int | None = 20
    connected: bool = True

    def has_leader(self, _partition: TopicPartition) -> bool:
        """See `Client`."""
        return self.connected

    def place(self, _partition: TopicPartition) -> Place:
        """See `Client`."""
        return Place(20, 1, self.end)

    def forget_end(self, _partition: TopicPartition) -> None:
        """See `Client`."""
        self.end = None


def test_an_end_from_before_an_absence_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that comes back, a process that wakes up: others do not run ahead of what may be there by now."""
    times = [100.0]
    monkeypatch.setattr("monitor.sources.kafka.watching.time", SimpleNamespace(monotonic=lambda: times[0]))
    book = Ledger(Channel(2**20))
    book.lines[PARTITION] = Line(Counted(20, 1, "id", end=20), Note())
    leader, looks = Leader(), Watching(KafkaSource.model_validate({"brokers": "b", "topics": "t"}))

    def sight() -> Sight:
        return looks.sights(cast("Client", leader), book, ())["t/0"]

    assert Sight(20, 20, reachable=True) == sight()
    leader.connected = False
    assert Sight(20, 20, reachable=True, current=False) == sight()
    leader.connected = True
    assert sight().unread
    leader.end = 25
    assert Sight(20, 25, reachable=True) == sight()
    leader.end = 20
    times[0] += SLEPT_SECONDS + 1
    assert sight().unread
    book.lines[PARTITION] = replace(book.lines[PARTITION], stop=20)
    assert not sight().unread


def test_each_generation_is_a_rebalance() -> None:
    """Also where the group only takes partitions away; not while it settles, and not when it goes on as it was."""
    generations = [("", -1), ("me", 1), ("", -1), ("me", 1), ("", -1), ("me", 2)]
    looks, found = Watching(KafkaSource.model_validate({"brokers": "b", "topics": "t"})), []
    for generation in generations:
        client = SimpleNamespace(membership=lambda: generation, joined=lambda _at: None)  # noqa: B023 - used at once
        looks.note_generation(cast("Client", client), 0.0, Holdings())
        found.append(looks.rebalances)
    assert [0, 1, 1, 1, 1, 2] == found
