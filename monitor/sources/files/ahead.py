"""One batch ahead: the next is read and decoded while the loop is busy with the present one."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from monitor.records import RecordBatch
from monitor.sources.base import Position, Source


@dataclass(frozen=True, slots=True)
class _Look:
    """A batch, and what the source said of itself right after it."""

    batch: RecordBatch | None
    exhausted: bool
    behind: frozenset[str]
    size_bytes: tuple[int, int]


class ReadAhead:
    """A source that keeps the next batch of another one ready; nobody sees any other difference.

    One thread at a time touches the other source. Errors are raised where its batch would have come.
    """

    def __init__(self, source: Source) -> None:
        """Nothing is read before the first poll."""
        self._source = source
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="driftd-read-ahead")
        self._next: Future[_Look] | None = None
        self._last = self._said(None)

    def poll(self, timeout_seconds: float) -> RecordBatch | None:
        """The next rows; see `Source.poll`."""
        ready, self._next = self._next, None
        self._last = self._look(timeout_seconds) if ready is None else ready.result()
        if self._last.batch is not None:
            self._next = self._pool.submit(self._look, 0.0)
        return self._last.batch

    def seek(self, position: Position) -> None:
        """Go on from a position; see `Source.seek`."""
        self._settle()
        self._source.seek(position)
        self._last = self._said(None)

    @property
    def exhausted(self) -> bool:
        """See `Source.exhausted`; as it was after the batch that was polled last."""
        return self._last.exhausted

    @property
    def behind(self) -> frozenset[str]:
        """See `Source.behind`; as it was after the batch that was polled last."""
        return self._last.behind

    @property
    def size_bytes(self) -> tuple[int, int]:
        """See `Source.size_bytes`; as it was after the batch that was polled last."""
        return self._last.size_bytes

    def close(self) -> None:
        """Wait for what is being read, and give back the files."""
        self._settle()
        self._pool.shutdown()
        self._source.close()

    def _settle(self) -> None:
        """Let nothing be under way, and forget what was read ahead."""
        ready, self._next = self._next, None
        if ready is not None and not ready.cancel():
            ready.exception()

    def _look(self, timeout_seconds: float) -> _Look:
        return self._said(self._source.poll(timeout_seconds))

    def _said(self, batch: RecordBatch | None) -> _Look:
        source = self._source
        return _Look(batch, source.exhausted, source.behind, source.size_bytes)
