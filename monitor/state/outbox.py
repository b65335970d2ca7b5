"""Messages that wait for delivery, each under an id that never changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from monitor.state.database import Database, Row


class Delivery(StrEnum):
    """Where a message stands: `dead` ones wait for a person."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Message:
    """A message for one destination.

    Attributes:
        id: stable over retries and restarts; the receiver's key against repeats.
        destination: name of the sink or webhook.
        kind: `alert`, `window`, `retraining` or `dead_letters`.
        body: JSON value that the destination makes its request from.
        created_at: microseconds since the epoch.
        thread: messages of one thread (an alert's fingerprint) reach a destination in order; "" for none.
    """

    id: str
    destination: str
    kind: str
    body: dict[str, Any]
    created_at: int
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message in the outbox and how its delivery goes.

    Attributes:
        message: what is sent.
        state: see `Delivery`.
        attempts: calls that were made and failed, plus the one that succeeded.
        next_at: the next attempt is due then, microseconds since the epoch.
        give_up_from: the time that the dead-letter deadline counts from: creation, or the last manual retry.
        finished_at: when it was delivered or given up.
        error: words of the last failure.
    """

    message: Message
    state: Delivery
    attempts: int
    next_at: int
    give_up_from: int
    finished_at: int | None
    error: str


_SELECT = """
SELECT id, destination, kind, body, created_at, thread, state, attempts, next_at, give_up_from, finished_at,
    error
FROM outbox AS mine
"""
_SELECT_NEXT = "SELECT min(next_at) FROM outbox AS mine"


_READY = """
WHERE destination = ? AND state = 'pending' AND (thread = '' OR NOT EXISTS (
    SELECT 1 FROM outbox AS earlier
    WHERE earlier.state = 'pending' AND earlier.destination = mine.destination
    AND earlier.thread = mine.thread AND earlier.sequence < mine.sequence
))
"""


class Outbox:
    """Messages in order of creation; the pending ones are sent at least once under their id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, message: Message) -> bool:
        """Add a message; False when its id is known already, and nothing changes then."""
        added = self._database.write(
            "INSERT OR IGNORE INTO outbox "
            "(id, destination, kind, body, created_at, thread, next_at, give_up_from) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(message.id, message.destination, message.kind, orjson.dumps(message.body).decode()),
                *(message.created_at, message.thread, message.created_at, message.created_at),
            ),
        )
        return added == 1

    def due(self, destination: str, now: int, *, limit: int = 100) -> list[Entry]:
        """Pending messages whose time has come, oldest first, none before an earlier one of its thread."""
        rows = self._database.read(
            _SELECT + _READY + "AND next_at <= ? ORDER BY sequence LIMIT ?", (destination, now, limit)
        )
        return [_entry(row) for row in rows]

    def next_due(self, destination: str) -> int | None:
        """When the next message of a destination is due; None when nothing is pending."""
        rows = self._database.read(_SELECT_NEXT + _READY, (destination,))
        return rows[0][0] if rows else None

    def mark_delivered(self, message_id: str, *, at: int, keep_body: bool = True) -> None:
        """The destination took the message; where its body is not kept, an empty one stands in its place."""
        self._database.write(
            "UPDATE outbox SET state = 'delivered', attempts = attempts + 1, finished_at = ?, error = '', "
            "body = CASE WHEN ? THEN body ELSE '{}' END WHERE id = ?",
            (at, keep_body, message_id),
        )

    def mark_failed(self, message_id: str, *, next_at: int, error: str) -> None:
        """The attempt failed; there will be another at `next_at`."""
        self._database.write(
            "UPDATE outbox SET attempts = attempts + 1, next_at = ?, error = ? WHERE id = ?",
            (next_at, error, message_id),
        )

    def mark_dead(self, message_id: str, *, at: int, error: str) -> None:
        """The message is given up until a person asks for it again."""
        self._database.write(
            "UPDATE outbox SET state = 'dead', attempts = attempts + 1, finished_at = ?, error = ? "
            "WHERE id = ?",
            (at, error, message_id),
        )

    def retry(self, message_ids: Collection[str], *, at: int) -> int:
        """Send messages again, dead or pending ones, from `at` on; how many there were."""
        return sum(
            self._database.write(
                "UPDATE outbox SET state = 'pending', attempts = 0, next_at = ?, give_up_from = ?, "
                "finished_at = NULL WHERE id = ? AND state <> 'delivered'",
                (at, at, message_id),
            )
            for message_id in message_ids
        )

    def find(
        self, *, state: Delivery | None = None, destination: str | None = None, limit: int = 100
    ) -> list[Entry]:
        """Messages, the latest first."""
        rows = self._database.read(
            _SELECT
            + """WHERE state = coalesce(?, state) AND destination = coalesce(?, destination)
            ORDER BY sequence DESC LIMIT ?""",
            (state, destination, limit),
        )
        return [_entry(row) for row in rows]

    def get(self, message_id: str) -> Entry | None:
        """One message."""
        rows = self._database.read(_SELECT + "WHERE id = ?", (message_id,))
        return _entry(rows[0]) if rows else None

    def counts(self) -> dict[tuple[str, Delivery], int]:
        """How many messages of each destination stand where."""
        rows = self._database.read(
            "SELECT destination, state, count(*) FROM outbox GROUP BY destination, state"
        )
        return {(destination, Delivery(state)): number for destination, state, number in rows}

    def pending(self, destination: str) -> int:
        """How many messages wait for one destination."""
        counted = self._database.read(
            "SELECT count(*) FROM outbox WHERE destination = ? AND state = 'pending'", (destination,)
        )
        return int(counted[0][0])

    def prune(self, before: int) -> int:
        """Forget messages that were delivered or given up before this time; how many."""
        return self._database.write(
            "DELETE FROM outbox WHERE state <> 'pending' AND finished_at < ?", (before,)
        )


def _entry(row: Row) -> Entry:
    identifier, destination, kind, body, created_at, thread, state, *rest = row
    message = Message(identifier, destination, kind, orjson.loads(body), created_at, thread)
    return Entry(message, Delivery(state), *rest)
