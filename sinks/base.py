"""What an alert is, what a sink does with it, and how a sink says that it could not."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from annotated_types import Gt
from pydantic import BaseModel, ConfigDict, Field

from detectors.base import Cause, Result
from sinks.duration import Seconds
from sinks.timestamps import parse_rfc3339, rfc3339


class AlertState(StrEnum):
    """Where an alert stands; Alertmanager's words, and `inactive` for a pending alert that came to nothing."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How much an alert matters, in Alertmanager's usual words."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding inside an alert; numbers that JSON cannot hold are None.

    Attributes:
        column: user-facing column name; "" for findings on the window as a whole.
        test, verdict, statistic, threshold, p_value, effect_size, detail: as in `detectors.base.Result`.
    """

    column: str
    test: str
    verdict: str
    statistic: float | None
    threshold: float | None
    p_value: float | None
    effect_size: float | None
    detail: str

    @classmethod
    def of(cls, result: Result) -> Evidence:
        """What a result says, names and words cut to 200 characters."""
        return cls(
            column=result.column[:200],
            test=result.test,
            verdict=result.verdict.value,
            statistic=_finite(result.statistic),
            threshold=_finite(result.threshold),
            p_value=_finite(result.p_value),
            effect_size=_finite(result.effect_size),
            detail=result.detail[:200],
        )


def _finite(number: float | None) -> float | None:
    return float(number) if number is not None and math.isfinite(number) else None


@dataclass(frozen=True, slots=True)
class Span:
    """The window that an alert speaks of.

    Attributes:
        name: the window's kind (`1h/15m`, `1000rows`).
        start, end: microseconds since the epoch, or row numbers where `by_rows`.
        rows: rows in it.
        by_rows: start and end are row numbers.
    """

    name: str
    start: int
    end: int
    rows: int
    by_rows: bool = False

    def to_json(self) -> dict[str, Any]:
        """`name`, `start`, `end`, `rows`; times as RFC 3339, row numbers as numbers."""
        start, end = (self.start, self.end) if self.by_rows else (rfc3339(self.start), rfc3339(self.end))
        return {"name": self.name, "start": start, "end": end, "rows": self.rows}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Span:
        """The span that `to_json` described."""
        start, end, by_rows = saved["start"], saved["end"], isinstance(saved["start"], int)
        if not by_rows:
            start, end = parse_rfc3339(start), parse_rfc3339(end)
        return cls(saved["name"], start, end, saved["rows"], by_rows)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert for each monitor, version, segment and cause; never one for each column.

    Attributes:
        fingerprint: its identity, the same for every episode.
        monitor, version, segment, cause: what the identity is made of.
        state, severity: where it stands and how much it matters.
        at: event time of this state, microseconds since the epoch.
        starts_at: when the condition began to hold in this episode.
        ends_at: when it was resolved; None before.
        window: the window that showed it last.
        columns: the worst findings, worst first.
        summary: one sentence for people.
        links: pages with more, by name.
    """

    fingerprint: str
    monitor: str
    version: str
    segment: str
    cause: Cause
    state: AlertState
    severity: Severity
    at: int
    starts_at: int
    ends_at: int | None
    window: Span
    columns: tuple[Evidence, ...]
    summary: str
    links: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The public shape: enumerations as words, times as RFC 3339."""
        return {
            "fingerprint": self.fingerprint,
            "monitor": self.monitor,
            "version": self.version,
            "segment": self.segment,
            "cause": self.cause.value,
            "state": self.state.value,
            "severity": self.severity.value,
            "at": rfc3339(self.at),
            "starts_at": rfc3339(self.starts_at),
            "ends_at": None if self.ends_at is None else rfc3339(self.ends_at),
            "window": self.window.to_json(),
            "columns": [asdict(evidence) for evidence in self.columns],
            "summary": self.summary,
            "links": dict(self.links),
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Alert:
        """The alert that `to_json` described."""
        ends_at = saved["ends_at"]
        return cls(
            **{
                name: saved[name]
                for name in ("fingerprint", "monitor", "version", "segment", "summary", "links")
            },
            cause=Cause(saved["cause"]),
            state=AlertState(saved["state"]),
            severity=Severity(saved["severity"]),
            at=parse_rfc3339(saved["at"]),
            starts_at=parse_rfc3339(saved["starts_at"]),
            ends_at=None if ends_at is None else parse_rfc3339(ends_at),
            window=Span.from_json(saved["window"]),
            columns=tuple(Evidence(**column) for column in saved["columns"]),
        )


class DeliveryError(Exception):
    """A message did not arrive, or nobody said that it did.

    Attributes:
        retryable: another try under the same id may succeed.
        retry_after: seconds that the destination asked to be left alone for; None where it did not say.
    """

    def __init__(self, message: str, *, retryable: bool = True, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after


class Sink(BaseModel, ABC):
    """A destination of alerts: its fields are the configuration, `emit` the code.

    A sink sends once and tells how it went; waiting, trying again and giving up is the outbox's business. It is used
    by one thread at a time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,99})?$")] = ""
    """Name in `driftd deliveries` and metrics; the type's word where it is left out."""

    on: tuple[AlertState, ...] = (AlertState.FIRING, AlertState.RESOLVED)
    """States that are sent."""

    give_up_after: Annotated[Seconds, Gt(0)] = 86400.0
    """After failing for this long a message waits for `driftd deliveries retry`."""

    repeat_seconds: ClassVar[float] = 0.0
    """Firing alerts are sent anew after so many seconds, for destinations that forget; 0 for those that do not."""

    @property
    def destination(self) -> str:
        """The name under which messages for this sink lie in the outbox."""
        return self.name or str(getattr(self, "type", type(self).__name__))

    def reach(self) -> None:
        """See whether the destination is there, without sending it anything; sinks that call nobody are always there.

        Raises:
            DeliveryError: it is not to be reached now.
        """

    def close(self) -> None:
        """Give back connections, where the sink keeps some; may be called twice."""

    @abstractmethod
    def emit(self, alert: Alert, *, message_id: str, now: int) -> None:
        """Send one alert.

        Args:
            alert: in the state that is to be told.
            message_id: the same for every try; receivers know repeats by it. Without a dot.
            now: wall time of this try, microseconds since the epoch.

        Raises:
            DeliveryError: it did not arrive, or that is not known.
        """


class WindowSink(Sink):
    """A sink that takes the results of closed windows too."""

    @property
    @abstractmethod
    def wants_windows(self) -> bool:
        """Whether it was asked to; if no sink wants them, they are never put into the outbox."""

    @abstractmethod
    def emit_window(self, event: Mapping[str, Any], *, message_id: str, now: int) -> None:
        """Send one window's results.

        Args:
            event: as `sinks.events.window_event` makes it.
            message_id: the same for every try.
            now: wall time of this try, microseconds since the epoch.

        Raises:
            DeliveryError: it did not arrive, or that is not known.
        """
