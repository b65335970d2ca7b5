"""Halves that were read ahead: they count in the order of their times, so they wait for other partitions."""

from __future__ import annotations

from collections import deque

import numpy as np

from monitor.sources.joining.halves import renumbered
from monitor.sources.joining.sides import Longs

Stretch = tuple[Longs, Longs]
"""References and times, in order."""

_NO_STRETCH = (np.empty(0, np.int64), np.empty(0, np.int64))


class Pending:
    """Stretches of halves by partition, the times of each partition rising."""

    def __init__(self) -> None:
        self._stretches: dict[str, deque[Stretch]] = {}

    def __bool__(self) -> bool:
        """Whether anything is here."""
        return any(self._stretches.values())

    def add(self, partition: str, references: Longs, times: Longs) -> None:
        """Halves behind those that are here."""
        if len(times):
            self._stretches.setdefault(partition, deque()).append((references, times))

    def first(self) -> dict[str, int]:
        """Reference of the first half of each partition that has any."""
        return {name: int(found[0][0][0]) for name, found in self._stretches.items() if found}

    def references(self) -> Longs:
        """All references."""
        return np.concatenate(
            [_NO_STRETCH[0], *(part[0] for found in self._stretches.values() for part in found)]
        )

    def take(self, before: int, most: int) -> Stretch:
        """The next halves, taken out.

        Args:
            before: only those with a time before this.
            most: not more than so many.

        They are in the order of their times; equal ones by the partition's name and their place in it.
        """
        names = sorted(name for name, found in self._stretches.items() if found)
        heads = [self._head(name, before, most) for name in names]
        references = np.concatenate([_NO_STRETCH[0], *(head[0] for head in heads)])
        times = np.concatenate([_NO_STRETCH[1], *(head[1] for head in heads)])
        order = np.argsort(times, kind="stable")[:most]
        owners = np.repeat(np.arange(len(names)), [len(head[0]) for head in heads])
        counts = np.bincount(owners[order], minlength=len(names))
        for name, count in zip(names, counts.tolist(), strict=True):
            self._pop(name, count)
        return references[order], times[order]

    def drop(self, partition: str) -> None:
        """Forget a partition."""
        self._stretches.pop(partition, None)

    def renumber(self, old: Longs, new: Longs) -> None:
        """Follow halves that were moved."""
        for found in self._stretches.values():
            for i, (references, times) in enumerate(found):
                found[i] = renumbered(references, old, new), times

    def _head(self, name: str, before: int, most: int) -> Stretch:
        parts: list[Stretch] = []
        left = most
        for references, times in self._stretches[name]:
            n = min(left, int(np.searchsorted(times, before)))
            parts.append((references[:n], times[:n]))
            left -= n
            if n < len(times):
                break
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def _pop(self, name: str, count: int) -> None:
        found = self._stretches[name]
        while count:
            references, times = found.popleft()
            if count < len(times):
                found.appendleft((references[count:], times[count:]))
            count -= min(count, len(times))
