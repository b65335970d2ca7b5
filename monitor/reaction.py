"""What follows from a closed window: changes of alerts, retraining calls, and the messages that tell of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from monitor.alerts import Findings, Track, advance, expire, keep_kinds
from monitor.alerts.gaps import SOURCE_LOOK, missing, nothing_missing
from monitor.delivery.destinations import alert_message, retraining_message, window_message
from monitor.results import result_json
from monitor.retraining import (
    RetrainingMemory,
    RetrainingOptions,
    RetrainingRequest,
    decide,
    decide_by_calendar,
)
from monitor.state.alerts import StoredTransition
from monitor.state.runs import StoredRun
from sinks.base import Alert, Sink, Span, WindowSink
from sinks.events import WindowKey, window_event

if TYPE_CHECKING:
    from monitor.alerts import AlertOptions
    from monitor.evaluation import Evaluation
    from monitor.records import Gap
    from monitor.state.state import State

MEMORY = "retraining"
"""Key of the policy's memory among the monitor's documents."""


@dataclass
class Reaction:
    """Alerts and retraining of one monitor; what changed waits for the next commit.

    Attributes:
        kinds: names of the monitor's kinds of windows. links: pages with more, put into every alert.
        tracks: alerts by fingerprint. memory: what retraining remembers.
        changed, told, requests: fingerprints, changes of state and calls since the last commit.
        windows: closed since then, as far as a sink asks for them.
    """

    monitor: str
    options: AlertOptions
    retraining: RetrainingOptions | None
    sinks: Sequence[Sink]
    kinds: Sequence[str]
    links: Mapping[str, str] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    memory: RetrainingMemory = field(default_factory=RetrainingMemory)
    changed: set[str] = field(default_factory=set)
    told: list[Alert] = field(default_factory=list)
    requests: list[RetrainingRequest] = field(default_factory=list)
    windows: list[tuple[WindowKey, Span, str, list[dict[str, Any]]]] = field(default_factory=list)

    def react(self, evaluation: Evaluation, now: int) -> list[Alert]:
        """Take a window in; the alerts whose state changed.

        Args:
            evaluation: the window and what was found.
            now: event time up to which the monitor has come, or wall time where rows have no time (µs).
        """
        window = evaluation.window
        at = now if window.spec.by_rows else window.end
        rows = window.profile.rows
        span = Span(window.spec.name, window.start, window.end, rows, by_rows=window.spec.by_rows)
        findings = Findings(
            self.monitor, window.key.version, window.key.segment, span, evaluation.results, self.links
        )
        tracks, told = advance(self.tracks, findings, self.options, at)
        if self._window_sinks():
            results = [result_json(result) for result in evaluation.results]
            key = WindowKey(self.monitor, window.key.version, window.key.segment)
            self.windows.append((key, span, evaluation.verdict.value, results))
        quiet = nothing_missing(tracks, findings, at)
        if quiet is not None:
            tracks, ended = advance(tracks, quiet, self.options, at)
            told = [*told, *ended]
        tracks, expired = expire(tracks, self.options, at)
        self._take(tracks, [*told, *expired])
        if self.retraining is not None:
            self.memory, requests = decide(self.memory, self.tracks, self.retraining, at)
            self.requests.extend(requests)
        return [*told, *expired]

    def missing(self, gaps: Sequence[Gap], now: int) -> list[Alert]:
        """Take in that records are missing in the source; the alerts whose state changed.

        Args:
            gaps: what is missing.
            now: event time up to which the monitor has come, or wall time where rows have no time (µs).
        """
        tracks, told = advance(self.tracks, missing(self.monitor, gaps, now, self.links), self.options, now)
        self._take(tracks, told)
        return told

    def tick(self, now: int, version: str) -> bool:
        """Retraining by the calendar; whether a call was decided.

        Args:
            now: wall time in microseconds since the epoch.
            version: the model version that serves.
        """
        if self.retraining is None or self.retraining.schedule is None:
            return False
        self.memory, requests = decide_by_calendar(
            self.memory, self.monitor, self.retraining, now, version=version
        )
        self.requests.extend(requests)
        return bool(requests)

    def _take(self, tracks: dict[str, Track], told: Sequence[Alert]) -> None:
        self.changed |= {key for key, track in tracks.items() if self.tracks.get(key) is not track}
        self.tracks = tracks
        self.told.extend(told)

    def restore(self, state: State) -> None:
        """Take up the alerts and the policy's memory of the last commit."""
        stored = {key: Track.from_json(value) for key, value in state.alerts.of(self.monitor).items()}
        self.tracks = keep_kinds(stored, [*self.kinds, SOURCE_LOOK])
        saved = state.documents.get(self.monitor, MEMORY)
        if saved is not None:
            self.memory = RetrainingMemory.from_json(saved)

    def save(self, state: State, now: int) -> None:
        """Write what changed and put the messages into the outbox; called inside a transaction.

        Args:
            state: the state file.
            now: wall time in microseconds since the epoch.
        """
        for key in sorted(self.changed):
            track = self.tracks[key]
            state.alerts.put(self.monitor, key, track.alert.state, track.to_json(), updated_at=now)
        for alert in self.told:
            change = StoredTransition(alert.fingerprint, self.monitor, alert.state, alert.to_json(), alert.at)
            state.alerts.record(change, recorded_at=now)
            for sink in self.sinks:
                if alert.state in sink.on:
                    state.outbox.enqueue(alert_message(alert, sink, now))
        for window in self.windows:
            event = window_event(*window, closed_at=now)
            for sink in self._window_sinks():
                state.outbox.enqueue(window_message(event, sink, now))
        for request in self.requests:
            run = StoredRun(request.id, self.monitor, request.causes, request.at, request.event())
            state.runs.put(run, recorded_at=now)
            state.outbox.enqueue(retraining_message(request, now))
        if self.retraining is not None:
            state.documents.put(self.monitor, MEMORY, self.memory.to_json())

    def committed(self) -> None:
        """The transaction is durable."""
        self.changed.clear()
        self.told.clear()
        self.requests.clear()
        self.windows.clear()

    def _window_sinks(self) -> list[WindowSink]:
        return [sink for sink in self.sinks if isinstance(sink, WindowSink) and sink.wants_windows]
