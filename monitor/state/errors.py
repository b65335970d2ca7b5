"""What can go wrong with the state file, in words for the operator."""

from __future__ import annotations

import sqlite3


class StateError(Exception):
    """The state file cannot be used; driftd stops and never runs on with half a state."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class StateLockedError(StateError):
    """Another driftd holds the state file."""


class StateDamagedError(StateError):
    """The file is not a sound state file."""


class DiskFullError(StateError):
    """There is no room for the next commit; the last one is whole."""


_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_EXPLANATIONS: dict[int, tuple[type[StateError], str, str]] = {
    sqlite3.SQLITE_FULL: (
        DiskFullError,
        "no room left to write the state file {path}",
        "free space on its disk and start driftd again",
    ),
    sqlite3.SQLITE_BUSY: (
        StateLockedError,
        "another process is writing to the state file {path}",
        "one daemon for each state file",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StateError,
        "cannot open the state file {path}",
        "does the folder exist, and may this user write to it?",
    ),
    sqlite3.SQLITE_READONLY: (
        StateError,
        "the state file {path} is read-only",
        "may this user write to the file and its folder?",
    ),
    sqlite3.SQLITE_IOERR: (
        StateError,
        "the disk failed under the state file {path}",
        "look at the system's log for disk errors",
    ),
}
_PRIMARY_CODE = 0xFF


def explain(error: sqlite3.Error, path: str) -> StateError:
    """The error that tells the operator what to do about what SQLite said of the file at `path`."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & _PRIMARY_CODE
    if code in _DAMAGED:
        return damaged(path, str(error))
    kind, what, hint = _EXPLANATIONS.get(code, (StateError, "the state file {path} cannot be used", ""))
    return kind(f"{what.format(path=path)}: {error}", hint)


def damaged(path: str, finding: str) -> StateDamagedError:
    """The error for a file that is not what driftd wrote."""
    return StateDamagedError(
        f"the state file {path} is damaged: {finding}",
        "restore it from a backup, or move it away to begin anew; history and open windows are lost then",
    )
