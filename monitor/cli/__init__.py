"""The command `driftd`. Heavy modules are imported inside the commands, so that `--help` and `--version` are fast."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

from monitor import __version__

KEPT_MS, KEPT_MS_BY_DAEMON = 5000, 20
"""Milliseconds for which polars' allocator keeps free memory. Asking for it anew costs a replay an eighth of its
processor time; a daemon stays small for years, and 20 ms cost it next to nothing."""


M_ARENA_MAX = -8
"""The parameter's number in malloc.h."""


def surroundings(arguments: list[str]) -> dict[str, str]:
    """What numpy and polars read from the environment when they are loaded.

    Args:
        arguments: of the command line.
    """
    kept = KEPT_MS_BY_DAEMON if arguments[:1] == ["run"] else KEPT_MS
    return {
        "OPENBLAS_NUM_THREADS": "1",  # threads for small products only cost
        # One arena: with one for each thread more lies about unused.
        "_RJEM_MALLOC_CONF": f"narenas:1,dirty_decay_ms:{kept},muzzy_decay_ms:0",
    }


def one_arena() -> None:
    """Let glibc serve all threads from one arena: with one for each, more of what was freed lies about unused.

    Nothing happens where there is another C library. To be called before there is a second thread.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def main() -> None:
    """Run the command line; the process ends with the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"driftd {__version__}\n")
        return
    for name, value in surroundings(sys.argv[1:]).items():
        os.environ.setdefault(name, value)
    one_arena()
    from monitor.cli.application import run  # here: typer costs more than the answer above

    sys.exit(run(sys.argv[1:]))
