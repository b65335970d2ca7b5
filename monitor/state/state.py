"""The state file as the rest of driftd sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from monitor.state.alerts import Alerts
from monitor.state.database import Database
from monitor.state.outbox import Outbox
from monitor.state.panes import Panes
from monitor.state.progress import Counts, Documents, Positions
from monitor.state.runs import RetrainingRuns
from monitor.state.sources import Gaps, SourceItems
from monitor.state.windows import Windows


class State:
    """Everything that driftd must not forget, in one SQLite file.

    Reads may happen anywhere; writes only inside `transaction()`, and all of one transaction become durable
    together. Several threads may use the object; one that holds a transaction makes the others wait.
    """

    def __init__(self, database: Database, path: Path | None) -> None:
        self._database = database
        self.path = path
        self.positions = Positions(database)
        self.panes = Panes(database)
        self.windows = Windows(database)
        self.documents = Documents(database)
        self.counts = Counts(database)
        self.alerts = Alerts(database)
        self.outbox = Outbox(database)
        self.runs = RetrainingRuns(database)
        self.source_items = SourceItems(database)
        self.gaps = Gaps(database)

    @classmethod
    def open(cls, path: Path | str, *, read_only: bool = False) -> State:
        """Open a state file for writing, and make it if need be, or for reading beside a running daemon.

        Raises:
            StateLockedError: another process writes to it (never with `read_only`).
            StateDamagedError: the file is not a sound state file.
            StateError: it cannot be opened, or is of another version.
        """
        return cls(Database.open(Path(path), read_only=read_only), Path(path))

    @classmethod
    def memory(cls) -> State:
        """A state that ends with the process, for replays and tests."""
        return cls(Database.memory(), None)

    def reader(self) -> State:
        """A state for another thread to read from without waiting for writers; in memory it is this one."""
        return self if self.path is None else State.open(self.path, read_only=True)

    @contextmanager
    def transaction(self) -> Iterator[Self]:
        """All writes inside become durable together, or, when an exception leaves the block, none of them."""
        with self._database.transaction():
            yield self

    def prune(self, before: int) -> int:
        """Forget history from before this time (microseconds since the epoch); rows forgotten."""
        tables = (self.windows, self.alerts, self.outbox, self.runs, self.gaps)
        return sum(table.prune(before) for table in tables)

    def close(self) -> None:
        """Close the file and let another process have it; may be called twice."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
