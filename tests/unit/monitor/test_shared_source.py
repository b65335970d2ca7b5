"""What the engine does for sources that share partitions: roll back, commit on demand, save, tell of gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import polars as pl
import pytest
from structlog.testing import capture_logs

from detectors.base import Cause
from monitor.metrics.telemetry import STARTING
from monitor.pipeline import GATHERED_ROWS
from monitor.records import Gap, RecordBatch
from monitor.sources.base import PartitionsLostError, Position, SourceError, SourceReport, Store, shared
from monitor.sources.memory import MemorySource
from monitor.windows import book
from sinks.base import AlertState
from tests.unit.monitor.test_engine import REFERENCE, Bench, batches


class SharedMemory(MemorySource):
    """A memory source that may lose its partitions and counts its polls in the state."""

    def __init__(self, given: Iterable[RecordBatch]) -> None:
        super().__init__(given)
        self.lost: PartitionsLostError | None = None
        self.commit_wanted = False
        self.assigned: frozenset[str] = frozenset()
        self.polls = 0
        self.told: list[Position | None] = []
        self.said = SourceReport()

    def poll(self, timeout_seconds: float) -> RecordBatch | None:
        """The next batch, counted."""
        self.polls += 1
        return super().poll(timeout_seconds)

    def listen(self, wake: Callable[[], None]) -> None:
        """Nothing happens here behind the loop's back."""

    def before_commit(self) -> None:
        """Raise the loss that was asked for, once."""
        if self.lost is not None:
            lost, self.lost = self.lost, None
            raise lost

    def committed(self, position: Position | None) -> None:
        """Note the position."""
        self.commit_wanted = False
        self.told.append(position)

    def save(self, store: Store) -> None:
        """Write the number of polls."""
        store.put("polls", [(b"n", str(self.polls).encode())])

    def load(self, store: Store) -> None:
        """Take up the number of polls."""
        self.polls = int(dict(store.load("polls")).get(b"n", b"0"))

    def report(self) -> SourceReport:
        """What was set."""
        return self.said


def test_only_sources_with_more_to_say_are_shared() -> None:
    """A source of positions alone is not asked for more."""
    assert shared(MemorySource()) is None
    assert shared(SharedMemory([])) is not None


def test_lost_rows_are_read_again_and_counted_once() -> None:
    """Partitions that are lost in a poll or right before a commit: windows and counts are as without the loss."""
    quiet, troubled = Bench(MemorySource(batches(80, break_at=40))), SharedMemory(batches(80, break_at=40))
    bench = Bench(troubled)
    for each in (quiet, bench):
        engine, steps = each.engine(), 0
        while engine.step() or not each.source.exhausted:
            steps += 1
            if each is bench and steps in {1, 7, 21}:
                troubled.failure = PartitionsLostError("evicted")
            if each is bench and steps in {11, 30}:
                troubled.lost = PartitionsLostError("evicted")
            if steps % 4 == 0:
                engine.commit()
        engine.finish()
    assert quiet.stored() == bench.stored()


def test_a_wanted_commit_comes_at_once() -> None:
    """A source that must give a partition up gets its commit in the same step, with the position of the rows."""
    source = SharedMemory(batches(8))
    bench = Bench(source)
    engine = bench.engine()
    engine.step()
    assert [] == source.told
    source.commit_wanted = True
    engine.step()
    assert [Position({"memory": {"batches": 2}})] == source.told
    assert {"accepted": 240} == bench.state.counts.of("m")


def test_what_a_source_keeps_is_there_after_a_restart() -> None:
    """Values of the source come back with the position that they belong to."""
    source = SharedMemory(batches(8))
    bench = Bench(source)
    engine = bench.engine()
    engine.step()
    engine.step()
    engine.commit()
    engine.step()
    again = SharedMemory(batches(8))
    Bench(again, state=bench.state, clock=bench.clock).engine()
    assert 2 == again.polls


def test_a_gap_is_stored_counted_and_told_once() -> None:
    """Missing records: one alert of the cause source, resolved by the first whole window after it."""
    given = batches(80)
    gap = Gap("topic/1", 100, 350, "corrupt", 7_000)
    given[10] = replace(given[10], gaps=(gap,), outcomes={"tombstone": 3})
    bench = Bench(SharedMemory(given))
    engine = bench.engine()
    with capture_logs() as said:
        while engine.step():
            pass
    engine.finish()
    (line,) = [entry for entry in said if entry["event"] == "records are missing in the source"]
    assert (250, 7_000) == (line["records"], line["bytes"])
    assert "the broker's disk" in line["hint"]
    assert [gap] == bench.state.gaps.of("m")
    assert {"accepted": 4800, "tombstone": 3} == bench.state.counts.of("m")
    told = [alert for alert in bench.alerts if alert.cause is Cause.SOURCE]
    assert [AlertState.FIRING, AlertState.RESOLVED] == [alert.state for alert in told]
    assert "topic/1" in told[0].summary
    assert "250 records" in told[0].columns[0].detail
    counted = engine.telemetry.snapshot().counters
    assert {("m", "corrupt"): 250.0} == counted["gap_records"]
    assert {("m", "corrupt"): 7_000.0} == counted["gap_bytes"]


def test_trouble_of_a_source_is_told_by_readiness() -> None:
    """What a source says is wrong makes the daemon not ready until it says otherwise."""
    source = SharedMemory(batches(8))
    engine = Bench(source).engine()
    engine.step()
    source.said = SourceReport(trouble="broker away", lag_records={"t": 5})
    engine.tick()
    engine.step()
    assert {"m": "source: broker away"} == engine.telemetry.readiness()
    assert {"t": 5} == engine.telemetry.snapshot().sources["m"].lag_records
    source.said = SourceReport()
    engine.tick()
    engine.step()
    assert {} == engine.telemetry.readiness()


