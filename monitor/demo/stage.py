"""The demo's folder and processes: configuration, driftd itself, the serving process."""

from __future__ import annotations

import base64
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import monitor
from monitor.demo.loans import loans, log_lines
from monitor.demo.topics import REQUESTS, RESPONSES, broker_command, create_topics, joined

SECRET_VARIABLE = "DRIFTD_DEMO_SECRET"  # noqa: S105 - a variable's name
STOP_SECONDS = 15.0

CONFIGURATION = """\
# Written by `driftd demo`. Run it again with: driftd run --config {name}
state: driftd.state
http: {{port: {port}}}
log: {{level: info, format: text}}
sinks: [log]
monitors:
  - name: car-loan
{source}
    reference: {{type: file, path: reference.ndjson}}
    windows: [{{length: 7d, min_rows: 200}}]
    retraining:
      causes: [data_drift, concept_drift]
      min_rows: 500
      cooldown: 365d
      webhook: {{url: "{receiver}", secret: "${{{variable}}}"}}
"""

FROM_FILES = """\
    source: {type: files, path: "logs/*.ndjson"}
    records:
      id: $.id
      timestamp: $.timestamp
      version: $.model_version
      features: $.inputs
      prediction: $.outputs.y_pred
      score: $.outputs.y_pred_proba
      label: $.repaid
      latency: {path: $.latency_ms, unit: ms}
      status: $.status"""

FROM_TOPICS = """\
    source:
      type: kafka
      brokers: 127.0.0.1:{port}
      session_timeout: 6s   # this broker lets a group begin after half of it
      join:
        request: {{topic: {requests}, id: "@key"}}
        response: {{topic: {responses}, id: "@key"}}
    records:
      id: $.request.id
      timestamp: $.request.timestamp
      version: $.response.model_version
      features: $.request.inputs
      prediction: $.response.outputs.y_pred
      score: $.response.outputs.y_pred_proba
      label: $.response.repaid
      latency: {{path: $.response.latency_ms, unit: ms}}
      status: $.response.status
    disorder: 1d   # a week is played in half a second: rows of two partitions lie hours apart"""


class Stage:
    """Everything that the demo puts on the disk and starts, and takes away again.

    Args:
        folder: an empty folder.
        receiver: URL of the retraining endpoint.
        key: the secret that driftd and the endpoint share.
        port: of driftd's HTTP server; None takes a free one.
        seed: of bursts and latencies.
        kafka: requests and answers go through a broker, not through a file.
    """

    def __init__(
        self, folder: Path, receiver: str, key: bytes, *, port: int | None, seed: int, kafka: bool = False
    ) -> None:
        self.folder, self.seed = folder, seed
        self.port = free_port() if port is None else port
        self._secret = f"whsec_{base64.b64encode(key).decode()}"
        self._children: list[subprocess.Popen[bytes]] = []
        self.config = folder / "driftd.yaml"
        self.log = folder / "logs" / "serving.ndjson"
        self.daemon_log = folder / "driftd.log"
        self.broker = free_port() if kafka else None
        self.log.parent.mkdir(parents=True, exist_ok=True)
        source = FROM_FILES
        if self.broker is not None:
            source = FROM_TOPICS.format(port=self.broker, requests=REQUESTS, responses=RESPONSES)
        filled = {"name": self.config.name, "port": self.port, "receiver": receiver, "source": source}
        self.config.write_text(CONFIGURATION.format(variable=SECRET_VARIABLE, **filled), "utf-8")
        lines = log_lines(loans("reference"), seed=seed + 1)
        if self.broker is not None:
            lines = [joined(line) for line in lines]
        (folder / "reference.ndjson").write_bytes(b"".join(lines))

    @property
    def url(self) -> str:
        """Where driftd answers."""
        return f"http://127.0.0.1:{self.port}"

    def start_broker(self) -> None:
        """The broker with the demo's topics, where one is wanted.

        Raises:
            DemoError: there is none, or it does not start.
        """
        if self.broker is not None:
            broker = self._child(broker_command(self.broker), self.folder / "broker.log")
            create_topics(self.broker, broker)

    def start_daemon(self) -> subprocess.Popen[bytes]:
        """`driftd run` as a user would start it."""
        code = "from monitor.cli import main; main()"
        return self._start("-c", code, "run", "--config", str(self.config), output=self.daemon_log)

    def start_serving(self, seconds: float) -> subprocess.Popen[bytes]:
        """The process that answers requests and logs them."""
        where = ("--log", str(self.log)) if self.broker is None else ("--kafka", str(self.broker))
        options = (*where, "--seconds", str(seconds), "--seed", str(self.seed))
        return self._start("-m", "monitor.demo.serving", *options, output=self.folder / "serving.log")

    def stop(self) -> dict[int, int]:
        """End every child that was started here, the last first; exit codes by process id."""
        codes = {}
        for child in reversed(self._children):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
            try:
                codes[child.pid] = child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                codes[child.pid] = child.wait()
        self._children.clear()
        return codes

    def tail(self, lines: int = 15) -> str:
        """The last lines of the daemon's log."""
        if not self.daemon_log.exists():
            return ""
        return "\n".join(self.daemon_log.read_text("utf-8", "replace").splitlines()[-lines:])

    def _start(self, *arguments: str, output: Path) -> subprocess.Popen[bytes]:
        """A Python process of this installation."""
        return self._child([sys.executable, "-P", *arguments], output)

    def _child(self, command: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
        """A process that is deaf to the terminal's Ctrl-C: `stop` ends it in order."""
        with output.open("ab") as file:
            child = subprocess.Popen(  # noqa: S603 - our own interpreter and code, or the broker of the wheel
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self._environment(),
                start_new_session=True,
            )
        self._children.append(child)
        return child

    def _environment(self) -> Mapping[str, str]:
        """This process's, with the packages where they are here, whatever stands in the working folder."""
        packages = [str(Path(monitor.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
        path = os.pathsep.join(filter(None, packages))
        return {**os.environ, "PYTHONPATH": path, SECRET_VARIABLE: self._secret}


def new_key() -> bytes:
    """A secret for one demo."""
    return secrets.token_bytes(32)


def free_port() -> int:
    """A TCP port of loopback that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
