"""One monitor: a model under watch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import Field, model_validator

from monitor.settings.options import Options
from monitor.settings.references import ReferenceSettings
from monitor.settings.windows import WindowSettings
from monitor.windows.spec import MICROSECONDS, WindowSpec, pane_length
from sinks.duration import Seconds


class MonitorSettings(Options):
    """What is read, what it is compared with, in which windows, by which tests, and what happens then."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    """Name of the model in alerts and metrics: letters, digits, `.`, `_` and `-`."""

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

    @property
    def specs(self) -> tuple[WindowSpec, ...]:
        """The windows in the units of the pipeline."""
        return tuple(window.spec for window in self.windows)
