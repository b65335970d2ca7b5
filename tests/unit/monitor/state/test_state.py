"""The state: what is written together is there together, and is found again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.sources.base import Position
from monitor.state import (
    Message,
    State,
    StoredPane,
    StoredRun,
    StoredTransition,
    StoredWindow,
    WindowFilter,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state file is to be."""
    return tmp_path / "driftd.state"


@pytest.fixture(params=["file", "memory"])
def state(request: pytest.FixtureRequest, path: Path) -> Iterator[State]:
    """An empty state, in a file and in memory."""
    with State.open(path) if request.param == "file" else State.memory() as opened:
        yield opened


def window(end: int, *, verdict: str = "ok", monitor: str = "m", closed_at: int = 0) -> StoredWindow:
    """A window of ten microseconds."""
    return StoredWindow(monitor, "1", "", "1h", end - 10, end, 5, verdict, [{"column": "a"}], closed_at)


def test_everything_of_a_transaction_survives_a_reopening(path: Path) -> None:
    """What one transaction wrote is there after closing and opening the file."""
    with State.open(path) as state, state.transaction() as tx:
        tx.positions.put("m", Position({"log": {"offset": 7}}))
        tx.counts.add("m", {"counted": 3, "late": 0})
        tx.documents.put("m", "watermark", {"at": 5})
        tx.panes.put("m", [StoredPane("1", "", 60, 2, b"profile")])
        tx.windows.put(window(10), b"whole")
        tx.outbox.enqueue(Message("id", "log", "alert", {"a": 1}, 1))
    with State.open(path) as state:
        assert Position({"log": {"offset": 7}}) == state.positions.get("m")
        assert state.counts.of("m") == {"counted": 3}
        assert state.documents.all("m") == {"watermark": {"at": 5}}
        assert state.panes.load("m") == [StoredPane("1", "", 60, 2, b"profile")]
        assert state.windows.recent_profiles("m", "1", "", "1h", limit=9) == [(0, 10, b"whole")]
        assert [entry.message.id for entry in state.outbox.find()] == ["id"]


def test_an_exception_leaves_nothing_of_its_transaction(state: State) -> None:
    """A transaction that an exception leaves has not happened, inner ones included."""
    with state.transaction() as tx:
        tx.counts.add("m", {"counted": 1})

    def interrupted() -> None:
        with state.transaction() as tx:
            tx.counts.add("m", {"counted": 1})
            with state.transaction():
                tx.positions.put("m", Position({"log": {}}))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert state.counts.of("m") == {"counted": 1}
    assert state.positions.get("m") is None


def test_a_write_outside_a_transaction_is_a_mistake(state: State) -> None:
    """A lone write would be durable by itself, apart from what belongs to it."""
    with pytest.raises(RuntimeError, match="transaction"):
        state.counts.add("m", {"counted": 1})


def test_positions_forget_partitions_that_are_gone(state: State) -> None:
    """The stored position is the last one, not the sum of all."""
    with state.transaction() as tx:
        tx.positions.put("m", Position({"a": {"o": 1}, "b": {"o": 1}}))
        tx.positions.put("n", Position({"b": {"o": 9}}))
        tx.positions.put("m", Position({"a": {"o": 2}, "c": {"o": 0}}))
    assert Position({"a": {"o": 2}, "c": {"o": 0}}) == state.positions.get("m")
    assert Position({"b": {"o": 9}}) == state.positions.get("n")


def test_counts_add_up(state: State) -> None:
    """Counts of several commits are their sum, by monitor and outcome."""
    for _ in range(3):
        with state.transaction() as tx:
            tx.counts.add("m", {"counted": 2, "late": 1})
            tx.counts.add("n", {"counted": 5})
    assert state.counts.of("m") == {"counted": 6, "late": 3}


def test_panes_are_replaced_and_forgotten_by_their_key(state: State) -> None:
    """A pane is stored once for each key; panes before a start go, of one version or of all."""
    with state.transaction() as tx:
        for start in (0, 60, 120):
            tx.panes.put("m", [StoredPane(v, "", start, 1, b"x") for v in ("1", "2")])
        tx.panes.put("m", [StoredPane("1", "", 120, 2, b"y"), StoredPane("1", "", 0, 1, b"r", "rows")])
        tx.panes.delete("m", "1", "", 120)
        tx.panes.delete_before("m", 60)
    kept = [(p.version, p.start, p.profile, p.series) for p in state.panes.load("m")]
    assert kept == [("1", 0, b"r", "rows"), ("2", 60, b"x", ""), ("1", 120, b"y", ""), ("2", 120, b"x", "")]


