"""One member over a topic that changes under it: where it begins, what is missing, brokers that go away."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.errors import KafkaError

from monitor.replay import Replay
from monitor.sources.kafka import record_batches
from monitor.sources.kafka.client import Client
from tests.brokers.broker import Broker
from tests.brokers.cluster import Cluster
from tests.brokers.operations import Operations, Record
from tests.integration.kafka.members import BASE, Start, configuration, produce, row, until

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

ROWS = 4000


def test_every_record_is_counted(kafka: Operations, topic: str, group: str, start: Start) -> None:
    """Without a group as with one, over a restart: each record once; with a group Kafka knows the offsets."""
    kafka.create_topic(topic, 4)
    produce(kafka, topic, range(ROWS))
    for source in ({}, {"group": None}):
        member = start(kafka, topic, **source)
        until(lambda: member.outcome() >= ROWS)  # noqa: B023 - called at once
        member.stop()
        assert ROWS == member.outcome()
    assert dict.fromkeys(range(4), ROWS // 4) == kafka.committed(group, topic)


@pytest.mark.parametrize(
    "begin", ["latest", pytest.param("time", marks=pytest.mark.kafka(needs={"offsets_for_times"}))]
)
def test_start(begin: str, kafka: Operations, topic: str, group: str, start: Start) -> None:
    """The first offset is the end, or that of a time; later the stored one counts."""
    kafka.create_topic(topic, 1)
    kafka.produce(topic, [Record(row(i), timestamp_ms=(BASE + i) * 1000) for i in range(1000)])
    at = "latest" if begin == "latest" else "2023-11-14T22:28:20+00:00"  # BASE + 900 s
    expected = 0 if begin == "latest" else 100
    member = start(kafka, topic, start=at)
    until(lambda: member.assigned() == 1 and member.source.report().counters["rebalances"][""] == 1)
    until(lambda: kafka.committed(group, topic))
    produce(kafka, topic, range(1000, 1500), partitions=1)
    until(lambda: member.outcome() >= 500 + expected)
    member.stop()
    assert 500 + expected == member.outcome()


@pytest.mark.kafka(needs={"missing_topics"})
def test_missing_topic_is_waited_for(kafka: Operations, topic: str, start: Start) -> None:
    """A topic that is not there is told with a hint, and read when it comes."""
    member = start(kafka, topic)
    until(lambda: any("does not exist" in text for text in member.trouble))
    kafka.create_topic(topic, 2)
    produce(kafka, topic, range(100), partitions=2)
    until(lambda: member.outcome() >= 100)
    until(lambda: not member.source.report().trouble)


@pytest.mark.kafka(needs={"persistence"})
def test_broker_away_and_back(broker: Broker, topic: str, start: Start) -> None:
    """A broker that is stopped is told within seconds; when it is back, reading goes on and nothing is lost."""
    broker.create_topic(topic, 2)
    produce(broker, topic, range(1000), partitions=2)
    member = start(broker, topic)
    until(lambda: member.outcome() >= 1000)
    broker.stop()
    until(lambda: member.source.report().trouble)
    broker.start()
    produce(broker, topic, range(1000, 2000), partitions=2)
    until(lambda: member.outcome() >= 2000)
    until(lambda: not member.source.report().trouble)
    member.stop()
    assert 2000 == member.outcome()
    assert [] == member.missing()


@pytest.mark.kafka(needs={"eviction", "quick_joins"})
def test_a_new_connection_is_the_same_member(
    kafka: Operations, topic: str, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that is made anew without having left its group does not wait until the old one is timed out."""

    async def stay(*_: object) -> None:
        """Leave without a word."""

    kafka.create_topic(topic, 4)
    produce(kafka, topic, range(1000))
    member = start(kafka, topic, session_timeout="50s")
    until(lambda: member.outcome() == 1000)
    with monkeypatch.context() as patch:
        patch.setattr(ConsumerCoordinator, "maybe_leave_group_async", stay)
        patch.setattr(Client, "poll", Mock(side_effect=KafkaError("broken")))
        until(lambda: member.source.report().counters["reconnects"][""])
    produce(kafka, topic, range(1000, 2000))
    until(lambda: member.outcome() == 2000, seconds=30)
    member.stop()
    assert member.outcome("overlap") == 0


def test_one_of_three_brokers_killed(cluster: Cluster, topic: str, start: Start) -> None:
    """The leader of a partition dies: another takes over and every record is counted once."""
    cluster.create_topic(topic, 3)
    produce(cluster, topic, range(3000), partitions=3)
    member = start(cluster, topic)
    until(lambda: member.outcome() >= 3000)
    cluster.kill_leader_of(topic, 0)
    produce(cluster, topic, range(3000, 6000), partitions=3)
    until(lambda: member.outcome() >= 6000)
    until(lambda: not member.source.report().trouble)
    member.stop()
    assert 6000 == member.outcome()
    assert [] == member.missing()


