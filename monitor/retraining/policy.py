"""Whether retraining is asked for now: pure functions from firing alerts and what was asked before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from detectors.base import Cause
from monitor.alerts.machine import Tracks
from monitor.alerts.track import episode
from monitor.clock import MICROSECONDS
from monitor.retraining.options import RetrainingOptions
from monitor.retraining.request import NO_WINDOW, SCHEDULE, RetrainingRequest, from_alerts, request_id
from monitor.retraining.schedule import Schedule
from sinks.base import Alert, AlertState, Span


@dataclass(frozen=True, slots=True)
class RetrainingMemory:
    """What the policy remembers of one monitor.

    Attributes:
        served: episodes of alerts that were asked for, while they last.
        asked_at: times of the calls in the span of the budget and the cooldown, oldest first.
        looked_at: the calendar has been served up to this time; None before the first look.
    """

    served: frozenset[str] = frozenset()
    asked_at: tuple[int, ...] = ()
    looked_at: int | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON values from which `from_json` makes it again."""
        return {"served": sorted(self.served), "asked_at": list(self.asked_at), "looked_at": self.looked_at}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> RetrainingMemory:
        """The memory that `to_json` described."""
        return cls(frozenset(saved["served"]), tuple(saved["asked_at"]), saved["looked_at"])


def decide(
    memory: RetrainingMemory, tracks: Tracks, options: RetrainingOptions, now: int
) -> tuple[RetrainingMemory, list[RetrainingRequest]]:
    """Ask for retraining where firing alerts want it; one call for all causes of one version.

    Each episode of an alert is served by one call, however long it lasts. What the cooldown, the budget or the
    minimum of rows holds back is looked at again with every window, and is forgotten when its alert is resolved.

    Args:
        memory: of this monitor.
        tracks: the monitor's alerts.
        options: the policy.
        now: event time, microseconds since the epoch.

    Returns:
        The new memory and the calls, at most one for each version.
    """
    firing = [t.alert for t in tracks.values() if t.alert.state is AlertState.FIRING]
    memory = replace(memory, served=memory.served & {episode(alert) for alert in firing})
    wanted: dict[str, list[Alert]] = {}
    for alert in sorted(firing, key=lambda alert: (list(Cause).index(alert.cause), alert.segment)):
        enough = alert.window.rows >= options.min_rows
        if alert.cause in options.causes and enough and episode(alert) not in memory.served:
            wanted.setdefault(alert.version, []).append(alert)
    requests: list[RetrainingRequest] = []
    for version in sorted(wanted):
        if not _allowed(memory, options, now):
            break
        episodes = [episode(alert) for alert in wanted[version]]
        requests.append(from_alerts(wanted[version], episodes, now))
        memory = replace(_asked(memory, options, now), served=memory.served | set(episodes))
    return memory, requests


def decide_by_calendar(
    memory: RetrainingMemory,
    monitor: str,
    options: RetrainingOptions,
    now: int,
    *,
    version: str = "",
    window: Span = NO_WINDOW,
) -> tuple[RetrainingMemory, list[RetrainingRequest]]:
    """Ask for retraining when a time of the schedule has come.

    The first look only begins the calendar. Times that were missed together give one call, under the first one's id.
    A time that falls into the cooldown or beyond the budget is left out.

    Args:
        memory: of this monitor.
        monitor: its name.
        options: the policy.
        now: wall time, which a live monitor's event time follows closely; microseconds since the epoch.
        version: the model version that serves.
        window: its latest window.
    """
    if options.schedule is None:
        return memory, []
    if memory.looked_at is None:
        return replace(memory, looked_at=now), []
    due = Schedule(options.schedule).next_after(memory.looked_at)
    if due is None or due > now:
        return memory, []
    memory = replace(memory, looked_at=now)
    if not _allowed(memory, options, now):
        return memory, []
    identity = request_id([monitor, SCHEDULE, due])
    request = RetrainingRequest(identity, monitor, version, due, (SCHEDULE,), window=window)
    return _asked(memory, options, now), [request]


def _allowed(memory: RetrainingMemory, options: RetrainingOptions, now: int) -> bool:
    """Neither the cooldown nor the budget forbids a call."""
    cooled = not memory.asked_at or now - memory.asked_at[-1] >= options.cooldown * MICROSECONDS
    return cooled and len(_within(memory.asked_at, options, now)) < options.at_most.runs


def _asked(memory: RetrainingMemory, options: RetrainingOptions, now: int) -> RetrainingMemory:
    """The memory after a call, without the times that no longer matter."""
    return replace(memory, asked_at=(*_within(memory.asked_at, options, now), now))


def _within(times: Iterable[int], options: RetrainingOptions, now: int) -> list[int]:
    return [time for time in times if now - time < options.at_most.per * MICROSECONDS]
