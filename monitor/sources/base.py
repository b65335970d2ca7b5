"""What a source of records is: it is polled for batches and can be sent back to a position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from monitor.records import RecordBatch


@dataclass(frozen=True, slots=True)
class Position:
    """Where a source stands: for each partition (a file, a Kafka partition) what has been read.

    Opaque to everybody but the source that made it. `partitions` maps the partition's name to JSON values.
    """

    partitions: dict[str, dict[str, Any]]

    def to_json(self) -> dict[str, dict[str, Any]]:
        """JSON values from which `Position(...)` is made again."""
        return self.partitions


class SourceError(Exception):
    """The source cannot be read now; the loop waits with back-off and readiness tells the reason."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Source(Protocol):
    """A stream of record batches. Not thread-safe: only the loop touches it."""

    def poll(self, timeout_seconds: float) -> RecordBatch | None:
        """The next rows in the source's order, or None when there is nothing (new) to read.

        The batch's `position` is the place after it. Rows that cannot be read are in its `rejects`, never raised.

        Raises:
            SourceError: the source is out of reach.
        """
        ...

    def seek(self, position: Position) -> None:
        """Go on from a position that an earlier batch carried; called before the first poll."""
        ...

    @property
    def exhausted(self) -> bool:
        """True when everything that exists now has been read (files), never true for endless streams."""
        ...

    @property
    def behind(self) -> frozenset[str]:
        """Partitions that are known to hold unread rows now: they hold the watermark back."""
        ...

    @property
    def size_bytes(self) -> tuple[int, int]:
        """(read so far, known in all), for progress; (0, 0) where unknown."""
        ...

    def close(self) -> None:
        """Give back files and connections; may be called twice."""
        ...
