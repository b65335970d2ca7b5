"""Alert states and the record of their changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from monitor.state.database import Database


@dataclass(frozen=True, slots=True)
class StoredTransition:
    """One change of an alert's state; `value` is the alert as JSON, `at` event time in microseconds."""

    fingerprint: str
    monitor: str
    state: str
    value: dict[str, Any]
    at: int


class Alerts:
    """The latest state of each alert, by fingerprint, and what changed when."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self, monitor: str, fingerprint: str, state: str, value: dict[str, Any], *, updated_at: int
    ) -> None:
        """Store an alert's state, or replace it."""
        self._database.write(
            "INSERT OR REPLACE INTO alerts (fingerprint, monitor, state, value, updated_at) "
            "VALUES (?, ?, ?, ?, ?)",
            (fingerprint, monitor, state, orjson.dumps(value).decode(), updated_at),
        )

    def of(self, monitor: str | None = None, *, state: str | None = None) -> dict[str, dict[str, Any]]:
        """Alerts as JSON values by fingerprint."""
        rows = self._database.read(
            "SELECT fingerprint, value FROM alerts "
            "WHERE monitor = coalesce(?, monitor) AND state = coalesce(?, state)",
            (monitor, state),
        )
        return {fingerprint: orjson.loads(value) for fingerprint, value in rows}

    def record(self, transition: StoredTransition, *, recorded_at: int) -> None:
        """Remember a change of state; the same change is remembered once. Retention goes by `recorded_at`."""
        self._database.write(
            "INSERT OR IGNORE INTO transitions (fingerprint, monitor, state, value, at, recorded_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(transition.fingerprint, transition.monitor, transition.state),
                *(orjson.dumps(transition.value).decode(), transition.at, recorded_at),
            ),
        )

    def history(self, monitor: str | None = None, *, limit: int = 100) -> list[StoredTransition]:
        """Changes of state, the latest first."""
        rows = self._database.read(
            "SELECT fingerprint, monitor, state, value, at FROM transitions "
            "WHERE monitor = coalesce(?, monitor) ORDER BY id DESC LIMIT ?",
            (monitor, limit),
        )
        return [StoredTransition(f, m, state, orjson.loads(value), at) for f, m, state, value, at in rows]

    def counts(self) -> dict[tuple[str, str], int]:
        """How many alerts of each monitor are in each state."""
        rows = self._database.read("SELECT monitor, state, count(*) FROM alerts GROUP BY monitor, state")
        return {(monitor, state): number for monitor, state, number in rows}

    def prune(self, before: int) -> int:
        """Forget resolved alerts and changes from before this time; how many rows."""
        alerts = self._database.write(
            "DELETE FROM alerts WHERE state = 'resolved' AND updated_at < ?", (before,)
        )
        return alerts + self._database.write("DELETE FROM transitions WHERE recorded_at < ?", (before,))
