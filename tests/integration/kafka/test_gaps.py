"""One member over a topic that loses records: how many are missing and why, and reading goes on."""

import pytest

from tests.brokers.cluster import Cluster
from tests.brokers.operations import Operations
from tests.integration.kafka.members import Start, produce, until

pytestmark = [pytest.mark.integration, pytest.mark.kafka]


@pytest.mark.kafka(needs={"delete_records", "out_of_range"})
def test_retention_leaves_a_gap(kafka: Operations, topic: str, start: Start) -> None:
    """Records that were deleted before they were read are a gap of their number; reading goes on behind it."""
    kafka.create_topic(topic, 1)
    produce(kafka, topic, range(1000), partitions=1)
    first = start(kafka, topic)
    until(lambda: first.outcome() >= 1000)
    first.stop()
    produce(kafka, topic, range(1000, 3000), partitions=1)
    kafka.delete_records(topic, {0: 2500})
    second = start(kafka, topic)
    until(lambda: second.outcome() >= 1500)
    second.stop()
    assert 1500 == second.outcome()
    assert [(f"{topic}/0", 1000, 2500, "retention")] == [
        (gap.partition, gap.start, gap.end, gap.reason) for gap in second.missing()
    ]


@pytest.mark.kafka(needs={"topic_ids"})
@pytest.mark.parametrize(
    "running", [pytest.param(True, marks=pytest.mark.kafka(needs={"gone_topics"})), False]
)
def test_recreated_topic(running: bool, kafka: Operations, topic: str, start: Start) -> None:  # noqa: FBT001 - a case
    """A topic that was deleted and made again is read from its beginning, also when it has become longer."""
    kafka.create_topic(topic, 1)
    produce(kafka, topic, range(1000), partitions=1)
    member = start(kafka, topic)
    until(lambda: member.outcome() >= 1000)
    if not running:
        member.stop()
    kafka.delete_topic(topic)
    kafka.create_topic(topic, 1)
    produce(kafka, topic, range(1500), partitions=1)
    if not running:
        member = start(kafka, topic)
    until(lambda: member.outcome() >= 2500)
    member.stop()
    assert 2500 == member.outcome()
    assert [(1000, "recreated")] == [(gap.start, gap.reason) for gap in member.missing()]


@pytest.mark.parametrize("running", [True, False])
def test_log_that_is_cut_back(running: bool, cluster: Cluster, topic: str, start: Start) -> None:  # noqa: FBT001 - a case
    """A replica that lacks the newest records leads: they are a gap, and what follows in their place is read."""
    unclean = {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}
    cluster.create_topic(topic, 1, replication=2, config=unclean)
    produce(cluster, topic, range(100), partitions=1)
    member = start(cluster, topic)
    until(lambda: member.outcome() == 100)
    leader = cluster.leader_of(topic, 0)
    (behind,) = cluster.in_sync(topic, 0) - {leader}
    cluster.brokers[behind].kill()
    until(lambda: cluster.in_sync(topic, 0) == {leader})
    produce(cluster, topic, range(100, 250), partitions=1)
    until(lambda: member.outcome() == 250)
    if not running:
        member.stop()
    cluster.brokers[leader].kill()
    cluster.brokers[behind].start()
    until(lambda: cluster.leader_of(topic, 0) == behind)
    produce(cluster, topic, range(250, 300), partitions=1)
    if not running:
        member = start(cluster, topic)
    until(lambda: member.outcome() == 300)
    member.stop()
    found = [(gap.partition, gap.start, gap.end, gap.reason) for gap in member.missing()]
    assert [(f"{topic}/0", 100, 250, "truncated")] == found
