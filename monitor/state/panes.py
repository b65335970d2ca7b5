"""The open panes: profiles of spans that some window still needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.state.database import Database


@dataclass(frozen=True, slots=True)
class StoredPane:
    """One pane as it lies in the state file.

    Attributes:
        version, segment: what the rows belong to; "" where the monitor has none.
        start: microseconds since the epoch, or a row number.
        rows: rows in the pane.
        profile: bytes of the profile.
        series: tells panes of different kinds apart (of time, of rows); "" where there is one kind.
    """

    version: str
    segment: str
    start: int
    rows: int
    profile: bytes
    series: str = ""


class Panes:
    """Panes by (monitor, version, segment, series, start)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, monitor: str) -> list[StoredPane]:
        """All panes of a monitor, oldest first."""
        rows = self._database.read(
            "SELECT version, segment, start, rows, profile, series FROM panes "
            "WHERE monitor = ? ORDER BY start, version, segment, series",
            (monitor,),
        )
        return [StoredPane(*row) for row in rows]

    def put(self, monitor: str, panes: Iterable[StoredPane]) -> None:
        """Store panes, or replace those with the same key."""
        self._database.write_many(
            "INSERT OR REPLACE INTO panes (monitor, version, segment, series, start, rows, profile) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(monitor, p.version, p.segment, p.series, p.start, p.rows, p.profile) for p in panes],
        )

    def delete_before(self, monitor: str, start: int, *, series: str = "") -> None:
        """Forget the panes of a series that start before `start`, for all versions and segments."""
        self._database.write(
            "DELETE FROM panes WHERE monitor = ? AND series = ? AND start < ?", (monitor, series, start)
        )

    def delete(self, monitor: str, version: str, segment: str, before: int, *, series: str = "") -> None:
        """Forget the panes of one version and segment that start before `before`."""
        self._database.write(
            "DELETE FROM panes "
            "WHERE monitor = ? AND version = ? AND segment = ? AND series = ? AND start < ?",
            (monitor, version, segment, series, before),
        )
