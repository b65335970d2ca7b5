"""The way from the outbox to real receivers, with threads, restarts and receivers that come and go."""

import base64
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from monitor.clock import ManualClock
from monitor.delivery import (
    AlertDestination,
    Deliveries,
    RetrainingDestination,
    Worker,
    alert_message,
    retraining_message,
)
from monitor.retraining import RetrainingRequest, RetrainingWebhook
from monitor.state import Delivery, State
from sinks.base import Alert
from sinks.events import EXAMPLE_ALERT
from sinks.memory import MemorySink
from sinks.webhook import WebhookSink
from tests.integration.receivers import LONGEST_SECONDS, dripping, receiver

SECOND = 1_000_000
START = 1_767_268_800 * SECOND
SECRET = SecretStr("whsec_" + base64.b64encode(b"k" * 32).decode())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state file is to be."""
    return tmp_path / "driftd.state"


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    """An empty state file."""
    with State.open(path) as opened:
        yield opened


def enqueue(state: State, sink: WebhookSink | MemorySink, *alerts: Alert) -> None:
    """Put alerts for a sink into the outbox."""
    with state.transaction() as tx:
        for alert in alerts or (EXAMPLE_ALERT,):
            tx.outbox.enqueue(alert_message(alert, sink, START))


def named(name: str) -> Alert:
    """An alert with an identity of its own."""
    return replace(EXAMPLE_ALERT, fingerprint=name)


def test_a_receiver_that_was_down_gets_every_alert_once_it_is_back(state: State, free_port: int) -> None:
    """Nothing is lost while nobody listens; afterwards each alert arrives under its id."""
    sink = WebhookSink(url=f"http://127.0.0.1:{free_port}/hook", secret=SECRET)
    clock = ManualClock(START)
    worker = Worker(AlertDestination(sink), state, clock)
    enqueue(state, sink, *(named(name) for name in "abc"))
    for _ in range(10):
        worker.step()
        clock.advance(60)
    assert [0, 0, 0] == sorted(entry.finished_at or 0 for entry in state.outbox.find())
    with receiver(port=free_port) as there:
        for _ in range(10):
            worker.step()
            clock.advance(60)
    ids = sorted(request.headers["webhook-id"] for request in there.requests)
    assert ids == sorted(entry.message.id for entry in state.outbox.find(state=Delivery.DELIVERED))
    assert len(ids) == 3


def test_a_busy_receiver_is_left_alone_as_long_as_it_asks(state: State) -> None:
    """429 with Retry-After: no call before that time, then the same id again."""
    clock = ManualClock(START)
    with receiver([(429, {"Retry-After": "30"})]) as there:
        sink = WebhookSink(url=there.url)
        worker = Worker(AlertDestination(sink), state, clock)
        enqueue(state, sink)
        worker.step()
        clock.advance(29.9)
        worker.step()
        assert len(there.requests) == 1
        clock.advance(3.2)
        worker.step()
    first, second = (request.headers["webhook-id"] for request in there.requests)
    assert first == second
    assert [entry.state for entry in state.outbox.find()] == [Delivery.DELIVERED]


def test_what_was_sent_but_not_noted_is_sent_again_under_the_same_id(path: Path) -> None:
    """A daemon that dies between the call and the commit repeats the call, and the receiver can tell."""
    with receiver() as there:
        sink = WebhookSink(url=there.url)
        with State.open(path) as state:
            enqueue(state, sink)
            (entry,) = state.outbox.due("webhook", START)
            AlertDestination(sink).send(entry.message, START)  # and then the process ends
        with State.open(path) as state:
            Worker(AlertDestination(sink), state, ManualClock(START)).step()
            assert state.outbox.counts() == {("webhook", Delivery.DELIVERED): 1}
    first, second = there.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_threads_deliver_what_is_queued_while_they_run(state: State) -> None:
    """Each destination has its thread; a wake-up is enough, and stopping flushes what came last."""
    with receiver() as there:
        sink = WebhookSink(url=there.url, secret=SECRET)
        hook = RetrainingWebhook(url=there.url, secret=SECRET, template="airflow")
        retraining = RetrainingDestination("loan", hook)
        deliveries = Deliveries(state, [AlertDestination(sink), retraining])
        deliveries.start()
        enqueue(state, sink, named("a"))
        deliveries.notify()
        there.wait_for(1)
        with state.transaction() as tx:
            request = RetrainingRequest("retrain_1", "loan", "1", START, ("data_drift",))
            tx.outbox.enqueue(retraining_message(request, START))
            tx.outbox.enqueue(alert_message(named("b"), sink, START))
        assert deliveries.stop(LONGEST_SECONDS)
    assert len(there.requests) == 3
    assert state.outbox.counts() == {
        ("webhook", Delivery.DELIVERED): 2,
        (retraining.name, Delivery.DELIVERED): 1,
    }


def test_a_slow_destination_does_not_hold_another(state: State) -> None:
    """While one receiver drips, the other one gets its alert; stopping does not wait beyond its deadline."""
    with dripping(b"", b"H") as (slow_url, _), receiver() as there:
        slow = WebhookSink(name="slow", url=slow_url, timeout=LONGEST_SECONDS)
        fast = WebhookSink(name="fast", url=there.url)
        deliveries = Deliveries(state, [AlertDestination(slow), AlertDestination(fast)])
        enqueue(state, slow)
        enqueue(state, fast)
        deliveries.start()
        there.wait_for(1)
        assert not deliveries.stop(0.1)
        standing = {entry.message.destination: entry.state for entry in state.outbox.find()}
    assert standing == {"slow": Delivery.PENDING, "fast": Delivery.DELIVERED}


def test_a_person_can_send_a_dead_message_again(state: State) -> None:
    """After `retry` a dead message goes out at once, whatever pause the destination had."""
    done = threading.Event()

    def told(_: str, outcome: str) -> None:
        if outcome == "dead":
            done.set()

    with receiver([(422, {})]) as there:
        sink = WebhookSink(url=there.url)
        deliveries = Deliveries(state, [AlertDestination(sink)], on_outcome=told)
        enqueue(state, sink)
        deliveries.start()
        assert done.wait(LONGEST_SECONDS)
        (dead,) = state.outbox.find(state=Delivery.DEAD)
        assert deliveries.retry([dead.message.id]) == 1
        there.wait_for(2)
        assert deliveries.stop(LONGEST_SECONDS)
    assert state.outbox.counts() == {("webhook", Delivery.DELIVERED): 1}


def test_messages_for_nobody_are_told(state: State) -> None:
    """A sink that was taken out of the configuration leaves messages that somebody should know of."""
    enqueue(state, MemorySink(name="old"))
    deliveries = Deliveries(state, [AlertDestination(MemorySink(name="new"))])
    assert deliveries.orphans() == {"old"}
