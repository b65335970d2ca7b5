"""A daemon's insides without a loop, and a client for its paths."""

from pathlib import Path
from typing import Any, Self

from starlette.testclient import TestClient

from detectors.base import Cause, Result, Verdict
from monitor.clock import ManualClock
from monitor.metrics import Telemetry
from monitor.results import result_json
from monitor.state.state import State
from monitor.state.windows import StoredWindow
from monitor.web import Sight, build_app

HOUR = 3_600_000_000
START = 1_767_225_600_000_000
DRIFT = Result("price", "drift", Verdict.DRIFT, Cause.DATA_DRIFT, 0.4, 0.1, 1e-9, 0.38, 100)
FINE = Result("age", "drift", Verdict.OK, Cause.DATA_DRIFT, 0.01, 0.1, 0.5, 0.01, 100)


class House:
    """A daemon's insides as the handlers see them."""

    def __init__(self, token_file: Path | None = None) -> None:
        self.clock = ManualClock(START)
        self.telemetry = Telemetry(["loan"], clock=self.clock)
        self.state = State.memory()
        sight = Sight(self.telemetry, self.state, self.retry, token_file)
        self.client = TestClient(build_app(sight), raise_server_exceptions=False)

    def __enter__(self) -> Self:
        self.client.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.__exit__()
        self.state.close()

    def retry(self, message: str) -> bool:
        """What the daemon does when a retry is asked for."""
        with self.state.transaction() as state:
            return state.outbox.retry([message], at=self.clock.now()) == 1

    def window(self, number: int, verdict: Verdict = Verdict.OK, version: str = "1") -> None:
        """Store a window that began so many hours after the start."""
        start = START + number * HOUR
        found = [result_json(DRIFT), result_json(FINE)] if verdict is Verdict.DRIFT else [result_json(FINE)]
        with self.state.transaction() as state:
            state.windows.put(
                StoredWindow(
                    *("loan", version, "", "1h", start, start + HOUR, 100, verdict.value, found, START)
                )
            )

    def get(self, path: str, status: int = 200, **headers: str) -> Any:
        """The JSON of an answer that has this status."""
        answer = self.client.get(path, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()
