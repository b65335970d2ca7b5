"""Service: does the model's server answer, without errors, as fast as it used to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt

from detectors.base import Cause, Result, Verdict, Window, WindowTest
from detectors.layout import Role
from detectors.reference import Reference
from detectors.service_figures import (
    CLASSES,
    QUANTILES,
    Baseline,
    Figure,
    first_with,
    latency_quantile,
    rows_expected,
    seconds,
    status_share,
)

_NOTICE = 0.5
"""Share of the size that matters from which a warning is given."""

_FIGURES = len(QUANTILES) + len(CLASSES)

Positive = Annotated[float, Gt(0)]


class Service(WindowTest):
    """Request rate, silence, share of errors by status class, quantiles of the latency.

    Shares and quantiles are compared with the reference's; where it has no statuses or latencies, with the
    windows just before (at least three; the worst of them counts as usual). *drift* needs significance
    (`level`, shared over the figures) and size: the share of errors is above the usual one by `error_rise`,
    or the quantile above `latency_ratio` times the usual one, each by its lower confidence bound; half of
    that is a *warning*. A window without rows is *drift* where rows were to be expected. The request rate
    itself is reported and judged only by `min_rate`: traffic has its days and nights.

    The column of a result is the figure: `request_rate` (rows a second), `error_ratio` (5xx),
    `client_error_ratio` (4xx), `latency_p50`, `latency_p90`, `latency_p99` (seconds, within 1 %). Effect
    size: the difference of shares, the relative change of quantiles and rate. Cost: about 0.3 ms.

    References:
        Clopper, Pearson (1934), Biometrika 26, 404-413, for the bounds of shares and, by them, of quantiles.
    """

    type: Literal["service"] = "service"
    level: Annotated[float, Gt(0), Lt(0.5)] = 0.001
    """Probability of a false finding in a quiet window."""
    error_rise: Annotated[float, Gt(0), Lt(1)] = 0.02
    """Rise of a share of errors that matters."""
    latency_ratio: Annotated[float, Gt(1)] = 1.5
    """Ratio to the usual quantile that matters."""
    silence_rows: Annotated[float, Ge(1)] = 30
    """An empty window is a finding when at least this many rows were expected."""
    max_error_ratio: Annotated[float, Gt(0), Lt(1)] | None = None
    """*drift* where the share of 5xx is above this for certain, whatever is usual."""
    max_latency_p99_seconds: Positive | None = None
    """*drift* where the 99 % quantile of the latency is above this."""
    min_rate: Positive | None = None
    """*drift* where fewer rows a second come."""

    def test(self, reference: Reference, window: Window) -> Sequence[Result]:
        """Results for the rate of windows of time, for statuses and latencies where the layout has them."""
        results = list(self._rate(window))
        if window.profile.rows == 0:
            return results
        for figure in self._figures(reference, window):
            if figure.rows < max(window.min_rows, 1):
                words = f"{figure.rows} rows are too few"
                results.append(self._result(figure, Verdict.INSUFFICIENT, None, None, words))
            else:
                results.append(self._latency(figure) if figure.name in QUANTILES else self._share(figure))
        return results

    def _figures(self, reference: Reference, window: Window) -> Iterator[Figure]:
        level, layout, profile = self.level / _FIGURES, reference.layout, window.profile
        status, latency = (_measured(reference, window, role) for role in (Role.STATUS, Role.LATENCY))
        if status is not None:
            usual = Baseline.of(reference, window, status)
            for name in CLASSES:
                yield status_share(name, layout.binnings[status], profile.values(status), usual, level)
        if latency is not None:
            usual = Baseline.of(reference, window, latency)
            for name in QUANTILES:
                yield latency_quantile(name, layout.binnings[latency], profile.values(latency), usual, level)

    def _rate(self, window: Window) -> Iterator[Result]:
        """Rows a second, and silence."""
        span, rows = seconds(window), window.profile.rows
        if span <= 0:
            return
        rate, expected = rows / span, window.expected_rows
        verdict, detail = Verdict.OK, ""
        if self.min_rate is not None and rate < self.min_rate:
            verdict, detail = Verdict.DRIFT, f"{rate:.3g} rows a second, fewer than {self.min_rate:g}"
        missed = rows_expected(window, self.silence_rows) if rows == 0 else None
        if missed is not None:
            verdict, detail = Verdict.DRIFT, f"no rows in {span:g} s, at least {missed:.0f} were expected"
        change = rows / expected - 1.0 if expected else None
        yield Result(
            "request_rate", self.type, verdict, Cause.SERVICE, rate, self.min_rate, None, change, rows, detail
        )

    def _share(self, figure: Figure) -> Result:
        """A share of errors."""
        verdict, limit, change = Verdict.OK, None, None
        words = f"{figure.value:.2%} of the answers are {CLASSES[figure.name]}"
        if figure.usual is not None:
            words += f", usually {figure.usual:.2%}"
            change, rise = figure.value - figure.usual, figure.bound - figure.usual
            limit = figure.usual + self.error_rise
            verdict = self._sized(figure, rise / self.error_rise)
        if figure.name == "error_ratio" and self.max_error_ratio is not None:
            limit = self.max_error_ratio
            verdict = Verdict.DRIFT if figure.bound > limit else verdict
        return self._result(figure, verdict, limit, change, words)

    def _latency(self, figure: Figure) -> Result:
        """A quantile of the latency."""
        verdict, limit, change = Verdict.OK, None, None
        words = f"{figure.value:.3g} s"
        if figure.usual:
            words += f", usually {figure.usual:.3g} s"
            change, rise = figure.value / figure.usual - 1.0, figure.bound / figure.usual - 1.0
            limit = figure.usual * self.latency_ratio
            verdict = self._sized(figure, rise / (self.latency_ratio - 1.0))
        if figure.name == "latency_p99" and self.max_latency_p99_seconds is not None:
            limit = self.max_latency_p99_seconds
            verdict = Verdict.DRIFT if figure.value > limit else verdict
        return self._result(figure, verdict, limit, change, words)

    def _sized(self, figure: Figure, size: float) -> Verdict:
        """The verdict on a figure that is above the usual one for certain by `size` times what matters."""
        if figure.p_value is None or figure.p_value >= self.level / _FIGURES:
            return Verdict.OK
        if size > 1.0:
            return Verdict.DRIFT
        return Verdict.WARNING if size > _NOTICE else Verdict.OK

    def _result(
        self, figure: Figure, verdict: Verdict, limit: float | None, change: float | None, words: str
    ) -> Result:
        return Result(
            column=figure.name,
            test=self.type,
            verdict=verdict,
            cause=Cause.SERVICE,
            statistic=figure.value,
            threshold=limit,
            p_value=figure.p_value,
            effect_size=change,
            rows=figure.rows,
            detail="" if verdict is Verdict.OK else words,
        )


def _measured(reference: Reference, window: Window, role: Role) -> int | None:
    """Position of a service column that has a value somewhere; records without one get no figures for it."""
    i = first_with(reference.layout, role)
    if i is None:
        return None
    profiles = (window.profile, reference.profile, *window.history)
    return i if any(profile.values(i).any() for profile in profiles) else None
