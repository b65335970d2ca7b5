"""How far reading is behind: records and seconds by topic, records by partition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.clock import MICROSECONDS
from monitor.sources.kafka.handover import Counted
from monitor.sources.kafka.sights import Sight

MAX_PARTITIONS = 100
"""Partitions that are told apart; of more only those with the largest lag."""


@dataclass(frozen=True, slots=True)
class Lag:
    """What is still to be counted.

    Attributes:
        records: by topic, of the partitions whose end is known.
        seconds: by topic, the age of the last record counted where there are more; none while nobody knows.
        partitions: records by (topic, partition). assigned: partitions by topic.
    """

    records: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    partitions: dict[tuple[str, str], int] = field(default_factory=dict)
    assigned: dict[str, int] = field(default_factory=dict)


def measure(sights: Mapping[str, Sight], counted: Mapping[str, Counted], now: int) -> Lag:
    """The lag of the assigned partitions.

    Of a partition whose end has not been told yet nothing is known; of one that holds more, but nothing of which has
    been counted yet, only the number of records. Nobody may take either for 0 seconds.

    Args:
        sights: the partitions by name.
        counted: how far they are counted, by name.
        now: wall time, microseconds since the epoch.
    """
    lag, unknown = Lag(), set()
    for name, sight in sights.items():
        topic, _, partition = name.rpartition("/")
        lag.assigned[topic] = lag.assigned.get(topic, 0) + 1
        if sight.end is None:
            unknown.add(topic)
            continue
        entry = counted.get(name) or Counted(sight.begin)
        records = max(0, sight.end - entry.offset)
        lag.records[topic] = lag.records.get(topic, 0) + records
        lag.partitions[(topic, partition)] = records
        if records and entry.time < 0:
            unknown.add(topic)
        else:
            age = (now - entry.time) / MICROSECONDS if records else 0.0
            lag.seconds[topic] = max(lag.seconds.get(topic, 0.0), age)
    for topic in unknown:
        if not lag.seconds.get(topic):
            lag.seconds.pop(topic, None)
    worst = sorted(lag.partitions, key=lambda place: -lag.partitions[place])[MAX_PARTITIONS:]
    for place in worst:
        del lag.partitions[place]
    return lag
