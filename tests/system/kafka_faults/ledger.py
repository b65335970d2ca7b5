"""What a topic held: every committed record, read by another client before anything could delete it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from monitor.records import Gap
from tests.brokers.operations import Operations

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Row:
    """A record of the topic. `time`: event time, whole seconds since the epoch."""

    offset: int
    time: int
    value: bytes


@dataclass
class Ledger:
    """The records of one topic by partition, in their order.

    Args:
        kafka: where the topic is. topic: its name.
    """

    kafka: Operations
    topic: str
    rows: dict[int, list[Row]] = field(default_factory=dict)
    deleted: dict[int, list[int]] = field(default_factory=dict)

    def catch_up(self) -> None:
        """Read what was committed since the last time."""
        begin = {
            p: self.rows[p][-1].offset + 1 if self.rows.get(p) else 0
            for p in self.kafka.partitions(self.topic)
        }
        for held in self.kafka.held(self.topic, begin=begin):
            if held.value is None:
                raise ValueError("the harness writes no tombstones")
            row = Row(held.offset, orjson.loads(held.value)["timestamp"], held.value)
            self.rows.setdefault(held.partition, []).append(row)

    def holds(self, last: Mapping[int, bytes]) -> bool:
        """Whether these are the last records of the partitions now."""
        self.catch_up()
        return all(rows and rows[-1].value == last[partition] for partition, rows in self.rows.items())

    def delete(self, before: dict[int, int]) -> None:
        """Delete the records of some partitions up to an offset, from the topic, not from here."""
        for partition, offset in before.items():
            self.deleted.setdefault(partition, []).append(offset)
        self.kafka.delete_records(self.topic, before)

    def without(self, gaps: list[Gap]) -> Iterator[Row]:
        """All rows but those that lie in gaps."""
        missing: defaultdict[int, list[Gap]] = defaultdict(list)
        for gap in gaps:
            missing[partition_of(gap)].append(gap)
        for partition, rows in self.rows.items():
            for row in rows:
                if not any(gap.start <= row.offset < gap.end for gap in missing[partition]):
                    yield row


def partition_of(gap: Gap) -> int:
    """The partition that a gap is in."""
    return int(gap.partition.rpartition("/")[2])


def by_hour(rows: Iterable[Row]) -> Counter[int]:
    """How many rows each hour of event time has; hour as seconds since the epoch."""
    return Counter(row.time // HOUR * HOUR for row in rows)
