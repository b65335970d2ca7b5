"""What a fetch brought, unpacked into arrays instead of one object for each record.

Takes the place of kafka-python's `Fetcher.PartitionRecords` in one consumer (`verification.install`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from kafka.consumer.fetcher import Fetcher, IsolationLevel
from kafka.errors import UnsupportedCodecError

from monitor.records import Gap
from monitor.sources.kafka.messages import Mask, Messages
from monitor.sources.kafka.record_batches import (
    LOG_OVERHEAD,
    MAGIC,
    BrokenBatchError,
    Header,
    UnknownCodecError,
    batch_end,
    crc_holds,
    is_abort,
    likely_end,
    next_batch,
    read_header,
    records_of,
)
from monitor.sources.kafka.record_table import RecordTable, Section, read_records
from monitor.sources.kafka.sampling import Sampling
from monitor.sources.kafka.value_lines import Longs

PIECE_BYTES = 4 * 2**20
"""A piece ends with the batch in which its records pass this."""

CORRUPT = "corrupt"
Part = tuple[bytes, int, int, Header]
"""Records of a batch: a buffer, where in it they begin and end, and the batch's header."""


class FastRecords(Fetcher.PartitionRecords):  # type: ignore[misc] # kafka-python has no types
    """Records of one partition in one fetch: `take` gives one `Messages` after the other.

    A batch whose check sum or content is wrong is passed over and reported as a gap of the `Messages`; which offsets it
    held is known from the next batch that is whole, else from its own header. A piece may be empty: of control batches,
    of records that sampling leaves out, of a gap.

    Attributes:
        sampling: which messages to keep; None: all.
    """

    sampling: Sampling | None = None
    next_fetch_offset: int

    def __init__(self, fetch_offset: int, tp: Any, records: Any, **options: Any) -> None:
        """Nothing is read yet; arguments of the class that this one stands for."""
        super().__init__(fetch_offset, tp, records, **options)
        found = records._buffer  # noqa: SLF001 - what kafka-python's own unpacker iterates over
        self._data: bytes = found if isinstance(found, bytes) else bytes(found or b"")
        self._place = 0
        self._gaps: list[Gap] = []
        self._blocked: UnknownCodecError | None = None
        self._read_committed = self.isolation_level == IsolationLevel.READ_COMMITTED

    def take(self, n: int | None = None) -> list[Messages]:  # noqa: ARG002 - a piece counts as one record
        """The next piece; empty at the end.

        Raises:
            UnsupportedCodecError: a batch cannot be decompressed here. The position stays before it.
        """
        if self.record_iterator is None:
            return []
        before = self.next_fetch_offset
        piece = self._piece()
        if len(piece) or piece.next_offset > before:
            if self._place < 0:
                self.drain()
            return [piece]
        self.drain()
        if self._blocked:
            raise UnsupportedCodecError(str(self._blocked)) from self._blocked
        return []

    def drain(self) -> None:
        """Give back what is left."""
        super().drain()
        self._data = b""

    def _piece(self) -> Messages:
        parts: list[Part] = []
        size = 0
        while size < PIECE_BYTES and (part := self._next_part()) is not None:
            parts.append(part)
            size += part[2] - part[1]
        data, sections = _buffer(parts)
        table, offsets, broken = read_records(data, sections, self._wanted)
        for header in (sections[i].header for i in sorted(broken)):
            start = max(header.base_offset, self.fetch_offset)
            self._note_gap(start, header.next_offset, header.length + LOG_OVERHEAD)
        found = self._messages(data, table, offsets[offsets >= self.fetch_offset])
        return replace(found, fetched_bytes=size)

    def _next_part(self) -> Part | None:
        """Records of the next batch that holds some for us; None at the end, then the place is negative."""
        while self._place >= 0 and not self._blocked:
            start, end = self._place, batch_end(self._data, self._place)
            if end < 0:
                self._place = -1
                break
            header = read_header(self._data, start)
            if not self._holds(start, end, header):
                self._pass_over(start, end, header)
                continue
            part = None if self._hidden(start, end, header) else self._records_of(start, end, header)
            if not self._blocked:
                self._place = end if end < len(self._data) else -1
                self.leader_epoch = header.leader_epoch
                self.next_fetch_offset = max(self.next_fetch_offset, header.next_offset)
            if part is not None:
                return part
        return None

    def _holds(self, start: int, end: int, header: Header) -> bool:
        """The batch is what its check sum says."""
        return header.magic == MAGIC and (
            not self.check_crcs or crc_holds(self._data, start, end, header.crc)
        )

    def _records_of(self, start: int, end: int, header: Header) -> Part | None:
        try:
            found = records_of(self._data, start, end, header.codec)
        except BrokenBatchError:
            self._note_gap(max(header.base_offset, self.fetch_offset), header.next_offset, end - start)
        except UnknownCodecError as error:
            self._blocked = error
        else:
            return (*found, header)
        return None

    def _hidden(self, start: int, end: int, header: Header) -> bool:
        """The batch holds nothing for consumers: a mark of the broker, or records of an aborted transaction."""
        if header.producer_id < 0 or not self._read_committed:
            return header.is_control
        self._consume_aborted_transactions_up_to(header.next_offset - 1)
        if header.is_control:
            if is_abort(self._data, start, end):
                self.aborted_producer_ids.discard(header.producer_id)
            return True
        return header.is_transactional and header.producer_id in self.aborted_producer_ids

    def _pass_over(self, start: int, end: int, header: Header) -> None:
        """Go on behind a batch that does not hold."""
        position = self.next_fetch_offset
        self._place = next_batch(self._data, start, end, position)
        if self._place < 0:
            stop = likely_end(header.base_offset, header.records, header.next_offset, position)
            size = end - start
        else:
            stop, size = read_header(self._data, self._place).base_offset, self._place - start
        self._note_gap(position, stop, size)
        self.next_fetch_offset = stop

    def _note_gap(self, start: int, end: int, size: int) -> None:
        if end > start:
            tp = self.topic_partition
            self._gaps.append(Gap(f"{tp.topic}/{tp.partition}", start, end, CORRUPT, size))

    def _wanted(self, offsets: Longs) -> Mask:
        chosen: Mask = offsets >= self.fetch_offset
        if self.sampling and self.sampling.by == "offset":
            tp = self.topic_partition
            chosen &= self.sampling.keeps_offsets(f"{tp.topic}/{tp.partition}", offsets)
        return chosen

    def _messages(self, data: bytes, table: RecordTable, offsets: Longs) -> Messages:
        """The records as messages; `offsets` are those of all records that were not broken, sampled out or not."""
        self.records_read += len(offsets)
        self.bytes_read += int((table.limits - table.begins).sum())
        gaps, self._gaps = tuple(sorted(self._gaps, key=lambda gap: gap.start)), []
        found = table.messages(self.topic_partition, data, self.next_fetch_offset, self.leader_epoch, gaps)
        if not self.sampling:
            return found
        if self.sampling.by != "offset":
            found = self.sampling.sample(found)
        else:
            places = np.searchsorted(offsets, found.offsets)
            left_out = np.diff(places, prepend=-1, append=len(offsets)) - 1
            found = replace(found, left_out=left_out)
        return found.compact()


def _buffer(parts: Sequence[Part]) -> tuple[bytes, list[Section]]:
    """One buffer with the records of all parts; not copied where they lie in one already."""
    buffers = {id(part[0]) for part in parts}
    if len(buffers) <= 1:
        return (parts[0][0] if parts else b""), [Section(*part[1:]) for part in parts]
    sections, place = [], 0
    for _, start, end, header in parts:
        sections.append(Section(place, place + end - start, header))
        place += end - start
    return b"".join([memoryview(data)[start:end] for data, start, end, _ in parts]), sections
