"""Partitions that this daemon has read and does not read now, although nobody is known to have gone on with them.

A member that was killed in the moment of its joining keeps its share of the partitions until its session is over. Who
is started in its place reads the others meanwhile: event time must wait for what comes back then, or all of it is late.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.options import KafkaSource

REJOIN_SECONDS = 10.0
"""Beyond a session timeout: heartbeats tell the members, and they join anew."""


class Awaited:
    """Knows since when partitions have been away; only the loop uses it."""

    def __init__(self, options: KafkaSource, monitor: str, monotonic: Callable[[], float]) -> None:
        """Wait for them a session long, and for the group to change after it; not at all where there is no group."""
        grouped = options.group_of(monitor) is not None
        self._patience = options.session_timeout + REJOIN_SECONDS if grouped else 0.0
        self._monotonic = monotonic
        self._since: dict[str, float] = {}

    def of(self, places: Mapping[str, Counted], here: Collection[str]) -> frozenset[str]:
        """Those that may come back soon.

        Args:
            places: how far partitions are counted here.
            here: partitions that are read now.
        """
        now = self._monotonic()
        away = (name for name, place in places.items() if place.turn and name not in here)
        self._since = {name: self._since.get(name, now) for name in away}
        return frozenset(name for name, since in self._since.items() if now - since < self._patience)
