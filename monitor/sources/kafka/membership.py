"""What happens when the group assigns, takes away or loses partitions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from monitor.sources.kafka.client import AsyncConsumerRebalanceListener, Client, TopicPartition, name_of
from monitor.sources.kafka.handover import Committed
from monitor.sources.kafka.ledger import Ledger

log = structlog.get_logger()

STEP_SECONDS = 0.02
_PATIENCE = 0.8
"""Share of the rebalance timeout after which a member that cannot commit lets go without."""

_COMMIT_SECONDS = 5.0
_LAST_COMMIT_SECONDS = 3.0


@dataclass
class Holdings:
    """What the listener and the reader agree on; they never run at the same time.

    Attributes:
        fresh: assigned partitions whose place is not settled yet.
        joined_at: monotonic seconds of the last word from the group.
    """

    fresh: set[TopicPartition] = field(default_factory=set)
    joined_at: float = float("-inf")


class Membership(AsyncConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Runs on the client's I/O thread, between the polls of the reader: it awaits and never blocks.

    Args:
        monitor: for the log.
        client: gives the client; there is one whenever a method runs.
        ledger: of the partitions that are read.
        patience: seconds to wait for the loop's commit, at most.
    """

    def __init__(
        self,
        monitor: str,
        client: Callable[[], Client],
        ledger: Ledger,
        patience: float,
    ) -> None:
        self.holdings = Holdings()
        self.closing = False
        self._monitor = monitor
        self._client = client
        self._ledger, self._channel = ledger, ledger.channel
        self._patience = patience * _PATIENCE

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """They are held until the reader has settled where to begin."""
        self.holdings.joined_at = time.monotonic()
        for partition in assigned:
            self._client().hold(partition)
        self.holdings.fresh |= assigned
        log.info("partitions assigned", monitor=self._monitor, partitions=_names(assigned))

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """The loop commits what it has read, Kafka is told, then they go."""
        revoked = set(revoked)
        settled = revoked - self.holdings.fresh
        self.holdings.fresh -= revoked
        if not revoked:
            return
        log.info("partitions given up", monitor=self._monitor, partitions=_names(revoked))
        number = self._channel.give_up(name_of(partition) for partition in settled)
        if not await self._until(lambda: self.closing or self._channel.is_given_up(number), self._patience):
            self._channel.lose("a partition had to be given up before the state was committed")
            self._untold(self._ledger.due(settled), "the state was not committed in time")
            return
        await self._tell(settled)
        self._ledger.drop(revoked)

    async def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        """The group went on without this member."""
        self.holdings.fresh -= set(lost)
        unconfirmed = self._ledger.unconfirmed(self._ledger.due(lost))
        self._ledger.drop(lost)
        if self.closing:
            return
        log.warning(
            "partitions lost", monitor=self._monitor, partitions=_names(lost), unconfirmed=unconfirmed
        )
        self._channel.lose("the group has given the partitions to somebody else")

    async def _tell(self, settled: set[TopicPartition]) -> None:
        """Commit the last offsets to Kafka; where that fails, the next member begins earlier, which is noticed."""
        offsets = self._ledger.due(settled)
        if not offsets:
            return
        client, error = self._client(), "the coordinator is away"
        deadline = time.monotonic() + (_LAST_COMMIT_SECONDS if self.closing else _COMMIT_SECONDS)
        while (left := deadline - time.monotonic()) > 0:
            if not await self._until(client.has_coordinator, 0.0 if self.closing else left):
                break
            done = client.commit_soon(offsets)
            if not await self._until(lambda: done.is_done, left):  # noqa: B023 - awaited here
                error = "no answer"
                break
            if done.succeeded():
                return
            error = str(done.exception)
            if not done.retriable():
                break
            await client.sleep(STEP_SECONDS)
        self._untold(offsets, error)

    def _untold(self, offsets: Mapping[TopicPartition, Committed], error: str) -> None:
        """Kafka does not know how far the partitions were counted that somebody else reads now."""
        log.warning(
            "offsets of partitions given up are not in Kafka",
            monitor=self._monitor,
            partitions=_names(offsets),
            unconfirmed=self._ledger.unconfirmed(offsets),
            error=error,
        )

    async def _until(self, reached: Callable[[], bool], seconds: float) -> bool:
        """Wait for something without holding the client's thread."""
        deadline = time.monotonic() + seconds
        while not reached():
            if time.monotonic() > deadline:
                return False
            await self._client().sleep(STEP_SECONDS)
        return True


def _names(partitions: Iterable[TopicPartition]) -> list[str]:
    return sorted(name_of(partition) for partition in partitions)
