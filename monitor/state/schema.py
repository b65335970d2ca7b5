"""The tables of the state file, and how a file of an older driftd is brought up to date."""

from __future__ import annotations

APPLICATION_ID = 0x64726674
"""`drft`, in the header of the file: tells it from other SQLite files."""

VERSION_1 = """
CREATE TABLE positions (
    monitor TEXT NOT NULL, partition TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (monitor, partition)
) WITHOUT ROWID;

CREATE TABLE panes (
    monitor TEXT NOT NULL, version TEXT NOT NULL, segment TEXT NOT NULL, series TEXT NOT NULL,
    start INTEGER NOT NULL, rows INTEGER NOT NULL, profile BLOB NOT NULL,
    PRIMARY KEY (monitor, version, segment, series, start)
);

CREATE TABLE windows (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    monitor TEXT NOT NULL, version TEXT NOT NULL, segment TEXT NOT NULL, name TEXT NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, rows INTEGER NOT NULL,
    verdict TEXT NOT NULL, results TEXT NOT NULL, closed_at INTEGER NOT NULL,
    UNIQUE (monitor, version, segment, name, start, "end")
);
CREATE INDEX windows_by_series ON windows (monitor, version, segment, name, "end");
CREATE INDEX windows_by_age ON windows (closed_at);

CREATE TABLE window_profiles (
    window INTEGER PRIMARY KEY REFERENCES windows (id) ON DELETE CASCADE, profile BLOB NOT NULL
);

CREATE TABLE documents (
    monitor TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (monitor, key)
) WITHOUT ROWID;

CREATE TABLE counts (
    monitor TEXT NOT NULL, outcome TEXT NOT NULL, rows INTEGER NOT NULL,
    PRIMARY KEY (monitor, outcome)
) WITHOUT ROWID;

CREATE TABLE alerts (
    fingerprint TEXT PRIMARY KEY, monitor TEXT NOT NULL, state TEXT NOT NULL, value TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX alerts_by_monitor ON alerts (monitor, state);

CREATE TABLE transitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL, monitor TEXT NOT NULL, state TEXT NOT NULL, value TEXT NOT NULL,
    at INTEGER NOT NULL, recorded_at INTEGER NOT NULL,
    UNIQUE (fingerprint, state, at)
);
CREATE INDEX transitions_by_age ON transitions (recorded_at);

CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, destination TEXT NOT NULL, kind TEXT NOT NULL, thread TEXT NOT NULL,
    body TEXT NOT NULL, created_at INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0, next_at INTEGER NOT NULL, give_up_from INTEGER NOT NULL,
    finished_at INTEGER, error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX outbox_pending ON outbox (destination, thread, sequence) WHERE state = 'pending';
CREATE INDEX outbox_by_age ON outbox (finished_at) WHERE state <> 'pending';

CREATE TABLE retraining_runs (
    id TEXT PRIMARY KEY, monitor TEXT NOT NULL, causes TEXT NOT NULL, requested_at INTEGER NOT NULL,
    value TEXT NOT NULL, recorded_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX retraining_runs_by_time ON retraining_runs (monitor, requested_at);
"""

VERSION_2 = """
CREATE TABLE source_items (
    monitor TEXT NOT NULL, kind TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (monitor, kind, key)
);

CREATE TABLE gaps (
    monitor TEXT NOT NULL, partition TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    reason TEXT NOT NULL, bytes INTEGER NOT NULL, found_at INTEGER NOT NULL,
    PRIMARY KEY (monitor, partition, start, "end", reason)
) WITHOUT ROWID;
CREATE INDEX gaps_by_age ON gaps (found_at);
"""

MIGRATIONS: tuple[str, ...] = (VERSION_1, VERSION_2)
"""Script number i brings a file from version i to i + 1; a script that was released is never changed."""

HISTORY = frozenset({"windows", "window_profiles"})
"""Tables that grow with time; in a large file they are not read through at every start."""
