"""The first records of a source, read by its mapping: does it fit, before anything is counted?"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detectors.layout import Column, Odd, Role
from monitor.decode.decoder import Decoder
from monitor.records import ODD_PREFIX
from monitor.sources.base import Position
from monitor.sources.kafka.options import KafkaSource

if TYPE_CHECKING:
    from monitor.decode.mapping import Records
    from monitor.records import RecordBatch
    from monitor.sources.options import SourceOptions

LONGEST_SECONDS = 10.0
"""How long to wait for the first records."""

ENOUGH_ROWS = 100
ENOUGH_REJECTS = 1000
"""So many records are looked at, where there are, before it is said that they cannot be read."""

_POLL_SECONDS = 0.2
_MODELLED = frozenset({Role.FEATURE, Role.PREDICTION, Role.SCORE})
"""Roles of columns that every row should have; labels may come late, and not all logs tell of the service."""

_UNFIT = frozenset({Odd.NUMBER_AS_STRING, Odd.WRONG_TYPE, Odd.MISSING})

NULL = "null"


@dataclass
class Trial:
    """What came of the first records.

    Attributes:
        rows: rows that were read.
        rejected: records that could not be read, by reason.
        example: what is wrong with the first of these; "" where there is none.
        empty: columns of the model without a value in any of the rows, and what stands there instead: `null`,
            `missing`, `wrong_type` or `number_as_string`.
        featureless: that is all of the features.
    """

    rows: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    example: str = ""
    empty: dict[str, str] = field(default_factory=dict)
    featureless: bool = False

    def to_json(self) -> dict[str, object]:
        """Without the example, which may hold a value of a record."""
        return {"rows": self.rows, "rejected": dict(self.rejected), "empty": self.empty}


def try_mapping(
    options: SourceOptions,
    records: Records,
    columns: Sequence[Column],
    monitor: str,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Trial | None:
    """Read the first records that there are; None where there are none. No group is joined and nothing is kept.

    Args:
        options: of the source.
        records: the mapping.
        columns: the modelled columns of the reference.
        monitor: whose source it is.
        clock: seconds, for the longest wait.

    Raises:
        SourceError: the source cannot be read.
    """
    once = options.once()
    if isinstance(once, KafkaSource):
        once = once.model_copy(update={"start": "earliest"})
    modelled = tuple(column for column in columns if column.role in _MODELLED)
    source = once.open(Decoder(records, columns, options.max_record_bytes), monitor)
    found = Trial()
    try:
        source.seek(Position({}))
        until = clock() + LONGEST_SECONDS
        while found.rows < ENOUGH_ROWS and found.rejected.total() < ENOUGH_REJECTS and clock() < until:
            batch = source.poll(_POLL_SECONDS)
            if batch is not None:
                _add(found, batch, modelled)
            elif source.exhausted:
                break
    finally:
        source.close()
    features = {column.name for column in modelled if column.role is Role.FEATURE}
    found.featureless = bool(features) and features <= found.empty.keys()
    return found if found.rows or found.rejected else None


def _add(found: Trial, batch: RecordBatch, columns: Iterable[Column]) -> None:
    found.rejected.update(reject.reason for reject in batch.rejects)
    if batch.rejects and not found.example:
        found.example = f"{batch.rejects[0].reason}: {batch.rejects[0].detail}"
    if not batch.frame.height:
        return
    empty = {column.name: state for column in columns if (state := _state(batch, column.name))}
    if found.rows:
        empty = {name: state for name, state in found.empty.items() if name in empty}
    found.empty = empty
    found.rows += batch.frame.height


def _state(batch: RecordBatch, name: str) -> str:
    """What stands in the place of a column's values; "" where there are some."""
    frame, odd = batch.frame, f"{ODD_PREFIX}{name}"
    if name not in frame.columns:
        return Odd.MISSING.name.lower()
    if frame[name].null_count() < frame.height:
        return ""
    code = Counter(frame[odd].to_list()).most_common(1)[0][0] if odd in frame.columns else Odd.NONE
    return NULL if code not in _UNFIT else Odd(code).name.lower()
