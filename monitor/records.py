"""The rows that travel through driftd: one polars frame in canonical columns, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from monitor.sources.base import Position

ID = "@id"
TIME = "@time"
VERSION = "@version"
LATENCY = "@latency"
STATUS = "@status"
WEIGHT = "@weight"
ORDINAL = "@ordinal"
SEGMENT_PREFIX = "@segment."
ODD_PREFIX = "@odd."


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be read: it goes to the dead letters.

    Attributes:
        reason: one word of a closed list (`malformed_json`, `missing_time`, `too_long`, …), a metric's label.
        detail: the parser's words, at most 200 characters.
        partition: the source partition (file) of the record.
        offset: byte offset or row number in the partition.
        data: the first bytes of the raw record, at most 4 kB.
    """

    reason: str
    detail: str
    partition: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that can never be read: they are gone from the source, or broken there.

    Attributes:
        partition: the source's partition.
        start, end: first offset that is missing, and the first after it that is not.
        reason: one word of a closed list: `retention`, `recreated`, `truncated`, `corrupt`.
        bytes: size of what was skipped, where it is known; else 0.
    """

    partition: str
    start: int
    end: int
    reason: str
    bytes: int = 0

    @property
    def records(self) -> int:
        """How many records are missing, at most: offsets need not all have been used."""
        return max(0, self.end - self.start)


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Rows in canonical columns and the position after them.

    Attributes:
        frame: modelled columns under their own names (numeric Float64, categorical String, Categorical or Enum), system
            columns under the names above: `@time` Int64 microseconds since the epoch UTC, `@latency` Float64
            seconds, `@status` Int16, `@weight` Float64, `@ordinal` UInt64, the others String. `@ordinal` is always
            there, the others where the records have them. `@odd.<column>` UInt8 (codes of `detectors.layout.Odd`)
            accompanies a column in which this batch had oddities.
        position: the place in the source after this batch.
        rejects: records of this batch that could not be read.
        unknown: how many rows carried a column that the reference does not have, by name.
        absent: expected columns that no row of this batch carried.
        partition: the source's partition (a file, a Kafka partition) that all rows of the batch come from.
        outcomes: records that became no row and are no rejects either (`sampled_out`, `tombstone`, `unjoined`, …),
            by outcome.
        gaps: records that were found to be missing since the batch before.
    """

    frame: pl.DataFrame
    position: Position
    rejects: tuple[Reject, ...] = ()
    unknown: dict[str, int] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    partition: str = ""
    outcomes: dict[str, int] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
