"""How far reading is behind: records and seconds by topic, records by partition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.clock import MICROSECONDS
from monitor.sources.kafka.sights import Sight

MAX_PARTITIONS = 100
"""Partitions that are told apart; of more only those with the largest lag."""


@dataclass(frozen=True, slots=True)
class Lag:
    """What is still to be counted.

    Attributes:
        records, seconds: by topic. partitions: records by (topic, partition). assigned: partitions by topic.
    """

    records: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    partitions: dict[tuple[str, str], int] = field(default_factory=dict)
    assigned: dict[str, int] = field(default_factory=dict)


def measure(sights: Mapping[str, Sight], counted: Mapping[str, tuple[int, int]], now: int) -> Lag:
    """The lag of the assigned partitions.

    Args:
        sights: the partitions by name.
        counted: by name, next offset to count and time of the last record that was counted (µs, -1 where unknown).
        now: wall time, microseconds since the epoch.
    """
    lag = Lag()
    for name, sight in sights.items():
        topic, _, partition = name.rpartition("/")
        offset, last = counted.get(name, (sight.fetched, -1))
        records = max(0, (sight.end or 0) - offset)
        age = (now - last) / MICROSECONDS if records and last >= 0 else 0.0
        lag.assigned[topic] = lag.assigned.get(topic, 0) + 1
        lag.records[topic] = lag.records.get(topic, 0) + records
        lag.seconds[topic] = max(lag.seconds.get(topic, 0.0), age)
        lag.partitions[(topic, partition)] = records
    worst = sorted(lag.partitions, key=lambda place: -lag.partitions[place])[MAX_PARTITIONS:]
    for place in worst:
        del lag.partitions[place]
    return lag
