"""How a partition looks from the polling thread."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sight:
    """One assigned partition as the polling thread sees it.

    Attributes:
        fetched: next offset to fetch. end: end of the partition, None before the first answer.
        reachable: its leader is connected, or was until a moment ago.
        begin: the first offset that was to be counted.
        current: the end was told after the leader came back, or this process woke up, the last time.
    """

    fetched: int
    end: int | None
    reachable: bool
    begin: int = 0
    current: bool = True

    @property
    def unread(self) -> bool:
        """There is something to fetch, or nobody knows yet."""
        return self.end is None or not self.current or self.fetched < self.end
