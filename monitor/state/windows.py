"""The closed windows: verdicts, results and, for windows that later ones compare with, profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from monitor.state.database import Database, Row


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """One closed window.

    Attributes:
        monitor, version, segment, name: the window's series; `name` is the window spec's.
        start, end: microseconds since the epoch, or row numbers.
        rows: rows in the window.
        verdict: the worst verdict.
        results: findings as JSON values.
        closed_at: when it was closed by the daemon's clock, microseconds since the epoch; retention
            goes by it.
        id: number in the order of closing; 0 before it is stored.
    """

    monitor: str
    version: str
    segment: str
    name: str
    start: int
    end: int
    rows: int
    verdict: str
    results: list[dict[str, Any]]
    closed_at: int
    id: int = 0


@dataclass(frozen=True, slots=True)
class WindowFilter:
    """Which windows a query wants; None leaves a field open.

    Attributes:
        monitor, version, segment, name: equal to.
        verdicts: one of.
        ends_after, ends_before: bounds on `end`, exclusive and inclusive.
        before_id: windows stored before this one: the next page after the last id of a page.
    """

    monitor: str | None = None
    version: str | None = None
    segment: str | None = None
    name: str | None = None
    verdicts: Sequence[str] = ()
    ends_after: int | None = None
    ends_before: int | None = None
    before_id: int | None = None


_SELECT = """
SELECT monitor, version, segment, name, start, "end", rows, verdict, results, closed_at, id FROM windows
"""
_SELECT_PROFILES = (
    'SELECT start, "end", profile FROM windows JOIN window_profiles ON window = id '
    "WHERE monitor = ? AND version = ? AND segment = ? AND name = ? "
)
_CONDITIONS = {
    "monitor": "monitor = ?",
    "version": "version = ?",
    "segment": "segment = ?",
    "name": "name = ?",
    "ends_after": '"end" > ?',
    "ends_before": '"end" <= ?',
    "before_id": "id < ?",
}


class Windows:
    """History of closed windows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, window: StoredWindow, profile: bytes | None = None) -> int:
        """Store a window, or replace the one of the same series and span; its id."""
        (row,) = self._database.write_returning(
            'INSERT INTO windows (monitor, version, segment, name, start, "end", rows, verdict, results, '
            "closed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            'ON CONFLICT (monitor, version, segment, name, start, "end") DO UPDATE SET rows = excluded.rows, '
            "verdict = excluded.verdict, results = excluded.results, closed_at = excluded.closed_at "
            "RETURNING id",
            (
                *(window.monitor, window.version, window.segment, window.name, window.start, window.end),
                *(window.rows, window.verdict, orjson.dumps(window.results).decode(), window.closed_at),
            ),
        )
        if profile is not None:
            self._database.write("INSERT OR REPLACE INTO window_profiles VALUES (?, ?)", (row[0], profile))
        return int(row[0])

    def find(self, wanted: WindowFilter, *, limit: int = 100) -> list[StoredWindow]:
        """Windows that match, the latest stored first."""
        terms = [
            (sql, getattr(wanted, field))
            for field, sql in _CONDITIONS.items()
            if getattr(wanted, field) is not None
        ]
        clauses = [sql for sql, _ in terms]
        parameters: list[object] = [value for _, value in terms]
        if wanted.verdicts:
            clauses.append(f"verdict IN ({', '.join('?' * len(wanted.verdicts))})")
            parameters.extend(wanted.verdicts)
        where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
        rows = self._database.read(_SELECT + where + " ORDER BY id DESC LIMIT ?", (*parameters, limit))
        return [_window(row) for row in rows]

    def recent_profiles(
        self, monitor: str, version: str, segment: str, name: str, *, limit: int
    ) -> list[tuple[int, int, bytes]]:
        """(start, end, profile) of the latest windows of a series that have a profile, newest first."""
        rows = self._database.read(
            _SELECT_PROFILES + 'ORDER BY "end" DESC LIMIT ?', (monitor, version, segment, name, limit)
        )
        return [(start, end, profile) for start, end, profile in rows]

    def profile_at(self, monitor: str, version: str, segment: str, name: str, start: int) -> bytes | None:
        """The profile of the window of a series that began at `start`."""
        rows = self._database.read(
            _SELECT_PROFILES + "AND start = ?", (monitor, version, segment, name, start)
        )
        return rows[0][2] if rows else None

    def prune(self, before: int) -> int:
        """Forget windows that were closed before this time, with their profiles; how many."""
        return self._database.write("DELETE FROM windows WHERE closed_at < ?", (before,))


def _window(row: Row) -> StoredWindow:
    monitor, version, segment, name, start, end, rows, verdict, results, closed_at, number = row
    findings = orjson.loads(results)
    return StoredWindow(
        monitor, version, segment, name, start, end, rows, verdict, findings, closed_at, number
    )
