"""The outbox: each id once, each thread in its order."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.state import Delivery, Message, State


@pytest.fixture
def state() -> Iterator[State]:
    """An empty state."""
    with State.memory() as opened:
        yield opened


def message(number: int, *, thread: str = "", destination: str = "hook") -> Message:
    """A message whose body holds its number."""
    return Message(f"id{number}", destination, "alert", {"n": number}, number, thread)


def ids(state: State, now: int = 1000) -> list[str]:
    """What is due for the destination `hook`."""
    return [entry.message.id for entry in state.outbox.due("hook", now)]


def test_an_id_is_queued_once(state: State) -> None:
    """Queueing an id again changes nothing, delivered or not."""
    with state.transaction() as tx:
        assert tx.outbox.enqueue(message(1))
        assert not tx.outbox.enqueue(message(1))
        tx.outbox.mark_delivered("id1", at=5)
        assert not tx.outbox.enqueue(message(1))
    assert ids(state) == []
    entry = state.outbox.get("id1")
    assert entry is not None
    assert (entry.state, entry.attempts, entry.finished_at) == (Delivery.DELIVERED, 1, 5)


def test_a_thread_keeps_its_order(state: State) -> None:
    """A message waits for the earlier ones of its thread, and only for those."""
    with state.transaction() as tx:
        for number, thread in enumerate(("a", "a", "b", "")):
            tx.outbox.enqueue(message(number, thread=thread))
        tx.outbox.mark_failed("id0", next_at=5000, error="down")
    assert ids(state) == ["id2", "id3"]
    with state.transaction() as tx:
        tx.outbox.mark_dead("id0", at=6000, error="gone")
    assert ids(state) == ["id1", "id2", "id3"]


def test_the_next_delivery_is_one_that_may_be_sent(state: State) -> None:
    """The wait ends when the first message of a thread is due, not when one behind it is."""
    with state.transaction() as tx:
        tx.outbox.enqueue(message(1, thread="a"))
        tx.outbox.enqueue(message(2, thread="a"))
        tx.outbox.mark_failed("id1", next_at=5000, error="down")
    assert state.outbox.next_due("hook") == 5000
    assert state.outbox.next_due("other") is None


def test_a_failure_is_kept_in_the_row(state: State) -> None:
    """Attempts, time of the next one and the words of the last one lie in the file."""
    with state.transaction() as tx:
        tx.outbox.enqueue(message(1))
        tx.outbox.mark_failed("id1", next_at=70, error="HTTP 503")
        tx.outbox.mark_failed("id1", next_at=90, error="HTTP 502")
    (entry,) = state.outbox.find(state=Delivery.PENDING)
    assert (entry.attempts, entry.next_at, entry.error, entry.give_up_from) == (2, 90, "HTTP 502", 1)
    assert ids(state, 89) == []
    assert ids(state, 90) == ["id1"]


def test_a_person_may_ask_again(state: State) -> None:
    """Dead and waiting messages are sent again from now on; what was delivered is not."""
    with state.transaction() as tx:
        for number in range(3):
            tx.outbox.enqueue(message(number))
        tx.outbox.mark_dead("id0", at=10, error="gave up")
        tx.outbox.mark_failed("id1", next_at=9000, error="down")
        tx.outbox.mark_delivered("id2", at=10)
        assert tx.outbox.retry(["id0", "id1", "id2", "nobody"], at=500) == 2
    assert ids(state, 500) == ["id0", "id1"]
    entry = state.outbox.get("id0")
    assert entry is not None
    assert (entry.attempts, entry.give_up_from, entry.finished_at) == (0, 500, None)


def test_destinations_do_not_see_each_other(state: State) -> None:
    """Lists and counts are by destination and state."""
    with state.transaction() as tx:
        tx.outbox.enqueue(message(1, thread="a"))
        tx.outbox.enqueue(message(2, thread="a", destination="log"))
        tx.outbox.mark_delivered("id2", at=3)
    assert ids(state) == ["id1"]
    assert [e.message.id for e in state.outbox.find(destination="log")] == ["id2"]
    assert state.outbox.counts() == {("hook", Delivery.PENDING): 1, ("log", Delivery.DELIVERED): 1}


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.booleans()), max_size=30))
def test_what_is_delivered_in_a_thread_comes_in_the_order_of_queueing(steps: list[tuple[str, bool]]) -> None:
    """Whatever fails in between, the messages of a thread are delivered in their order, each once."""
    with State.memory() as state:
        with state.transaction() as tx:
            for number, (thread, _) in enumerate(steps):
                tx.outbox.enqueue(message(number, thread=thread))
        delivered: list[int] = []
        failing = {f"id{n}" for n, (_, fails) in enumerate(steps) if fails}
        while entries := state.outbox.due("hook", 1000, limit=3):
            with state.transaction() as tx:
                for entry in entries:
                    if entry.message.id in failing:
                        failing.discard(entry.message.id)
                        tx.outbox.mark_failed(entry.message.id, next_at=1000, error="once")
                    else:
                        tx.outbox.mark_delivered(entry.message.id, at=1000)
                        delivered.append(entry.message.body["n"])
    assert sorted(delivered) == list(range(len(steps)))
    for thread in ("a", "b"):
        of_thread = [n for n in delivered if steps[n][0] == thread]
        assert of_thread == sorted(of_thread)
