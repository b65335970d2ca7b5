"""A closed window becomes findings: every test in turn, one failure never stops the others."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from detectors.base import Cause, Result, Verdict, Window
from detectors.base import WindowTest as Test

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detectors.profile import Profile
    from detectors.reference import Reference
    from monitor.windows.book import ClosedWindow

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the tests found in one window.

    Attributes:
        window: the window. results: all findings. seconds: wall time that the tests took.
    """

    window: ClosedWindow
    results: tuple[Result, ...]
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """The worst verdict; *insufficient* for a window under its minimum of rows in which nothing was found."""
        found = worst(result.verdict for result in self.results)
        if found is Verdict.OK and self.window.profile.rows < self.window.spec.min_rows:
            return Verdict.INSUFFICIENT
        return found

    def causes(self) -> dict[Cause, Verdict]:
        """The worst verdict for each cause."""
        found: dict[Cause, list[Verdict]] = {}
        for result in self.results:
            found.setdefault(result.cause, []).append(result.verdict)
        return {cause: worst(verdicts) for cause, verdicts in found.items()}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several verdicts; *error* and *insufficient* yield to any test that could tell."""
    present = set(verdicts)
    for verdict in (Verdict.DRIFT, Verdict.WARNING, Verdict.OK, Verdict.ERROR):
        if verdict in present:
            return verdict
    return Verdict.INSUFFICIENT


def _too_few(result: Result) -> Result:
    """A good word about too few rows is no evidence that all is well; silence of the service is evidence."""
    if result.verdict is Verdict.OK and result.cause is not Cause.SERVICE:
        return result._replace(verdict=Verdict.INSUFFICIENT)
    return result


@dataclass
class Evaluator:
    """Runs a monitor's tests over windows. Failures of a test are logged once for each test and message."""

    tests: Sequence[Test]
    failures: set[tuple[str, str]] = field(default_factory=set)

    def evaluate(
        self,
        reference: Reference,
        window: ClosedWindow,
        history: tuple[Profile, ...],
        extra: Sequence[Result] = (),
        *,
        partial: bool = False,
    ) -> Evaluation:
        """Compare a window with a reference.

        Args:
            reference: what is normal.
            window: the closed window.
            history: adjacent earlier windows, newest first.
            extra: findings that were made on the way, as by change detectors.
            partial: the window was closed before its end, so its number of rows says nothing.
        """
        began = time.perf_counter()
        seconds = (window.end - window.start) / 1e6
        expected = None
        whole = not (window.spec.by_rows or window.key.segment or partial)
        if whole and reference.rate_per_second is not None:
            expected = reference.rate_per_second * seconds
        view = Window(
            profile=window.profile,
            history=history,
            start=window.start,
            end=window.end,
            by_rows=window.spec.by_rows,
            min_rows=window.spec.min_rows,
            expected_rows=expected,
        )
        results = [*extra]
        for test in self.tests:
            results.extend(self._run(test, reference, view))
        # what tests share refers to the window in its turn: its arrays would wait for Python to look for cycles
        view.shared.clear()
        if window.profile.rows < window.spec.min_rows:
            results = [_too_few(result) for result in results]
        return Evaluation(window, tuple(results), time.perf_counter() - began)

    def _run(self, test: Test, reference: Reference, window: Window) -> Sequence[Result]:
        name = str(getattr(test, "type", type(test).__name__))
        try:
            return test.test(reference, window)
        except Exception as error:
            if (name, str(error)) not in self.failures:
                self.failures.add((name, str(error)))
                log.exception("test failed", test=name)
            nan = float("nan")
            detail = f"{type(error).__name__}: {error}"[:200]
            return [
                Result("", name, Verdict.ERROR, Cause.SOURCE, nan, rows=window.profile.rows, detail=detail)
            ]
