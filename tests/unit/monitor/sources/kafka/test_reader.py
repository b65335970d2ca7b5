"""How a member leaves its group."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from kafka.errors import KafkaError, RebalanceInProgressError
from kafka.structs import TopicPartition
from structlog.testing import capture_logs

from monitor.sources.kafka.channel import Channel
from monitor.sources.kafka.handover import Committed, Counted, Note
from monitor.sources.kafka.ledger import Line
from monitor.sources.kafka.membership import Holdings
from monitor.sources.kafka.options import KafkaSource
from monitor.sources.kafka.reader import Reader
from tests.unit.monitor.sources.kafka.fake_client import FakeClient

PARTITION = TopicPartition("t", 0)
NOTE = Note("id", 1)


def leaving(client: FakeClient, *, stopped: bool = True) -> None:
    """A member whose state has counted up to 70 and Kafka knows 40 of leaves, for good or to come again."""
    channel = Channel(2**20)
    channel.go_back({"t/0": Counted(70, 1, "id")})
    reader = Reader(KafkaSource(brokers=("localhost:9092",), topics=("t",)), "m", "me", channel)
    reader.membership = cast("Any", SimpleNamespace(holdings=Holdings()))
    reader.ledger.lines[PARTITION] = Line(Counted(70, 1, "id"), NOTE, Committed(40, NOTE))
    if stopped:
        reader._stop.set()
    reader._last_commit(cast("Any", client))


@pytest.mark.parametrize("error", [None, RebalanceInProgressError()])
def test_who_ends_waits_for_a_group_that_is_changing(error: KafkaError | None) -> None:
    """While the group settles nobody can commit; who goes without that lets others count the last rows again."""
    client = FakeClient(frozenset({PARTITION}), unsettled=5, error=error)
    leaving(client)
    assert (0, 70) == (client.unsettled, client.offsets[PARTITION].offset)


def test_who_comes_again_does_not_wait() -> None:
    """A client that is made anew commits only where it can at once."""
    client = FakeClient(frozenset({PARTITION}), unsettled=5)
    leaving(client, stopped=False)
    assert {} == client.offsets
    leaving(FakeClient(frozenset()))  # nothing is read here any more: nothing to tell


def test_without_a_group_nobody_is_told() -> None:
    """There is nothing to wait for, and no offset that Kafka lacks."""
    client = FakeClient(frozenset({PARTITION}), grouped=False, member="")
    with capture_logs() as logs:
        leaving(client)
    assert ({}, []) == (client.offsets, logs)
