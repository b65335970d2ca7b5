"""What the demo has seen so far, and whether it went as promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.demo.receiver import Call
from sinks.timestamps import parse_rfc3339, rfc3339

BROKEN_COLUMN = "car_value"
FOUND = "data_drift"


@dataclass(frozen=True, slots=True)
class Closed:
    """A window that driftd closed; event times in microseconds since the epoch."""

    start: int
    end: int
    rows: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One look at everything.

    Attributes:
        broke_at: event time of the first broken row, in microseconds since the epoch.
        total: rows that will be served. counted: rows that driftd has counted. lost: rows that came to another end.
        watermark: event time that driftd has come to; None before the first row.
        windows: closed windows, oldest first.
        alerts: changes of alerts' states as the API tells them, oldest first.
        standing: alerts as they stand, with their newest evidence.
        calls: verified calls of the retraining endpoint. refused: why other calls were refused.
        finished: the serving process has ended.
    """

    broke_at: int
    total: int
    counted: int = 0
    lost: int = 0
    watermark: int | None = None
    windows: tuple[Closed, ...] = ()
    alerts: tuple[Mapping[str, Any], ...] = ()
    standing: tuple[Mapping[str, Any], ...] = ()
    calls: tuple[Call, ...] = ()
    refused: tuple[str, ...] = ()
    finished: bool = False

    @property
    def quiet(self) -> tuple[Closed, ...]:
        """Windows that hold no broken row."""
        return tuple(window for window in self.windows if window.end <= self.broke_at)

    @property
    def too_early(self) -> list[Mapping[str, Any]]:
        """Alerts on windows that hold no broken row: false alarms."""
        return [alert for alert in self.firing if seen_at(alert) <= self.broke_at]

    @property
    def firing(self) -> list[Mapping[str, Any]]:
        """Changes of alerts to firing."""
        return [alert for alert in self.alerts if alert["state"] == "firing"]

    @property
    def found(self) -> Mapping[str, Any] | None:
        """The first alert that names the broken column, on a window with broken rows."""
        for alert in self.firing:
            named = any(finding["column"] == BROKEN_COLUMN for finding in alert["columns"])
            if alert["cause"] == FOUND and named and seen_at(alert) > self.broke_at:
                return alert
        return None

    @property
    def latest(self) -> Mapping[str, Any] | None:
        """The alert that found the break, with its newest evidence."""
        found = self.found
        same = (alert for alert in self.standing if found and alert["fingerprint"] == found["fingerprint"])
        return next(same, found)

    @property
    def windows_until_found(self) -> int:
        """How many windows with broken rows had closed when the alert fired; 1 is the best there is."""
        if self.found is None:
            return 0
        return sum(self.broke_at < window.end <= seen_at(self.found) for window in self.windows)

    @property
    def complete(self) -> bool:
        """All rows are counted, the break is found and retraining was called."""
        return self.finished and self.counted >= self.total and self.found is not None and bool(self.calls)


def seen_at(alert: Mapping[str, Any]) -> int:
    """Event time of the end of the window that an alert speaks of."""
    return parse_rfc3339(alert["window"]["end"])


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that the demo promises, and whether it held."""

    text: str
    held: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the demo ended."""

    promises: Sequence[Promise] = field(default_factory=tuple)

    @property
    def exit_code(self) -> int:
        """0 only if every promise held."""
        return 0 if self.promises and all(promise.held for promise in self.promises) else 1


def judge(scene: Scene) -> Outcome:
    """Compare what was seen with what is promised."""
    rows = sum(window.rows for window in scene.quiet)
    drifted = [window for window in scene.quiet if window.verdict in {"drift", "error"}]
    early = [*(alert["cause"] for alert in scene.too_early), *(rfc3339(window.start) for window in drifted)]
    quiet = bool(scene.quiet) and not early
    return Outcome(
        (
            Promise(
                "Quiet before the break",
                quiet,
                f"{len(scene.quiet)} windows, {rows:,} requests, no alarm" if quiet else f"alarms: {early}",
            ),
            Promise("Break found", scene.found is not None, _finding(scene)),
            Promise("Retraining called", bool(scene.calls) and not scene.refused, _calling(scene)),
            Promise(
                "Every row counted once",
                scene.counted == scene.total and not scene.lost,
                f"{scene.counted:,} of {scene.total:,}",
            ),
        )
    )


def _finding(scene: Scene) -> str:
    if scene.found is None:
        return "no alert named car_value"
    number = scene.windows_until_found
    return f"in the {'first' if number == 1 else f'{number}th'} window that has broken rows"


def _calling(scene: Scene) -> str:
    if scene.refused:
        return f"a call was refused: {scene.refused[0]}"
    return f"signature verified, id {scene.calls[0].id}" if scene.calls else "no call came"
