"""kafka-python's consumer behind what the reader needs of it; the only place that knows its private names.

They are those of kafka-python 3.0 (pinned below 3.1): its public calls do not tell how long ago the coordinator
answered, which topic has a name now, or whether a broker is connected.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer
from kafka.consumer.subscription_state import AsyncConsumerRebalanceListener
from kafka.structs import OffsetAndMetadata, TopicPartition

from monitor.sources.kafka.claims import tell_the_truth
from monitor.sources.kafka.client_options import LEAST_PIECES, MOST_PIECES
from monitor.sources.kafka.handover import Committed, Note
from monitor.sources.kafka.joins import see_through
from monitor.sources.kafka.messages import Messages
from monitor.sources.kafka.sampling import Sampling
from monitor.sources.kafka.verification import install
from sinks.kafka.client import connected

CALL_MS = 5_000
"""Longest time for one question to the brokers."""

POLL_BYTES = 2 * 2**20
"""What a poll is to give, about: with a few small pieces each, many partitions take many polls, which are dear."""

__all__ = ["AsyncConsumerRebalanceListener", "Client", "Place", "TopicPartition", "name_of"]


def name_of(partition: TopicPartition) -> str:
    """The partition's name in positions and gaps: `topic/3`."""
    return f"{partition.topic}/{partition.partition}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the consumer stands in a partition: next offset, epoch of the last record, end as far as it is known."""

    offset: int
    epoch: int
    end: int | None


