"""Alerts, windows and dead letters in topics: each at least once under its id, in order, whatever the broker does."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import kafka as kafka_python
import pytest

from monitor.assembly import destinations
from monitor.clock import ManualClock
from monitor.delivery import AlertDestination, Deliveries, Worker, alert_message, window_message
from monitor.state import Delivery, State
from sinks.base import Alert, AlertState, Span
from sinks.events import EXAMPLE_ALERT, WindowKey, alert_event, window_event
from sinks.kafka import KafkaConnection
from sinks.kafka.client import connected
from sinks.kafka.sink import KafkaSink
from tests.brokers.broker import Broker
from tests.brokers.cluster import Cluster
from tests.brokers.operations import Operations
from tests.integration.kafka.members import MONITOR, Member, produce, row, until

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

NAMES = ("a", "b", "c")
STATES = (AlertState.PENDING, AlertState.FIRING, AlertState.RESOLVED)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """An empty state file."""
    with State.open(tmp_path / "driftd.state") as opened:
        yield opened


def make(address: str, topic: str, **options: Any) -> KafkaSink:
    """A sink for every state of alerts."""
    base = {"brokers": address, "topic": topic, "timeout": "2s", "on": list(STATES)}
    return KafkaSink.model_validate({**base, **options})


def read(address: str, topic: str) -> list[Any]:
    """Every message of a topic, in the order of each partition."""
    options = KafkaConnection.model_validate({"brokers": address}).client_options("test")
    more = {"auto_offset_reset": "earliest", "consumer_timeout_ms": 10_000, "group_id": None}
    consumer = connected(kafka_python.KafkaConsumer, {**options, **more})
    try:
        places = [kafka_python.TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        open_ends = {place: end for place, end in consumer.end_offsets(places).items() if end}
        found: list[Any] = []
        while any(consumer.position(place) < end for place, end in open_ends.items()):
            for messages in consumer.poll(500).values():
                found += messages
        return found
    finally:
        consumer.close()


def alerts() -> list[Alert]:
    """Three alerts, each through all its states."""
    return [
        replace(EXAMPLE_ALERT, fingerprint=name, state=state, at=EXAMPLE_ALERT.at + place)
        for place, state in enumerate(STATES)
        for name in NAMES
    ]


def enqueue(state: State, sink: KafkaSink) -> list[str]:
    """All of them in the outbox; their ids."""
    messages = [alert_message(alert, sink, 1) for alert in alerts()]
    with state.transaction():
        for message in messages:
            state.outbox.enqueue(message)
    return [message.id for message in messages]


def states_by_key(messages: list[Any]) -> dict[str, list[str]]:
    """The order in which each alert's states stand in the topic, repeats left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for message in messages:
        state = json.loads(message.value)["data"]["state"]
        if state not in found[message.key.decode()]:
            found[message.key.decode()].append(state)
    return dict(found)


def deliver(worker: Worker, clock: ManualClock, steps: int) -> None:
    """Some steps, a minute of the daemon's time apart."""
    for _ in range(steps):
        worker.step()
        clock.advance(60)


def test_shape(kafka: Operations, topic: str) -> None:
    """Value as the webhook's body, key = fingerprint, headers of a CloudEvent; windows in their own topic."""
    windows = f"{topic}-windows"
    kafka.create_topic(topic)
    kafka.create_topic(windows)
    sink = make(kafka.address, topic, windows_topic=windows)
    event = window_event(WindowKey("loan", "2", "eu"), Span("1h", 0, 3_600_000_000, 500), "ok", [], 7)
    sink.emit(EXAMPLE_ALERT, message_id="id-1", now=1)
    sink.emit_window(event, message_id="id-2", now=1)
    sink.close()
    (alert,), (window,) = read(kafka.address, topic), read(kafka.address, windows)
    assert (b"0123456789abcdef", alert_event(EXAMPLE_ALERT)) == (alert.key, json.loads(alert.value))
    assert (b"loan/2/eu/1h", event) == (window.key, json.loads(window.value))
    assert dict(alert.headers) == {
        "content-type": b"application/json",
        "ce_specversion": b"1.0",
        "ce_id": b"id-1",
        "ce_source": b"/driftd/monitors/car-loan",
        "ce_type": b"driftd.alert.firing",
        "ce_time": b"2026-01-01T12:00:00Z",
        "ce_subject": b"0123456789abcdef",
    }
    assert (b"id-2", b"driftd.window.closed") == tuple(
        dict(window.headers)[name] for name in ("ce_id", "ce_type")
    )


@pytest.mark.kafka(needs={"durability"})
def test_a_broker_that_was_away_gets_every_alert(broker: Broker, topic: str, state: State) -> None:
    """Killed before the first and again in between: each alert arrives under its id, each alert's states in order."""
    broker.create_topic(topic, 3)
    sink, clock = make(broker.address, topic), ManualClock(10)
    ids = enqueue(state, sink)
    worker = Worker(AlertDestination(sink), state, clock)
    broker.kill()
    deliver(worker, clock, 2)
    assert {("kafka", Delivery.PENDING): len(ids)} == state.outbox.counts()
    assert "nothing listens" in max(entry.error for entry in state.outbox.find())
    broker.start()
    worker.step(go_on=iter([True] * 4 + [False]).__next__)
    broker.kill()
    deliver(worker, clock, 1)
    broker.start()
    deliver(worker, clock, 10)
    sink.close()
    found = read(broker.address, topic)
    assert {("kafka", Delivery.DELIVERED): len(ids)} == state.outbox.counts()
    assert set(ids) == {dict(message.headers)["ce_id"].decode() for message in found}
    assert {name: list(STATES) for name in NAMES} == states_by_key(found)


