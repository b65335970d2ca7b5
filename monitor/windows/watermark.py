"""How far event time has come: which windows may close, which rows are late."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

NEVER = -(2**62)


@dataclass
class Watermark:
    """Event time up to which all rows are believed to be here, in microseconds.

    It is the newest event time seen less the allowed disorder. A partition that still holds unread rows holds it
    back at its own newest time. It never goes back.

    Attributes:
        disorder: how much older than the newest row a row may be, in microseconds.
        newest: newest event time by partition; partitions that are read to the end are forgotten.
        value: the watermark; `NEVER` before the first row.
    """

    disorder: int
    newest: dict[str, int] = field(default_factory=dict)
    value: int = NEVER
    seen: int = NEVER

    @property
    def started(self) -> bool:
        """Whether a row with a time has been seen."""
        return self.seen != NEVER

    def rowwise(self, times: npt.NDArray[np.int64], partition: str) -> npt.NDArray[np.int64]:
        """The watermark that each row of a batch meets: int64, shape (n,), microseconds.

        It depends on the rows before it alone, so any cut of the stream into batches gives the same answer.
        """
        before = max(self.newest.get(partition, NEVER), NEVER)
        held = min((t for p, t in self.newest.items() if p != partition), default=None)
        own = np.maximum.accumulate(np.concatenate([[before], times[:-1]]))
        if held is not None:
            own = np.minimum(own, held)
        return np.asarray(np.maximum(own - self.disorder, self.value), dtype=np.int64)

    def advance(self, times: npt.NDArray[np.int64], partition: str, behind: frozenset[str]) -> int:
        """Take a batch's times in; returns the new watermark.

        Args:
            times: event times of the batch, int64, shape (n,), microseconds.
            partition: where the rows came from.
            behind: partitions that hold unread rows; the others no longer hold the watermark back.
        """
        if len(times):
            self.newest[partition] = max(self.newest.get(partition, NEVER), int(times.max()))
            self.seen = max(self.seen, self.newest[partition])
        self.newest = {p: t for p, t in self.newest.items() if p in behind or p == partition}
        unread = [self.newest.get(p, NEVER) for p in behind]
        held = min(unread) if unread else self.seen
        if held != NEVER:
            self.value = max(self.value, held - self.disorder)
        return self.value

    def idle(self, elapsed: int) -> int:
        """The source has been quiet for `elapsed` microseconds of wall time: event time is taken to go on with it."""
        if self.seen != NEVER:
            self.value = max(self.value, self.seen + elapsed - self.disorder)
        return self.value

    def to_json(self) -> dict[str, object]:
        """The state as JSON values."""
        return {"value": self.value, "seen": self.seen, "newest": self.newest}

    def restore(self, saved: dict[str, object]) -> None:
        """Take over a state that `to_json` described."""
        self.value, self.seen = int(str(saved["value"])), int(str(saved["seen"]))
        newest = saved["newest"]
        self.newest = dict(newest) if isinstance(newest, dict) else {}
