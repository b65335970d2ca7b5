"""The command `driftd`. Heavy modules are imported inside the commands, so that `--help` and `--version` are fast."""

from __future__ import annotations

import sys

from monitor import __version__


def main() -> None:
    """Run the command line; the process ends with the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"driftd {__version__}\n")
        return
    from monitor.cli.application import run  # here: typer costs more than the answer above

    sys.exit(run(sys.argv[1:]))
