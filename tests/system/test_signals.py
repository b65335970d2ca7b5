"""What the running daemon does when it is told to stop, to read its configuration again, or cannot start."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from tests.system.process import RUN, counted, driftd, query, runs_on, write_log

pytestmark = pytest.mark.system

CONFIG = """
state: {folder}/driftd.state
http: {{port: {port}}}
monitors:
  - name: loans
    source: {{type: files, path: {folder}/requests*.ndjson, poll_interval: 0.05s}}
    records: {{id: $.id, timestamp: $.timestamp, features: [$.amount, $.region], prediction: $.prediction}}
    reference: {{type: file, path: {folder}/reference.ndjson}}
    windows: [{{length: {length}}}]
"""


class Running:
    """A daemon in a folder of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.log = folder / "log.txt"
        write_log(folder / "reference.ndjson", 2000, seed=1)
        write_log(folder / "requests.ndjson", 1000, seed=2)
        self.configure("15m")
        self.process = driftd("run", "--config", str(folder / "driftd.yaml"), log=self.log)

    def configure(self, length: str) -> None:
        """Write the configuration file."""
        text = CONFIG.format(folder=self.folder, port=self.port, length=length)
        (self.folder / "driftd.yaml").write_text(text)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of an answer; 0 while nobody listens."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except (URLError, ConnectionError):
            return 0, ""

    def until(self, what: str) -> None:
        """Read the log until it tells of an event."""
        while what not in self.log.read_text():
            assert runs_on(self.process), self.log.read_text()[-2000:]

    def until_counted(self, rows: int) -> None:
        """Wait for the commit that holds so many rows."""
        while counted(self.folder / "driftd.state") < rows:
            assert runs_on(self.process), self.log.read_text()[-2000:]


@pytest.fixture
def running(tmp_path: Path, free_port: int) -> Iterator[Running]:
    """A daemon that has read its first 1,000 rows."""
    daemon = Running(tmp_path, free_port)
    daemon.until_counted(1000)
    yield daemon
    daemon.process.kill()
    daemon.process.wait()


def test_sigterm_saves_open_panes_and_ends_well(running: Running) -> None:
    """SIGTERM ends with exit code 0 within the deadline; the rows of the open window are in the state."""
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=30) == 0
    state = running.folder / "driftd.state"
    closed = sum(rows for (rows,) in query(state, "SELECT rows FROM windows"))
    saved = sum(rows for (rows,) in query(state, "SELECT rows FROM panes"))
    assert saved > 0
    assert closed + saved == 1000
    assert '"driftd stopped"' in running.log.read_text()


def test_probes_and_api_answer(running: Running) -> None:
    """A daemon that has polled its source is ready; its API tells the monitor."""
    running.until("driftd runs")
    assert running.get("/healthz")[0] == 200
    assert running.get("/readyz")[0] == 200
    status, body = running.get("/api/v1/monitors")
    assert status == 200
    assert "loans" in body
    assert "driftd_records_total" in running.get("/metrics")[1]


def test_sighup_takes_a_right_configuration(running: Running) -> None:
    """After SIGHUP the new windows are in force, and no row is read twice."""
    running.configure("5m")
    running.process.send_signal(signal.SIGHUP)
    running.until("configuration reloaded")
    write_log(running.folder / "requests-later.ndjson", 500, seed=3)
    running.until_counted(1500)
    assert sum(rows for (rows,) in query(running.folder / "driftd.state", "SELECT rows FROM counts")) == 1500


def test_sighup_refuses_a_wrong_configuration(running: Running) -> None:
    """A wrong file is refused as a whole; the daemon goes on as before."""
    (running.folder / "driftd.yaml").write_text("monitors: []\nhtpp: {}\n")
    running.process.send_signal(signal.SIGHUP)
    running.until("configuration refused")
    assert running.get("/readyz")[0] == 200
    with (running.folder / "requests.ndjson").open("a") as out:
        out.write((running.folder / "reference.ndjson").read_text())
    running.until_counted(3000)


def test_a_wrong_configuration_ends_with_2(tmp_path: Path) -> None:
    """Every mistake is told at once, with the key's path and the line; exit code 2."""
    config = tmp_path / "driftd.yaml"
    config.write_text("http: {port: 99999}\nmonitors:\n  - {name: a b}\n")
    log = tmp_path / "log.txt"
    assert driftd("run", "--config", str(config), log=log).wait(timeout=60) == 2
    text = log.read_text()
    for part in ("driftd.yaml:1", "http.port", "driftd.yaml:3", "monitors[0].name", "source"):
        assert part in text


def test_a_second_daemon_is_refused(running: Running) -> None:
    """Two daemons never write to one state file: the second ends with a clear message."""
    log = running.folder / "second.txt"
    config = running.folder / "second.yaml"
    text = (running.folder / "driftd.yaml").read_text().replace(str(running.port), "0")
    config.write_text(text)
    assert driftd("run", "--config", str(config), log=log).wait(timeout=60) == 1
    assert f"process {running.process.pid} is using the state file" in log.read_text()
    assert running.process.poll() is None


def test_a_taken_port_is_told(running: Running) -> None:
    """A port that is taken ends the start with its number in the message."""
    other = running.folder / "other.yaml"
    text = (running.folder / "driftd.yaml").read_text()
    other.write_text(text.replace("driftd.state", "other.state"))
    log = running.folder / "other.txt"
    assert driftd("run", "--config", str(other), log=log).wait(timeout=60) == 1
    assert str(running.port) in log.read_text()


def test_status_reads_beside_the_daemon(running: Running) -> None:
    """`driftd status --format json` prints one JSON object from the state file of the running daemon."""
    command = [*RUN, "status", "--config", str(running.folder / "driftd.yaml"), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["monitors"][0]["records"] == {"accepted": 1000}


def test_disk_full_stops_with_a_message(tmp_path: Path, free_port: int) -> None:
    """A state file that cannot grow any more ends the daemon with code 1 and the reason; it never runs on."""
    daemon = Running(tmp_path, free_port)
    daemon.until_counted(1000)
    daemon.process.kill()
    daemon.process.wait()
    write_log(tmp_path / "requests-more.ndjson", 4000, seed=5)
    limited = f"ulimit -f 200; exec {' '.join(map(repr, daemon.process.args))}"  # type: ignore[arg-type]
    with (tmp_path / "limited.txt").open("wb") as out:
        process = subprocess.Popen(["bash", "-c", limited], stdout=out, stderr=out)
    assert process.wait(timeout=60) == 1
