"""A daemon's engine over a Kafka source in a thread of the test: one member of a group, with a state of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any

from monitor.assembly import build_engine
from monitor.clock import SystemClock
from monitor.metrics import Telemetry
from monitor.records import Gap
from monitor.settings import Settings
from monitor.sources.base import SharedSource, shared
from monitor.state import State
from tests.brokers.operations import Operations, Record

MONITOR = "loans"
BASE = 1_700_000_000
_PATIENCE_SECONDS = 60.0


def row(number: int) -> bytes:
    """A record with a running number; ten of them are a second of event time."""
    return json.dumps({"id": str(number), "t": BASE + number / 10, "x": float(number % 7), "y": 0.5}).encode()


def produce(kafka: Operations, topic: str, numbers: Iterable[int], partitions: int = 4) -> None:
    """Write numbered records round about the partitions."""
    kafka.produce(topic, [Record(row(i), partition=i % partitions) for i in numbers])


PLAIN = {"id": "$.id", "timestamp": "$.t", "features": ["$.x"], "prediction": "$.y"}
JOINED = {
    "id": "@request.key",
    "timestamp": "$.request.t",
    "features": ["$.request.x"],
    "prediction": "$.response.y",
    "label": "$.label.y",
    "latency": {"path": "@join.latency"},
}


def joined_row(number: int) -> bytes:
    """The same record as it comes out of a join."""
    return b'{"request":%b,"response":{"y":0.5},"label":{"y":0.5}}' % row(number)


def configuration(folder: Path, source: dict[str, Any]) -> Settings:
    """One monitor over a Kafka source; the reference lies in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    reference = folder / "reference.ndjson"
    written = joined_row if "join" in source else row
    reference.write_bytes(b"\n".join(written(i) for i in range(2000)) + b"\n")
    return Settings.model_validate(
        {
            "state": str(folder / "driftd.state"),
            "http": {"port": 0},
            "commit_interval": "200ms",
            "monitors": [
                {
                    "name": MONITOR,
                    "source": {"type": "kafka", **source},
                    "records": JOINED if "join" in source else PLAIN,
                    "reference": {"type": "file", "path": str(reference)},
                    "windows": [{"length": "1d", "slide": "1d", "min_rows": 100}],
                }
            ],
        }
    )


class Member:
    """Runs until it is stopped; what the state holds can be looked at at any time.

    Attributes:
        telemetry: what it says of itself.
        held: while this is set it takes no rows, as if the last ones took long.
    """

    def __init__(self, folder: Path, source: dict[str, Any]) -> None:
        """Make it and let it run."""
        self.settings = configuration(folder, source)
        self.state = State.open(self.settings.state)
        self.telemetry = Telemetry([MONITOR])
        self.engine = build_engine(self.settings, self.state, self.telemetry, SystemClock())
        self.held = Event()
        self.trouble: list[str] = []
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def source(self) -> SharedSource:
        """The source under test."""
        found = shared(self.engine.watches[0].pipeline.source)
        assert found is not None
        return found

    def _run(self) -> None:
        seen = 0.0
        while not self._stop.is_set():
            if self.held.is_set() or not self.engine.step():
                self._stop.wait(0.02)
            if monotonic() - seen > 0.1:
                seen = monotonic()
                self.engine.tick()
                trouble = self.engine.watches[0].trouble
                if trouble and trouble not in self.trouble:
                    self.trouble.append(trouble)

    def stop(self) -> None:
        """End as the daemon does: commit, leave the group, close. Well if it is stopped."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self.engine.commit()
            self.engine.close()
            self.counted, self.gaps = self._counted(), self._gaps()
            self.state.close()

    def outcome(self, name: str = "accepted") -> int:
        """Rows with an outcome, in the state."""
        return (self.counted if self._stop.is_set() else self._counted()).get(name, 0)

    def missing(self) -> list[Gap]:
        """Gaps in the state."""
        return self.gaps if self._stop.is_set() else self._gaps()

    def _counted(self) -> dict[str, int]:
        return self.state.counts.of(MONITOR)

    def _gaps(self) -> list[Gap]:
        return self.state.gaps.of(MONITOR)

    def assigned(self) -> int:
        """Partitions that it reads."""
        return sum(self.source.report().assigned.values())

    def lag(self) -> int:
        """Records of its partitions that it has not counted."""
        return sum(self.source.report().lag_records.values())


Start = Callable[..., Member]
"""What the fixtures `start` and `start_member` give."""


def until(reached: Callable[[], object], seconds: float = _PATIENCE_SECONDS) -> None:
    """Wait for something that another thread or process does.

    Raises:
        AssertionError: it did not come.
    """
    limit = monotonic() + seconds
    pause = Event()
    while not reached():
        assert monotonic() < limit, "it did not come"
        pause.wait(0.05)


def total(members: Iterable[Member], name: str = "accepted") -> int:
    """Rows of all members with an outcome."""
    return sum(member.outcome(name) for member in members)