def test_documents_are_replaced_and_deleted(state: State) -> None:
    """A key holds its last value, and nothing after a deletion."""
    with state.transaction() as tx:
        tx.documents.put("m", "k", [1])
        tx.documents.put("m", "k", {"n": None})
        tx.documents.put("m", "gone", 1)
        tx.documents.delete("m", "gone")
    assert state.documents.get("m", "k") == {"n": None}
    assert state.documents.get("m", "gone") is None


def test_a_window_is_stored_once_for_its_span(state: State) -> None:
    """Storing a window again replaces it under its number: a repeat after a crash changes nothing."""
    with state.transaction() as tx:
        first = tx.windows.put(window(10), b"p")
        again = tx.windows.put(window(10, verdict="drift"), b"q")
    assert first == again
    (found,) = state.windows.find(WindowFilter())
    assert found.verdict == "drift"
    assert state.windows.profile_at("m", "1", "", "1h", 0) == b"q"
    assert state.windows.profile_at("m", "1", "", "1h", 1) is None


def test_windows_are_found_by_what_is_asked(state: State) -> None:
    """Filters narrow, pages follow each other without gap or overlap."""
    with state.transaction() as tx:
        for end in range(10, 60, 10):
            tx.windows.put(window(end, verdict="drift" if end == 30 else "ok"))
            tx.windows.put(window(end, monitor="n"))
    ends = [w.end for w in state.windows.find(WindowFilter(monitor="m"))]
    assert ends == [50, 40, 30, 20, 10]
    assert [30] == [w.end for w in state.windows.find(WindowFilter(verdicts=("drift", "warning")))]
    assert [40, 30] == [
        w.end for w in state.windows.find(WindowFilter(monitor="m", ends_after=20, ends_before=40))
    ]
    page = state.windows.find(WindowFilter(monitor="m"), limit=2)
    rest = state.windows.find(WindowFilter(monitor="m", before_id=page[-1].id))
    assert ends == [w.end for w in [*page, *rest]]


def test_profiles_go_with_their_windows(state: State) -> None:
    """Retention forgets windows by when they were closed, profiles with them."""
    with state.transaction() as tx:
        tx.windows.put(window(10, closed_at=100), b"old")
        tx.windows.put(window(20, closed_at=200), b"new")
        assert tx.prune(150) == 1
    assert state.windows.recent_profiles("m", "1", "", "1h", limit=9) == [(10, 20, b"new")]


def test_retention_keeps_what_is_open(state: State) -> None:
    """Firing alerts and pending messages stay whatever their age; the finished ones go."""
    with state.transaction() as tx:
        tx.alerts.put("m", "f", "firing", {"x": 1}, updated_at=1)
        tx.alerts.put("m", "r", "resolved", {"x": 2}, updated_at=1)
        tx.alerts.record(StoredTransition("r", "m", "resolved", {}, 1), recorded_at=1)
        tx.runs.put(StoredRun("run", "m", ("data_drift",), 1, {}), recorded_at=1)
        tx.outbox.enqueue(Message("waits", "log", "alert", {}, 1))
        tx.outbox.enqueue(Message("done", "log", "alert", {}, 1))
        tx.outbox.mark_delivered("done", at=1)
        tx.prune(1000)
    assert set(state.alerts.of()) == {"f"}
    assert state.alerts.history() == []
    assert [] == list(state.runs.of())
    assert [entry.message.id for entry in state.outbox.find()] == ["waits"]


def test_a_change_of_an_alert_is_recorded_once(state: State) -> None:
    """The history of alerts does not grow when a commit is repeated."""
    change = StoredTransition("f", "m", "firing", {"n": 1}, 5)
    with state.transaction() as tx:
        tx.alerts.record(change, recorded_at=1)
        tx.alerts.record(change, recorded_at=2)
    assert state.alerts.history("m") == [change]
    assert state.alerts.history("n") == []


def test_alerts_are_told_by_state(state: State) -> None:
    """Alerts are listed by monitor and state, and counted."""
    with state.transaction() as tx:
        tx.alerts.put("m", "a", "firing", {"n": 1}, updated_at=1)
        tx.alerts.put("m", "a", "resolved", {"n": 2}, updated_at=2)
        tx.alerts.put("n", "b", "firing", {"n": 3}, updated_at=2)
    assert state.alerts.of("m") == {"a": {"n": 2}}
    assert state.alerts.of(state="firing") == {"b": {"n": 3}}
    assert state.alerts.counts() == {("m", "resolved"): 1, ("n", "firing"): 1}


def test_a_run_is_put_once(state: State) -> None:
    """A retraining call is remembered once under its id."""
    run = StoredRun("r1", "m", ("data_drift", "concept_drift"), 5, {"x": 1})
    with state.transaction() as tx:
        assert tx.runs.put(run, recorded_at=1)
        assert not tx.runs.put(run, recorded_at=2)
    assert list(state.runs.of("m")) == [run]
    assert list(state.runs.of("m", since=6)) == []
    assert state.runs.times("m") == [5]
