"""Windows' results on their way to sinks: for those that ask for them, once, in order, and not kept afterwards."""

from dataclasses import replace

from monitor.clock import ManualClock
from monitor.delivery import AlertDestination, Worker
from monitor.delivery.destinations import window_message
from monitor.sources.memory import MemorySource
from monitor.state import Delivery, State
from sinks.base import DeliveryError, Sink, Span
from sinks.events import MOST_RESULTS, WindowKey, window_event
from sinks.log import LogSink
from sinks.memory import MemorySink
from tests.unit.monitor.test_engine import Bench, batches

KEY = WindowKey("loan", "1", "")
SPAN = Span("1h", 0, 3_600_000_000, 500)
RESULT = {"column": "x", "test": "drift", "verdict": "ok"}


def run(bench: Bench, *sinks: Sink) -> list[int]:
    """All batches through an engine with these sinks; how many messages waited at each notice."""
    noticed: list[int] = []
    engine = bench.engine()
    engine.watches[0].reaction.sinks = sinks
    engine.on_messages = lambda: noticed.append(sum(bench.state.outbox.counts().values()))
    while engine.step():
        bench.clock.advance(1)
    engine.finish()
    return noticed


def test_every_window_is_told_to_who_asks() -> None:
    """One message for each closed window, in the transaction that stores it, and the worker is woken for it."""
    bench = Bench(MemorySource(batches(60)))
    sink = MemorySink(windows=True)
    noticed = run(bench, sink, LogSink())
    stored = bench.stored()
    assert 6 == len(stored["windows"]) == len(stored["messages"]) == noticed[-1]
    Worker(AlertDestination(sink), bench.state, ManualClock(2 * 10**15)).step()
    data = [event["data"] for _, event in sink.told]
    assert [(rows, verdict, results) for _, rows, verdict, results in reversed(stored["windows"])] == [
        (told["window"]["rows"], told["verdict"], told["results"]) for told in data
    ]
    assert {"driftd.window.closed"} == {event["type"] for _, event in sink.told}
    assert sorted(stored["messages"]) == sorted(identity for identity, _ in sink.told)


def test_nothing_waits_for_who_does_not_ask() -> None:
    """Without a sink for windows the outbox stays empty."""
    bench = Bench(MemorySource(batches(60)))
    assert [] == run(bench, MemorySink(), LogSink())
    assert {} == bench.stored()["messages"]


def test_what_was_delivered_takes_no_room() -> None:
    """The results lie in the table of windows: the message keeps its id and fate, and not its body."""
    with State.memory() as state:
        sink = MemorySink(windows=True)
        message = window_message(window_event(KEY, SPAN, "ok", [RESULT], 7), sink, 5)
        with state.transaction():
            state.outbox.enqueue(message)
        sink.fail_next(DeliveryError("not now"))
        clock = ManualClock(10)
        worker = Worker(AlertDestination(sink), state, clock)
        worker.step()
        assert [message.body] == [entry.message.body for entry in state.outbox.find()]
        clock.advance(60)
        worker.step()
        (entry,) = state.outbox.find()
        assert (Delivery.DELIVERED, {}, 2) == (entry.state, entry.message.body, entry.attempts)
        assert [message.id] == [identity for identity, _ in sink.told]


def test_a_sink_that_no_longer_takes_windows() -> None:
    """Messages of an earlier configuration are given up at once instead of being tried for a day."""
    with State.memory() as state:
        message = window_message(window_event(KEY, SPAN, "ok", [], 7), MemorySink(), 5)
        with state.transaction():
            state.outbox.enqueue(message)
        Worker(AlertDestination(MemorySink()), state, ManualClock(10)).step()
        assert [Delivery.DEAD] == [entry.state for entry in state.outbox.find()]


def test_identity_and_order() -> None:
    """The id depends on the window and the sink alone; windows of one kind are one thread."""
    event = window_event(KEY, SPAN, "ok", [RESULT], 7)
    later = window_event(KEY, SPAN, "drift", [], 99)
    next_one = window_event(KEY, replace(SPAN, start=SPAN.end, end=2 * SPAN.end), "ok", [], 7)
    a, b = MemorySink(name="a"), MemorySink(name="b")
    assert window_message(event, a, 5).id == window_message(later, a, 6).id
    assert 3 == len({window_message(e, s, 5).id for e, s in ((event, a), (event, b), (next_one, a))})
    assert "loan/1//1h" == window_message(event, a, 5).thread == window_message(next_one, a, 5).thread


def test_what_found_nothing_is_left_out_first() -> None:
    """A window with very many results stays a message: the findings stay, in their order."""
    quiet = [{**RESULT, "column": f"q{i}"} for i in range(MOST_RESULTS + 50)]
    bad = [{**RESULT, "column": f"b{i}", "verdict": "drift"} for i in range(5)]
    data = window_event(KEY, SPAN, "drift", [*quiet[:700], *bad, *quiet[700:]], 7)["data"]
    assert (MOST_RESULTS, 55) == (len(data["results"]), data["results_left_out"])
    assert ["b0", "b1", "b2", "b3", "b4"] == [r["column"] for r in data["results"] if r["verdict"] == "drift"]
