"""Delivery: at least once under the same id, with waits that are kept in the row."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import PrivateAttr
from structlog.testing import capture_logs

from monitor.alerts import Track
from monitor.clock import ManualClock
from monitor.delivery import (
    AlertDestination,
    RetrainingDestination,
    Worker,
    alert_message,
    retraining_message,
)
from monitor.delivery.backoff import Again, GiveUp, after_failure
from monitor.retraining import RetrainingRequest, RetrainingWebhook
from monitor.state import Delivery, Entry, Message, State
from sinks.base import Alert, AlertState, DeliveryError
from sinks.events import EXAMPLE_ALERT
from sinks.memory import MemorySink

SECOND = 1_000_000
START = 1_767_268_800 * SECOND


@dataclass
class House:
    """A state, a clock that stands still, a sink and its worker."""

    state: State
    sink: MemorySink
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    outcomes: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """A worker for the sink."""
        self.worker = Worker(
            AlertDestination(self.sink),
            self.state,
            self.clock,
            on_outcome=lambda *outcome: self.outcomes.append(outcome),
            random=Random(1),
        )

    def enqueue(self, *alerts: Alert) -> None:
        """Put alerts into the outbox."""
        with self.state.transaction() as tx:
            for alert in alerts:
                tx.outbox.enqueue(alert_message(alert, self.sink, self.clock.now()))

    def entry(self) -> Entry:
        """The newest message."""
        return self.state.outbox.find()[0]


@pytest.fixture
def house() -> Iterator[House]:
    """An empty one."""
    with State.memory() as state:
        yield House(state, MemorySink())


def alert(name: str, state: AlertState = AlertState.FIRING) -> Alert:
    """An alert with an identity of its own."""
    return replace(EXAMPLE_ALERT, fingerprint=name, state=state)


def test_a_message_is_delivered_once(house: House) -> None:
    """After success the message is done, and the next step has nothing to do."""
    house.enqueue(alert("a"))
    house.worker.step()
    house.worker.step()
    ((identity, told),) = house.sink.emitted
    assert told == alert("a")
    assert identity == house.entry().message.id
    assert house.entry().state is Delivery.DELIVERED
    assert house.outcomes == [("memory", "delivered")]
    assert house.worker.wait_seconds(60) == 60


def test_a_failure_is_tried_again_under_the_same_id(house: House) -> None:
    """The wait lies in the row, so that another process goes on with it; before it nothing is sent."""
    house.enqueue(alert("a"))
    house.sink.fail_next(DeliveryError("HTTP 503"))
    house.worker.step()
    entry = house.entry()
    assert (entry.state, entry.attempts, entry.error) == (Delivery.PENDING, 1, "HTTP 503")
    assert START + SECOND // 2 <= entry.next_at <= START + SECOND
    assert house.worker.wait_seconds(60) == pytest.approx((entry.next_at - START) / SECOND)
    house.worker.step()
    assert house.sink.emitted == []
    again = House(house.state, house.sink, ManualClock(entry.next_at))
    again.worker.step()
    assert [identity for identity, _ in house.sink.emitted] == [entry.message.id]
    assert house.entry().attempts == 2
    assert house.outcomes == [("memory", "retried")]


def test_others_wait_with_a_failed_destination_for_a_short_time(house: House) -> None:
    """A destination that is down is not called once for every message, and comes back for all of them."""
    house.enqueue(*(alert(name) for name in "abc"))
    house.sink.fail_next(DeliveryError("down"), DeliveryError("down"))
    house.worker.step()
    assert [e.attempts for e in house.state.outbox.find()] == [0, 0, 1]
    house.clock.advance(1)
    house.worker.step()
    house.clock.advance(15)
    house.worker.step()
    assert sorted(told.fingerprint for _, told in house.sink.emitted) == ["a", "b", "c"]


def test_retry_after_holds_all_messages_of_the_destination(house: House) -> None:
    """Who asks to be left alone for a minute is left alone for a minute, at most a tenth more."""
    house.enqueue(alert("a"), alert("b"))
    house.sink.fail_next(DeliveryError("HTTP 429", retry_after=60))
    house.worker.step()
    house.clock.advance(59)
    house.worker.step()
    assert house.sink.emitted == []
    house.clock.advance(7)
    house.worker.step()
    assert len(house.sink.emitted) == 2


def test_a_refused_message_is_dead_and_the_next_one_goes_on(house: House) -> None:
    """What would be refused again waits for a person, and holds nothing up."""
    house.enqueue(alert("a"), alert("b"))
    house.sink.fail_next(DeliveryError("HTTP 422", retryable=False))
    house.worker.step()
    (dead,) = house.state.outbox.find(state=Delivery.DEAD)
    assert (dead.message.body["fingerprint"], dead.error, dead.finished_at) == ("a", "HTTP 422", START)
    assert [told.fingerprint for _, told in house.sink.emitted] == ["b"]
    assert house.outcomes == [("memory", "dead"), ("memory", "delivered")]


def test_after_the_configured_time_a_message_is_dead(house: House) -> None:
    """The last try is at the deadline; a person's retry gives a new one."""
    house.enqueue(alert("a"))
    house.sink.fail_next(*(DeliveryError("down") for _ in range(1000)))
    while house.entry().state is Delivery.PENDING:
        house.worker.step()
        house.clock.advance(house.worker.wait_seconds(1e9))
    assert house.entry().finished_at == START + 86_400 * SECOND
    assert 280 < house.entry().attempts < 600
    house.sink._failures.clear()
    with house.state.transaction() as tx:
        tx.outbox.retry([house.entry().message.id], at=house.clock.now())
    house.worker.step()
    assert house.entry().state is Delivery.DELIVERED


