"""One writer for each state file: an advisory lock on a file beside it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from monitor.state.errors import StateError, StateLockedError


class WriterLock:
    """An exclusive `flock` on `<state>.lock`, given back when the process ends, however it ends.

    The lock has a file of its own: closing a second descriptor of the state file would drop SQLite's locks.
    """

    def __init__(self, state: Path) -> None:
        """Take the lock.

        Raises:
            StateLockedError: another process has it; the message names its process id.
            StateError: the lock file cannot be made.
        """
        path = state.with_name(state.name + ".lock")
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            reason = error.strerror or str(error)
            raise StateError(
                f"cannot write beside the state file {state}: {reason}", "is the folder there, and writable?"
            ) from error
        try:
            self._take(state)
        except BaseException:
            self.release()
            raise

    def _take(self, state: Path) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            holder = os.read(self._descriptor, 32).decode(errors="replace").strip()
            who = f"process {holder}" if holder else "another process"
            hint = "one daemon for each state file"
            raise StateLockedError(f"{who} is using the state file {state}", hint) from error
        except OSError as error:
            hint = "is there room, and is it a local disk or volume?"
            raise StateError(f"cannot lock the state file {state}: {error.strerror}", hint) from error

    def release(self) -> None:
        """Give the lock back; the file stays, removing it would race with the next holder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
