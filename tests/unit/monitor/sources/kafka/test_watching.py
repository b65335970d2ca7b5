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
from monitor.sources.kafka.watching import GRACE_SECONDS, LOOK_SECONDS, SLEPT_SECONDS, Watching
from sinks.kafka.client_log import ClientLog
from sinks.kafka.hints import Explanation

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

    def is_connected(self) -> bool:
        """See `Client`."""
        return True

    def silent(self) -> dict[str, float]:
        """See `Client`."""
        return {}

    def forbidden(self) -> frozenset[str]:
        """See `Client`."""
        return frozenset()

    def topics(self) -> dict[str, frozenset[int]]:
        """See `Client`."""
        return {"t": frozenset({0})}

    def assignment(self) -> set[TopicPartition]:
        """See `Client`."""
        return {PARTITION}

    def membership(self) -> tuple[str, int]:
        """See `Client`."""
        return "me", 1

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


def test_trouble_is_told_once_it_lasts_and_until_nothing_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """What heals within a moment is none; a new client that is not well either does not end what the old one told."""
    times = [100.0]
    monkeypatch.setattr("monitor.sources.kafka.watching.time", SimpleNamespace(monotonic=lambda: times[0]))
    leader, looks = Leader(), Watching(KafkaSource.model_validate({"brokers": "b", "topics": "t"}))

    def after(seconds: float, *, connected: bool) -> str:
        times[0] += seconds
        leader.connected = connected
        looks.look(cast("Client", leader), cast("ClientLog", None), set(), ())
        return looks.trouble.message

    assert [""] * 2 == [after(LOOK_SECONDS, connected=False) for _ in range(2)]
    assert not looks.began
    assert "no leader is connected for t/0" == after(GRACE_SECONDS, connected=False)
    assert "" == after(LOOK_SECONDS, connected=True)
    assert looks.began
    looks.fail(Explanation("", "not authorised", "", passing=True))
    looks.begin(cast("Client", leader))
    assert "not authorised" == after(LOOK_SECONDS, connected=False)
    assert "no leader is connected for t/0" == after(GRACE_SECONDS + LOOK_SECONDS, connected=False)
    assert "" == after(LOOK_SECONDS, connected=True)
