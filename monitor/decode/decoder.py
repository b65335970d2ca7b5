"""The decoder of one monitor: blocks of any format in, rows in canonical columns out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from detectors.layout import Column
from monitor.decode.assembly import KEPT_BYTES, Decoded
from monitor.decode.delimited import Header, read_block
from monitor.decode.formats import ValueReader
from monitor.decode.halves import HalvesReader
from monitor.decode.json_line import TOO_LONG
from monitor.decode.mapping import Records
from monitor.decode.messages import decode_messages
from monitor.decode.ndjson import NdjsonReader
from monitor.decode.plan import Plan, Want, compile_plan
from monitor.decode.tables import TableMap, decode_table, decode_times, map_table, time_roots
from monitor.records import Reject

if TYPE_CHECKING:
    from monitor.sources.kafka.messages import Messages


class Decoder:
    """Turns raw records into rows.

    Attributes:
        plan: the compiled mapping.
        timed: records carry an event time.
        max_record_bytes: longer records are refused.
    """

    def __init__(
        self, records: Records, columns: Sequence[Column] | None, max_record_bytes: int = 2**20
    ) -> None:
        """Compile the mapping.

        Args:
            records: the mapping.
            columns: the modelled columns of the reference.
            max_record_bytes: longer lines are refused.
        """
        self.plan: Plan = compile_plan(records, columns)
        self.timed = any(target.want is Want.TIME for target in self.plan.targets)
        self.max_record_bytes = max_record_bytes
        self._ndjson = NdjsonReader(self.plan, max_record_bytes)
        self._halves: HalvesReader | None = None
        self._tables: dict[tuple[tuple[str, pl.DataType], ...], TableMap] = {}

    def use_two_cores(self) -> None:
        """Read the halves of each block of NDJSON side by side from now on."""
        self._halves = HalvesReader(self.plan, self.max_record_bytes)

    def ndjson(self, block: bytes, partition: str, offset: int, ordinal: int) -> Decoded:
        """Whole lines of NDJSON.

        Args:
            block: lines; the last one may lack its line end.
            partition: the file.
            offset: of the block in the file, bytes.
            ordinal: running number of the first row.
        """
        return (self._halves or self._ndjson).read(block, partition, offset, ordinal)

    def messages(
        self,
        messages: Messages,
        values: ValueReader | None = None,
        *,
        weight: float = 1.0,
        sides: Mapping[str, Messages] | None = None,
    ) -> Decoded:
        """Rows of messages of one partition.

        `@ordinal` is a hash of the partition + offset * 2^20 + place within the message (see `row_ordinals`), so rows
        are numbered alike however messages are cut into batches. Rejects carry the partition as `topic/3` and the
        message's offset. Messages without a value are counted as `tombstone` in the outcomes. A message that holds
        several records may give rows and rejects.

        Args:
            messages: in the order of their offsets.
            values: reads the values; keep one for each topic, as it remembers schemas. None: JSON.
            weight: what each row stands for, where others were left out by sampling; times the record's own weight.
            sides: of a join: messages of `request`, `response` and `label`, row by row those that `messages` were
                made of; offset -1 where a side has none.

        Raises:
            SourceError: a schema cannot be had now. Nothing is lost: call again with the same messages.
        """
        return decode_messages(self._ndjson, values or ValueReader(), [messages], weight, sides)[0]

    def several(
        self, messages: Sequence[Messages], values: ValueReader, *, weight: float = 1.0
    ) -> list[Decoded]:
        """Rows of messages, each of one partition, in one go: that costs less than one after the other."""
        return decode_messages(self._ndjson, values, messages, weight)

    def csv(self, header: Header, block: bytes, partition: str, offset: int, ordinal: int) -> Decoded:
        """Whole records of CSV below their header."""
        text = read_block(header, block, partition, offset)
        decoded = decode_table(
            self.plan,
            self.table_map(text.frame.schema),
            text.frame,
            partition=partition,
            first=0,
            ordinal=ordinal,
            text=True,
        )
        placed = [replace(reject, offset=text.offsets[reject.offset]) for reject in decoded.rejects]
        decoded.rejects = placed + text.rejects
        return decoded

    def table(
        self, frame: pl.DataFrame, unknown: Sequence[str], partition: str, first: int, ordinal: int
    ) -> Decoded:
        """Rows of a table with types (Parquet).

        Args:
            frame: rows of the columns that are `wanted` of the whole table.
            unknown: those of the whole table that the model does not have.
            partition: the file.
            first: number of the first row in the file.
            ordinal: running number of the first row.
        """
        decoded = decode_table(
            self.plan, self.table_map(frame.schema), frame, partition=partition, first=first, ordinal=ordinal
        )
        decoded.unknown = dict.fromkeys(unknown, frame.height) if frame.height else {}
        return decoded

    def time_columns(self, table: TableMap) -> list[str]:
        """The column of a table that holds the event times, as a list; [] where there is none."""
        return time_roots(self.plan, table)

    def times(self, frame: pl.DataFrame, table: TableMap) -> pl.Series:
        """Event times, microseconds, of rows of a table of which only `time_columns` were read."""
        return decode_times(self.plan, table, frame)

    def too_long(self, data: bytes, partition: str, offset: int) -> Reject:
        """The reject of a record that is longer than allowed; `data` holds at least its beginning."""
        return Reject(
            TOO_LONG, f"longer than {self.max_record_bytes} bytes", partition, offset, data[:KEPT_BYTES]
        )

    def table_map(self, schema: Mapping[str, pl.DataType]) -> TableMap:
        """Where a table with this schema has what is wanted."""
        key = tuple(schema.items())
        if key not in self._tables:
            if len(self._tables) > 1000:  # noqa: PLR2004 - files of ever new shapes do not fill the memory
                self._tables.clear()
            self._tables[key] = map_table(self.plan, schema)
        return self._tables[key]
