"""One monitor: a model under watch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import Field, ValidationError, model_validator

from detectors.base import ChangeDetector, WindowTest
from detectors.builtin import CHANGE_DETECTORS, ENTRY_POINTS, WINDOW_TESTS
from monitor.alerts.options import AlertOptions
from monitor.decode.mapping import Records
from monitor.plugins import registry, type_word
from monitor.retraining.options import RetrainingOptions
from monitor.settings.beside import mistakes_beside
from monitor.settings.options import Options
from monitor.settings.references import ReferenceSettings
from monitor.settings.registered import OneOf
from monitor.settings.windows import WindowSettings
from monitor.sources import registered
from monitor.sources.options import SourceOptions
from monitor.windows.spec import MICROSECONDS, WindowSpec, pane_length
from sinks.duration import Seconds

_TESTS = registry(ENTRY_POINTS, WindowTest, WINDOW_TESTS)
_CHANGE_DETECTORS = registry(ENTRY_POINTS, ChangeDetector, CHANGE_DETECTORS)
_SHARED = {"drift": ("level", "effect"), "correlation": ("level",)}
"""Options of tests that follow the monitor's options of the same name, unless they are said for the test."""


class MonitorSettings(Options):
    """What is read, what it is compared with, in which windows, by which tests, and what happens then."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    """Name of the model in alerts and metrics: letters, digits, `.`, `_` and `-`."""

    source: Annotated[SourceOptions, OneOf(registered())]
    """Where the records come from."""

    records: Records = Records()
    """Which value of a record is what."""

    reference: ReferenceSettings
    """What windows are compared with."""

    windows: Annotated[tuple[WindowSettings, ...], MinLen(1)] = (WindowSettings(length=3600.0),)
    """Kinds of windows; several at once are fine: a short one for sudden, a long one for slow change."""

    pane: Literal["auto"] | Annotated[Seconds, Gt(0)] = "auto"
    """Span of the profiles that windows add up; `auto` is the largest that divides every length and slide."""

    disorder: Seconds = 60.0
    """How far behind the newest event time a row may come and still count in its window."""

    idle: Annotated[Seconds, Gt(0)] = 300.0
    """When the source has been quiet for this long, its windows close without waiting for newer rows."""

    max_versions: Annotated[int, Ge(1), Le(1000)] = 20
    """Most model versions with windows of their own; further ones are counted together as `other`."""

    max_segments: Annotated[int, Ge(1), Le(10_000)] = 50
    """Most values of a segment column with windows of their own; further ones count together as `other`."""

    level: Annotated[float, Gt(0), Lt(0.5)] = 0.01
    """Share of quiet windows that may carry a warning; every threshold follows from it."""

    effect: Annotated[float, Gt(0), Lt(1)] = 0.05
    """The effect that matters, as a share of rows that would have to move; a smaller one never is *drift*."""

    tests: tuple[Annotated[WindowTest, OneOf(_TESTS)], ...] = tuple(test() for test in WINDOW_TESTS)
    """What is tested in each closed window; a word alone stands for a test with its defaults."""

    change_detectors: tuple[Annotated[ChangeDetector, OneOf(_CHANGE_DETECTORS)], ...] = (
        CHANGE_DETECTORS[0](),
    )
    """What watches the stream of wrong predictions, row by row, where records carry labels."""

    alerts: AlertOptions = AlertOptions()
    """When a verdict becomes an alert."""

    retraining: RetrainingOptions | None = None
    """When retraining is asked for, and whom; without it nobody is."""

    @model_validator(mode="after")
    def _windows_fit(self) -> Self:
        names = [spec.name for spec in self.specs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"two windows are called {twice!r}")
        timed = [spec for spec in self.specs if not spec.by_rows]
        if self.pane != "auto" and timed:
            try:
                pane_length(timed, round(self.pane * MICROSECONDS))
            except ValueError as error:
                raise ValueError(str(error)) from None
        return self

    @model_validator(mode="after")
    def _paths_fit(self) -> Self:
        mistakes = mistakes_beside(self.records, self.source.message_sides)
        if mistakes:
            raise ValidationError.from_exception_data("records", mistakes)
        self.source.fit(self.records)
        return self

    @property
    def specs(self) -> tuple[WindowSpec, ...]:
        """The windows in the units of the pipeline."""
        return tuple(window.spec for window in self.windows)

    def window_tests(self) -> tuple[WindowTest, ...]:
        """The tests with the monitor's own level and effect."""
        return tuple(self._with_shared(test) for test in self.tests)

    def _with_shared(self, test: WindowTest) -> WindowTest:
        names = _SHARED.get(type_word(type(test)), ())
        shared = {name: getattr(self, name) for name in names if name not in test.model_fields_set}
        return test.model_copy(update=shared)
