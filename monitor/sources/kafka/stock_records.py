"""What a fetch brought, unpacked by kafka-python itself and then put into arrays: slow, and without assumptions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import dropwhile, islice
from typing import Any

from kafka.consumer.fetcher import ConsumerRecord, Fetcher
from kafka.errors import CorruptRecordError

from monitor.records import Gap
from monitor.sources.kafka.messages import Messages
from monitor.sources.kafka.record_batches import likely_end
from monitor.sources.kafka.sampling import Sampling

PIECE_RECORDS = 2000


class StockRecords(Fetcher.PartitionRecords):  # type: ignore[misc] # kafka-python has no types
    """Records of one partition in one fetch: `take` gives one `Messages` after the other.

    A broken batch is passed over and reported as a gap, as `FastRecords` does; of one whose check sum holds the records
    before the broken one are given.

    Attributes:
        sampling: which messages to keep; None: all.
    """

    sampling: Sampling | None = None
    record_iterator: Iterator[ConsumerRecord] | None
    next_fetch_offset: int

    def __init__(self, fetch_offset: int, tp: Any, records: Any, **options: Any) -> None:
        """Nothing is read yet; arguments of the class that this one stands for."""
        self._batches = _Batches(records)
        super().__init__(fetch_offset, tp, self._batches, **options)

    def take(self, n: int | None = None) -> list[Messages]:
        """The next piece; empty at the end.

        Raises:
            Exception: what kafka-python raises but for broken batches. The position stays before the batch.
        """
        error, before = self._next_inline_exception, self.next_fetch_offset
        if error is not None:
            self.drain()
            raise error
        records, gaps = self._read()
        if records or gaps or self.next_fetch_offset > before:
            return [self._piece(records, gaps)]
        return self.take(n) if self._next_inline_exception else []

    def _read(self) -> tuple[list[ConsumerRecord], list[Gap]]:
        """Records up to a piece, and the gaps among them; an error is put by for the next call."""
        records: list[ConsumerRecord] = []
        gaps: list[Gap] = []
        while self.record_iterator is not None and len(records) < PIECE_RECORDS:
            try:
                records.extend(islice(self.record_iterator, PIECE_RECORDS - len(records)))
            except CorruptRecordError:
                gaps.append(self._gap())
                self.next_fetch_offset = gaps[-1].end
                self.record_iterator = self._rest()
            except Exception as error:  # noqa: BLE001 - raised by the next call, so that no record is lost
                self._next_inline_exception = error
                break
        return records, gaps

    def _rest(self) -> Iterator[ConsumerRecord]:
        """The records after a broken batch."""
        found = self._unpack_records(self.topic_partition, self._batches, None, None)
        return dropwhile(self._maybe_skip_record, found)

    def _gap(self) -> Gap:
        position, batch = self.next_fetch_offset, self._batches.last
        end, size = position + 1, 0
        if batch is not None:
            base, size = batch.base_offset, batch.size_in_bytes
            end = likely_end(
                base, getattr(batch, "records_count", 1), getattr(batch, "next_offset", base + 1), position
            )
        return Gap(
            f"{self.topic_partition.topic}/{self.topic_partition.partition}", position, end, "corrupt", size
        )

    def _piece(self, records: list[ConsumerRecord], gaps: list[Gap]) -> Messages:
        tp, end = self.topic_partition, self.next_fetch_offset
        piece = (
            Messages.from_records(records, end) if records else Messages.empty(tp.topic, tp.partition, end)
        )
        piece = replace(piece, gaps=tuple(gaps), leader_epoch=self.leader_epoch)
        return self.sampling.sample(piece).compact() if self.sampling else piece


class _Batches:
    """The batches of a fetch; remembers the last one."""

    def __init__(self, records: Any) -> None:
        self._records = records
        self.last: Any = None

    def next_batch(self) -> Any:
        """The next batch; None after the last one, and after bytes that are none."""
        self.last = None
        records, self._records = self._records, None
        if records is not None:
            self.last = records.next_batch()
            self._records = records
        return self.last
