"""The command `driftd`. Heavy modules are imported inside the commands, so that `--help` and `--version` are fast."""

from __future__ import annotations

import os
import sys

from monitor import __version__

_BEFORE_IMPORTS = {
    "OPENBLAS_NUM_THREADS": "1",  # threads for small products only cost
    "_RJEM_MALLOC_CONF": "narenas:1,dirty_decay_ms:200,muzzy_decay_ms:0",
}
"""What numpy and polars read when they are loaded. The second is for polars' allocator: one arena, and memory that
was free for 0.2 s goes back; with an arena for each thread and its own times the daemon holds a fifth more."""


def main() -> None:
    """Run the command line; the process ends with the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"driftd {__version__}\n")
        return
    for name, value in _BEFORE_IMPORTS.items():
        os.environ.setdefault(name, value)
    from monitor.cli.application import run  # here: typer costs more than the answer above

    sys.exit(run(sys.argv[1:]))