def test_a_broker_that_does_not_answer(broker: Broker, topic: str, state: State) -> None:
    """A paused broker costs a timeout and no alert; what it got before the pause may stand twice, under one id."""
    broker.create_topic(topic)
    sink, clock = make(broker.address, topic), ManualClock(10)
    ids = enqueue(state, sink)
    worker = Worker(AlertDestination(sink), state, clock)
    worker.step(go_on=iter([True] * 2 + [False]).__next__)
    broker.pause()
    deliver(worker, clock, 2)
    broker.resume()
    deliver(worker, clock, 10)
    sink.close()
    found = read(broker.address, topic)
    assert set(ids) == {dict(message.headers)["ce_id"].decode() for message in found}
    assert {name: list(STATES) for name in NAMES} == states_by_key(found)


def test_one_of_three_brokers_is_killed(cluster: Cluster, topic: str, state: State) -> None:
    """The leader dies between two alerts: the next one finds the new leader, and nothing is lost or out of order."""
    cluster.create_topic(topic)
    sink, clock = make(cluster.address, topic, timeout="5s"), ManualClock(10)
    ids = enqueue(state, sink)
    worker = Worker(AlertDestination(sink), state, clock)
    worker.step(go_on=iter([True] * 4 + [False]).__next__)
    cluster.kill_leader_of(topic, 0)
    deliver(worker, clock, 20)
    sink.close()
    found = [message for message in cluster.held(topic) if message.value]
    assert {("kafka", Delivery.DELIVERED): len(ids)} == state.outbox.counts()
    assert {name: list(STATES) for name in NAMES} == states_by_key(found)


def test_what_was_sent_but_not_noted_is_sent_again_under_its_id(
    kafka: Operations, topic: str, tmp_path: Path
) -> None:
    """A daemon that dies between the brokers' word and its own note repeats the message, and consumers can tell."""
    kafka.create_topic(topic)
    sink = make(kafka.address, topic)
    with State.open(tmp_path / "driftd.state") as state:
        enqueue(state, sink)
        (entry,) = state.outbox.due("kafka", 10, limit=1)
        AlertDestination(sink).send(entry.message, 10)
    sink.close()
    again = make(kafka.address, topic)
    with State.open(tmp_path / "driftd.state") as state:
        Worker(AlertDestination(again), state, ManualClock(10)).step()
    again.close()
    found = [dict(message.headers)["ce_id"].decode() for message in read(kafka.address, topic)]
    assert [entry.message.id, entry.message.id] == found[:2]
    assert len(NAMES) * len(STATES) == len(set(found)) == len(found) - 1


def test_a_large_window(kafka: Operations, topic: str, state: State) -> None:
    """A window of very many results passes a topic with Kafka's default limit: it is compressed."""
    kafka.create_topic(topic)
    result = {
        "column": "c" * 60,
        "test": "drift",
        "verdict": "ok",
        "detail": "d" * 200,
        **dict.fromkeys(("statistic", "threshold", "p_value", "effect_size"), 0.123456789),
    }
    results = [{**result, "column": f"{i}{'c' * 60}"} for i in range(20_000)]
    sink = make(kafka.address, topic, windows_topic=topic)
    event = window_event(WindowKey("loan", "1", ""), Span("1h", 0, 10**9, 500), "ok", results, 7)
    with state.transaction():
        state.outbox.enqueue(window_message(event, sink, 1))
    Worker(AlertDestination(sink), state, ManualClock(10)).step()
    sink.close()
    (message,) = read(kafka.address, topic)
    assert 19_000 == json.loads(message.value)["data"]["results_left_out"]


def test_dead_letters(kafka: Operations, topic: str, tmp_path: Path) -> None:
    """Messages that cannot be read lie in their topic as they were, with the reason and their place beside them."""
    letters = f"{topic}-dead"
    kafka.create_topic(topic)
    kafka.create_topic(letters)
    bad = [b"{not json", b"\xff\xfe\x00", json.dumps({"id": "7", "x": 1.0}).encode()]
    kafka.produce(topic, [row(0), bad[0], row(1), bad[1], bad[2], row(2)])
    source = {"brokers": kafka.address, "topics": topic, "group": topic, "session_timeout": "6s"}
    member = Member(tmp_path, {**source, "dead_letters": {"topic": letters}})
    deliveries = Deliveries(member.state, destinations(member.settings))
    member.engine.on_messages = deliveries.notify
    deliveries.start()
    try:
        until(lambda: member.state.outbox.counts().get((f"dead-letters:{MONITOR}", Delivery.DELIVERED)))
        produce(kafka, topic, range(3, 6), 1)
        until(lambda: member.outcome() == 6)
    finally:
        deliveries.stop(10)
        member.stop()
    found = read(kafka.address, letters)
    headers = [{name: value.decode() for name, value in message.headers} for message in found]
    assert bad == [message.value for message in found]
    assert ["1", "3", "4"] == [header["offset"] for header in headers]
    assert ["missing_time"] == [header["reason"] for header in headers[2:]]
    assert {(MONITOR, f"{topic}/0")} == {(header["monitor"], header["partition"]) for header in headers}
    assert 3 == len({header["id"] for header in headers})
    assert all(header["detail"] for header in headers)
    assert not any("truncated" in header for header in headers)