def test_the_end_of_an_alert_does_not_overtake_its_beginning(house: House) -> None:
    """While the firing message waits, the resolved one waits behind it."""
    house.enqueue(alert("a"), alert("a", AlertState.RESOLVED), alert("b"))
    house.sink.fail_next(DeliveryError("down"))
    for _ in range(3):
        house.worker.step()
        house.clock.advance(20)
    told = [(a.fingerprint, a.state.value) for _, a in house.sink.emitted]
    assert told.index(("a", "firing")) < told.index(("a", "resolved"))
    assert len(told) == 3


class Broken(MemorySink):
    """A sink with a mistake in it."""

    def emit(self, alert: Alert, *, message_id: str, now: int) -> None:
        """Fail in a way that sinks must not."""
        raise ZeroDivisionError("a mistake")


def test_a_mistake_in_a_sink_is_a_failure_like_others() -> None:
    """The thread goes on, the message is tried again, the mistake is logged."""
    with State.memory() as state, capture_logs() as logs:
        house = House(state, Broken())
        house.enqueue(alert("a"))
        house.worker.step()
        assert "a mistake" in house.entry().error
        assert house.entry().state is Delivery.PENDING
    assert "sink failed" in [entry["event"] for entry in logs]


def test_a_step_ends_when_it_is_told(house: House) -> None:
    """At the end of the daemon's time no further call is begun."""
    house.enqueue(alert("a"), alert("b"))
    answers = iter([True, False])
    house.worker.step(go_on=lambda: next(answers))
    assert [told.fingerprint for _, told in house.sink.emitted] == ["a"]


class Forgetful(MemorySink):
    """A sink like Alertmanager: it forgets."""

    _seconds: float = PrivateAttr(default=60.0)

    @property
    def repeat_seconds(self) -> float:  # type: ignore[override]
        """Every minute."""
        return self._seconds


def test_firing_alerts_are_repeated_for_those_that_forget() -> None:
    """Each minute while it fires, under its own id, without rows in the outbox; not after its end."""
    with State.memory() as state:
        house = House(state, Forgetful())
        track = Track(alert("a"), frozenset({"1h"}), START, START)
        with state.transaction() as tx:
            tx.alerts.put("m", "a", "firing", track.to_json(), updated_at=START)
        for _ in range(180):
            house.worker.step()
            house.clock.advance(1)
        assert len(house.sink.emitted) == 3
        assert {identity for identity, _ in house.sink.emitted} == {
            alert_message(alert("a"), house.sink, START).id
        }
        assert state.outbox.find() == []
        with state.transaction() as tx:
            tx.alerts.put("m", "a", "resolved", track.to_json(), updated_at=START)
        house.clock.advance(600)
        house.worker.step()
        assert len(house.sink.emitted) == 3


def test_a_retraining_message_has_the_id_of_its_request() -> None:
    """The receiver knows repeats by the id of the run."""
    request = RetrainingRequest("retrain_1", "loan", "1", START, ("data_drift",))
    message = retraining_message(request, START)
    destination = RetrainingDestination("loan", RetrainingWebhook(url="http://127.0.0.1:1/"))
    assert (message.id, message.destination) == ("retrain_1", destination.name)
    assert message.body == request.event()
    with pytest.raises(DeliveryError):
        destination.send(message, START)


ENTRY = Entry(Message("i", "d", "alert", {}, START), Delivery.PENDING, 0, START, START, None, "")
CHANCES = st.floats(0, 1, exclude_max=True)


@given(st.integers(0, 10_000), st.integers(0, 86_399), CHANCES)
def test_waits_are_bounded_and_end_at_the_deadline(attempts: int, age: int, chance: float) -> None:
    """A wait is between half a second and five minutes, longer with more failures, never beyond the deadline."""
    now, deadline = START + age * SECOND, START + 86_400 * SECOND
    entry = replace(ENTRY, attempts=attempts)
    verdict = after_failure(entry, DeliveryError("x"), now=now, give_up_after_seconds=86_400, chance=chance)
    assert isinstance(verdict, Again)
    longest = min(300, 2 ** min(attempts, 12)) * SECOND
    assert min(now + longest // 2, deadline) <= verdict.at <= min(now + longest, deadline)


@given(st.floats(0, 86_400), CHANCES)
def test_a_retry_after_is_waited_out(seconds: float, chance: float) -> None:
    """Never less than was asked for, and at most a tenth more."""
    error = DeliveryError("x", retry_after=seconds)
    verdict = after_failure(ENTRY, error, now=START, give_up_after_seconds=10, chance=chance)
    assert isinstance(verdict, Again)
    assert seconds - 1e-6 <= (verdict.at - START) / SECOND <= seconds * 1.1 + 1e-6


def test_there_is_an_end() -> None:
    """At the deadline, or when another try is useless, there is none."""
    late = START + 86_400 * SECOND
    for error, now in ((DeliveryError("x"), late), (DeliveryError("x", retryable=False), START)):
        assert GiveUp() == after_failure(ENTRY, error, now=now, give_up_after_seconds=86_400, chance=0.5)
