"""Prometheus families out of a snapshot: names, units, labels and help of every metric that driftd has."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from detectors.base import Result, Verdict
from monitor.evaluation import worst
from monitor.metrics.reports import WindowReport
from monitor.metrics.sources import source_families
from monitor.metrics.telemetry import Snapshot

WINDOW = ("monitor", "version", "segment", "window")
STATE_VALUE = {"pending": 1.0, "firing": 2.0}

COUNTERS = (
    ("records", "driftd_records", ("monitor", "outcome"), "Records read, by what became of them."),
    ("windows", "driftd_windows", ("monitor", "window", "verdict"), "Windows closed, by verdict."),
    ("gaps", "driftd_source_gaps", ("monitor", "reason"), "Places in the source where records are missing."),
    ("gap_records", "driftd_source_gap_records", ("monitor", "reason"), "Records missing in the source."),
    (
        "gap_bytes",
        "driftd_source_gap_bytes",
        ("monitor", "reason"),
        "Bytes that were passed over, where known.",
    ),
    ("dead_letters", "driftd_dead_letters", ("reason",), "Records that could not be read, by reason."),
    ("deliveries", "driftd_deliveries", ("destination", "outcome"), "Attempts to deliver, by outcome."),
)

VERDICTS = "0 ok, 1 insufficient, 2 error, 3 warning, 4 drift"


def families(snapshot: Snapshot) -> Iterator[Metric]:
    """All families of one scrape; each appears even when it has no series yet."""
    yield from _counters(snapshot)
    yield from _windows(snapshot.windows)
    yield from _results(snapshot.windows)
    yield from _services(snapshot.windows)
    yield from _alerts(snapshot)
    yield from source_families(snapshot.sources)
    yield from _daemon(snapshot)


def _gauge(
    name: str,
    text: str,
    labels: tuple[str, ...],
    values: Iterable[tuple[tuple[str, ...], float | None]],
) -> GaugeMetricFamily:
    """A family of the values that are numbers: a missing one is no series, never a NaN."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values:
        if value is not None and not math.isnan(value):
            family.add_metric(key, value)
    return family


def _counters(snapshot: Snapshot) -> Iterator[Metric]:
    for source, name, labels, text in COUNTERS:
        family = CounterMetricFamily(name, text, labels=labels)
        for key, total in snapshot.counters.get(source, {}).items():
            family.add_metric(key, total)
        yield family
    text = "Series or label values left out because a limit on cardinality was reached."
    yield CounterMetricFamily("driftd_series_overflow", text, value=snapshot.overflow)


def _windows(windows: tuple[WindowReport, ...]) -> Iterator[Metric]:
    rows = {report.key: float(report.rows) for report in windows}
    yield _gauge("driftd_window_rows", "Rows of the last closed window.", WINDOW, rows.items())
    verdicts = {report.key: float(report.verdict.rank) for report in windows}
    text = f"Verdict on the last closed window: {VERDICTS}."
    yield _gauge("driftd_window_verdict", text, WINDOW, verdicts.items())
    columns: dict[tuple[str, ...], list[Verdict]] = {}
    for report in windows:
        for result in report.results:
            columns.setdefault((*report.key, result.column), []).append(result.verdict)
    ranks = {key: float(worst(found).rank) for key, found in columns.items()}
    text = f"Verdict on a column of the last closed window: {VERDICTS}."
    yield _gauge("driftd_verdict", text, (*WINDOW, "column"), ranks.items())


def _results(windows: tuple[WindowReport, ...]) -> Iterator[Metric]:
    labels = (*WINDOW, "column", "test")
    chosen: dict[tuple[str, ...], Result] = {}
    for report in windows:
        for result in report.results:
            key = (*report.key, result.column, result.test)
            known = chosen.get(key)
            if known is None or result.verdict.rank > known.verdict.rank:
                chosen[key] = result
    found = {key: result for key, result in chosen.items() if result.verdict is not Verdict.INSUFFICIENT}
    scores = {key: result.statistic for key, result in found.items()}
    text = "Statistic of a test on the last closed window."
    yield _gauge("driftd_drift_score", text, labels, scores.items())
    thresholds = {key: result.threshold for key, result in found.items()}
    yield _gauge("driftd_drift_threshold", "What the statistic is compared with.", labels, thresholds.items())
    effects = {key: result.effect_size for key, result in found.items()}
    text = "How large the change is, whatever the number of rows."
    yield _gauge("driftd_effect_size", text, labels, effects.items())


def _services(windows: tuple[WindowReport, ...]) -> Iterator[Metric]:
    rates = {report.key: report.service.request_rate for report in windows}
    yield _gauge("driftd_request_rate", "Requests per second of event time.", WINDOW, rates.items())
    errors = {report.key: report.service.error_ratio for report in windows}
    text = "Share of requests that the server failed to answer."
    yield _gauge("driftd_error_ratio", text, WINDOW, errors.items())
    latency = Metric("driftd_latency_seconds", "Latency of requests in the last closed window.", "summary")
    for report in windows:
        labels = dict(zip(WINDOW, report.key, strict=True))
        for quantile, seconds in report.service.latency.items():
            latency.add_sample(latency.name, {**labels, "quantile": f"{quantile:g}"}, seconds)
    yield latency


def _alerts(snapshot: Snapshot) -> Iterator[Metric]:
    active = [alert for alerts in snapshot.alerts.values() for alert in alerts]
    counted = Counter((alert.monitor, alert.state) for alert in active)
    counts = {(name, state): float(counted[name, state]) for name in snapshot.alerts for state in STATE_VALUE}
    yield _gauge("driftd_alerts", "Alerts that are not over, by state.", ("monitor", "state"), counts.items())
    labels = ("monitor", "version", "segment", "cause", "severity")
    states = {tuple(getattr(alert, name) for name in labels): STATE_VALUE[alert.state] for alert in active}
    text = "An alert that is not over: 1 pending, 2 firing."
    yield _gauge("driftd_alert_state", text, labels, states.items())


def _daemon(snapshot: Snapshot) -> Iterator[Metric]:
    marks = {(name,): at / 1e6 for name, at in snapshot.watermarks.items()}
    text = "Event time up to which rows are believed to be complete, since the epoch."
    yield _gauge("driftd_watermark_timestamp_seconds", text, ("monitor",), marks.items())
    ages = {key: snapshot.now_seconds - at for key, at in marks.items()}
    text = "How far event time lies behind the clock."
    yield _gauge("driftd_watermark_age_seconds", text, ("monitor",), ages.items())
    delays = {(name,): seconds for name, seconds in snapshot.close_delays.items()}
    text = "Time between a window's end and its verdict, for the window closed last."
    yield _gauge("driftd_window_close_delay_seconds", text, ("monitor",), delays.items())
    pending = {(name,): float(count) for name, count in snapshot.outbox.items()}
    text = "Deliveries that wait to be made."
    yield _gauge("driftd_outbox_pending", text, ("destination",), pending.items())
    ups = {(name,): float(name not in snapshot.reasons) for name in snapshot.alerts}
    yield _gauge("driftd_monitor_up", "1 while the monitor's source can be read.", ("monitor",), ups.items())
    yield _gauge("driftd_ready", "1 while /readyz answers 200.", (), [((), float(not snapshot.reasons))])
