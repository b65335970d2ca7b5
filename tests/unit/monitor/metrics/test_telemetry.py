from prometheus_client.parser import text_string_to_metric_families

from detectors.base import Cause, Result, Verdict
from monitor.clock import ManualClock
from monitor.metrics import AlertReport, ServiceStats, Telemetry, WindowReport
from monitor.metrics.exposition import TelemetryCollector, build_registry, render


def window(
    *names: str, verdict: Verdict = Verdict.OK, version: str = "1", statistic: float = 0.25
) -> WindowReport:
    """A window of 100 rows with one PSI result for each column name."""
    results = tuple(
        Result(name, "psi", verdict, Cause.DATA_DRIFT, statistic, 0.2, None, 0.1, 100) for name in names
    )
    return WindowReport("loan", version, "", "1h", 0, 1, 100, verdict, results)


def samples(telemetry: Telemetry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of a scrape, as Prometheus' own parser for Python reads it."""
    text, _ = render(build_registry(telemetry))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    """The one sample that has at least these labels."""
    found = [
        number
        for (known, has), number in samples(telemetry).items()
        if known == name and set(labels.items()) <= has
    ]
    assert len(found) <= 1
    return found[0] if found else None


def test_counts_add_up() -> None:
    """Counters are sums of what was told, by label."""
    telemetry = Telemetry(["loan"])
    telemetry.records("loan", "accepted", 5)
    telemetry.records("loan", "accepted", 7)
    telemetry.records("loan", "late", 1)
    telemetry.dead_letters("malformed_json", 2)
    telemetry.delivery("ops", "delivered")
    assert value(telemetry, "driftd_records_total", outcome="accepted") == 12
    assert value(telemetry, "driftd_records_total", outcome="late") == 1
    assert value(telemetry, "driftd_dead_letters_total", reason="malformed_json") == 2
    assert value(telemetry, "driftd_deliveries_total", destination="ops", outcome="delivered") == 1


def test_a_window_takes_the_place_of_the_one_before() -> None:
    """The gauges of a window's kind are those of the last one; columns that are gone have no series."""
    telemetry = Telemetry(["loan"])
    telemetry.window_closed(window("a", "b"))
    telemetry.window_closed(window("a", verdict=Verdict.DRIFT, statistic=0.5))
    assert value(telemetry, "driftd_drift_score", column="a", test="psi") == 0.5
    assert value(telemetry, "driftd_drift_threshold", column="a") == 0.2
    assert value(telemetry, "driftd_effect_size", column="a") == 0.1
    assert value(telemetry, "driftd_drift_score", column="b") is None
    assert value(telemetry, "driftd_window_verdict") == Verdict.DRIFT.rank
    assert value(telemetry, "driftd_verdict", column="a") == Verdict.DRIFT.rank
    assert value(telemetry, "driftd_windows_total", verdict="drift") == 1
    assert value(telemetry, "driftd_window_rows") == 100


def test_what_is_not_a_number_is_no_series() -> None:
    """An undefined statistic, and one that rests on too few rows, do not appear."""
    telemetry = Telemetry(["loan"])
    telemetry.window_closed(window("a", statistic=float("nan")))
    assert value(telemetry, "driftd_drift_score", column="a") is None
    telemetry.window_closed(window("a", verdict=Verdict.INSUFFICIENT))
    assert value(telemetry, "driftd_drift_score", column="a") is None


def test_two_results_of_one_column_and_test_are_one_sample() -> None:
    """The worse of two results is shown: Prometheus refuses a sample that comes twice."""
    mild, bad = window("a", statistic=0.1), window("a", verdict=Verdict.DRIFT, statistic=0.9)
    both = WindowReport("loan", "1", "", "1h", 0, 1, 100, Verdict.DRIFT, mild.results + bad.results)
    telemetry = Telemetry(["loan"])
    telemetry.window_closed(both)
    assert value(telemetry, "driftd_drift_score", column="a") == 0.9


def test_service_figures() -> None:
    """Rate, errors and latency quantiles of the last window."""
    telemetry = Telemetry(["loan"])
    stats = ServiceStats(2.5, 0.1, {0.5: 0.02, 0.99: 0.4})
    telemetry.window_closed(WindowReport("loan", "1", "", "1h", 0, 1, 9, Verdict.OK, (), stats))
    assert value(telemetry, "driftd_request_rate") == 2.5
    assert value(telemetry, "driftd_error_ratio") == 0.1
    assert value(telemetry, "driftd_latency_seconds", quantile="0.99") == 0.4


def test_alerts_by_state() -> None:
    """Each monitor has a count for each state, zero included; each alert has its state."""
    telemetry = Telemetry(["loan", "fraud"])
    telemetry.alerts("loan", [AlertReport("loan", "1", "", "data_drift", "warning", "firing")])
    assert value(telemetry, "driftd_alerts", monitor="loan", state="firing") == 1
    assert value(telemetry, "driftd_alerts", monitor="loan", state="pending") == 0
    assert value(telemetry, "driftd_alerts", monitor="fraud", state="firing") == 0
    assert value(telemetry, "driftd_alert_state", cause="data_drift") == 2
    telemetry.alerts("loan", [])
    assert value(telemetry, "driftd_alert_state", cause="data_drift") is None


def test_watermark_age_follows_the_clock() -> None:
    """The age is that of the moment of the scrape."""
    clock = ManualClock(1_000_000_000_000_000)
    telemetry = Telemetry(["loan"], clock=clock)
    telemetry.watermark("loan", clock.now() - 5_000_000)
    assert value(telemetry, "driftd_watermark_age_seconds") == 5
    clock.advance(10)
    assert value(telemetry, "driftd_watermark_age_seconds") == 15


def test_the_oldest_windows_make_room() -> None:
    """Beyond the limit the windows that were updated longest ago go, and are counted."""
    one = window("a").series
    telemetry = Telemetry(["loan"], max_series=2 * one)
    for version in ("1", "2", "1", "3"):
        telemetry.window_closed(window("a", version=version))
    assert value(telemetry, "driftd_window_rows", version="1") == 100
    assert value(telemetry, "driftd_window_rows", version="2") is None
    assert value(telemetry, "driftd_window_rows", version="3") == 100
    assert value(telemetry, "driftd_series_overflow_total") == one


def test_a_window_beyond_the_limit_keeps_its_worst_columns() -> None:
    """What does not fit is the least bad, and is counted."""
    good, bad = window(*"abcdefgh"), window("z", verdict=Verdict.DRIFT)
    wide = WindowReport("loan", "1", "", "1h", 0, 1, 100, Verdict.DRIFT, good.results + bad.results)
    telemetry = Telemetry(["loan"], max_series=bad.series + 4)
    telemetry.window_closed(wide)
    assert value(telemetry, "driftd_verdict", column="z") == Verdict.DRIFT.rank
    assert value(telemetry, "driftd_verdict", column="h") is None
    assert value(telemetry, "driftd_series_overflow_total") == wide.series - bad.series - 4


def test_label_values_are_bounded() -> None:
    """New label values beyond the limit are counted as `other`, known ones go on under their names."""
    telemetry = Telemetry(["loan"], max_label_values=2)
    for reason in ("a", "b", "c", "d", "a"):
        telemetry.dead_letters(reason)
    assert value(telemetry, "driftd_dead_letters_total", reason="a") == 2
    assert value(telemetry, "driftd_dead_letters_total", reason="other") == 2
    assert value(telemetry, "driftd_dead_letters_total", reason="c") is None
    assert value(telemetry, "driftd_series_overflow_total") == 2


def test_readiness_says_why_not() -> None:
    """Not ready before the first poll, while a component has a reason, and when the loop is silent."""
    clock = ManualClock()
    telemetry = Telemetry(["loan"], clock=clock, stuck_after_seconds=30)
    assert set(telemetry.readiness()) == {"loan"}
    telemetry.ready("loan", None)
    assert telemetry.readiness() == {}
    telemetry.ready("state", "no room left")
    assert telemetry.readiness() == {"state": "no room left"}
    telemetry.ready("state", None)
    clock.advance(31)
    assert telemetry.readiness() == {"loop": "no heartbeat for 31 s"}
    assert value(telemetry, "driftd_ready") == 0
    telemetry.beat()
    assert telemetry.readiness() == {}
    assert value(telemetry, "driftd_ready") == 1
    assert value(telemetry, "driftd_monitor_up", monitor="loan") == 1


def test_a_monitor_comes_and_goes() -> None:
    """A reload adds and removes monitors: gauges follow, counters stay."""
    telemetry = Telemetry(["loan"])
    telemetry.records("loan", "accepted", 1)
    telemetry.window_closed(window("a"))
    telemetry.add_monitor("fraud")
    telemetry.forget_monitor("loan")
    assert telemetry.monitors == ("fraud",)
    assert set(telemetry.readiness()) == {"fraud"}
    assert value(telemetry, "driftd_window_rows") is None
    assert value(telemetry, "driftd_records_total", outcome="accepted") == 1


def test_a_snapshot_does_not_change() -> None:
    """What a reader holds is not touched by later writes."""
    telemetry = Telemetry(["loan"])
    telemetry.records("loan", "accepted", 1)
    snapshot = telemetry.snapshot()
    telemetry.records("loan", "accepted", 1)
    telemetry.window_closed(window("a"))
    assert snapshot.counters == {"records": {("loan", "accepted"): 1}}
    assert snapshot.windows == ()


def test_open_metrics_for_who_asks_for_it() -> None:
    """The format follows the Accept header."""
    registry = build_registry(Telemetry(["loan"]))
    body, content_type = render(registry, "application/openmetrics-text;version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert render(registry)[1].startswith("text/plain")


def test_the_process_and_the_build_are_told() -> None:
    """CPU, memory and version are there."""
    telemetry = Telemetry(["loan"])
    assert value(telemetry, "driftd_build_info") == 1
    assert (value(telemetry, "process_resident_memory_bytes") or 0) > 0
    assert (value(telemetry, "process_cpu_seconds_total") or 0) > 0


def test_a_scrape_never_makes_the_loop_wait() -> None:
    """In the middle of a scrape the loop writes on; with the lock held this test would not end."""
    telemetry = Telemetry(["loan"])
    telemetry.window_closed(window("a", "b"))
    names = []
    for family in TelemetryCollector(telemetry).collect():
        names.append(family.name)
        telemetry.window_closed(window("a"))
        telemetry.records("loan", "accepted", 1)
        telemetry.beat()
    assert len(names) > 20
    assert value(telemetry, "driftd_records_total", outcome="accepted") == len(names)
