"""A real daemon over a Kafka topic, looked at from outside: its probes, metrics and API, and its log."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from tests.system.kafka_faults.member import ACCEPTED, Member, comes, wait_until

MONITOR = "loans"
RUNS, TROUBLE, BACK = "driftd runs", "source in trouble", "source back"
"""Events in the log."""

LASTS_SECONDS = 3.0
"""So long a fault is looked at: a line that came with every look at the source would be there several times."""


class Observed(Member):
    """A daemon that is asked as an orchestrator, Prometheus and a person would ask it.

    Args:
        folder: for its configuration, state and log.
        source: options of the source, beside those that make faults short.
        reference: the reference to compare with.

    Attributes:
        reasons: all that readiness has answered so far; "" where it was ready.
    """

    def __init__(self, folder: Path, source: Mapping[str, object], reference: Path) -> None:
        super().__init__(folder, {"type": "kafka", "session_timeout": "6s", **source}, reference)
        self.reasons: list[str] = []

    def log_lines(self, event: str) -> list[dict[str, Any]]:
        """What its log holds of one event, oldest first."""
        return [line for line in self._logged() if line.get("event") == event]

    def _logged(self) -> Iterator[dict[str, Any]]:
        for line in self.log.read_text().split("\n")[:-1] if self.log.exists() else ():
            if line.startswith("{"):
                yield json.loads(line)

    def answer(self, path: str) -> tuple[int, str]:
        """Status and body; 0 while nobody listens."""
        started = self.log_lines(RUNS)
        if not started:
            return 0, ""
        try:
            with urlopen(f"{started[-1]['url'].rstrip('/')}{path}", timeout=10) as got:
                return got.status, got.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except (OSError, HTTPException):
            return 0, ""

    def reason(self) -> str | None:
        """Why it is not ready; "" when it is, None while it cannot be asked."""
        status, body = self.answer("/readyz")
        if status not in {200, 503}:
            return None
        reasons: dict[str, str] = json.loads(body)["reasons"]
        assert (503 if reasons else 200) == status
        self.reasons.append("; ".join(reasons.values()))
        return self.reasons[-1]

    def sample(self, name: str, **labels: str) -> float | None:
        """The value of one series in `/metrics`; None where there is none."""
        status, body = self.answer("/metrics")
        wanted = {"monitor": MONITOR, **labels}
        for family in text_string_to_metric_families(body if status == 200 else ""):
            for sample in family.samples:
                if sample.name == name and sample.labels == wanted:
                    return sample.value
        return None

    def accepted(self) -> int:
        """Records that this process has counted, as its metrics say."""
        return int(self.sample("driftd_records_total", outcome="accepted") or 0)

    def is_well(self) -> bool:
        """Ready, and up in the metrics."""
        return self.reason() == "" and self.sample("driftd_monitor_up") == 1

    def is_down(self, words: str) -> bool:
        """Not ready for a reason with these words, and not up in the metrics."""
        return words in (self.reason() or "") and self.sample("driftd_monitor_up") == 0

    def until(self, reached: Callable[[], bool]) -> None:
        """Return when something is reached.

        Raises:
            RuntimeError: it took too long; with the log.
        """
        wait_until(reached, [self])

    def troubles(self) -> list[dict[str, Any]]:
        """What its log holds of troubles since it was well for the last time."""
        told = [line for line in self._logged() if line.get("event") in {TROUBLE, BACK}]
        well = max((i for i, line in enumerate(told, 1) if line["event"] == BACK), default=0)
        return told[well:]

    def suffers(self, words: str, seconds: float = LASTS_SECONDS) -> None:
        """A fault is told by readiness, the metrics and the log: once, with a hint, and until it is over.

        Args:
            words: part of the reason.
            seconds: how long it lasts.
        """
        self.until(lambda: self.is_down(words))
        assert not comes(self.is_well, seconds), self.tail()
        errors = Counter(line["error"] for line in self.troubles())
        assert any(words in error for error in errors), errors
        assert {1} == set(errors.values()), errors
        assert all(line["hint"] for line in self.troubles()), self.troubles()

    def recovers(self, rows: int) -> None:
        """The same process is ready again, and has counted every row exactly once.

        Args:
            rows: how many there are.
        """
        self.until(self.is_well)
        self.until(lambda: self.accepted() >= rows)
        self.until(self.is_well)
        assert Counter({ACCEPTED: rows}) == self.counts()
        assert self.log_lines(BACK)
        assert [] == self.troubles()
        assert 1 == len(self.log_lines(RUNS))
