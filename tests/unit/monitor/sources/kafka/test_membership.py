"""What happens when the group assigns, takes away or loses partitions; the coroutines are stepped by hand."""

import time
from collections.abc import Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from kafka.errors import CommitFailedError, KafkaError, NotCoordinatorError
from kafka.structs import TopicPartition
from structlog.testing import capture_logs

from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.client import Client
from monitor.sources.kafka.handover import Committed, Counted, Note
from monitor.sources.kafka.ledger import Ledger, Line
from monitor.sources.kafka.membership import Membership
from tests.unit.monitor.sources.kafka.fake_client import FakeClient

FIRST, SECOND = TopicPartition("t", 0), TopicPartition("t", 1)


class Pause:
    """Gives control back once."""

    def __await__(self) -> Generator[None, None, None]:
        yield


@dataclass
class Answer:
    """A commit under way."""

    is_done: bool = False
    exception: KafkaError | None = None

    def succeeded(self) -> bool:
        """See kafka-python's Future."""
        return self.is_done and self.exception is None

    def retriable(self) -> bool:
        """See kafka-python's Future."""
        return self.exception is not None and bool(self.exception.retriable)


@dataclass
class Groupmate(FakeClient):
    """A client whose calls end when the test says so."""

    answer: Answer = field(default_factory=Answer)
    told: dict[TopicPartition, Committed] = field(default_factory=dict)
    held: set[TopicPartition] = field(default_factory=set)
    coordinated: bool = True

    def has_coordinator(self) -> bool:
        """See `Client`."""
        return self.coordinated

    def hold(self, partition: TopicPartition) -> None:
        """See `Client`."""
        self.held.add(partition)

    def commit_soon(self, offsets: Mapping[TopicPartition, Committed]) -> Answer:
        """See `Client`."""
        self.told |= offsets
        return self.answer

    def sleep(self, _seconds: float) -> Pause:
        """See `Client`."""
        return Pause()


@dataclass
class Scene:
    """A member that reads one partition; the state holds it up to offset 5, and more was taken."""

    client: Groupmate
    channel: Channel
    ledger: Ledger
    member: Membership


@pytest.fixture
def scene() -> Scene:
    """See `Scene`."""
    client, channel = Groupmate(frozenset({FIRST})), Channel(2**20)
    ledger = Ledger(channel)
    channel.go_back({"t/0": Counted(5, 1)})
    ledger.lines[FIRST] = Line(Counted(20, 1), Note(), Committed(5, Note()))
    channel.put(channel.epoch, [Piece("t/0", None, Counted(10, 1)), Piece("t/0", None, Counted(20, 1))])
    channel.take("t/0", 1, 1)
    member = Membership("m", lambda: cast("Client", client), ledger, 60)
    return Scene(client, channel, ledger, member)


def stepped(coroutine: Coroutine[Any, Any, None], until: Callable[[], bool] = lambda: False) -> bool:
    """Step a coroutine until something holds or it ends; whether it has ended."""
    for _ in range(1000):
        if until():
            return False
        try:
            coroutine.send(None)
        except StopIteration:
            return True
    return False


def test_new_partitions_are_held(scene: Scene) -> None:
    """They are not read before their place is settled."""
    assert stepped(scene.member.on_partitions_assigned({SECOND}))
    assert ({SECOND}, {SECOND}) == (scene.client.held, scene.member.holdings.fresh)


def test_a_partition_goes_when_state_and_kafka_have_it(scene: Scene) -> None:
    """First the loop commits, then Kafka is told that offset, then the partition goes and nobody commits for it."""
    leaving = scene.member.on_partitions_revoked({FIRST})
    assert not stepped(leaving, lambda: bool(scene.channel.leaving))
    assert not stepped(leaving)
    assert {} == scene.client.told
    scene.channel.commit({"t/0": Counted(20, 1)}, {})
    assert not stepped(leaving, lambda: bool(scene.client.told))
    assert {FIRST: Committed(20, Note())} == scene.client.told
    scene.client.answer.is_done = True
    assert stepped(leaving)
    assert {} == scene.ledger.lines


def test_without_a_commit_in_time_the_partition_counts_as_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group cannot wait for ever; what was not committed is forgotten."""
    leaving = scene.member.on_partitions_revoked({FIRST})
    assert not stepped(leaving, lambda: bool(scene.channel.leaving))
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 49)
    assert stepped(leaving)
    assert scene.channel.lost
    assert {} == scene.client.told


def test_an_offset_that_kafka_was_not_told_is_said(scene: Scene) -> None:
    """Whoever reads next counts the records from there on again: the log says how many that can be."""
    leaving = scene.member.on_partitions_revoked({FIRST})
    assert not stepped(leaving, lambda: bool(scene.channel.leaving))
    scene.channel.commit({"t/0": Counted(20, 1)}, {})
    scene.client.answer = Answer(is_done=True, exception=CommitFailedError())
    with capture_logs() as said:
        assert stepped(leaving)
    assert [15] == [entry["unconfirmed"] for entry in said if "error" in entry]


def test_a_coordinator_that_is_away_for_a_moment_is_waited_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that may work later is tried again; not for ever, as the group waits."""
    leaving = scene.member.on_partitions_revoked({FIRST})
    assert not stepped(leaving, lambda: bool(scene.channel.leaving))
    scene.channel.commit({"t/0": Counted(20, 1)}, {})
    scene.client.coordinated = False
    assert not stepped(leaving)
    assert {} == scene.client.told
    scene.client.coordinated = True
    scene.client.answer = Answer(is_done=True, exception=NotCoordinatorError())
    assert not stepped(leaving)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 6)
    with capture_logs() as said:
        assert stepped(leaving)
    assert [15] == [entry["unconfirmed"] for entry in said]


def test_a_member_that_is_closed_does_not_wait(scene: Scene) -> None:
    """The loop has made its last commit already."""
    scene.channel.commit({"t/0": Counted(10, 1)}, {})
    scene.channel.put(scene.channel.epoch, [Piece("t/0", None, Counted(30, 1))])
    scene.channel.take("t/0", 1, 1)
    leaving = scene.member.on_partitions_revoked({FIRST})
    assert not stepped(leaving, lambda: bool(scene.channel.leaving))
    assert not stepped(leaving)
    scene.member.closing = scene.client.answer.is_done = True
    assert stepped(leaving)
    assert {FIRST: Committed(10, Note())} == scene.client.told


def test_lost_partitions_are_forgotten_at_once(scene: Scene) -> None:
    """Somebody else has them: nothing is committed for them, and the loop must go back."""
    scene.member.holdings.fresh.add(FIRST)
    scene.channel.commit({"t/0": Counted(10, 1)}, {})
    scene.channel.put(scene.channel.epoch, [Piece("t/0", None, Counted(30, 1))])
    scene.channel.take("t/0", 1, 1)
    with capture_logs() as said:
        assert stepped(scene.member.on_partitions_lost({FIRST}))
    assert [5] == [entry["unconfirmed"] for entry in said], "counted, and not known to Kafka"
    assert scene.channel.lost
    assert (set(), {}, {}) == (scene.member.holdings.fresh, scene.ledger.lines, scene.client.told)
