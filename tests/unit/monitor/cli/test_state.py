"""`driftd status` and `driftd deliveries` read and change a state file."""

import time
from pathlib import Path

import pytest

from monitor.state import Message, State, StoredWindow
from tests.commands import Driftd

HOUR = 3_600_000_000
START = 1_767_225_600_000_000


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state file with counts, a bad window, and a pending, a delivered and a dead message."""
    path = tmp_path / "driftd.state"
    result = {"column": "age", "test": "drift", "verdict": "drift", "effect_size": 0.2, "detail": "moved"}
    alert = {
        "cause": "data_drift",
        "state": "firing",
        "severity": "warning",
        "summary": "data drift in loans: age",
    }
    with State.open(path) as opened, opened.transaction():
        opened.counts.add("loans", {"accepted": 1200, "late": 3})
        opened.windows.put(
            StoredWindow("loans", "v1", "", "1h", START, START + HOUR, 600, "drift", [result], START)
        )
        opened.alerts.put("loans", "f1", "firing", {"alert": alert}, updated_at=START)
        opened.documents.put("loans", "intake", {"watermark": {"value": START + HOUR}})
        for number in range(3):
            opened.outbox.enqueue(Message(f"msg_{number}", "chat", "alert", {"a": 1}, START + number))
        opened.outbox.mark_delivered("msg_1", at=START + 5)
        opened.outbox.mark_dead("msg_2", at=START + 6, error="410 gone")
    return path


def test_status_as_json(driftd: Driftd, state: Path) -> None:
    """Records, watermark, windows and messages of every monitor."""
    found = driftd("status", "--state", state, "--format", "json").json
    (monitor,) = found["monitors"]
    assert ("loans", {"accepted": 1200, "late": 3}) == (monitor["name"], monitor["records"])
    assert monitor["watermark"].startswith("2026-01-01T01:00:00")
    assert time.time() - (START + HOUR) / 1e6 == pytest.approx(monitor["watermark_age_seconds"], abs=600)
    assert [("1h", "drift", 600)] == [(w["window"], w["verdict"], w["rows"]) for w in monitor["windows"]]
    assert {"chat": {"pending": 1, "delivered": 1, "dead": 1}} == found["deliveries"]


def test_status_as_text(driftd: Driftd, state: Path) -> None:
    """The bad column stands beside its window."""
    answer = driftd("status", "--state", state)
    assert 0 == answer.code
    assert "1,200 accepted, 3 late" in answer.out
    assert "drift  age" in answer.out
    assert "firing data drift in loans: age" in answer.out


def test_status_reads_beside_a_writer(driftd: Driftd, state: Path) -> None:
    """A daemon that holds the file does not keep status from reading it."""
    with State.open(state):
        assert 0 == driftd("status", "--state", state).code


def test_deliveries_are_listed(driftd: Driftd, state: Path) -> None:
    """All, or those that stand somewhere."""
    found = driftd("deliveries", "list", "--state", state, "--format", "json").json
    assert ["msg_2", "msg_1", "msg_0"] == [entry["id"] for entry in found]
    (dead,) = driftd("deliveries", "list", "--state", state, "--state-is", "dead", "--format", "json").json
    assert ("msg_2", "410 gone") == (dead["id"], dead["error"])
    assert "410 gone" in driftd("deliveries", "list", "--state", state).out


def test_dead_messages_are_sent_again(driftd: Driftd, state: Path) -> None:
    """After a retry the dead message is pending; delivered ones and unknown ids are not touched."""
    assert 0 == driftd("deliveries", "retry", "--dead", "--state", state).code
    with State.open(state, read_only=True) as opened:
        assert {("chat", "pending"): 2, ("chat", "delivered"): 1} == opened.outbox.counts()
    assert 1 == driftd("deliveries", "retry", "msg_1", "--state", state).code
    assert 2 == driftd("deliveries", "retry", "--state", state).code


def test_a_state_file_that_is_not_there(driftd: Driftd, tmp_path: Path) -> None:
    """The message says which command makes it."""
    answer = driftd("status", "--state", tmp_path / "none.state")
    assert 1 == answer.code
    assert "driftd run" in answer.err


def test_a_file_that_is_no_state(driftd: Driftd, tmp_path: Path) -> None:
    """Another file is refused with a message, not with a traceback."""
    path = tmp_path / "x.state"
    path.write_text("something else", encoding="utf-8")
    answer = driftd("status", "--state", path)
    assert 1 == answer.code
    assert str(path) in answer.err
