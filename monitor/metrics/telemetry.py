"""The blackboard between the loop and everybody who looks at it: scrapes, probes and the page.

The loop writes immutable values, each in one short assignment; readers take a shallow copy. Neither waits for
the other's work: a scrape of ten thousand series holds the lock for the copy alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from monitor.clock import MICROSECONDS, Clock, SystemClock
from monitor.metrics.counters import Counters
from monitor.metrics.reports import AlertReport, WindowReport
from monitor.records import Gap
from monitor.sources.base import SourceReport

STARTING = "the first poll has not been made yet"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known at one moment; keys are the label values of the families that are made of it."""

    counters: Mapping[str, Mapping[tuple[str, ...], float]]
    windows: tuple[WindowReport, ...]
    alerts: Mapping[str, tuple[AlertReport, ...]]
    watermarks: Mapping[str, int]
    close_delays: Mapping[str, float]
    outbox: Mapping[str, int]
    sources: Mapping[str, SourceReport]
    reasons: Mapping[str, str]
    overflow: int
    now_seconds: float


class Telemetry:
    """What the daemon knows of itself right now.

    Every method may be called from any thread. The loop calls the writing ones and `beat`; handlers call
    `snapshot` and `readiness`.

    Args:
        monitors: names of the configured monitors.
        max_series: time series about windows that are kept; beyond them the windows that were updated longest
            ago are forgotten and counted.
        max_label_values: different label values of each counter; beyond them the last label becomes `other`.
        stuck_after_seconds: a loop without a heartbeat for so long is not ready.
        clock: the machine's by default.
    """

    def __init__(
        self,
        monitors: Sequence[str] = (),
        *,
        max_series: int = 10_000,
        max_label_values: int = 1_000,
        stuck_after_seconds: float = 30.0,
        clock: Clock | None = None,
    ) -> None:
        self.monitors = tuple(monitors)
        self.stuck_after_seconds = stuck_after_seconds
        self._max_series, self._max_label_values = max_series, max_label_values
        self._clock = clock or SystemClock()
        self._lock = Lock()
        self._counters: dict[str, Counters] = {}
        self._windows: dict[tuple[str, str, str, str], WindowReport] = {}
        self._series = self._overflow = 0
        self._alerts: dict[str, tuple[AlertReport, ...]] = dict.fromkeys(self.monitors, ())
        self._watermarks: dict[str, int] = {}
        self._close_delays: dict[str, float] = {}
        self._outbox: dict[str, int] = {}
        self._sources: dict[str, SourceReport] = {}
        self._reasons: dict[str, str] = dict.fromkeys(self.monitors, STARTING)
        self._beat = self._clock.monotonic()

    def records(self, monitor: str, outcome: str, rows: int) -> None:
        """So many rows ended in this outcome (`counted`, `late`, `dead_letter`, …)."""
        self._count("records", (monitor, outcome), rows)

    def dead_letters(self, reason: str, records: int = 1) -> None:
        """So many records went to the dead letters for this reason."""
        self._count("dead_letters", (reason,), records)

    def gap(self, monitor: str, gap: Gap) -> None:
        """Records are missing in the source."""
        for family, size in (("gaps", 1), ("gap_records", gap.records), ("gap_bytes", gap.bytes)):
            self._count(family, (monitor, gap.reason), size)

    def source(self, monitor: str, report: SourceReport) -> None:
        """How the monitor's source stands."""
        with self._lock:
            self._sources[monitor] = report

    def delivery(self, destination: str, outcome: str) -> None:
        """One attempt to deliver ended: `delivered`, `retried`, `dead`."""
        self._count("deliveries", (destination, outcome), 1)

    def window_closed(self, report: WindowReport) -> None:
        """A window got its verdict; it takes the place of the window of its kind before it."""
        self._count("windows", (report.monitor, report.window, report.verdict.value), 1)
        kept = report.within(self._max_series)
        with self._lock:
            self._drop(report.key)
            self._overflow += report.series - kept.series
            self._windows[kept.key] = kept
            self._series += kept.series
            while self._series > self._max_series and self._windows:
                self._overflow += self._drop(next(iter(self._windows)))

    def forget_monitor(self, monitor: str) -> None:
        """The monitor is no longer configured: its gauges end, its counters stay."""
        with self._lock:
            self.monitors = tuple(name for name in self.monitors if name != monitor)
            for key in [key for key in self._windows if key[0] == monitor]:
                self._drop(key)
            for gauges in (self._alerts, self._watermarks, self._close_delays, self._sources, self._reasons):
                gauges.pop(monitor, None)

    def add_monitor(self, monitor: str) -> None:
        """A monitor was added by a reload; it is not ready before its first poll."""
        with self._lock:
            if monitor not in self.monitors:
                self.monitors = (*self.monitors, monitor)
                self._alerts[monitor] = ()
                self._reasons[monitor] = STARTING

    def alerts(self, monitor: str, active: Sequence[AlertReport]) -> None:
        """All alerts of the monitor that are pending or firing now."""
        with self._lock:
            self._alerts[monitor] = tuple(active)

    def watermark(self, monitor: str, microseconds: int) -> None:
        """Event time up to which the monitor's rows are believed to be complete, since the epoch."""
        with self._lock:
            self._watermarks[monitor] = microseconds

    def close_delay(self, monitor: str, seconds: float) -> None:
        """Wall time from a window's end until it was closed, or its evaluation's time for windows of rows."""
        with self._lock:
            self._close_delays[monitor] = seconds

    def outbox_pending(self, pending: Mapping[str, int]) -> None:
        """Deliveries that wait, by destination; takes the place of all figures before."""
        with self._lock:
            self._outbox = dict(pending)

    def ready(self, component: str, reason: str | None) -> None:
        """A component (a monitor's name, or `state`) works (None), or does not for this reason."""
        with self._lock:
            if reason is None:
                self._reasons.pop(component, None)
            else:
                self._reasons[component] = reason

    def beat(self) -> None:
        """The loop has gone round once more."""
        self._beat = self._clock.monotonic()

    @property
    def silent_seconds(self) -> float:
        """Time since the loop's last heartbeat."""
        return self._clock.monotonic() - self._beat

    def readiness(self) -> dict[str, str]:
        """Why the daemon is not ready, by component; empty when it is."""
        with self._lock:
            reasons = dict(self._reasons)
        silent = self.silent_seconds
        if silent > self.stuck_after_seconds:
            reasons["loop"] = f"no heartbeat for {silent:.0f} s"
        return reasons

    def snapshot(self) -> Snapshot:
        """A copy that later writes do not change."""
        reasons = self.readiness()
        with self._lock:
            return Snapshot(
                counters={name: dict(counters.totals) for name, counters in self._counters.items()},
                windows=tuple(self._windows.values()),
                alerts=dict(self._alerts),
                watermarks=dict(self._watermarks),
                close_delays=dict(self._close_delays),
                outbox=dict(self._outbox),
                sources=dict(self._sources),
                reasons=reasons,
                overflow=self._overflow,
                now_seconds=self._clock.now() / MICROSECONDS,
            )

    def _count(self, name: str, labels: tuple[str, ...], amount: float) -> None:
        with self._lock:
            counters = self._counters.setdefault(name, Counters(self._max_label_values))
            if not counters.add(labels, amount):
                self._overflow += 1

    def _drop(self, key: tuple[str, str, str, str]) -> int:
        report = self._windows.pop(key, None)
        series = report.series if report else 0
        self._series -= series
        return series
