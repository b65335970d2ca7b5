"""How much memory a join may hold, and what is done when it gets tight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from monitor.sources.joining.rounds import Leaving

if TYPE_CHECKING:
    from monitor.sources.joining.lane import Lane
    from monitor.sources.joining.lanes import Lanes

log = structlog.get_logger()

_TIGHT, _EASY = 0.5, 0.375
_AFTERWARDS = 0.9
_GROWTH = 1.25


class Budget:
    """Bytes over all lanes.

    Half of it is for halves that wait because they must. When it is used up, topics that were read ahead of others have
    to wait (`is_tight`). Beyond the whole, first the dead are cleared away, then halves that were read ahead are
    joined out of their turn, then the oldest are given up.
    """

    def __init__(self, most: int, monitor: str) -> None:
        self._most, self._monitor = most, monitor
        self._tight = self._evicting = False
        self._cleared = 0

    def is_tight(self, lanes: Lanes) -> bool:
        """More than half is used, or was until lately."""
        size = self._size(lanes)
        self._tight = size > self._most * (_EASY if self._tight else _TIGHT)
        return self._tight

    def relieve(self, lanes: Lanes) -> tuple[Lane, Leaving] | None:
        """What has to leave because there is too much; None when all is well. Call it again until it gives None."""
        size = self._size(lanes)
        if size <= self._most:
            self._evicting &= size > self._most * _TIGHT
            return None
        for lane in lanes:
            lane.compact(_AFTERWARDS)
        size = sum(lane.size for lane in lanes)
        if size <= self._most:
            return None
        for lane in sorted(lanes, key=lambda lane: -lane.size):
            while (leaving := lane.overtake()) is not None:
                if leaving:
                    return lane, leaving
        return self._evict(max(lanes, key=lambda lane: lane.halves.size), size)

    def _evict(self, lane: Lane, size: int) -> tuple[Lane, Leaving] | None:
        leaving = Leaving()
        over = size - self._most * _AFTERWARDS
        lane.table.evict(min(1.0, over / max(lane.halves.size, 1)), leaving)
        if not leaving:
            return None
        if not self._evicting:
            log.warning(
                "halves are given up: the join's memory is full",
                monitor=self._monitor,
                max_bytes=self._most,
                hint="raise max_bytes, or lower wait or label_wait",
            )
        self._evicting = True
        return lane, leaving

    def _size(self, lanes: Lanes) -> int:
        """Bytes, after the dead have been cleared away where that may help."""
        size = sum(lane.size for lane in lanes)
        if size > max(self._most * _EASY, self._cleared * _GROWTH):
            for lane in lanes:
                lane.compact()
            size = self._cleared = sum(lane.size for lane in lanes)
        self._cleared = min(self._cleared, size)
        return size
