"""Service: errors, latencies, rate and silence."""

import numpy as np
import polars as pl
import pytest

from detectors.base import Result, Verdict, Window
from detectors.layout import Column, Kind
from detectors.profile import Profile, profile_rows
from detectors.reference import Reference
from detectors.service import Service

SECOND = 1_000_000
HOUR = 3600 * SECOND


def rows(rng: np.random.Generator, n: int, *, errors: float = 0.005, slow: float = 1.0) -> pl.DataFrame:
    """Answers with a share of 5xx and lognormal latencies around 50 ms times `slow`."""
    status = np.where(rng.random(n) < errors, 503, np.where(rng.random(n) < 0.01, 404, 200))
    return pl.DataFrame({
        "x": rng.normal(size=n),
        "@time": np.sort(rng.integers(0, HOUR, n)),
        "@status": pl.Series(status, dtype=pl.Int16),
        "@latency": rng.lognormal(np.log(0.05 * slow), 0.5, n),
    })  # fmt: skip


@pytest.fixture
def reference(rng: np.random.Generator) -> Reference:
    """An hour of 20,000 quiet answers."""
    return Reference.fit(rows(rng, 20_000), [Column("x", Kind.NUMERIC)])


def window(
    reference: Reference, frame: pl.DataFrame, *history: Profile, expected: float | None = None
) -> Window:
    """The rows as one hour."""
    profile = profile_rows(reference.layout, frame) if frame.height else Profile.empty(reference.layout)
    return Window(profile, history, end=HOUR, min_rows=30, expected_rows=expected)


def by_figure(reference: Reference, view: Window, rule: Service | None = None) -> dict[str, Result]:
    """Results by the word of their figure."""
    return {r.column: r for r in (rule or Service()).test(reference, view)}


def loud(reference: Reference, view: Window, rule: Service | None = None) -> dict[str, Verdict]:
    """Verdicts that are not ok."""
    return {c: r.verdict for c, r in by_figure(reference, view, rule).items() if r.verdict is not Verdict.OK}


def test_quiet_windows_are_quiet(rng: np.random.Generator, reference: Reference) -> None:
    """No finding in 150 windows of 100 to 3,000 rows, whatever the rate."""
    found = [loud(reference, window(reference, rows(rng, n))) for n in (100, 300, 3000) for _ in range(50)]
    assert [{}] * 150 == found


def test_figures_are_what_they_say(rng: np.random.Generator, reference: Reference) -> None:
    """Quantiles within 1 % of the exact ones, shares and rate exact."""
    frame = rows(rng, 5000)
    found = by_figure(reference, window(reference, frame, expected=10_000.0))
    for word, q in (("latency_p50", 0.5), ("latency_p90", 0.9), ("latency_p99", 0.99)):
        assert found[word].statistic == pytest.approx(frame["@latency"].quantile(q, "lower"), rel=0.01)
    assert found["error_ratio"].statistic == (frame["@status"] == 503).mean()
    assert found["client_error_ratio"].statistic == (frame["@status"] == 404).mean()
    assert found["request_rate"].statistic == pytest.approx(5000 / 3600)
    assert found["request_rate"].effect_size == pytest.approx(-0.5)


def test_a_burst_of_errors_is_drift(rng: np.random.Generator, reference: Reference) -> None:
    """A twentieth more errors: drift; one and a half per cent more: at most a warning."""
    assert {"error_ratio": Verdict.DRIFT} == loud(reference, window(reference, rows(rng, 2000, errors=0.06)))
    small = loud(reference, window(reference, rows(rng, 20_000, errors=0.02)))
    assert {"error_ratio": Verdict.WARNING} == small


def test_slow_answers_are_drift(rng: np.random.Generator, reference: Reference) -> None:
    """Twice the time: drift in every quantile; a slow tail: in the last one only."""
    slow = loud(reference, window(reference, rows(rng, 2000, slow=2.0)))
    assert dict.fromkeys(("latency_p50", "latency_p90", "latency_p99"), Verdict.DRIFT) == slow
    frame = rows(rng, 2000)
    tail = pl.when(pl.int_range(pl.len()) % 20 == 0).then(2.0).otherwise(pl.col("@latency")).alias("@latency")
    assert {"latency_p99": Verdict.DRIFT} == loud(reference, window(reference, frame.with_columns(tail)))
    faster = rows(rng, 2000, slow=0.3)
    assert loud(reference, window(reference, faster)) == {}


def test_without_a_reference_the_windows_before_are_usual(
    rng: np.random.Generator, reference: Reference
) -> None:
    """Three windows make a baseline, two do not."""
    bare = reference.with_profile(Profile.empty(reference.layout))
    past = [profile_rows(reference.layout, rows(rng, 1000)) for _ in range(3)]
    bad = rows(rng, 1000, errors=0.2, slow=3.0)
    assert {"error_ratio", "latency_p50", "latency_p90", "latency_p99"} == set(
        loud(bare, window(bare, bad, *past))
    )
    assert loud(bare, window(bare, bad, *past[:2])) == {}
    assert loud(bare, window(bare, rows(rng, 1000), *past)) == {}


def test_silence_is_drift_where_rows_were_expected(rng: np.random.Generator, reference: Reference) -> None:
    """An empty window after busy ones, though the last of them was cut short; or by the reference's rate."""
    busy, cut = (profile_rows(reference.layout, rows(rng, n)) for n in (500, 3))
    nothing = rows(rng, 0)
    empty = Profile.empty(reference.layout)
    assert {"request_rate": Verdict.DRIFT} == loud(reference, window(reference, nothing, busy, busy, busy))
    assert {"request_rate": Verdict.DRIFT} == loud(
        reference, window(reference, nothing, empty, cut, busy, busy)
    )
    assert {"request_rate": Verdict.DRIFT} == loud(reference, window(reference, nothing, expected=1000.0))


def test_traffic_that_fades_may_end(rng: np.random.Generator, reference: Reference) -> None:
    """A night is no silence: 400, 90, 20, 5 rows, then none; nor is an empty window without expectations."""
    fading = [profile_rows(reference.layout, rows(rng, n)) for n in (5, 20, 90, 400)]
    assert loud(reference, window(reference, rows(rng, 0), *fading, expected=300.0)) == {}
    assert loud(reference, window(reference, rows(rng, 0))) == {}
    by_rows = Window(Profile.empty(reference.layout), end=100, by_rows=True, expected_rows=1000.0)
    assert loud(reference, by_rows) == {}


def test_absolute_limits_hold_whatever_is_usual(rng: np.random.Generator, reference: Reference) -> None:
    """For those who ask: a share of errors, a quantile, a rate."""
    strict = Service(max_error_ratio=0.001, max_latency_p99_seconds=0.1, min_rate=100.0)
    found = loud(reference, window(reference, rows(rng, 5000)), strict)
    assert dict.fromkeys(("error_ratio", "latency_p99", "request_rate"), Verdict.DRIFT) == found
    lenient = Service(max_error_ratio=0.1, max_latency_p99_seconds=10.0, min_rate=0.1)
    assert loud(reference, window(reference, rows(rng, 5000)), lenient) == {}


def test_few_rows_are_insufficient(rng: np.random.Generator, reference: Reference) -> None:
    """Below the minimum, shares and quantiles are not judged."""
    found = by_figure(reference, window(reference, rows(rng, 10, errors=1.0)))
    assert found["error_ratio"].verdict is Verdict.INSUFFICIENT
    assert found["latency_p99"].verdict is Verdict.INSUFFICIENT
    assert found["request_rate"].verdict is Verdict.OK
