"""What `/metrics` says of a Kafka source: the figures are those of what the topics hold."""

import time
from typing import Any

import numpy as np
import pytest
from kafka.errors import KafkaError

from monitor.sources.kafka import verification
from monitor.sources.kafka.client import Client
from monitor.sources.kafka.ledger import Ledger
from monitor.sources.kafka.sampling import Sampling
from tests.brokers.operations import Operations, Record
from tests.integration.kafka.members import Start, produce, row, until
from tests.integration.kafka.scrapes import PARTITIONS, Figures, figures, lag, show

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

ROWS, MORE = 4000, 1000
HOUR_MS = 3_600_000


@pytest.mark.parametrize("fast", [True, False])
def test_a_topic_that_is_read_up(
    fast: bool,  # noqa: FBT001 - a case
    kafka: Operations,
    topic: str,
    start_member: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each record is fetched and decoded once, and nothing is left; on the client's own path as well."""
    if not fast:
        monkeypatch.setattr(verification, "VERSIONS", "another")
    kafka.create_topic(topic, PARTITIONS)
    produce(kafka, topic, range(ROWS))
    began = time.monotonic()
    found = show(
        start_member(topic),
        {
            **lag(topic, 0),
            ("source_lag_seconds", topic): 0,
            ("source_assigned_partitions", topic): PARTITIONS,
            ("source_fetched_records_total", topic): ROWS,
            ("source_decoded_records_total", topic): ROWS,
            ("source_rebalances_total", ""): 1,
            ("source_reconnects_total", ""): 0,
            ("source_buffered_bytes",): 0,
            ("source_paused_partitions",): 0,
            ("source_group_settled",): 1,
            ("source_fast_path",): fast,
            ("records_total", "accepted"): ROWS,
        },
    )
    values = sum(len(row(i)) for i in range(ROWS))
    assert values <= found["source_fetched_bytes_total", topic] <= values + 16 * ROWS
    assert 0 < found["source_decode_seconds_total", ""] < time.monotonic() - began
    assert not [name for name in found if "gap" in name[0] or "join" in name[0] or "dead" in name[0]]


def test_sampled_out_and_dead_letters(kafka: Operations, topic: str, start_member: Start) -> None:
    """What is left out is fetched and not decoded; what cannot be read is decoded and goes to the dead letters."""
    kafka.create_topic(topic, PARTITIONS)
    count = ROWS // PARTITIONS
    for partition in range(PARTITIONS):
        values = [b"no record" if i % 5 == 0 else row(i) for i in range(count)]
        kafka.produce(topic, [Record(value, partition=partition) for value in values])
    offsets = np.arange(count)
    kept = [Sampling(0.25).keeps_offsets(f"{topic}/{i}", offsets) for i in range(PARTITIONS)]
    decoded, bad = (sum(int(k[::step].sum()) for k in kept) for step in (1, 5))
    found = show(
        start_member(topic, sampling={"rate": 0.25}),
        {
            ("source_fetched_records_total", topic): ROWS,
            ("source_decoded_records_total", topic): decoded,
            ("records_total", "sampled_out"): ROWS - decoded,
            ("records_total", "rejected"): bad,
            ("records_total", "accepted"): decoded - bad,
            ("dead_letters_total", "malformed_json"): bad,
            **lag(topic, 0),
        },
    )
    assert found["source_fetched_bytes_total", topic] >= sum(len(row(i)) for i in range(count) if i % 5) * 4


@pytest.mark.kafka(needs={"delete_records", "out_of_range"})
def test_gaps(kafka: Operations, topic: str, start_member: Start) -> None:
    """Records that were deleted before they were read are so many places and so many records."""
    kafka.create_topic(topic, PARTITIONS)
    produce(kafka, topic, range(ROWS))
    first = start_member(topic)
    show(first, {("records_total", "accepted"): ROWS})
    first.stop()
    produce(kafka, topic, range(ROWS))
    each = ROWS // PARTITIONS
    kafka.delete_records(topic, {1: each + 300, 3: each + 200})
    show(
        start_member(topic),
        {
            ("source_gaps_total", "retention"): 2,
            ("source_gap_records_total", "retention"): 500,
            ("source_fetched_records_total", topic): ROWS - 500,
            ("records_total", "accepted"): ROWS - 500,
            **lag(topic, 0),
        },
    )


def produce_halves(kafka: Operations, name: str, partitions: int, numbers: list[int], delay_ms: int) -> None:
    """Half rows from an hour ago, and in each partition one much later, so that everything before is over."""
    began = int(time.time()) * 1000 - HOUR_MS
    kafka.create_topic(name, partitions)
    halves = [
        Record(row(i), b"%d" % i, i % partitions, (), began + i * 2 + delay_ms) for i in sorted(numbers)
    ]
    ends = [Record(row(0), b"%d-%d" % (delay_ms, i), i, (), began + HOUR_MS // 2) for i in range(partitions)]
    kafka.produce(name, halves + ends)


def test_halves_of_a_join(kafka: Operations, topic: str, start_member: Start) -> None:
    """Of 100 requests 90 are answered, 10 of these twice; three answers and five labels belong to none."""
    sides = {
        "request": (PARTITIONS, [*range(100)], 10),
        "response": (2, [*range(90), *range(10), 200, 201, 202], 3),
        "label": (1, [*range(50), *range(95, 100)], 5),
    }
    expected: Figures = {}
    for delay, (side, (partitions, numbers, unjoined)) in enumerate(sides.items()):
        name, records = f"{topic}.{side}", len(numbers) + partitions
        produce_halves(kafka, name, partitions, numbers, delay * 100)
        expected |= {
            ("source_fetched_records_total", name): records,
            ("source_decoded_records_total", name): records,
            ("source_assigned_partitions", name): partitions,
            ("source_lag_records", name): 0,
            ("source_unjoined_records_total", name): unjoined,
        }
    ends = PARTITIONS + 2 + 1
    expected |= {
        ("source_join_waiting",): ends,
        ("records_total", "accepted"): 90,
        ("records_total", "duplicate"): 10,
        ("records_total", "unjoined"): 18,
    }
    join = {side: {"topic": f"{topic}.{side}"} for side in sides}
    found = show(start_member(join={**join, "wait": "5m", "label_wait": "5m"}), expected)
    assert found["source_join_waiting_bytes",] > ends * len(row(0))


@pytest.mark.kafka(needs={"offset_notes"})
def test_overlap(kafka: Operations, topic: str, start_member: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a member had counted and Kafka was not told of, and another has counted again, is known when it is back."""
    kafka.create_topic(topic, PARTITIONS)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "due", lambda _self, _partitions: {})
        first = start_member(topic)
        produce(kafka, topic, range(ROWS))
        show(first, {("records_total", "accepted"): ROWS, ("source_overlap_records_total", topic): 0})
        first.stop()
    second = start_member(topic, folder="b")
    show(second, lag(topic, 0) | {("records_total", "accepted"): ROWS})
    second.stop()
    expected: Figures = {("source_overlap_records_total", topic): ROWS, ("records_total", "overlap"): ROWS}
    show(start_member(topic), expected | lag(topic, 0))


@pytest.mark.kafka(needs={"cooperative", "quick_joins"})
def test_members_that_share_a_topic(kafka: Operations, topic: str, start_member: Start) -> None:
    """Each says what it reads itself; who was there first has seen another assignment."""
    kafka.create_topic(topic, PARTITIONS)
    members = [start_member(topic)]
    show(members[0], {**lag(topic, 0), ("source_rebalances_total", ""): 1})
    members.append(start_member(topic, folder="b"))
    for member, least in zip(members, (2, 1), strict=True):
        show(member, {("source_assigned_partitions", topic): 2, ("source_group_settled",): 1})
        until(lambda: figures(member)["source_rebalances_total", ""] >= least)  # noqa: B023 - called at once


def test_a_client_that_is_made_anew(
    kafka: Operations, topic: str, start_member: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failure of the whole client is one connection made anew; nothing is counted twice."""
    kafka.create_topic(topic, PARTITIONS)
    produce(kafka, topic, range(ROWS))
    member = start_member(topic, group=None)
    show(member, {("records_total", "accepted"): ROWS})
    poll, broken = Client.poll, [KafkaError("broken")]

    def fail_once(client: Client, milliseconds: int) -> Any:
        if broken:
            raise broken.pop()
        return poll(client, milliseconds)

    monkeypatch.setattr(Client, "poll", fail_once)
    until(lambda: not broken)
    produce(kafka, topic, range(MORE))
    show(
        member,
        {("source_reconnects_total", ""): 1, ("records_total", "accepted"): ROWS + MORE, **lag(topic, 0)},
    )


def test_without_a_broker_nothing_is_said_of_the_topic(
    free_port: int, topic: str, start_member: Start
) -> None:
    """A source that was never reached is neither settled nor read up."""
    expected = {
        ("source_group_settled",): 0.0,
        ("source_fast_path",): 0.0,
        ("source_reconnects_total", ""): 0.0,
    }
    found = show(start_member(topic, brokers=f"127.0.0.1:{free_port}"), expected)
    assert not [name for name in found if topic in name]
