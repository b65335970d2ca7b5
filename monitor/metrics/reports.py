"""Immutable values that the loop hands over: a closed window, an alert's state, a service's figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from detectors.base import Result, Verdict


@dataclass(frozen=True, slots=True)
class ServiceStats:
    """How the serving side did in one window.

    Attributes:
        request_rate: requests per second of event time; None where records have no time.
        error_ratio: share of requests with a status of 500 or more; None where records have no status.
        latency: seconds by quantile (0.5, 0.9, 0.99); empty where records have no latency.
    """

    request_rate: float | None = None
    error_ratio: float | None = None
    latency: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WindowReport:
    """A closed window and what was found in it.

    Attributes:
        monitor, version, segment, window: whose window, and the name of its kind (`1h/15m`, `1000rows`).
        start, end: microseconds since the epoch, or row numbers.
        rows: rows in it.
        verdict: the worst of the results.
        results: one per column and test.
        service: figures of the serving side.
    """

    monitor: str
    version: str
    segment: str
    window: str
    start: int
    end: int
    rows: int
    verdict: Verdict
    results: tuple[Result, ...] = ()
    service: ServiceStats = field(default_factory=ServiceStats)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The labels that all of its series share."""
        return (self.monitor, self.version, self.segment, self.window)

    @property
    def series(self) -> int:
        """At most this many time series come from it."""
        return 4 * len(self.results) + len(self.service.latency) + 4

    def within(self, series: int) -> WindowReport:
        """The same window with its worst results only, as many as give at most so many time series."""
        if self.series <= series:
            return self
        keep = max(0, series - len(self.service.latency) - 4) // 4
        worst_first = sorted(self.results, key=lambda result: -result.verdict.rank)
        return replace(self, results=tuple(worst_first[:keep]))


@dataclass(frozen=True, slots=True)
class AlertReport:
    """One alert that is not over: `state` is `pending` or `firing`, `cause` a word of `Cause`."""

    monitor: str
    version: str
    segment: str
    cause: str
    severity: str
    state: str
