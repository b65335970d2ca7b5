"""Make one virtual environment for each peer that driftd is compared with.

    python benchmarks/peers.py DIRECTORY [NAME ...]

The peers' needs contradict each other (pandas, numpy, setuptools), so each gets an environment of its own with the
newest versions that work together on Python 3.11. Nothing of it is part of driftd.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PEERS = {
    "evidently": ("evidently>=0.7.23,<0.8", "pandas<3"),
    "nannyml": ("nannyml", "pandas<3", "statsmodels", "numpy<2.3"),
    "alibi-detect": ("alibi-detect", "pandas"),
    "whylogs": ("whylogs[viz]", "pandas<3", "numpy<2"),
    "deepchecks": ("deepchecks", "pandas<2.3", "numpy<2", "setuptools<80", "scikit-learn<1.6", "plotly<6"),
    "river": ("river", "pandas"),
}
"""Requirements of each peer; with pyarrow below 22, which still takes the numpy 1 that some of them need."""


def python_of(directory: Path, name: str) -> Path:
    """The interpreter of a peer's environment."""
    return directory / name / "bin" / "python"


def make(directory: Path, name: str) -> bool:
    """Make one environment; true where it can be used afterwards."""
    python = python_of(directory, name)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(directory / name)], check=True)
    quiet = ("--quiet", "--disable-pip-version-check")
    command = [str(python), "-m", "pip", "install", *quiet, *PEERS[name], "pyarrow<22"]
    return subprocess.run(command, check=False).returncode == 0


def main(arguments: list[str]) -> int:
    """Make all that are named, or all; 1 where one could not be made."""
    if not arguments:
        print(__doc__)
        return 2
    directory = Path(arguments[0])
    failed = [name for name in arguments[1:] or PEERS if not make(directory, name)]
    for name in failed:
        print(f"{name} could not be installed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
