"""The polling thread's book of the partitions that it reads: their place, their note, what Kafka was told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from monitor.records import Gap
from monitor.sources.kafka.channel import Channel, Piece
from monitor.sources.kafka.client import Place, TopicPartition, name_of
from monitor.sources.kafka.handover import Committed, Counted, Note
from monitor.sources.kafka.messages import Messages


@dataclass(slots=True)
class Line:
    """One partition that is read.

    Attributes:
        reading: the entry after the last piece that was handed to the loop.
        note: stands beside the committed offset.
        told: what Kafka has confirmed.
        begin: the first offset that was to be counted.
        stop: read up to here, where reading ends.
    """

    reading: Counted
    note: Note
    told: Committed | None = None
    begin: int = 0
    stop: int | None = None


@dataclass
class Ledger:
    """Lines by partition."""

    channel: Channel
    lines: dict[TopicPartition, Line] = field(default_factory=dict)

    def keep(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget the partitions that are not among these."""
        wanted = set(partitions)
        for partition in [p for p in self.lines if p not in wanted]:
            del self.lines[partition]

    def due(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Committed]:
        """What the state holds and Kafka has not confirmed, of some partitions."""
        found: dict[TopicPartition, Committed] = {}
        for partition in partitions:
            line, stored = self.lines.get(partition), self.channel.stored(name_of(partition))
            if line is None or stored is None or stored.turn != line.reading.turn:
                continue
            waiting = self.channel.note(name_of(partition), "")
            if not waiting and (line.note.waiting or self.channel.always):
                continue  # what waits before the stored offset is known after the loop's next commit
            wanted = Committed(stored.offset, replace(line.note, waiting=waiting))
            if stored.topic_id == line.reading.topic_id and wanted != line.told:
                found[partition] = wanted
        return found

    def unconfirmed(self, offsets: Mapping[TopicPartition, Committed]) -> int:
        """Records before some offsets that Kafka has not confirmed: whoever reads on from there counts them again."""
        lines = ((at.offset, self.lines[partition].told) for partition, at in offsets.items())
        return sum(max(0, offset - told.offset) for offset, told in lines if told is not None)

    def drop(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget partitions that were given up: nobody here may commit for them any more."""
        for partition in partitions:
            self.lines.pop(partition, None)

    def confirm(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """Kafka holds these."""
        for partition, committed in offsets.items():
            line = self.lines.get(partition)
            if line is not None:
                line.told = committed

    def pieces(self, partition: TopicPartition, found: list[Messages], place: Place | None) -> list[Piece]:
        """What a poll brought of a partition, as pieces; records from behind its end are left out."""
        line = self.lines[partition]
        pieces = []
        for part in found:
            messages = part if line.stop is None else _until(part, line.stop)
            end = line.reading.end if place is None or place.end is None else place.end
            after = replace(line.reading.moved(messages.next_offset), epoch=messages.leader_epoch, end=end)
            if len(messages) and messages.timestamps[-1] >= 0 and after.again < 0:
                after = replace(after, time=int(messages.timestamps[-1]))
            pieces.append(Piece(name_of(partition), messages, after, messages.gaps))
            line.reading = after
        return pieces

    def moved(self, partition: TopicPartition, place: Place) -> Piece | None:
        """The consumer has gone on without records: over marks of transactions, over what compaction took away."""
        line = self.lines[partition]
        if place.offset <= line.reading.place:
            return None
        line.reading = replace(line.reading.moved(place.offset), end=place.end or line.reading.end)
        return Piece(name_of(partition), None, line.reading)

    def jump(self, partition: TopicPartition, offset: int, epoch: int, gap: Gap | None) -> Piece:
        """Reading goes on elsewhere."""
        line = self.lines[partition]
        forward = offset > line.reading.place
        entry = line.reading.moved(offset) if forward else replace(line.reading, offset=offset, again=-1)
        line.reading = replace(entry, epoch=epoch)
        return Piece(name_of(partition), None, line.reading, () if gap is None else (gap,))


def _until(messages: Messages, stop: int) -> Messages:
    """The messages before an offset."""
    if messages.next_offset <= stop:
        return messages
    kept = messages.take(messages.offsets < stop)
    return replace(kept, next_offset=stop)
