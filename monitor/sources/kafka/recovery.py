"""What the polling thread does about errors of single partitions: reading goes on, and what is missing is named."""

from __future__ import annotations

import time
from collections.abc import Iterable

import structlog
from kafka.errors import (
    CorruptRecordError,
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
)

from monitor.records import Gap
from monitor.sources.kafka.channel import Channel
from monitor.sources.kafka.client import Client, TopicPartition, name_of
from monitor.sources.kafka.ledger import Ledger
from monitor.sources.kafka.offsets import TRUNCATED, Bounds, out_of_range

log = structlog.get_logger()

CORRUPT = "corrupt"
BLOCKED_SECONDS = 3.0
"""A partition that cannot be read is left alone for so long."""


class Recovery:
    """Knows how to go on after errors of the fetcher; only the polling thread uses it."""

    def __init__(self, client: Client, channel: Channel, ledger: Ledger) -> None:
        self._client, self._channel, self._ledger = client, channel, ledger
        self._blocked: dict[TopicPartition, float] = {}
        self._trouble: tuple[float, Exception] | None = None

    @property
    def trouble(self) -> Exception | None:
        """An error that some partition still has."""
        if self._trouble is None or time.monotonic() - self._trouble[0] > 2 * BLOCKED_SECONDS:
            return None
        return self._trouble[1]

    def blocked(self, partition: TopicPartition) -> bool:
        """The partition is to be left alone for a while."""
        return self._blocked.get(partition, 0.0) > time.monotonic()

    def handle(self, error: Exception, fresh: set[TopicPartition], epoch: int) -> bool:
        """Whether the error was one of single partitions and reading can go on.

        Args:
            error: what the poll raised.
            fresh: gets the partitions that have to be settled anew.
            epoch: of the channel.
        """
        if isinstance(error, OffsetOutOfRangeError):
            for partition, offset in error.args[0].items():
                self._out_of_range(partition, offset, fresh, epoch)
        elif isinstance(error, LogTruncationError):
            self._truncated(error, fresh, epoch)
        elif isinstance(error, NoOffsetForPartitionError):
            self._unplaced(error.args[0], fresh)
        elif isinstance(error, CorruptRecordError):
            return self._corrupt(epoch)
        elif isinstance(error, UnsupportedCodecError | TopicAuthorizationFailedError):
            self._block(error)
        else:
            return False
        return True

    def _out_of_range(
        self, partition: TopicPartition, offset: int, fresh: set[TopicPartition], epoch: int
    ) -> None:
        """The broker does not have this offset: too old, cut off, or of a topic that is gone."""
        line = self._ledger.lines.get(partition)
        if line is None or partition in fresh:
            return
        try:
            self._client.refresh()
            if self._client.topic_id(partition.topic) != line.reading.topic_id:
                return  # the next look at the assignment finds the new topic
            bounds = Bounds(
                self._client.begins([partition])[partition], self._client.ends([partition])[partition]
            )
        except (KafkaError, LookupError, AttributeError):
            self._blocked[partition] = time.monotonic() + BLOCKED_SECONDS
            return
        goes_on, gap = out_of_range(name_of(partition), offset, bounds)
        self._jump(partition, goes_on, -1, gap, epoch)

    def _truncated(self, error: LogTruncationError, fresh: set[TopicPartition], epoch: int) -> None:
        """The new leader has less than the old one had: what was read from there on does not exist any more."""
        for partition, at in error.divergent_offsets.items():
            line = self._ledger.lines.get(partition)
            if line is None or partition in fresh:
                continue
            if at is None:
                self._client.seek(partition, line.reading.place)
                continue
            gap = Gap(name_of(partition), at.offset, line.reading.place, TRUNCATED)
            self._jump(partition, at.offset, at.leader_epoch, gap, epoch)

    def _unplaced(self, partitions: Iterable[TopicPartition], fresh: set[TopicPartition]) -> None:
        for partition in set(partitions) & self._client.assignment():
            self._client.hold(partition)
            fresh.add(partition)

    def _corrupt(self, epoch: int) -> bool:
        """A batch that the client's own unpacker gives up: it does not say how long it is, so one offset at a time."""
        partition = self._client.being_unpacked()
        if partition is None or partition not in self._ledger.lines:
            return False
        self._client.drop_fetched()
        offset = self._ledger.lines[partition].reading.place
        gap = Gap(name_of(partition), offset, offset + 1, CORRUPT)
        self._jump(partition, offset + 1, -1, gap, epoch)
        return True

    def _block(self, error: Exception) -> None:
        partition = self._client.being_unpacked()
        self._client.drop_fetched()
        until = time.monotonic() + BLOCKED_SECONDS
        topics = error.args[0] if error.args and isinstance(error, TopicAuthorizationFailedError) else ()
        for line in self._ledger.lines:
            if line == partition or line.topic in topics:
                self._blocked[line] = until
        self._trouble = (time.monotonic(), error)

    def _jump(self, partition: TopicPartition, offset: int, epoch: int, gap: Gap | None, now: int) -> None:
        self._client.seek(partition, offset, epoch)
        self._channel.put(now, [self._ledger.jump(partition, offset, epoch, gap)])
