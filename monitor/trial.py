"""The first records of a source, read by its mapping: does it fit, before anything is counted?"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detectors.layout import Column, Odd, Role
from monitor.decode.decoder import Decoder
from monitor.decode.json_line import DUPLICATE_KEY, OUT_OF_RANGE
from monitor.records import ODD_PREFIX, Reject
from monitor.sources.base import Position, SourceError, shared
from monitor.sources.files import FilesSource
from monitor.sources.files.listing import find_files
from monitor.sources.kafka.options import KafkaSource

if TYPE_CHECKING:
    from monitor.decode.assembly import Decoded
    from monitor.decode.mapping import Records
    from monitor.records import RecordBatch
    from monitor.sources.base import Source

LONGEST_SECONDS = 10.0
"""How long to wait for the first records."""

FILES = 16
"""How many files are looked into, the oldest ones."""

ENOUGH_ROWS = 100
ENOUGH_REJECTS = 1000
"""So many records are looked at, where there are, before it is said that they cannot be read."""

LEAST_ROWS = 10
"""So many rows without a single feature are no accident."""

NULL = "null"
_POLL_SECONDS = 0.2
_MODELLED = frozenset({Role.FEATURE, Role.PREDICTION, Role.SCORE})
"""Roles of columns that every row should have; labels may come late, and not all logs tell of the service."""

_UNFIT = frozenset({Odd.NUMBER_AS_STRING, Odd.WRONG_TYPE, Odd.MISSING})
_TELLING = frozenset({DUPLICATE_KEY, OUT_OF_RANGE})
"""Reasons whose details hold a part of the record."""


@dataclass
class Trial:
    """What came of the first records.

    Attributes:
        rows: rows that were read.
        rejected: records that could not be read, by reason.
        left_out: records that became no row for another reason, by outcome (`unjoined`, `tombstone`, …).
        first: the first of the rejects.
        empty: columns of the model without a value in any of the rows, and what stands there instead: `null`,
            `missing`, `wrong_type` or `number_as_string`.
        featureless: that is all of the features.
    """

    rows: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    first: Reject | None = None
    empty: dict[str, str] = field(default_factory=dict)
    featureless: bool = False

    def to_json(self) -> dict[str, object]:
        """Numbers and names, nothing of the records."""
        counts = {"rejected": dict(self.rejected), "left_out": dict(self.left_out)}
        return {"rows": self.rows, **counts, "empty": self.empty}

    def __bool__(self) -> bool:
        """Whether anything came."""
        return bool(self.rows or self.rejected or self.left_out)

    @property
    def example(self) -> str:
        """What is wrong with the first record that was rejected, without values of it."""
        if self.first is None:
            return ""
        return (
            self.first.reason
            if self.first.reason in _TELLING
            else f"{self.first.reason}: {self.first.detail}"
        )


def try_mapping(
    options: FilesSource | KafkaSource,
    records: Records,
    columns: Sequence[Column],
    monitor: str,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Trial | None:
    """Read the first records that a new daemon would read; None where there are none.

    No group is joined and nothing is kept. Of Kafka topics that are read from their end the last records are taken.

    Args:
        options: of the source.
        records: the mapping.
        columns: the modelled columns of the reference.
        monitor: whose source it is.
        clock: seconds, for the longest wait.

    Raises:
        SourceError: the source cannot be read.
    """
    modelled = tuple(column for column in columns if column.role in _MODELLED)
    decoder = Decoder(records, columns, options.max_record_bytes)
    found = Trial()
    if isinstance(options, KafkaSource) and options.at_the_end:
        _take_last(found, options, decoder, modelled)
    else:
        source = _begun(options, decoder, monitor)
        try:
            source.seek(Position({}))
            _take_first(found, source, modelled, clock)
        finally:
            source.close()
    features = {column.name for column in modelled if column.role is Role.FEATURE}
    found.featureless = found.rows >= LEAST_ROWS and bool(features) and features <= found.empty.keys()
    return found or None


def _begun(options: FilesSource | KafkaSource, decoder: Decoder, monitor: str) -> Source:
    if isinstance(options, KafkaSource):
        return options.once().open(decoder, monitor)
    oldest = tuple(str(found.path) for found in find_files(options.path)[:FILES])
    return options.model_copy(update={"path": oldest or options.path}).open(decoder, monitor)


def _take_first(found: Trial, source: Source, columns: Iterable[Column], clock: Callable[[], float]) -> None:
    """Poll until there is enough, or nothing more comes."""
    kafka, until = shared(source), clock() + LONGEST_SECONDS
    wait = 0.0 if kafka is None else _POLL_SECONDS
    while found.rows < ENOUGH_ROWS and found.rejected.total() < ENOUGH_REJECTS:
        batch = source.poll(wait)
        if batch is not None:
            _add(found, batch, columns)
        elif source.exhausted or not wait:
            return
        if clock() >= until:
            break
    if kafka is not None and not found:
        report = kafka.report()
        nothing = f"no record came within {LONGEST_SECONDS:g} s"
        raise SourceError(report.trouble or nothing, report.hint)


def _take_last(found: Trial, options: KafkaSource, decoder: Decoder, columns: Iterable[Column]) -> None:
    """The last messages of each topic; those of a join would not find each other."""
    from monitor.decode.registry import value_reader
    from monitor.sources.kafka.peek import peek

    for topic in () if options.join is not None else options.topic_names:
        peeked = peek(options, topic, ENOUGH_ROWS, newest=True, seconds=LONGEST_SECONDS)
        values = value_reader(options.format, options.registry)
        for part in peeked.messages:
            _add(found, decoder.messages(part, values), columns)


def _add(found: Trial, batch: RecordBatch | Decoded, columns: Iterable[Column]) -> None:
    found.rejected.update(reject.reason for reject in batch.rejects)
    found.left_out.update(batch.outcomes)
    if batch.rejects and found.first is None:
        found.first = batch.rejects[0]
    if not batch.frame.height:
        return
    empty = {column.name: state for column in columns if (state := _state(batch, column.name))}
    if found.rows:
        empty = {name: state for name, state in found.empty.items() if name in empty}
    found.empty = empty
    found.rows += batch.frame.height


def _state(batch: RecordBatch | Decoded, name: str) -> str:
    """What stands in the place of a column's values; "" where there are some."""
    frame, odd = batch.frame, f"{ODD_PREFIX}{name}"
    if name not in frame.columns:
        return Odd.MISSING.name.lower()
    if frame[name].null_count() < frame.height:
        return ""
    code = Counter(frame[odd].to_list()).most_common(1)[0][0] if odd in frame.columns else Odd.NONE
    return NULL if code not in _UNFIT else Odd(code).name.lower()
