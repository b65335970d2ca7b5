"""What a member says to its group when it joins: that it holds what it reads, and nothing that was taken from it.

kafka-python 3.0 goes on claiming the last assignment after the group has put a member out. A cooperative group then
waits for it to give up what it does not have, and nobody reads that; or it takes partitions from who has them now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.structs import TopicPartition


class HonestAssignor(CooperativeStickyAssignor):  # type: ignore[misc]  # kafka-python has no types
    """The cooperative sticky assignor (KIP-429), whose `owned_partitions` are those that are read.

    Attributes:
        held: gives the partitions that are read; none until `tell_the_truth`.
    """

    held: Callable[[], Collection[TopicPartition]] = staticmethod(tuple)

    def metadata(self, topics: Iterable[str]) -> Any:
        """What goes into the request to join; on the client's I/O thread."""
        self.member_assignment = sorted(self.held())
        return super().metadata(topics)


def tell_the_truth(coordinator: Any, held: Callable[[], Collection[TopicPartition]]) -> None:
    """Have a consumer's coordinator claim what is held, and lose it when the group has put the member out.

    The latter it does before the first request to join only; where the group forgets the member between that and a
    later request, it would keep its partitions as a new member. Kafka's own client prepares anew there, too.

    Args:
        coordinator: kafka-python's ConsumerCoordinator, not yet in use.
        held: gives the partitions that are read.
    """
    for assignor in coordinator._assignors.values():  # noqa: SLF001 - see `monitor.sources.kafka.client`
        if isinstance(assignor, HonestAssignor):
            assignor.held = held
    reset = coordinator.reset_generation

    def reset_and_prepare(*member_id: str, **named: str) -> None:
        reset(*member_id, **named)
        coordinator.rejoining = False

    coordinator.reset_generation = reset_and_prepare
