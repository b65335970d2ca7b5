"""One daemon under test: a real process with a state file of its own."""

import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from monitor.records import Gap
from tests.brokers.process import halt
from tests.system.kafka_faults.ledger import HOUR
from tests.system.process import driftd, query, runs_on

CONFIG = """
state: {folder}/driftd.state
commit_interval: 0.1s
http: {{port: 0}}
monitors:
  - name: loans
    source: {source}
    records: {records}
    reference: {{type: file, path: {reference}}}
    windows: [{{length: 1h}}, {{length: 2h, slide: 1h}}]
    disorder: {disorder}
    idle: 10h
    tests: [drift, schema, psi, jensen_shannon, kolmogorov_smirnov, chi_square, wasserstein, performance, service]
    change_detectors: []
"""
"""All answers but those that go by the order of rows of different partitions, or by a sample of places."""

ANSWERS = "-answers"
"""Behind the name of the topic that holds what was asked: the topic of the answers, where they are joined."""

MICROSECONDS = 1_000_000
WINDOW = "1h"
ACCEPTED, OVERLAP, LATE = "accepted", "overlap", "late"


def mapping(asked: str = "$", answered: str = "$") -> dict[str, object]:
    """How records are read, by what the paths of what was asked begin with, and those of what was answered."""
    return {
        "id": f"{asked}.id",
        "timestamp": f"{asked}.timestamp",
        "version": f"{asked}.version",
        "features": [f"{asked}.amount", f"{asked}.region"],
        "prediction": f"{answered}.prediction",
        "score": f"{answered}.score",
        "label": f"{asked}.label",
        "latency": {"path": f"{asked}.latency_ms", "unit": "ms"},
        "status": f"{asked}.status",
    }


class Member:
    """A daemon that can be started, stopped, killed, paused, and asked what it has counted.

    Args:
        folder: for its configuration, state and log.
        source: options of the source.
        reference: the reference to compare with.
        disorder: how much older than others a row may be.
    """

    def __init__(
        self, folder: Path, source: Mapping[str, object], reference: Path, disorder: str = "3h"
    ) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.state, self.log, self.config = (folder / f"driftd.{end}" for end in ("state", "log", "yaml"))
        self.reference = reference
        records = mapping("$.request", "$.response") if "join" in source else mapping()
        options = {"source": json.dumps(source), "records": json.dumps(records), "reference": reference}
        self.config.write_text(CONFIG.format(folder=folder, disorder=disorder, **options))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and runs_on(self._process, 0)

    def start(self) -> None:
        """Run it, where it does not run."""
        if not self.runs:
            self._process = driftd("run", "--config", str(self.config), log=self.log)

    def run_once(self) -> None:
        """Read what is there.

        Raises:
            RuntimeError: it did not end well.
        """
        process = driftd("run", "--once", "--config", str(self.config), log=self.log)
        if code := process.wait(timeout=300):
            raise RuntimeError(f"driftd ended with {code}: {self.tail()}")

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """SIGTERM; it must end well.

        Raises:
            RuntimeError: it did not.
        """
        if self._process is not None:
            self._process.terminate()
            try:
                code = self._process.wait(timeout=120)
            except subprocess.TimeoutExpired:
                raise RuntimeError(f"driftd does not end: {self.stacks()}") from None
            if code not in {0, -signal.SIGTERM}:  # the latter where it had hardly begun to start
                raise RuntimeError(f"driftd ended with {code}: {self.tail()}")

    def pause(self) -> None:
        """SIGSTOP."""
        if self._process is not None:
            halt(self._process)

    def resume(self) -> None:
        """SIGCONT."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text()[-6000:] if self.log.exists() else ""

    def story(self) -> str:
        """What its log says of partitions and troubles."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        told = [line for line in lines if "partitions" in line or '"level": "warning"' in line]
        return "\n".join([self.folder.name, *told])

    def unconfirmed(self) -> int:
        """Rows that it said to have counted beyond the offsets in Kafka when others got its partitions."""
        lines = self.log.read_bytes().splitlines() if self.log.exists() else []
        told = (orjson.loads(line) for line in lines if b'"unconfirmed"' in line)
        return sum(int(entry["unconfirmed"]) for entry in told)

    def stacks(self) -> str:
        """End it; the end of its log, which then says what its threads did."""
        if self._process is not None and self.runs:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGABRT)
            self._process.wait()
        return self.tail()

    def counts(self) -> Counter[str]:
        """Records by outcome."""
        return Counter(dict(query(self.state, "SELECT outcome, rows FROM counts")))

    def positions(self) -> dict[int, int]:
        """The stored offset of each partition; of answers that are joined nothing is said."""
        stored = query(self.state, "SELECT partition, value FROM positions")
        places = ((*name.rpartition("/")[::2], orjson.loads(value)["offset"]) for name, value in stored)
        return {int(number): offset for topic, number, offset in places if not topic.endswith(ANSWERS)}

    def gaps(self) -> list[Gap]:
        """The stored gaps."""
        return [
            Gap(*row) for row in query(self.state, 'SELECT partition, start, "end", reason, bytes FROM gaps')
        ]

    def windows(self) -> list[tuple[Any, ...]]:
        """Closed windows: name, version, segment, begin and end in seconds, rows, verdict, results."""
        found = query(
            self.state,
            'SELECT name, version, segment, start, "end", rows, verdict, results FROM windows ORDER BY 1, 2, 3, 4',
        )
        return [(*w[:3], w[3] // MICROSECONDS, w[4] // MICROSECONDS, *w[5:]) for w in found]

    def by_hour(self) -> Counter[int]:
        """Rows of each hour of event time: of closed windows, and of panes of windows that are still open."""
        hours: Counter[int] = Counter()  # no entries of 0: they would make it unequal to one without
        closed: dict[tuple[str, str], int] = {}
        for name, version, segment, begin, end, rows, *_ in self.windows():
            if name == WINDOW:
                hours.update({begin: rows} if rows else {})
                closed[version, segment] = max(end, closed.get((version, segment), 0))
        panes = query(self.state, "SELECT version, segment, start, rows FROM panes")
        for version, segment, start, rows in panes:
            if start // MICROSECONDS >= closed.get((version, segment), 0):
                hours[start // MICROSECONDS // HOUR * HOUR] += rows
        return hours

    def transitions(self) -> list[tuple[Any, ...]]:
        """What happened to alerts: fingerprint, state, event time."""
        return sorted(query(self.state, "SELECT fingerprint, state, at FROM transitions"))


def comes(reached: Callable[[], bool], seconds: float) -> bool:
    """Whether something is reached within some seconds."""
    limit = time.monotonic() + seconds
    pause = threading.Event()
    while not reached():
        if time.monotonic() > limit:
            return False
        pause.wait(0.05)
    return True


def wait_until(reached: Callable[[], bool], members: list[Member], seconds: float = 120) -> None:
    """Return when something is reached.

    Raises:
        RuntimeError: it took too long; with the members' logs.
    """
    if not comes(reached, seconds):
        raise RuntimeError("\n".join(f"{m.folder.name} {m.positions()}: {m.stacks()}" for m in members))
