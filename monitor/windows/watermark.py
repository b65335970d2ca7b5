"""How far event time has come: which windows may close, which rows are late."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

NEVER = -(2**62)

PATIENCE = 4_000_000
"""Wall time in microseconds that a window stays open for partitions which are read to their end; up to twice that."""


@dataclass(frozen=True, slots=True)
class Holders:
    """Partitions that hold the watermark back.

    Attributes:
        behind: those that hold unread rows, for as long as they do.
        open: those to which others may write at any time, for some seconds.
        room: how far the open ones may hold it back behind the newest row, in microseconds of event time.
    """

    behind: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    room: int = 0


@dataclass
class Watermark:
    """Event time up to which all rows are believed to be here, in microseconds.

    It is the newest event time seen less the allowed disorder. A partition that still holds unread rows holds it
    back at its own newest time. One that is read to its end, and to which others write, does so for some seconds:
    who writes a history to several partitions at full speed writes to one a little sooner than to another. It never
    goes back.

    Attributes:
        disorder: how much older than the newest row a row may be, in microseconds.
        newest: newest event time by partition; partitions that hold nothing back are forgotten.
        value: the watermark; `NEVER` before the first row.
        noted: a wall time, and how far event time had come by then but for partitions that are read to their end:
            so far it goes some seconds later, as soon as no unread row holds it back.
    """

    disorder: int
    newest: dict[str, int] = field(default_factory=dict)
    value: int = NEVER
    seen: int = NEVER
    noted: tuple[int, int] = (NEVER, NEVER)

    @property
    def started(self) -> bool:
        """Whether a row with a time has been seen."""
        return self.seen != NEVER

    def rowwise(self, times: npt.NDArray[np.int64], partition: str) -> npt.NDArray[np.int64]:
        """The watermark that each row of a batch meets: int64, shape (n,), microseconds.

        It depends on the rows before it and on `value` alone: where no partition is open, any cut of the stream into
        batches gives the same answer.
        """
        before = max(self.newest.get(partition, NEVER), NEVER)
        held = min((t for p, t in self.newest.items() if p != partition), default=None)
        own = np.maximum.accumulate(np.concatenate([[before], times[:-1]]))
        if held is not None:
            own = np.minimum(own, held)
        return np.asarray(np.maximum(own - self.disorder, self.value), dtype=np.int64)

    def advance(self, times: npt.NDArray[np.int64], partition: str, holders: Holders, now: int) -> int:
        """Take a batch's times in; returns the new watermark.

        Args:
            times: event times of the batch, int64, shape (n,), microseconds.
            partition: where the rows came from.
            holders: partitions that hold the watermark back.
            now: wall time in microseconds since the epoch.
        """
        if len(times):
            self.newest[partition] = max(self.newest.get(partition, NEVER), int(times.max()))
            self.seen = max(self.seen, self.newest[partition])
        kept = {partition, *holders.behind, *holders.open}
        self.newest = {p: t for p, t in self.newest.items() if p in kept}
        allowed = self._least(holders.behind, self.seen)
        waited = max(self._waited_for(allowed, now), self.seen - holders.room)
        reached = max(self._least(holders.open, allowed), waited)
        if (reached := min(reached, allowed)) != NEVER:
            self.value = max(self.value, reached - self.disorder)
        return self.value

    def wait(self, holders: Holders, now: int) -> int:
        """No rows came, but time goes by; returns the new watermark."""
        return self.advance(np.zeros(0, np.int64), "", holders, now)

    def _least(self, partitions: frozenset[str], default: int) -> int:
        """How far the last of some partitions has come."""
        return min((self.newest.get(p, NEVER) for p in partitions), default=default)

    def wait_anew(self) -> None:
        """Nobody could be heard in the time that went by."""
        self.noted = NEVER, NEVER

    def _waited_for(self, allowed: int, now: int) -> int:
        """How far event time could have come some seconds ago."""
        since, before = self.noted
        if since <= now < since + PATIENCE:
            return NEVER
        if now < since:  # the clock was set back
            before = NEVER
        if allowed >= before and allowed - self.disorder > self.value:
            self.noted = now, allowed
        return before

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
