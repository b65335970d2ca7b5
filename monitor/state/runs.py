"""Retraining runs that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from monitor.state.database import Database


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A retraining call: its id, its causes, when (microseconds since the epoch) and the evidence sent."""

    id: str
    monitor: str
    causes: tuple[str, ...]
    requested_at: int
    value: dict[str, Any]


class RetrainingRuns:
    """The calls of each monitor; what the policy's cooldown and budget are counted from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, run: StoredRun, *, recorded_at: int) -> bool:
        """Remember a run; False when its id is known already, and nothing changes then.

        Args:
            run: the call; its `requested_at` is event time.
            recorded_at: wall time, microseconds since the epoch; retention goes by it.
        """
        added = self._database.write(
            "INSERT OR IGNORE INTO retraining_runs (id, monitor, causes, requested_at, value, recorded_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(run.id, run.monitor, " ".join(run.causes), run.requested_at),
                *(orjson.dumps(run.value).decode(), recorded_at),
            ),
        )
        return added == 1

    def of(
        self, monitor: str | None = None, *, since: int | None = None, limit: int = 100
    ) -> Sequence[StoredRun]:
        """Runs asked for at or after `since`, the latest first."""
        rows = self._database.read(
            "SELECT id, monitor, causes, requested_at, value FROM retraining_runs "
            "WHERE monitor = coalesce(?, monitor) AND requested_at >= coalesce(?, requested_at) "
            "ORDER BY requested_at DESC, id LIMIT ?",
            (monitor, since, limit),
        )
        return [
            StoredRun(i, m, tuple(causes.split()), at, orjson.loads(value))
            for i, m, causes, at, value in rows
        ]

    def times(self, monitor: str) -> list[int]:
        """When each run of a monitor was asked for, oldest first."""
        rows = self._database.read(
            "SELECT requested_at FROM retraining_runs WHERE monitor = ? ORDER BY requested_at", (monitor,)
        )
        return [at for (at,) in rows]

    def prune(self, before: int) -> int:
        """Forget runs recorded before this time; how many."""
        return self._database.write("DELETE FROM retraining_runs WHERE recorded_at < ?", (before,))
