"""The engine's steps: every row in one outcome, sources that fail, silence, commits, and a restart at any batch."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any
from weakref import finalize, ref

import numpy as np
import polars as pl
import pytest

from detectors.base import Cause
from detectors.builtin import CHANGE_DETECTORS, WINDOW_TESTS
from detectors.layout import Column, Kind, Role
from detectors.profile import Profile
from detectors.reference import Reference
from monitor.alerts import AlertOptions
from monitor.clock import ManualClock
from monitor.decode.dead_letters import DeadLetters
from monitor.engine import Engine
from monitor.evaluation import Evaluation, Evaluator
from monitor.intake import Intake
from monitor.metrics import Telemetry
from monitor.pipeline import Pipeline
from monitor.reaction import Reaction
from monitor.records import RecordBatch, Reject
from monitor.references import References
from monitor.sources.base import Position, SourceError
from monitor.sources.memory import MemorySource
from monitor.state.state import State
from monitor.state.windows import WindowFilter
from monitor.streams import Streams
from monitor.watch import Watch
from monitor.windows.spec import MICROSECONDS, WindowSpec
from sinks.base import Alert
from sinks.log import LogSink

MINUTE = 60 * MICROSECONDS
SPEC = WindowSpec("10m", 10 * MINUTE, 10 * MINUTE, min_rows=50)
COLUMNS = (
    Column("x", Kind.NUMERIC),
    Column("prediction", Kind.CATEGORICAL, Role.PREDICTION),
    Column("label", Kind.CATEGORICAL, Role.LABEL),
)


def rows(start_minute: int, minutes: int, *, shift: float = 0.0, wrong: float = 0.05) -> pl.DataFrame:
    """Sixty rows a minute; `shift` moves x, `wrong` is the share of wrong predictions."""
    n = minutes * 60
    rng = np.random.default_rng(start_minute)
    label = rng.integers(0, 2, n)
    prediction = np.where(rng.random(n) < wrong, 1 - label, label)
    return pl.DataFrame(
        {
            "x": rng.normal(shift, 1, n),
            "prediction": [str(value) for value in prediction],
            "label": [str(value) for value in label],
            "@time": start_minute * MINUTE + np.arange(n) * MICROSECONDS,
            "@ordinal": np.arange(start_minute * 60, start_minute * 60 + n).astype(np.uint64),
        }
    )


REFERENCE = Reference.fit(rows(0, 100), COLUMNS)


def batches(minutes: int, *, break_at: int | None = None, first: int = 1000) -> list[RecordBatch]:
    """A batch for every two minutes; from minute `break_at` on x and the predictions are broken."""
    found = []
    for minute in range(first, first + minutes, 2):
        broken = break_at is not None and minute >= first + break_at
        frame = rows(minute, 2, shift=1.0, wrong=0.3) if broken else rows(minute, 2)
        found.append(RecordBatch(frame, Position({}), partition="a"))
    return found


@dataclass
class Bench:
    """An engine over a memory source, and what it told."""

    source: MemorySource
    state: State = field(default_factory=State.memory)
    clock: ManualClock = field(default_factory=lambda: ManualClock(10**15))
    windows: list[Evaluation] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    letters: Path | None = None

    def __post_init__(self) -> None:
        finalize(self, self.state.close)

    def engine(self) -> Engine:
        """A fresh engine at the state's position."""

        def make() -> tuple[Pipeline, Reaction]:
            intake = Intake(REFERENCE.layout, [SPEC], disorder=0, ahead=0)
            evaluator = Evaluator([test() for test in WINDOW_TESTS])
            streams = Streams([CHANGE_DETECTORS[0]()])
            pipeline = Pipeline("m", self.source, References(REFERENCE), intake, evaluator, streams)
            return pipeline, Reaction("m", AlertOptions(), None, [LogSink()], ["10m"])

        watch = Watch(make, DeadLetters(self.letters), 300.0, self.clock.monotonic())
        engine = Engine([watch], self.state, Telemetry(["m"], clock=self.clock), self.clock)
        engine.on_window = lambda _monitor, evaluation: self.windows.append(evaluation)
        engine.on_alert = self.alerts.append
        self.source.seek(Position({}))
        engine.restore()
        return engine

    def stored(self) -> dict[str, Any]:
        """Windows, messages and counts of the state file."""
        windows = self.state.windows.find(WindowFilter(), limit=1000)
        return {
            "windows": [(w.start, w.rows, w.verdict, w.results) for w in windows],
            "messages": {entry.message.id: entry.message.body for entry in self.state.outbox.find()},
            "counts": self.state.counts.of("m"),
        }


