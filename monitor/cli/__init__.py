"""The command `driftd`. Heavy modules are imported inside the commands, so that `--help` and `--version` are fast."""

from __future__ import annotations

import os
import sys

from monitor import __version__


def main() -> None:
    """Run the command line; the process ends with the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"driftd {__version__}\n")
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: threads for small products only cost
    from monitor.cli.application import run  # here: typer costs more than the answer above

    sys.exit(run(sys.argv[1:]))
