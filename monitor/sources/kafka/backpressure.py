"""Partitions of which too much waits for the loop are not fetched until less does."""

from __future__ import annotations

from collections.abc import Callable

from monitor.sources.kafka.client import Client, TopicPartition, name_of
from monitor.sources.kafka.ledger import Ledger


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
        full, low = total >= self._channel.bound, total <= self._channel.bound / 2
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
