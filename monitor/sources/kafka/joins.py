"""Joining a group with short polls: kafka-python 3.0 does not always come to an end of it by itself."""

from __future__ import annotations

from typing import Any

JOIN_MS = 5_000
"""Longest time for a try to join by pattern."""


def see_through(coordinator: Any, *, by_pattern: bool) -> None:
    """Go on with a join that outlasted the last poll; to be called before each.

    A join for the sake of changed metadata has no reason any more once this member has shared the partitions out anew.
    kafka-python then forgets that it waits for the answer, and stays without partitions and without heartbeats.

    By pattern it asks for the metadata of all topics before each try, and gives the try up when the poll's time is over
    by the answer. Where a cluster has hundreds of topics a short poll would never come to join.

    Args:
        coordinator: kafka-python's ConsumerCoordinator, of a client that is connected.
        by_pattern: the topics are subscribed to by a pattern.
    """
    if coordinator.rejoining:
        coordinator.request_rejoin()
    if by_pattern and coordinator.need_rejoin():
        coordinator.poll(timeout_ms=JOIN_MS)