def test_a_source_that_nobody_could_read_yet_is_not_ready() -> None:
    """Until rows have come or the source says that it can be read, readiness says that it was not yet."""
    for number in (0, 1):
        source = SharedMemory(batches(8)[:number])
        engine = Bench(source).engine()
        source.said = SourceReport(began=False)
        engine.tick()
        engine.step()
        assert ({} if number else {"m": STARTING}) == engine.telemetry.readiness()
        source.said = SourceReport()
        engine.tick()
        engine.step()
        assert {} == engine.telemetry.readiness()


def test_partitions_that_are_read_to_their_end_are_waited_for() -> None:
    """Rows that come to one partition later than newer ones to another are in their windows; which then close soon."""
    source = SharedMemory([])
    source.assigned = frozenset("ab")
    bench = Bench(source)
    engine = bench.engine()
    given = batches(42)
    for partition in "ab":
        mine = given[::2] if partition == "a" else given[1::2]
        source.add(*(replace(batch, partition=partition) for batch in mine))
        while engine.step():
            pass
        bench.clock.advance(2.0)
    assert [600] * 3 == [e.window.profile.rows for e in bench.windows]
    for _ in range(100):
        bench.clock.advance(0.1)
        engine.step()
    assert [600] * 4 == [e.window.profile.rows for e in bench.windows]
    engine.commit()
    assert {"accepted": 2520} == bench.stored()["counts"]


def test_time_goes_by_for_partitions_that_are_known() -> None:
    """Right after a start, and while the brokers are away, nobody says that a silent partition was waited for."""
    source = SharedMemory([])
    bench = Bench(source)
    engine = bench.engine()
    given = batches(42)
    for partition, assigned, trouble in (("a", "ab", ""), ("", "", ""), ("", "ab", "away"), ("b", "ab", "")):
        source.assigned, source.said = frozenset(assigned), SourceReport(trouble=trouble)
        engine.tick()
        if partition:
            mine = given[::2] if partition == "a" else given[1::2]
            source.add(*(replace(batch, partition=partition) for batch in mine))
        for _ in range(2 if partition else 100):
            while engine.step():
                pass
            bench.clock.advance(0.1)
    engine.commit()
    assert {"accepted": 2520} == bench.stored()["counts"]


@pytest.mark.parametrize("why", ["asleep", "in trouble", "unreadable"])
def test_time_in_which_nothing_could_come_is_no_silence(why: str) -> None:
    """A partition could say nothing meanwhile: it is waited for as if no time had gone by."""
    source = SharedMemory([])
    source.assigned = frozenset("ab")
    bench = Bench(source)
    engine = bench.engine()
    given = batches(42)
    source.add(replace(given[0], frame=pl.concat([batch.frame for batch in given[::2]]), partition="a"))
    while engine.step():
        pass
    for _ in range({"asleep": 1, "in trouble": 300, "unreadable": 60}[why]):
        bench.clock.advance(1500.0 if why == "asleep" else 0.1)
        if why == "in trouble":
            source.said = SourceReport(trouble="away")
        if why == "unreadable":
            source.failure = SourceError("away")
        if why != "asleep":
            engine.tick()
            engine.step()
    source.said, source.failure = SourceReport(), None
    engine.tick()
    bench.clock.advance(max(0.0, engine.watches[0].retry_at - bench.clock.monotonic()))
    for batch in given[1::2]:
        source.add(replace(batch, partition="b"))
        engine.step()
    engine.commit()
    assert {"accepted": 2520} == bench.stored()["counts"]


def test_slow_steps_are_not_sleep() -> None:
    """Where every step takes long, a partition that stays silent is given up all the same."""
    source = SharedMemory([replace(batch, partition="a") for batch in batches(100)])
    source.assigned = frozenset("ab")
    bench = Bench(source)
    engine = bench.engine()
    while engine.step():
        bench.clock.advance(11.0)
    assert len(bench.windows) > 5


def test_memory_bounds_what_waits_for_silent_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long history in one partition alone: windows close before their time is up, and panes stay few."""
    monkeypatch.setattr(book, "SPARE_PROFILES", 10 * len(REFERENCE.layout.columns) + 1)
    source = SharedMemory([replace(batch, partition="a") for batch in batches(1000)])
    source.assigned = frozenset("ab")
    bench = Bench(source)
    engine, panes = bench.engine(), []
    while engine.step():
        time = engine.watches[0].pipeline.intake.time
        assert time is not None
        panes.append(sum(map(len, time.panes.values())))
    assert max(panes) <= 1 + 10 + GATHERED_ROWS // 600 + 1
    assert [600] * len(bench.windows) == [e.window.profile.rows for e in bench.windows]
    assert len(bench.windows) > 70


def test_only_a_source_that_was_asked_and_could_answer_is_quiet() -> None:
    """Neither a broker that is away nor a process that was stopped lets event time go on; real silence does."""
    source = SharedMemory(batches(10))
    bench = Bench(source)
    engine = bench.engine()
    while engine.step():
        pass
    source.said = SourceReport(trouble="broker away")
    engine.tick()
    for _ in range(60):
        bench.clock.advance(9.0)
        engine.step()
    source.said = SourceReport()
    engine.tick()
    engine.step()
    bench.clock.advance(1500.0)
    engine.step()
    engine.step()
    assert [] == bench.windows
    for _ in range(60):
        bench.clock.advance(9.0)
        engine.step()
    assert [600] == [e.window.profile.rows for e in bench.windows][:1]