@pytest.mark.kafka(needs={"transactions"})
def test_aborted_transactions_are_not_counted(
    kafka: Operations, topic: str, group: str, start: Start
) -> None:
    """Only records of committed transactions are counted, and reading comes to the end all the same."""
    kafka.create_topic(topic, 1)
    for number, commit in enumerate((True, False, True, False)):
        rows = [row(i) for i in range(100 * number, 100 * number + 100)]
        kafka.transaction(topic, rows, commit=commit, name=topic)
    member = start(kafka, topic)
    until(lambda: member.outcome() >= 200 and member.lag() == 0)
    member.stop()
    assert 200 == member.outcome()
    assert kafka.end_offsets(topic) == kafka.committed(group, topic)


def test_codec_that_is_missing(
    kafka: Operations, topic: str, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partition that cannot be decompressed is told; the others go on, and so does it when the codec is there."""
    kafka.create_topic(topic, 2)
    kafka.produce(topic, [Record(row(i), partition=1) for i in range(100)])
    member = start(kafka, topic)
    until(lambda: member.outcome() >= 100)
    with monkeypatch.context() as patch:
        patch.delitem(record_batches._CODECS, record_batches._LZ4)
        kafka.produce(topic, [Record(row(i), partition=0) for i in range(100, 200)], compression_type="lz4")
        until(lambda: any("codec" in text for text in member.trouble))
        kafka.produce(topic, [Record(row(i), partition=1) for i in range(200, 300)])
        until(lambda: member.outcome() >= 200)
    until(lambda: member.outcome() >= 300)
    until(lambda: not member.source.report().trouble)
    member.stop()
    assert 300 == member.outcome()


def test_once_ends_where_the_topic_ends(kafka: Operations, topic: str, tmp_path: Path) -> None:
    """A replay reads what is there when it begins, without a group, and then it is over."""
    kafka.create_topic(topic, 3)
    produce(kafka, topic, range(3000), partitions=3)
    settings = configuration(tmp_path / "r", {"brokers": kafka.address, "topics": topic})
    lines: list[dict[str, Any]] = []
    summary = Replay(settings, lines.append).run()
    assert {"accepted": 3000} == summary["records"]


@pytest.mark.kafka(needs={"quick_joins"})
def test_topics_by_pattern(kafka: Operations, topic: str, start: Start) -> None:
    """Topics whose names fit are read, those that come later from their beginning."""
    kafka.create_topic(f"{topic}-a", 1)
    kafka.create_topic(f"other-{topic}", 1)
    produce(kafka, f"other-{topic}", range(100), partitions=1)
    produce(kafka, f"{topic}-a", range(500), partitions=1)
    member = start(kafka, None, pattern=f"^{topic}-.*")
    until(lambda: member.outcome() >= 500)
    kafka.create_topic(f"{topic}-b", 2)
    produce(kafka, f"{topic}-b", range(500, 1000), partitions=2)
    until(lambda: member.outcome() >= 1000)
    member.stop()
    assert 1000 == member.outcome()


def test_certain_partitions(kafka: Operations, topic: str, start: Start) -> None:
    """Without a group exactly the partitions that are named are read."""
    kafka.create_topic(topic, 4)
    produce(kafka, topic, range(ROWS))
    member = start(kafka, None, partitions={topic: [1, 3]}, group=None)
    until(lambda: member.outcome() >= ROWS // 2)
    member.stop()
    assert ROWS // 2 == member.outcome()


@pytest.mark.kafka(needs={"add_partitions"})
def test_partitions_that_are_added(kafka: Operations, topic: str, start: Start) -> None:
    """New partitions of a known topic are read from their beginning, whatever `start` says."""
    kafka.create_topic(topic, 1)
    produce(kafka, topic, range(100), partitions=1)
    member = start(kafka, topic, start="latest")
    until(lambda: member.assigned() == 1 and not member.source.behind)
    kafka.add_partitions(topic, 3)
    produce(kafka, topic, range(300), partitions=3)
    until(lambda: member.outcome() >= 300)
    member.stop()
    assert 300 == member.outcome()


@pytest.mark.parametrize(("record_bytes", "accepted"), [(2**20, 2), (2**23, 3)])
def test_message_larger_than_a_fetch(
    record_bytes: int, accepted: int, kafka: Operations, topic: str, start: Start
) -> None:
    """It is fetched alone; where it is longer than a record may be it goes to the dead letters, and reading goes on."""
    kafka.create_topic(topic, 1, config={"max.message.bytes": str(8 * 2**20)})
    large = row(1)[:-1] + b', "padding": "' + b"." * (3 * 2**20) + b'"}'
    kafka.produce(topic, [row(0), large, row(2)], message_max_bytes=8 * 2**20)
    member = start(kafka, topic, buffer_bytes=2**20, max_record_bytes=record_bytes)
    until(lambda: member.outcome() + member.outcome("rejected") >= 3)
    member.stop()
    assert (accepted, 3 - accepted) == (member.outcome(), member.outcome("rejected"))