def test_a_break_fires_the_alerts_of_its_causes() -> None:
    """Quiet windows give no alert; the broken ones fire data drift and concept drift, naming the column."""
    bench = Bench(MemorySource(batches(80, break_at=40)))
    engine = bench.engine()
    while engine.step():
        pass
    engine.finish()
    assert [600] * 8 == [e.window.profile.rows for e in bench.windows]
    firing = {alert.cause: alert for alert in bench.alerts if alert.state == "firing"}
    assert {Cause.DATA_DRIFT, Cause.CONCEPT_DRIFT} <= set(firing)
    first_broken = (1040 // 10 + 1) * 10 * MINUTE
    assert firing[Cause.DATA_DRIFT].at in {first_broken, first_broken + 10 * MINUTE}
    assert "x" in {evidence.column for evidence in firing[Cause.DATA_DRIFT].columns}
    assert {"accepted": 4800} == bench.state.counts.of("m")


@pytest.mark.parametrize("stop_after", [1, 7, 21, 33])
def test_a_restart_after_any_batch_changes_nothing(stop_after: int) -> None:
    """An engine that is dropped without a word and built anew from the state ends like one that was not."""
    quiet = Bench(MemorySource(batches(80, break_at=40)))
    engine = quiet.engine()
    while engine.step():
        pass
    engine.finish()

    broken = Bench(MemorySource(batches(80, break_at=40)))
    engine = broken.engine()
    for _ in range(stop_after):
        engine.step()
        broken.clock.advance(0.4)
    engine = broken.engine()
    while engine.step():
        pass
    engine.finish()
    assert quiet.stored() == broken.stored()


def test_a_source_that_fails_is_tried_again() -> None:
    """A source out of reach is left alone for a while, readiness tells why, and reading goes on where it was."""
    bench = Bench(MemorySource(batches(4)))
    engine = bench.engine()
    bench.source.failure = SourceError("broker gone", "is it up?")
    assert not engine.step()
    assert {"m": "source: broker gone"} == engine.telemetry.readiness()
    assert not engine.step(), "not tried before its time"
    bench.clock.advance(1.0)
    assert engine.step()
    assert {} == engine.telemetry.readiness()


def test_a_strict_engine_raises() -> None:
    """A replay ends with the source's error."""
    bench = Bench(MemorySource())
    engine = bench.engine()
    engine.strict = True
    bench.source.failure = SourceError("no such file")
    with pytest.raises(SourceError, match="no such file"):
        engine.step()


def test_silence_closes_windows_and_is_told() -> None:
    """A source that stays quiet closes its windows by the clock; empty windows are a service finding."""
    bench = Bench(MemorySource(batches(10)))
    engine = bench.engine()
    while engine.step():
        pass
    assert [] == bench.windows
    bench.clock.advance(1500.0)
    engine.step()
    assert [600, 0] == [e.window.profile.rows for e in bench.windows][:2]
    assert [(Cause.SERVICE, "firing")] == [(a.cause, a.state) for a in bench.alerts]


def test_commits_come_by_the_clock_and_at_once_for_alerts() -> None:
    """Rows are committed a second after they came; an alert does not wait."""
    bench = Bench(MemorySource(batches(80, break_at=40)))
    engine = bench.engine()
    engine.step()
    assert {} == bench.state.counts.of("m")
    bench.clock.advance(1.0)
    engine.step()
    assert {"accepted": 240} == bench.state.counts.of("m")
    while not bench.alerts:
        engine.step()
    assert bench.state.outbox.find()


def test_what_a_window_holds_goes_with_it() -> None:
    """Arrays of closed windows do not wait for Python to look for cycles."""
    bench, held = Bench(MemorySource(batches(80))), list[ref[Profile]]()
    engine = bench.engine()
    engine.on_window = lambda _monitor, evaluation: held.append(ref(evaluation.window.profile))
    gc.disable()
    try:
        while engine.step():
            pass
        assert [None] * 7 == [window() for window in held]
    finally:
        gc.enable()


def test_the_next_commit_is_known() -> None:
    """Who waits for rows waits no longer than until the next commit is due."""
    bench = Bench(MemorySource(batches(2, break_at=40)))
    engine = bench.engine()
    assert inf == engine.commit_in_seconds
    engine.step()
    assert engine.commit_in_seconds == engine.commit_seconds
    bench.clock.advance(0.75 * engine.commit_seconds)
    assert 0.25 * engine.commit_seconds == pytest.approx(engine.commit_in_seconds)
    bench.clock.advance(engine.commit_seconds)
    assert engine.commit_in_seconds == 0


def test_rows_of_small_batches_are_in_their_panes_at_a_commit() -> None:
    """However few they are, a commit has them all, and a window closes with all of its rows."""
    bench = Bench(MemorySource(batches(15, break_at=40)))
    engine = bench.engine()
    engine.step()
    engine.step()
    (watch,) = engine.watches
    assert 120 == watch.pipeline.intake.waiting
    engine.commit()
    panes = bench.state.panes.load("m")
    assert (0, 240) == (watch.pipeline.intake.waiting, sum(pane.rows for pane in panes if not pane.segment))
    while engine.step():
        pass
    assert [600] == [evaluation.window.profile.rows for evaluation in bench.windows]


def test_rejects_are_counted_and_kept(tmp_path: Path) -> None:
    """A record that could not be read is counted as rejected and stands in the dead letters."""
    reject = Reject("malformed_json", "what it said", "a", 7, b"{")
    batch = RecordBatch(rows(1000, 1), Position({}), rejects=(reject,))
    bench = Bench(MemorySource([batch]), letters=tmp_path / "letters.ndjson")
    engine = bench.engine()
    engine.step()
    engine.commit()
    assert {"accepted": 60, "rejected": 1} == bench.state.counts.of("m")
    assert "malformed_json" in (tmp_path / "letters.ndjson").read_text()
