"""Historical files through the same pipeline, at full speed and in event time: what would have been alerted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from detectors.base import Verdict
from monitor.alerts.track import alert_line
from monitor.assembly import build_engine
from monitor.clock import Clock, SystemClock
from monitor.metrics import Telemetry
from monitor.results import result_json
from monitor.state.state import State
from sinks.base import AlertState
from sinks.timestamps import rfc3339

if TYPE_CHECKING:
    from monitor.evaluation import Evaluation
    from monitor.settings import Settings
    from sinks.base import Alert

Listener = Callable[[dict[str, Any]], None]
Progress = Callable[[int, int], None]

POLL_SECONDS = 0.5
"""How long a replay waits for rows that are under way."""


@dataclass
class Replay:
    """One pass over the files that exist now. Nothing is delivered; the state ends with the process.

    Attributes:
        tell: gets one public object for each closed window, each change of an alert, and last the summary.
        progress: gets (bytes read, bytes in all) after each step.
        remarks: for people, once it is over: records that could not be read, monitors that got none.
    """

    settings: Settings
    tell: Listener
    progress: Progress = lambda _read, _total: None
    clock: Clock = field(default_factory=SystemClock)
    windows: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        """Read everything; the summary.

        Raises:
            SourceError: a file cannot be read.
            ReferenceUnusableError: a reference cannot be read.
        """
        telemetry = Telemetry([m.name for m in self.settings.monitors])
        with State.memory() as state:
            engine = build_engine(self.settings, state, telemetry, self.clock, history=True)
            engine.strict, engine.poll_seconds = True, POLL_SECONDS
            engine.on_window, engine.on_alert = self._window, self._alert
            try:
                while engine.step() or not engine.exhausted:
                    self.progress(*engine.size_bytes)
                engine.finish()
                self.progress(*engine.size_bytes)
                summary = self._summary(state)
                self.remarks = [*self._silent(state), *_unread(telemetry)]
            finally:
                engine.close()
        self.tell(summary)
        return summary

    @property
    def drifted(self) -> bool:
        """Whether an alert fired."""
        return self.alerts[AlertState.FIRING.value] > 0

    def _window(self, monitor: str, evaluation: Evaluation) -> None:
        self.windows[evaluation.verdict.value] += 1
        self.tell(window_line(monitor, evaluation))

    def _alert(self, alert: Alert) -> None:
        self.alerts[alert.state.value] += 1
        self.tell(alert_line(alert))

    def _silent(self, state: State) -> list[str]:
        """Monitors without a record."""
        names = [monitor.name for monitor in self.settings.monitors]
        return [f"{name}: no records to read" for name in names if not any(state.counts.of(name).values())]

    def _summary(self, state: State) -> dict[str, Any]:
        records: Counter[str] = Counter()
        for monitor in self.settings.monitors:
            records.update(state.counts.of(monitor.name))
        return {
            "type": "summary",
            "records": dict(records),
            "windows": sum(self.windows.values()),
            "alerts": self.alerts[AlertState.FIRING.value],
            "verdicts": {v.value: self.windows[v.value] for v in Verdict if self.windows[v.value]},
        }


def _unread(telemetry: Telemetry) -> list[str]:
    """Why records were rejected."""
    counted = telemetry.snapshot().counters.get("dead_letters", {})
    return [f"rejected: {int(records):,} of reason {reason}" for (reason, *_), records in counted.items()]


def window_line(monitor: str, evaluation: Evaluation) -> dict[str, Any]:
    """The public line of `replay --format json` about a closed window."""
    window = evaluation.window
    by_rows = window.spec.by_rows
    return {
        "type": "window",
        "monitor": monitor,
        "version": window.key.version,
        "segment": window.key.segment,
        "window": window.spec.name,
        "start": window.start if by_rows else rfc3339(window.start),
        "end": window.end if by_rows else rfc3339(window.end),
        "rows": window.profile.rows,
        "verdict": evaluation.verdict.value,
        "results": [result_json(result) for result in evaluation.results],
    }
