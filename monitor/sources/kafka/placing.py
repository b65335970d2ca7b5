"""Where the polling thread begins to read partitions, and what became of those that others have taken over."""

from __future__ import annotations

import time
from dataclasses import replace

import structlog
from kafka.errors import KafkaError

from monitor.sources.joining.adoption import Waiting
from monitor.sources.kafka.channel import Piece
from monitor.sources.kafka.client import Client, TopicPartition, name_of
from monitor.sources.kafka.handover import Committed, Counted, settle
from monitor.sources.kafka.ledger import Ledger, Line
from monitor.sources.kafka.offsets import Known, TakeOver, take_over
from monitor.sources.kafka.options import KafkaSource

log = structlog.get_logger()

RETRY_SECONDS = 0.3
OTHERS_SECONDS = 5.0
"""Between two looks at partitions that others have taken over."""


class Placing:
    """Settles the place of partitions; only the polling thread uses it.

    Attributes:
        trouble: why it did not work the last time.
    """

    def __init__(self, options: KafkaSource, me: str, client: Client, ledger: Ledger) -> None:
        self.trouble: KafkaError | None = None
        self._options, self._me, self._grouped = options, me, client.grouped
        self._client, self._channel, self._ledger = client, ledger.channel, ledger
        self._before: dict[TopicPartition, Counted] = {}
        self._told: dict[str, int] = {}
        self._next_try = self._next_look = 0.0

    def go_back(self) -> None:
        """The loop has gone back to its state: what was only on its way there counts no more."""
        self._before.clear()
        self._told.clear()

    def settle(self, fresh: set[TopicPartition], epoch: int) -> bool:
        """Find where to begin, tell Kafka, and begin; whether that worked. `fresh` loses those that are settled."""
        if time.monotonic() < self._next_try or self._channel.lost:
            return False
        if self._grouped and not self._client.membership()[0]:
            return False  # a commit would wait for the group, and the group for the next poll
        if any(self._is_on_its_way(name_of(partition)) for partition in fresh):
            return False
        try:
            self._settle(sorted(fresh), epoch)
        except (KafkaError, LookupError, AttributeError) as error:
            # an offset that the client did not get shows as a lookup that fails inside of it
            self._next_try = time.monotonic() + RETRY_SECONDS
            self.trouble = error if isinstance(error, KafkaError) else KafkaError(repr(error))
            return False
        fresh.clear()
        self.trouble = None
        return True

    def _settle(self, partitions: list[TopicPartition], epoch: int) -> None:
        committed = self._client.committed(partitions) if self._grouped else {}
        known = {
            p: Known(name_of(p), self._client.topic_id(p.topic), self._entry(p), committed.get(p))
            for p in partitions
        }
        starts = self._starts(known)
        taken = {p: self._adopting(take_over(self._me, known[p], starts.get(p, 0))) for p in partitions}
        first = {p: self._first(t, known[p]) for p, t in taken.items()}
        if self._grouped:
            self._client.commit(first)
        stops = {} if self._options.follow else self._client.ends(partitions)
        here = frozenset(name_of(p) for p in self._client.assignment())
        pieces = [
            Piece(name_of(p), None, t.counted, t.gaps, t.overlap, t.adopted, here) for p, t in taken.items()
        ]
        self._tell(taken)
        for partition, t in taken.items():
            told = first[partition]
            line = Line(t.counted, told.note, told, t.counted.offset, stops.get(partition))
            self._ledger.lines[partition] = line
            self._client.seek(partition, t.counted.place, t.counted.epoch)
            self._client.consumer.resume(partition)
            self._before.pop(partition, None)
        self._channel.put(epoch, pieces)

    def _first(self, taken: TakeOver, known: Known) -> Committed:
        """What Kafka is told before anything is read: an offset, and what waits before this very offset."""
        if taken.adopted:
            return Committed(taken.counted.offset, replace(taken.note, waiting=taken.adopted))
        if self._options.join is not None and known.shared is not None:
            return Committed(known.shared.offset, taken.note)
        return Committed(taken.counted.offset, taken.note)

    def _adopting(self, taken: TakeOver) -> TakeOver:
        """In a join, reading begins at the first message that still waits.

        From the end of what the member before had read all is counted, also what this one had counted beyond it.
        """
        if self._options.join is None or not taken.adopted:
            return taken
        try:
            waiting = Waiting.from_text(taken.adopted)
        except ValueError:
            return replace(taken, adopted="")
        counted = taken.counted
        again = waiting.begin if waiting.begin < counted.offset else -1
        return replace(
            taken,
            overlap=taken.overlap + max(0, counted.offset - waiting.end),
            counted=replace(counted, again=again, epoch=-1 if again >= 0 else counted.epoch),
        )

    def _entry(self, partition: TopicPartition) -> Counted | None:
        return self._before.get(partition) or self._channel.stored(name_of(partition))

    def _starts(self, known: dict[TopicPartition, Known]) -> dict[TopicPartition, int]:
        """Offsets to begin at where nobody has read yet.

        Topics that were made anew and partitions that a known topic has got since are read from their beginning.
        """
        unread = [p for p, k in known.items() if k.unknown]
        topics = {name.rpartition("/")[0] for name in self._channel.all_stored()}
        begin = [p for p in unread if self._options.start == "earliest" or p.topic in topics]
        others = [p for p in unread if p not in begin]
        found = self._client.begins(begin) if begin else {}
        if not others:
            return found
        ends = self._client.ends(others)
        if self._options.at_the_end:
            return found | ends
        at = self._client.from_time(others, self._options.start_milliseconds)
        return found | {p: ends[p] if offset is None else offset for p, offset in at.items()}

    def _tell(self, taken: dict[TopicPartition, TakeOver]) -> None:
        """Log where partitions begin, and what was counted twice."""
        log.info("partitions begin", offsets={name_of(p): t.counted.place for p, t in taken.items()})
        for partition, t in taken.items():
            _tell_overlap(name_of(partition), t.overlap)

    def recreated(self) -> set[TopicPartition]:
        """Partitions that are read and whose topic is another one now."""
        found = set()
        for partition, line in self._ledger.lines.items():
            now = self._client.topic_id(partition.topic)
            if now and line.reading.topic_id and now != line.reading.topic_id:
                self._before[partition] = line.reading
                found.add(partition)
        return found

    def _is_on_its_way(self, name: str) -> bool:
        """The overlap of the partition's last turn has been told and is not in the state yet."""
        stored = self._channel.stored(name)
        return stored is not None and stored.turn > 0 and self._told.get(name) == stored.turn

    def look_at_others(self, now: float, epoch: int) -> None:
        """Partitions that this member has read before: how many of its rows has somebody else counted too?"""
        if not self._grouped or now < self._next_look or self._channel.lost:
            return
        self._next_look = now + OTHERS_SECONDS
        here = {name_of(partition) for partition in self._client.assignment()}
        stored = self._channel.all_stored()
        open_ones = {
            _partition(n): s
            for n, s in stored.items()
            if s.turn and n not in here and not self._is_on_its_way(n)
        }
        if not open_ones:
            return
        try:
            committed = self._client.committed(open_ones)
        except KafkaError:
            return
        pieces = [
            piece
            for partition, entry in open_ones.items()
            if (piece := self._settled(partition, entry, committed.get(partition))) is not None
        ]
        if self._channel.put(epoch, pieces):
            for piece in pieces:
                self._told[piece.name] = stored[piece.name].turn
                _tell_overlap(piece.name, piece.overlap)

    def _settled(
        self, partition: TopicPartition, entry: Counted, committed: Committed | None
    ) -> Piece | None:
        if committed is None:
            return None
        overlap = 0
        if committed.note.topic_id == entry.topic_id:
            settled = settle(self._me, entry, committed)
            if not settled.finally_known:
                return None
            overlap = settled.overlap
        return Piece(name_of(partition), None, replace(entry, turn=0), (), overlap)


def _tell_overlap(name: str, records: int) -> None:
    if records:
        log.warning("records were counted by another member too", partition=name, records=records)


def _partition(name: str) -> TopicPartition:
    topic, _, number = name.rpartition("/")
    return TopicPartition(topic, int(number))
