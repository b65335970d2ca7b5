"""What `/metrics` says of what is still to be counted."""

import time

import pytest

from monitor.sources.kafka.source import KafkaStream
from tests.brokers.operations import Operations, Record
from tests.integration.kafka.members import Member, Start, produce, row, until
from tests.integration.kafka.scrapes import PARTITIONS, Figures, figures, lag, show

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

ROWS, MORE = 4000, 1000
BUFFER_BYTES = 2**20
HOUR_MS = 3_600_000


def at_hour(numbers: range, hours_ago: int) -> list[Record]:
    """Numbered records that were written at a whole second some hours ago."""
    stamp = int(time.time()) * 1000 - hours_ago * HOUR_MS
    return [Record(row(i), partition=i % PARTITIONS, timestamp_ms=stamp) for i in numbers]


def age_grows(member: Member, topic: str, record: Record) -> None:
    """Its lag in seconds is the age of a record, as precisely as a scrape can have it."""
    assert record.timestamp_ms is not None
    begun = time.time() - record.timestamp_ms / 1000
    until(lambda: figures(member).get(("source_lag_seconds", topic), 0.0) >= begun)
    age = figures(member)["source_lag_seconds", topic]
    assert age <= time.time() - record.timestamp_ms / 1000


def test_what_is_fetched_and_not_counted_is_lag(kafka: Operations, topic: str, start_member: Start) -> None:
    """While the loop takes no rows the lag is what came since, and its age that of the last record counted."""
    kafka.create_topic(topic, PARTITIONS)
    records = at_hour(range(ROWS), 2)
    kafka.produce(topic, records)
    member = start_member(topic)
    show(member, {**lag(topic, 0), ("records_total", "accepted"): ROWS})
    member.held.set()
    kafka.produce(topic, at_hour(range(MORE), 1))
    decoded: Figures = {("source_decoded_records_total", topic): ROWS}
    found = show(
        member, {**lag(topic, MORE), ("source_fetched_records_total", topic): ROWS + MORE, **decoded}
    )
    assert found["source_buffered_bytes",] > sum(len(row(i)) for i in range(MORE))
    age_grows(member, topic, records[-1])
    member.held.clear()
    show(member, {**lag(topic, 0), ("source_lag_seconds", topic): 0, ("source_buffered_bytes",): 0})


@pytest.mark.kafka(needs={"end_offsets"})
def test_the_age_of_the_lag_is_known_after_a_restart(
    kafka: Operations, topic: str, start_member: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is counted it is that of the last record counted before; where there was none, nobody knows."""
    kafka.create_topic(topic, PARTITIONS)
    records = at_hour(range(ROWS), 2)
    kafka.produce(topic, records)
    with monkeypatch.context() as patch:
        patch.setattr(KafkaStream, "_choose", lambda _: None)
        member = start_member(topic)
        found = show(member, lag(topic, ROWS))
        assert ("source_lag_seconds", topic) not in found
    show(member, {("source_lag_seconds", topic): 0, **lag(topic, 0), ("records_total", "accepted"): ROWS})
    member.stop()
    kafka.produce(topic, at_hour(range(MORE), 1))
    monkeypatch.setattr(KafkaStream, "_choose", lambda _: None)
    member = start_member(topic)
    show(member, lag(topic, MORE))
    age_grows(member, topic, records[-1])


def test_a_full_buffer_pauses_partitions(kafka: Operations, topic: str, start_member: Start) -> None:
    """All are paused while more waits than may, none when it has been counted."""
    kafka.create_topic(topic, PARTITIONS)
    produce(kafka, topic, range(100))
    member = start_member(topic, buffer_bytes=BUFFER_BYTES)
    show(member, {("records_total", "accepted"): 100})
    member.held.set()
    large = row(1)[:-1] + b', "padding": "' + b"." * (BUFFER_BYTES // 100) + b'"}'
    for _ in range(2):
        kafka.produce(topic, [Record(large, partition=i % PARTITIONS) for i in range(400)])
    found = show(member, {("source_paused_partitions",): PARTITIONS})
    assert found["source_buffered_bytes",] >= BUFFER_BYTES
    member.held.clear()
    show(
        member,
        {
            ("records_total", "accepted"): 900,
            ("source_fetched_records_total", topic): 900,
            ("source_paused_partitions",): 0,
            ("source_buffered_bytes",): 0,
        },
    )
