"""The reader's client over a topic in memory: it answers as `Client` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from monitor.sources.kafka.client import Place
from monitor.sources.kafka.handover import Committed
from monitor.sources.kafka.messages import Messages


@dataclass
class FakeConsumer:
    """Notes which partitions are paused."""

    paused: set[TopicPartition] = field(default_factory=set)

    def pause(self, *partitions: TopicPartition) -> None:
        """See KafkaConsumer."""
        self.paused |= set(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        """See KafkaConsumer."""
        self.paused -= set(partitions)


@dataclass
class FakeClient:
    """One topic's partitions from `begin` to `end`.

    Attributes:
        offsets: what the group has committed. places: where reading goes on, by partition.
        error: raised by the next question. unsettled: polls until the group has settled.
    """

    partitions: frozenset[TopicPartition]
    begin: int = 0
    end: int = 100
    id: str = "id"
    grouped: bool = True
    member: str = "me"
    offsets: dict[TopicPartition, Committed] = field(default_factory=dict)
    places: dict[TopicPartition, tuple[int, int]] = field(default_factory=dict)
    consumer: FakeConsumer = field(default_factory=FakeConsumer)
    error: KafkaError | None = None
    unpacked: TopicPartition | None = None
    unsettled: int = 0

    def _asked(self) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    def assignment(self) -> set[TopicPartition]:
        """See `Client`."""
        return set(self.partitions)

    def membership(self) -> tuple[str, int]:
        """See `Client`."""
        return ("", -1) if self.unsettled or not self.member else (self.member, 1)

    def is_connected(self) -> bool:
        """See `Client`."""
        return True

    def poll(self, _milliseconds: int) -> dict[TopicPartition, list[Messages]]:
        """See `Client`: nothing comes."""
        self._asked()
        self.unsettled = max(0, self.unsettled - 1)
        return {}

    def topic_id(self, _topic: str) -> str:
        """See `Client`."""
        return self.id

    def refresh(self) -> None:
        """See `Client`."""
        self._asked()

    def begins(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Client`."""
        self._asked()
        return dict.fromkeys(partitions, self.begin)

    def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """See `Client`."""
        self._asked()
        return dict.fromkeys(partitions, self.end)

    def from_time(
        self, partitions: Iterable[TopicPartition], milliseconds: int
    ) -> dict[TopicPartition, int | None]:
        """See `Client`: the offset is the time; None behind the end."""
        return dict.fromkeys(partitions, milliseconds if milliseconds < self.end else None)

    def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Committed]:
        """See `Client`."""
        self._asked()
        return {p: self.offsets[p] for p in partitions if p in self.offsets}

    def commit(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """See `Client`."""
        self._asked()
        self.offsets |= offsets

    def seek(self, partition: TopicPartition, offset: int, epoch: int = -1) -> None:
        """See `Client`."""
        self.places[partition] = (offset, epoch)

    def hold(self, partition: TopicPartition) -> None:
        """See `Client`."""
        self.consumer.pause(partition)

    def place(self, partition: TopicPartition) -> Place | None:
        """See `Client`."""
        offset, epoch = self.places[partition]
        return Place(offset, epoch, self.end)

    def being_unpacked(self) -> TopicPartition | None:
        """See `Client`."""
        return self.unpacked

    def drop_fetched(self) -> None:
        """See `Client`."""
        self.unpacked = None
