"""Time as a value that is handed in."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

MICROSECONDS = 1_000_000


class Clock(Protocol):
    """Where the loop reads the time."""

    def now(self) -> int:
        """Wall time in microseconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> int:
        """Wall time in microseconds since the epoch."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


@dataclass
class ManualClock:
    """A clock that stands still until it is told to go on.

    Attributes:
        microseconds: wall time since the epoch.
    """

    microseconds: int = 0

    def now(self) -> int:
        """Wall time in microseconds since the epoch."""
        return self.microseconds

    def monotonic(self) -> float:
        """The same time in seconds."""
        return self.microseconds / MICROSECONDS

    def advance(self, seconds: float) -> None:
        """Go on by some seconds."""
        self.microseconds += int(seconds * MICROSECONDS)
