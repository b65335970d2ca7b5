"""What a source of records is: it is polled for batches and can be sent back to a position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

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


class PartitionsLostError(SourceError):
    """Somebody else may be reading what was read here since the last commit: it must not count here.

    The engine forgets what it has not committed and sends the source back to the committed position.
    """


class Store(Protocol):
    """Small values that a source keeps in the state, in the same transactions as its position."""

    def put(self, kind: str, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Write values by key, new ones and others."""
        ...

    def delete(self, kind: str, keys: Iterable[bytes]) -> None:
        """Forget values; well if there are none."""
        ...

    def load(self, kind: str) -> list[tuple[bytes, bytes]]:
        """All values of a kind, by key in ascending order."""
        ...


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What a source says of itself for the metrics and readiness.

    Attributes:
        trouble: why it cannot be read as it should, although what was fetched goes on; "" when all is well.
        hint: what to do about it.
        began: whether it could be read as it should at some time.
        lag_records, lag_seconds: what is still to be read, by topic; a topic of which nobody knows is not among them.
        partition_lag: the same in records by (topic, partition).
        assigned: number of partitions that are read here, by topic.
        counters: totals since the process began, by name (see `monitor.metrics.sources`) and topic.
        gauges: other figures, by name.
    """

    trouble: str = ""
    hint: str = ""
    began: bool = True
    lag_records: Mapping[str, int] = field(default_factory=dict)
    lag_seconds: Mapping[str, float] = field(default_factory=dict)
    partition_lag: Mapping[tuple[str, str], int] = field(default_factory=dict)
    assigned: Mapping[str, int] = field(default_factory=dict)
    counters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)


class Source(Protocol):
    """A stream of record batches. Not thread-safe: only the loop touches it."""

    def poll(self, timeout_seconds: float) -> RecordBatch | None:
        """The next rows in the source's order, or None when there is nothing (new) to read.

        The batch's `position` is the place after it. Rows that cannot be read are in its `rejects`, never raised.

        Raises:
            SourceError: the source is out of reach.
            PartitionsLostError: see there.
        """
        ...

    def seek(self, position: Position) -> None:
        """Go on from a position that an earlier batch carried, an empty one is the start.

        Called before the first poll, and after `PartitionsLostError`.
        """
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


class SharedSource(Source, Protocol):
    """A source that shares its partitions with other processes, or has more to remember than its position."""

    def listen(self, wake: Callable[[], None]) -> None:
        """Call this, from any thread, when there is much to take or a commit is wanted: the loop may be asleep."""
        ...

    @property
    def assigned(self) -> frozenset[str]:
        """Partitions that are followed here: rows may come from each at any time."""
        ...

    @property
    def commit_wanted(self) -> bool:
        """The source waits for a commit now: a partition is about to be given up."""
        ...

    def before_commit(self) -> None:
        """Called right before the state is written.

        Raises:
            PartitionsLostError: what was read since the last commit may be somebody else's by now.
        """
        ...

    def committed(self, position: Position | None) -> None:
        """The state up to this position is durable: others may be told, partitions may go."""
        ...

    def save(self, store: Store) -> None:
        """Write what changed since the last call; inside the transaction that writes the position."""
        ...

    def load(self, store: Store) -> None:
        """Take up what `save` wrote; called before `seek`."""
        ...

    def report(self) -> SourceReport:
        """How it stands, cheaply: it is asked about once a second."""
        ...


@runtime_checkable
class _Shared(Protocol):
    def before_commit(self) -> None: ...


def shared(source: Source) -> SharedSource | None:
    """The source as a shared one, or None where it has a position only."""
    return cast("SharedSource", source) if isinstance(source, _Shared) else None
