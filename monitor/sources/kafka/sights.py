"""How a partition looks from the polling thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def unread_of(sights: Mapping[str, Sight], *, joined: bool) -> Iterator[str]:
    """Partitions of which something is still to be fetched from a leader that can be reached.

    In a join those that cannot be reached belong to them: nobody knows what they hold for the halves that wait.
    """
    for name, sight in sights.items():
        if (sight.unread or not sight.reachable) if joined else (sight.unread and sight.reachable):
            yield name
