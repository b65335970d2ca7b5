"""How far each monitor has come: source positions, counts of records, and small documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from monitor.sources.base import Position
from monitor.state.database import Database


class Positions:
    """Where each monitor's source stands; a row for each partition, so that a commit writes what moved."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, monitor: str) -> Position | None:
        """The stored position, or None before the first commit."""
        rows = self._database.read("SELECT partition, value FROM positions WHERE monitor = ?", (monitor,))
        return Position({partition: orjson.loads(value) for partition, value in rows}) if rows else None

    def put(self, monitor: str, position: Position) -> None:
        """Replace the monitor's position; partitions that it no longer names are forgotten."""
        known: dict[str, str] = dict(
            self._database.read("SELECT partition, value FROM positions WHERE monitor = ?", (monitor,))
        )
        wanted = {name: orjson.dumps(value).decode() for name, value in position.to_json().items()}
        self._database.write_many(
            "INSERT OR REPLACE INTO positions (monitor, partition, value) VALUES (?, ?, ?)",
            [(monitor, name, value) for name, value in wanted.items() if known.get(name) != value],
        )
        self._database.write_many(
            "DELETE FROM positions WHERE monitor = ? AND partition = ?",
            [(monitor, name) for name in known.keys() - wanted.keys()],
        )


class Counts:
    """How many records ended in which outcome since the state file began."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, monitor: str) -> dict[str, int]:
        """Records by outcome."""
        return dict(self._database.read("SELECT outcome, rows FROM counts WHERE monitor = ?", (monitor,)))

    def add(self, monitor: str, outcomes: Mapping[str, int]) -> None:
        """Add to the counts."""
        self._database.write_many(
            "INSERT INTO counts (monitor, outcome, rows) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
            [(monitor, outcome, rows) for outcome, rows in outcomes.items() if rows],
        )


class Documents:
    """Small JSON values by key: watermarks, ordinals, detector memories, the book-keeping of windows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, monitor: str) -> dict[str, Any]:
        """Every document of the monitor."""
        rows = self._database.read("SELECT key, value FROM documents WHERE monitor = ?", (monitor,))
        return {key: orjson.loads(value) for key, value in rows}

    def get(self, monitor: str, key: str) -> Any:
        """One document, or None."""
        rows = self._database.read(
            "SELECT value FROM documents WHERE monitor = ? AND key = ?", (monitor, key)
        )
        return orjson.loads(rows[0][0]) if rows else None

    def put(self, monitor: str, key: str, value: object) -> None:
        """Store a JSON value, or replace it."""
        self._database.write(
            "INSERT OR REPLACE INTO documents (monitor, key, value) VALUES (?, ?, ?)",
            (monitor, key, orjson.dumps(value).decode()),
        )

    def delete(self, monitor: str, key: str) -> None:
        """Forget a document; well if there was none."""
        self._database.write("DELETE FROM documents WHERE monitor = ? AND key = ?", (monitor, key))
