"""The command `driftd`. Heavy modules are imported inside the commands, so that `--help` and `--version` are fast."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from monitor import __version__
from monitor.memory import tune_memory

KEPT_MS = 5000
"""Milliseconds for which polars' allocator keeps free memory: asking for it anew costs a replay an eighth of its
processor time."""

SMALL = {
    # keeps free memory for 20 ms, and no large pieces for each thread
    "_RJEM_MALLOC_CONF": "narenas:1,dirty_decay_ms:20,muzzy_decay_ms:0,lg_tcache_max:11",
    # the thread that decodes is the second one already
    "POLARS_MAX_THREADS": "1",
}
"""What keeps a daemon small, which runs for years: it costs next to nothing where rows come bit by bit."""


def surroundings(arguments: list[str]) -> dict[str, str]:
    """What numpy and polars read from the environment when they are loaded.

    Args:
        arguments: of the command line.
    """
    found = {
        "OPENBLAS_NUM_THREADS": "1",  # threads for small products only cost
        # One arena: with one for each thread more lies about unused.
        "_RJEM_MALLOC_CONF": f"narenas:1,dirty_decay_ms:{KEPT_MS},muzzy_decay_ms:0",
    }
    return found | SMALL if arguments[:1] == ["run"] else found


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Let imports go on as if modules that are not loaded yet were not installed; afterwards they are."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment] # how Python is told so
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def main() -> None:
    """Run the command line; the process ends with the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"driftd {__version__}\n")
        return
    for name, value in surroundings(sys.argv[1:]).items():
        os.environ.setdefault(name, value)
    tune_memory()
    # structlog would load rich for the colours of tracebacks: 4 MB, and a tenth of the time of a start; and greenlet,
    # where something else has brought it along
    with without("rich", "greenlet"):
        import structlog  # noqa: F401
    from monitor.cli.application import run  # here: typer costs more than the answer above

    sys.exit(run(sys.argv[1:]))
