"""Dead letters in the outbox: all or none with their rows, in bounded number, byte by byte."""

from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from monitor.decode.dead_letters import data_of
from monitor.delivery.dead_letters import (
    BYTES_IN_A_MESSAGE,
    LETTERS_IN_A_MESSAGE,
    MOST_WAITING,
    DeadLetterQueue,
    dead_letter_topic,
)
from monitor.records import RecordBatch, Reject
from monitor.sources.base import Position
from monitor.sources.kafka.options import KafkaSource
from monitor.sources.memory import MemorySource
from monitor.state import State
from monitor.state.errors import StateError
from tests.unit.monitor.test_engine import Bench, rows

NAME = "dead-letters:loan"


def reject(number: int, data: bytes = b"{") -> Reject:
    """A record that could not be read."""
    return Reject("malformed_json", "not JSON", "loans/0", number, data)


def put(queue: DeadLetterQueue, state: State, rejects: list[Reject], now: int = 5) -> bool:
    """Queue records in a transaction of their own."""
    with state.transaction():
        return queue.put(state.outbox, rejects, now)


def letters(state: State) -> list[tuple[int, bytes]]:
    """Offset and bytes of all letters that wait, in order."""
    waiting = [entry.message.body["letters"] for entry in reversed(state.outbox.find(limit=10_000))]
    return [(one["offset"], data_of(one)) for body in waiting for one in body]


def test_every_byte_comes_back() -> None:
    """Text and bytes that are no text, empty ones and control characters are the same afterwards."""
    kinds = [b"{", b"\xff\x00\xfe", "ä\u2028".encode(), b"", bytes(range(256)), b"\0"]
    with State.memory() as state:
        put(DeadLetterQueue("loan"), state, [reject(i, data) for i, data in enumerate(kinds)])
        assert list(enumerate(kinds)) == letters(state)


def test_many_letters_are_few_messages() -> None:
    """A message has so many letters, and so many bytes, at most; the order stays."""
    many = [reject(i) for i in range(2 * LETTERS_IN_A_MESSAGE + 1)]
    large = [reject(i + len(many), b"x" * 4096) for i in range(2 * BYTES_IN_A_MESSAGE // 4096)]
    with State.memory() as state:
        assert put(DeadLetterQueue("loan"), state, [*many, *large])
        assert [one.offset for one in (*many, *large)] == [offset for offset, _ in letters(state)]
        assert 5 == state.outbox.pending(NAME)
        assert 5 == len({entry.message.id for entry in state.outbox.find()})


def test_no_more_than_there_is_room_for() -> None:
    """While the topic cannot be written the outbox takes so many and no more; later ones go in when there is room."""
    queue = DeadLetterQueue("loan")
    with State.memory() as state, capture_logs() as lines:
        for number in range(MOST_WAITING + 10):
            put(queue, state, [reject(number)], number)
        assert (MOST_WAITING, 10) == (state.outbox.pending(NAME), queue.left_out)
        assert ["no room for more dead letters in the outbox"] == [line["event"] for line in lines]
        with state.transaction():
            state.outbox.mark_delivered(state.outbox.due(NAME, 10**9, limit=1)[0].message.id, at=7)
        assert put(queue, state, [reject(999)], 10**6)
        assert (MOST_WAITING, 0) == (state.outbox.pending(NAME), queue.left_out)


def test_nothing_is_nothing() -> None:
    """A commit without rejected records writes no message and wakes nobody."""
    with State.memory() as state:
        assert not put(DeadLetterQueue("loan"), state, [])
        assert 0 == state.outbox.pending(NAME)


def test_letters_are_written_with_their_rows_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction that moves past a record holds its letter: a commit that fails leaves neither."""
    batch = RecordBatch(rows(1000, 2), Position({"a": {"offset": 120}}), (reject(7),), partition="a")
    bench = Bench(MemorySource([batch]))
    engine = bench.engine()
    engine.watches[0].queue = DeadLetterQueue("loan")
    engine.step()
    with monkeypatch.context() as patched:

        def full(*_: object) -> None:
            raise StateError("disk full")

        patched.setattr(engine.watches[0].reaction, "save", full)
        with pytest.raises(StateError):
            engine.commit()
    assert [] == letters(bench.state)
    noticed: list[int] = []
    engine.on_messages = lambda: noticed.append(1)
    engine.commit()
    assert ([(7, b"{")], [1]) == (letters(bench.state), noticed)
    engine.commit()
    assert [(7, b"{")] == letters(bench.state)


@pytest.mark.parametrize(
    "selection",
    [
        {"topics": ["loans", "bad"]},
        {"pattern": "^ba.*"},
        {"partitions": {"bad": [0]}, "group": None},
        {"join": {"request": {"topic": "loans"}, "response": {"topic": "bad"}}},
    ],
)
def test_letters_are_not_read_again(selection: dict[str, Any]) -> None:
    """A topic that is read takes no dead letters: each would make the next."""
    letters = {"dead_letters": {"topic": "bad"}}
    KafkaSource.model_validate({"brokers": "b", **selection})
    with pytest.raises(ValidationError, match="would be read again"):
        KafkaSource.model_validate({"brokers": "b", **selection, **letters})


def test_only_sources_that_ask_for_it() -> None:
    """A topic for dead letters is an option of Kafka sources."""
    options = {"brokers": "b", "topics": "loans"}
    asked = KafkaSource.model_validate({**options, "dead_letters": {"topic": "bad-loans"}})
    found = dead_letter_topic(asked)
    assert found is not None
    assert "bad-loans" == found[1].topic
    assert dead_letter_topic(KafkaSource.model_validate(options)) is None
    assert dead_letter_topic(pl.DataFrame()) is None
