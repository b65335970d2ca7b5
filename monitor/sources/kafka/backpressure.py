"""Partitions of which too much waits for the loop are not fetched until less does."""

from __future__ import annotations

from collections.abc import Callable

from monitor.sources.kafka.client import Client, TopicPartition, name_of
from monitor.sources.kafka.ledger import Ledger

ROOM = 0.2
"""Share of the bound that must be free before more is fetched: what waits until it comes keeps the loop busy."""

WAIT_SECONDS = 0.05
"""So long the loop is waited for where it has much to do; a rebalance may have to wait as long."""


class Backpressure:
    """Pauses and resumes; only the polling thread uses it.

    Attributes:
        paused: partitions that are not fetched now.
    """

    def __init__(self, client: Client, ledger: Ledger, blocked: Callable[[TopicPartition], bool]) -> None:
        """`blocked` tells partitions that must not be fetched for another reason."""
        self.paused: set[TopicPartition] = set()
        self._client, self._ledger, self._channel = client, ledger, ledger.channel
        self._blocked = blocked

    def make_room(self, fresh: set[TopicPartition]) -> None:
        """Balance; where all partitions rest, the loop's next step is waited for, as no poll would bring anything."""
        self.balance(fresh)
        if self.paused and self.paused == self._ledger.lines.keys() - fresh:
            self._channel.wait_for_room(WAIT_SECONDS)
            self.balance(fresh)

    def balance(self, fresh: set[TopicPartition]) -> None:
        """Pause partitions of which much waits, go on with those of which little does; all when the bound is reached.

        The shares alone would not do: of each of many partitions a fetch brings more than its share.

        Args:
            fresh: partitions that are held because their place is not settled.
        """
        held = self._channel.held()
        lines = self._ledger.lines.keys() - fresh
        share = self._channel.bound / max(1, len(lines))
        total = sum(held.values())
        full, low = total >= self._channel.bound, total <= self._channel.bound * (1 - ROOM)
        for partition in lines:
            waiting = held.get(name_of(partition), 0)
            stop = bool(self._channel.lost) or self._blocked(partition)
            if partition not in self.paused and (waiting >= share or stop or full):
                self._client.consumer.pause(partition)
                self.paused.add(partition)
            elif partition in self.paused and waiting <= share / 2 and low and not stop:
                self._client.consumer.resume(partition)
                self.paused.discard(partition)
        self.paused &= lines