class Client:
    """One consumer, connected."""

    def __init__(self, options: Mapping[str, Any], sampling: Sampling | None) -> None:
        """Connect.

        Raises:
            KafkaError: no broker answers, or none lets us in.
        """
        self.consumer = connected(KafkaConsumer, options)
        self.unpacking = install(self.consumer, sampling)
        self._subscription: Any = self.consumer._subscription  # noqa: SLF001 - see the module's text
        self._fetcher: Any = self.consumer._fetcher  # noqa: SLF001 - see the module's text
        self._coordinator: Any = self.consumer._coordinator  # noqa: SLF001 - see the module's text
        self._manager: Any = self.consumer._manager  # noqa: SLF001 - see the module's text
        self._net: Any = self.consumer._net  # noqa: SLF001 - see the module's text
        self._cluster: Any = self._manager.cluster
        tell_the_truth(self._coordinator, self._subscription.assigned_partitions)
        self.group: str | None = options["group_id"]
        self._pieces = LEAST_PIECES
        self._heard = time.monotonic()
        self._session_seconds = options["session_timeout_ms"] / 1000

    @property
    def grouped(self) -> bool:
        """It shares what is read with a group."""
        return self.group is not None

    def close(self) -> None:
        """Leave the group and end the threads."""
        self.consumer.close(autocommit=False, timeout_ms=CALL_MS)

    def poll(self, milliseconds: int) -> dict[TopicPartition, list[Messages]]:
        """What has been fetched, by partition; also what keeps this member in its group.

        Raises:
            KafkaError: of single partitions or of all; see `Recovery`.
        """
        if self.grouped and self.is_connected():
            see_through(self._coordinator, by_pattern=self._subscription.subscribed_pattern is not None)
        found = {}
        for partition, items in self.consumer.poll(milliseconds, max_records=self._pieces).items():
            place = self.place(partition)
            found[partition] = self.unpacking.messages(items, None if place is None else place.offset)
        pieces = [piece for several in found.values() for piece in several]
        if pieces:
            size = sum(piece.fetched_bytes for piece in pieces)
            self._pieces = min(max(LEAST_PIECES, POLL_BYTES * len(pieces) // (size + 1)), MOST_PIECES)
        return found

    # What is read.

    def subscribe(
        self, topics: Iterable[str], pattern: str | None, listener: AsyncConsumerRebalanceListener
    ) -> None:
        """Read topics, shared with the group where there is one."""
        if pattern is not None:
            self.consumer.subscribe(pattern=pattern, listener=listener)
        else:
            self.consumer.subscribe(topics=list(topics), listener=listener)

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Read certain partitions."""
        self.consumer.assign(list(partitions))

    def assignment(self) -> set[TopicPartition]:
        """What is read here."""
        return set(self.consumer.assignment())

    def hold(self, partition: TopicPartition) -> None:
        """Fetch nothing of a partition until it is `begin`: it has a place, but not yet the right one."""
        self.consumer.pause(partition)
        self.consumer.seek(partition, 0)

    def seek(self, partition: TopicPartition, offset: int, epoch: int = -1) -> None:
        """Go to an offset; with an epoch the brokers tell when the log was cut off before it."""
        self.consumer.seek(partition, offset)
        if epoch >= 0:
            self._subscription.seek(partition, OffsetAndMetadata(offset, "", epoch))

    def place(self, partition: TopicPartition) -> Place | None:
        """Where the consumer stands; None where the partition is not read here."""
        state = self._subscription.assignment.get(partition)
        if state is None or state.position is None:
            return None
        return Place(state.position.offset, state.position.leader_epoch, state.highwater)

    def forget_end(self, partition: TopicPartition) -> None:
        """Its end as it is known may be old: the next answer tells it anew."""
        state = self._subscription.assignment.get(partition)
        if state is not None:
            state.highwater = None

    def drop_fetched(self) -> None:
        """Forget the batch that is being unpacked: after an error in it the client would turn in circles."""
        self._fetcher._next_partition_records = None  # noqa: SLF001 - see the module's text

    def being_unpacked(self) -> TopicPartition | None:
        """The partition whose batch is being unpacked."""
        records = self._fetcher._next_partition_records  # noqa: SLF001 - see the module's text
        return None if records is None else records.topic_partition

    # Offsets.

    def begins(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """First offset that is there."""
        return dict(self.consumer.beginning_offsets(list(partitions), timeout_ms=CALL_MS))

    def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Offset after the last record; under `read_committed` after the last one that may be read."""
        return dict(self.consumer.end_offsets(list(partitions), timeout_ms=CALL_MS))

    def from_time(
        self, partitions: Iterable[TopicPartition], milliseconds: int
    ) -> dict[TopicPartition, int | None]:
        """First offset whose record is not older; None where there is none."""
        found = self.consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds), timeout_ms=CALL_MS)
        return {partition: None if at is None else at.offset for partition, at in found.items()}

    def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Committed]:
        """What the group has committed, asked for anew.

        kafka-python keeps a question that was given up, and gives its answer to the next of the same kind, however old
        it is by then.
        """
        self._coordinator._offset_fetch_futures.clear()  # noqa: SLF001 - see the module's text
        found = self._coordinator.fetch_committed_offsets(list(partitions), timeout_ms=CALL_MS)
        return {p: Committed(at.offset, Note.from_text(at.metadata)) for p, at in found.items()}

    def commit(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """Commit, and wait until it is done."""
        began = time.monotonic()
        self.consumer.commit(_packed(offsets), timeout_ms=CALL_MS)
        self.joined(began)

    def commit_soon(
        self, offsets: Mapping[TopicPartition, Committed], done: Callable[[bool], None] = lambda _well: None
    ) -> Any:
        """Commit without waiting; a future."""
        began = time.monotonic()

        def told(_offsets: object, answer: object) -> None:
            well = not isinstance(answer, BaseException)
            if well:
                self.joined(began)
            done(well)

        return self.consumer.commit_async(_packed(offsets), callback=told)

    def has_coordinator(self) -> bool:
        """The group's coordinator is known; where it is not, the future of a commit ends when it has been found."""
        return not self._coordinator.coordinator_unknown()

    def soon(self, work: Callable[[], None]) -> None:
        """Do something on the client's own thread; it must not block. Any thread may call this."""
        self._net.call_soon_threadsafe(work)

    def sleep(self, seconds: float) -> Any:
        """An awaitable for the client's own thread."""
        return self._net.sleep(seconds)

    # How it stands.

    def heard(self) -> float:
        """Monotonic seconds at which the coordinator certainly knew this member: its last answered request left."""
        beat = self._coordinator.heartbeat
        sent, received = beat.last_send, beat.last_receive
        if received >= sent > self._heard:
            self._heard = sent
        return self._heard

    def joined(self, at: float) -> None:
        """The coordinator has answered this member as one of the group to what it asked at `at`, monotonic seconds."""
        self._heard = max(self._heard, at)

    def membership(self) -> tuple[str, int]:
        """(member id, generation) as the coordinator gave them; ("", -1) while there is no settled group."""
        if not self.grouped:
            return "", -1
        generation = self._coordinator.generation_if_stable()
        return ("", -1) if generation is None else (generation.member_id, generation.generation_id)

    @property
    def member_id(self) -> str:
        """The id that the coordinator gave this member; "" where there is none."""
        return str(self._coordinator._generation.member_id) if self.grouped else ""  # noqa: SLF001 - see above

    def rejoin_as(self, member_id: str) -> None:
        """Join as who was there before: the group does not wait for that one to time out."""
        self._coordinator.reset_generation(member_id)

    def topic_id(self, topic: str) -> str:
        """Id of the topic that has this name now; "" where the brokers give none."""
        found = self._cluster.topic_id(topic)
        return "" if found is None or not found.int else str(found)

    def refresh(self) -> None:
        """Ask for fresh metadata and wait for it."""
        self._net.run(self._manager.wait_for, self._cluster.request_update(), CALL_MS)

    def topics(self) -> Mapping[str, frozenset[int]]:
        """Known topics and their partitions."""
        cluster = self._cluster
        return {topic: frozenset(cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics()}

    def forbidden(self) -> frozenset[str]:
        """Topics that we may not see."""
        return frozenset(self._cluster.unauthorized_topics)

    def _connections(self) -> list[Any]:
        return list(self._manager._conns.values())  # noqa: SLF001 - see the module's text

    def is_connected(self) -> bool:
        """Some broker is connected."""
        return any(connection.connected for connection in self._connections())

    def has_leader(self, partition: TopicPartition) -> bool:
        """The partition's leader is known and connected."""
        leader = self._cluster.leader_for_partition(partition)
        connection = self._manager._conns.get(leader)  # noqa: SLF001 - see the module's text
        return leader not in {None, -1} and connection is not None and bool(connection.connected)

    def silent(self) -> dict[str, float]:
        """Brokers, and for how many seconds each of them has owed an answer and sent nothing.

        While the group settles its coordinator owes none: it answers when the other members have joined.
        """
        waits = self.grouped and not self.membership()[0]
        coordinator = self._coordinator.coordinator_id if waits else None
        found: dict[str, float] = {}
        for connection in self._connections():
            broker = self._cluster.broker_metadata(connection.node_id)
            if broker is not None and connection.connected and connection.node_id != coordinator:
                address = f"{broker.host}:{broker.port}"
                found[address] = max(time.monotonic() - _heard(connection), found.get(address, 0.0))
        return found


def _heard(connection: Any) -> float:
    """When a connection's broker last had nothing to answer or sent something, monotonic seconds."""
    oldest = next(iter(connection.in_flight_requests.copy()), None)
    if oldest is None:
        return time.monotonic()
    _id, _future, sent, _until, _timer = oldest
    return float(max(sent, connection.transport.last_read))


def _packed(offsets: Mapping[TopicPartition, Committed]) -> dict[TopicPartition, OffsetAndMetadata]:
    return {p: OffsetAndMetadata(at.offset, at.note.to_text(), -1) for p, at in offsets.items()}
