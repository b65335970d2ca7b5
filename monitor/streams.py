"""Change detectors over the error stream: fed row by row in arrival order, their alarms wait for the row's window."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.base import Cause, Result, State, Verdict
from monitor.records import TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from detectors.base import ChangeDetector
    from detectors.reference import Reference
    from monitor.grouping import Labels
    from monitor.windows.book import ClosedWindow


@dataclass(frozen=True, slots=True)
class Detection:
    """An alarm of a change detector.

    Attributes:
        version: model version. time: event time of the row (µs), 0 without time. row: the row's number in its version.
        result: the finding.
    """

    version: str
    time: int
    row: int
    result: Result

    def to_json(self) -> dict[str, Any]:
        """JSON values from which `from_json` makes it again."""
        return {**asdict(self), "result": self.result._asdict()}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Detection:
        """A detection as `to_json` described it."""
        known = saved["result"]
        result = Result(**{**known, "verdict": Verdict(known["verdict"]), "cause": Cause(known["cause"])})
        return cls(saved["version"], saved["time"], saved["row"], result)


@dataclass
class Streams:
    """The change detectors of one monitor, one state for each detector and model version.

    Attributes:
        waiting: alarms whose window has not closed in every kind of window.
    """

    detectors: Sequence[ChangeDetector]
    states: dict[tuple[str, str], State] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    waiting: list[Detection] = field(default_factory=list)

    def take(self, reference: Reference, frame: pl.DataFrame, versions: Labels) -> None:
        """Feed the accepted rows of a batch, in their order, version by version."""
        if not self.detectors or not frame.height:
            return
        times = frame[TIME].to_numpy() if TIME in frame.columns else None
        signal = reference.error_signal(frame)
        for code in np.unique(versions.codes).tolist():
            name = versions.names[code]
            rows = np.flatnonzero(versions.codes == code)
            if signal is not None:
                labelled = rows[~np.isnan(signal[rows])]
                for detector in self.detectors:
                    for at, result in self._update(detector, name, reference, signal[labelled]):
                        row = int(labelled[at])
                        when = 0 if times is None else int(times[row])
                        number = self.rows[name] + int(np.searchsorted(rows, row))
                        self.waiting.append(Detection(name, when, number, result))
            self.rows[name] += len(rows)

    def _update(
        self, detector: ChangeDetector, version: str, reference: Reference, signal: np.ndarray[Any, Any]
    ) -> Sequence[tuple[int, Result]]:
        key = (str(getattr(detector, "type", "")), version)
        state = self.states.get(key) or detector.start(reference)
        self.states[key], alarms = detector.update(state, signal)
        return alarms

    def within(self, window: ClosedWindow) -> list[Result]:
        """Alarms raised by rows of this window."""
        if window.key.segment:
            return []
        return [
            d.result
            for d in self.waiting
            if d.version == window.key.version
            and window.start <= (d.row if window.spec.by_rows else d.time) < window.end
        ]

    def forget(self, before_time: int | None, before_row: dict[str, int] | None) -> None:
        """Drop alarms that no open window can contain.

        Args:
            before_time: event time before which all windows of time are closed; None where there are none.
            before_row: the same in rows, by version; None where there are no windows of rows.
        """
        self.waiting = [
            d
            for d in self.waiting
            if (before_time is not None and d.time >= before_time)
            or (before_row is not None and d.row >= before_row.get(d.version, 0))
        ]
