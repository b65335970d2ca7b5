"""One SQLite connection that several threads may use, one at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from monitor.state.errors import StateError, damaged, explain
from monitor.state.lock import WriterLock
from monitor.state.schema import APPLICATION_ID, HISTORY, MIGRATIONS

Row = tuple[Any, ...]

JOURNAL_BYTES = 64 * 2**20
"""What the write-ahead log is cut back to after a large transaction."""

CHECKED_WHOLE_BYTES = 64 * 2**20
"""Files up to this size are checked page by page at every start, larger ones without their history."""


class Database:
    """The connection, its lock and its transactions.

    The state file has exactly one read-write connection (SQLite 3.40 can lose a commit when several writers
    meet a WAL reset), so the threads of the daemon share it under a lock; other processes read through
    connections of their own.
    """

    def __init__(self, connection: sqlite3.Connection, name: str, lock: WriterLock | None = None) -> None:
        self.name = name
        self._connection = connection
        self._writer_lock = lock
        self._guard = threading.RLock()
        self._depth = 0

    @classmethod
    def open(cls, path: Path, *, read_only: bool) -> Database:
        """Open the file, make it where it does not exist (unless `read_only`), and check that it is sound.

        Raises:
            StateError: the file is damaged, in use by another daemon, of a newer driftd, or out of reach.
        """
        lock = None if read_only else WriterLock(path)
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(path.absolute()))}?mode={'ro' if read_only else 'rwc'}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=5.0,
            )
            try:
                _prepare(connection, path, read_only=read_only)
            except BaseException:
                connection.close()
                raise
        except BaseException as error:
            if lock is not None:
                lock.release()
            if isinstance(error, sqlite3.Error):
                raise explain(error, str(path)) from error
            raise
        return cls(connection, str(path), lock)

    @classmethod
    def memory(cls) -> Database:
        """A database that ends with the process."""
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection, ":memory:")
        return cls(connection, ":memory:")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside become durable together, or none does; an inner one joins the outer one."""
        with self._guard:
            if self._depth == 0:
                self._run("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._roll_back()
                raise
            self._depth -= 1
            if self._depth == 0:
                self._commit()

    def _commit(self) -> None:
        try:
            self._run("COMMIT")
        except StateError:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows that a SELECT gives."""
        with self._guard:
            return self._run(sql, parameters).fetchall()

    def write(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Change rows inside a transaction; the number of rows changed."""
        with self._guard:
            self._require_transaction()
            return self._run(sql, parameters).rowcount

    def write_returning(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Change rows inside a transaction; what the RETURNING clause gives."""
        with self._guard:
            self._require_transaction()
            return self._run(sql, parameters).fetchall()

    def write_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Change rows inside a transaction, once for each of `rows`."""
        with self._guard:
            self._require_transaction()
            try:
                self._connection.executemany(sql, rows)
            except sqlite3.Error as error:
                raise explain(error, self.name) from error

    def close(self) -> None:
        """Give back the connection and the writer's lock; may be called twice."""
        with self._guard:
            self._connection.close()
        if self._writer_lock is not None:
            self._writer_lock.release()

    def _require_transaction(self) -> None:
        if self._depth == 0:
            raise RuntimeError("writes to the state belong into a transaction")

    def _run(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, parameters)
        except sqlite3.Error as error:
            raise explain(error, self.name) from error


def _prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    _check(connection, path)
    if read_only:
        if _version(connection) != len(MIGRATIONS):
            raise StateError(
                f"the state file {path} is of another version of driftd",
                "start the daemon once to bring it up to date",
            )
        return
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        hint = "put it on a local disk or volume"
        raise StateError(f"the file system under the state file {path} cannot share memory", hint)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: to the disk, not only to its cache
    connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
    _migrate(connection, str(path))


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is damaged or not ours; pages of the history only where the file is small."""
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    if tables and connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise damaged(str(path), "it is a database of another program")
    if path.stat().st_size <= CHECKED_WHOLE_BYTES:
        checks = ["PRAGMA quick_check(1)"]
    else:
        checks = [f"PRAGMA quick_check({name})" for name in tables if name not in HISTORY]
    for check in checks:
        finding = connection.execute(check).fetchone()[0]
        if finding != "ok":
            raise damaged(str(path), finding)


def _migrate(connection: sqlite3.Connection, name: str) -> None:
    version = _version(connection)
    if version > len(MIGRATIONS):
        raise StateError(
            f"the state file {name} was written by a newer driftd", "use that version, or another state file"
        )
    for number in range(version, len(MIGRATIONS)):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA application_id = {APPLICATION_ID}; "
            f"PRAGMA user_version = {number + 1}; COMMIT;",
        )
