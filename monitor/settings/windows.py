"""Which windows a monitor has, as the configuration says it."""

from __future__ import annotations

from typing import Annotated, Self

from annotated_types import Ge, Gt
from pydantic import model_validator

from monitor.settings.options import Options
from monitor.windows.spec import MICROSECONDS, WindowSpec
from sinks.duration import Seconds, format_duration


class WindowSettings(Options):
    """A kind of window: a span of event time (`length`), or a number of rows in arrival order (`rows`)."""

    length: Annotated[Seconds, Gt(0)] | None = None
    """Span of event time, such as `1h`; windows begin at whole multiples of `slide` since 1970 UTC."""

    slide: Annotated[Seconds, Gt(0)] | None = None
    """Distance between the starts of two windows; without it they follow one another (tumbling windows)."""

    rows: Annotated[int, Ge(1)] | None = None
    """Number of rows in arrival order, for logs without a usable time."""

    min_rows: Annotated[int, Ge(1)] | None = None
    """A window with fewer rows says *insufficient*; by default 100, or `rows` where that is less."""

    name: str | None = None
    """Name in results and metrics; by default `1h`, `1h/15m` or `1000rows`."""

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if (self.length is None) == (self.rows is None):
            raise ValueError("needs either `length` or `rows`")
        if self.rows is not None and self.slide is not None:
            raise ValueError("`slide` goes with `length` only")
        if self.length is not None and self.slide is not None and self.slide > self.length:
            raise ValueError("`slide` is longer than `length`, so rows between two windows would be lost")
        if self.rows is not None and self.min_rows is not None and self.min_rows > self.rows:
            raise ValueError("`min_rows` is more than `rows`, so no window would ever have enough")
        return self

    @property
    def spec(self) -> WindowSpec:
        """The window in the units of the pipeline: microseconds or rows."""
        if self.rows is not None:
            name = self.name or f"{self.rows}rows"
            return WindowSpec(
                name, self.rows, self.rows, by_rows=True, min_rows=self.min_rows or min(100, self.rows)
            )
        length = self.length or 0.0
        slide = self.slide or length
        name = format_duration(length) + (f"/{format_duration(slide)}" if slide != length else "")
        return WindowSpec(
            self.name or name,
            round(length * MICROSECONDS),
            round(slide * MICROSECONDS),
            min_rows=self.min_rows or 100,
        )
