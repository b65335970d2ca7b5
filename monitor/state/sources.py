"""What sources leave in the state beside their positions: values of their own, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.records import Gap
from monitor.state.database import Database


@dataclass(frozen=True, slots=True)
class SourceStore:
    """The values that one monitor's source keeps; see `monitor.sources.base.Store`."""

    database: Database
    monitor: str

    def put(self, kind: str, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Write values by key, new ones and others."""
        self.database.write_many(
            "INSERT OR REPLACE INTO source_items (monitor, kind, key, value) VALUES (?, ?, ?, ?)",
            [(self.monitor, kind, key, value) for key, value in items],
        )

    def delete(self, kind: str, keys: Iterable[bytes]) -> None:
        """Forget values; well if there are none."""
        self.database.write_many(
            "DELETE FROM source_items WHERE monitor = ? AND kind = ? AND key = ?",
            [(self.monitor, kind, key) for key in keys],
        )

    def load(self, kind: str) -> list[tuple[bytes, bytes]]:
        """All values of a kind, by key in ascending order."""
        query = "SELECT key, value FROM source_items WHERE monitor = ? AND kind = ? ORDER BY key"
        return [(bytes(key), bytes(value)) for key, value in self.database.read(query, (self.monitor, kind))]


class SourceItems:
    """Values that sources keep, by monitor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, monitor: str) -> SourceStore:
        """The values of one monitor's source."""
        return SourceStore(self._database, monitor)


class Gaps:
    """Records that were missing in the sources, by monitor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, monitor: str) -> list[Gap]:
        """The monitor's gaps by partition and place."""
        query = (
            'SELECT partition, start, "end", reason, bytes FROM gaps WHERE monitor = ? '
            'ORDER BY partition, start, "end", reason'
        )
        return [Gap(*row) for row in self._database.read(query, (monitor,))]

    def put(self, monitor: str, gaps: Iterable[Gap], found_at: int) -> None:
        """Note gaps; one that is known already is left as it was.

        Args:
            monitor: whose source.
            gaps: what is missing.
            found_at: wall time, microseconds since the epoch.
        """
        self._database.write_many(
            'INSERT OR IGNORE INTO gaps (monitor, partition, start, "end", reason, bytes, found_at) '
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(monitor, g.partition, g.start, g.end, g.reason, g.bytes, found_at) for g in gaps],
        )

    def prune(self, before: int) -> int:
        """Forget gaps that were found before this time; how many."""
        return self._database.write("DELETE FROM gaps WHERE found_at < ?", (before,))
