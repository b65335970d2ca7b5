"""A closed window as the metrics show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.binning import CategoricalBinning, LogBinning
from detectors.layout import Role
from monitor.clock import MICROSECONDS
from monitor.metrics.reports import AlertReport, ServiceStats, WindowReport
from monitor.state.outbox import Delivery
from sinks.base import AlertState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.profile import Profile
    from monitor.alerts import Track
    from monitor.evaluation import Evaluation
    from monitor.state.state import State

ACTIVE = (AlertState.PENDING, AlertState.FIRING)
QUANTILES = (0.5, 0.9, 0.99)
SERVER_ERROR = "5xx"


def window_report(monitor: str, evaluation: Evaluation) -> WindowReport:
    """What the metrics say of a window."""
    window = evaluation.window
    seconds = None if window.spec.by_rows else (window.end - window.start) / MICROSECONDS
    return WindowReport(
        monitor=monitor,
        version=window.key.version,
        segment=window.key.segment,
        window=window.spec.name,
        start=window.start,
        end=window.end,
        rows=window.profile.rows,
        verdict=evaluation.verdict,
        results=evaluation.results,
        service=service_stats(window.profile, seconds),
    )


def close_delay_seconds(evaluation: Evaluation, now: int) -> float:
    """Seconds from a window's end to its verdict; for windows of rows those that the verdict took.

    Args:
        evaluation: the window and what was found.
        now: wall time in microseconds since the epoch.
    """
    window = evaluation.window
    return evaluation.seconds if window.spec.by_rows else max(0.0, (now - window.end) / MICROSECONDS)


def service_stats(profile: Profile, seconds: float | None) -> ServiceStats:
    """Rate, error ratio and latencies of a window.

    Args:
        profile: the window's rows.
        seconds: its length in event time; None for windows of rows, which have no rate.
    """
    return ServiceStats(
        request_rate=profile.weight / seconds if seconds else None,
        error_ratio=_error_ratio(profile),
        latency=_latency(profile),
    )


def _error_ratio(profile: Profile) -> float | None:
    for i in profile.layout.with_role(Role.STATUS):
        binning, counts = profile.layout.binnings[i], profile.values(i)
        if isinstance(binning, CategoricalBinning) and counts.sum():
            code = binning.table.get(SERVER_ERROR)
            return float(counts[code] / counts.sum()) if code is not None else 0.0
    return None


def _latency(profile: Profile) -> dict[float, float]:
    for i in profile.layout.with_role(Role.LATENCY):
        binning, counts = profile.layout.binnings[i], profile.values(i)
        if isinstance(binning, LogBinning) and counts.sum():
            return {q: binning.quantile(counts, q) for q in QUANTILES}
    return {}


def active_alerts(tracks: Iterable[Track]) -> list[AlertReport]:
    """The alerts that are not over."""
    alerts = (track.alert for track in tracks if track.alert.state in ACTIVE)
    return [
        AlertReport(a.monitor, a.version, a.segment, a.cause.value, a.severity.value, a.state.value)
        for a in alerts
    ]


def pending_by_destination(state: State) -> dict[str, int]:
    """Messages that wait in the outbox."""
    counts = state.outbox.counts()
    return {
        destination: counts.get((destination, Delivery.PENDING), 0)
        for destination in sorted({d for d, _ in counts})
    }
